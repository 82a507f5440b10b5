"""The master's guard: an optimum without a point is solved afresh, and never passed on."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt.solvers.stochastic.master import Master, master_of
from tests.solvers.stochastic.test_benders import random_program


@pytest.mark.parametrize(("worn", "reason"), [(1, "optimal"), (2, "limit")])
def test_an_optimum_without_a_point_is_solved_once_more(worn, reason, monkeypatch):
    master = master_of(random_program(1))
    sound, seen = Master._point, []

    def point(self, engine):
        seen.append(engine)
        found = sound(self, engine)
        return replace(found, objective=np.nan, x=np.full_like(found.x, np.nan)) if len(seen) <= worn else found

    monkeypatch.setattr(Master, "_point", point)
    master.set_integer(False)
    master.box(1e6)
    told = master.solve(time_limit=10)
    assert told.reason == reason
    assert len(seen) == 2
    assert np.isfinite(told.objective) == (reason == "optimal")
