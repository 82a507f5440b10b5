"""WS <= RP <= EEV is a hard check."""

import numpy as np
import pytest

from capacity_opt import VerificationError, value_of_uncertainty
from capacity_opt.fleet import uncertainty
from capacity_opt.fleet.example import example_problem
from capacity_opt.solvers.stochastic.ordering import require_order


def test_rounding_is_no_fault_and_neither_is_an_impossible_mean_plan():
    require_order(("WS", 100.00005, 100.0), ("RP", 99.0, 100.0), ("EEV", -np.inf, np.inf))


def test_a_wait_and_see_cost_above_the_optimum_is_refused(monkeypatch):
    monkeypatch.setattr(uncertainty, "_wait_and_see", lambda *_: (1700.0, 1690.0))
    with pytest.raises(VerificationError, match=r"wait-and-see cost must be <= the two-stage cost.*1690 > 1680"):
        value_of_uncertainty(example_problem())


def test_a_mean_plan_below_the_optimum_is_refused(monkeypatch):
    monkeypatch.setattr(uncertainty, "_cost_of_mean_plan", lambda *_: 1600.0)
    with pytest.raises(VerificationError, match=r"two-stage cost must be <= the mean plan's cost"):
        value_of_uncertainty(example_problem())
