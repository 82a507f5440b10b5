import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.run import execute
from tests.scenario.small import write

CASE = ("fleet.samples=15", "fleet.integer=false", "classes.penalty=0", "simulation.samples=4000")


def run(folder, out, *settings):
    text = (folder / "scenario.toml").read_text().replace("[frontier]\nvalues = [0.9, 0.99]\n", "")
    (folder / "scenario.toml").write_text(text)
    return execute(folder, out=out, set=[*CASE, *settings])


def test_calibrated_targets_are_kept_on_fresh_samples_where_plain_ones_are_not(tmp_path):
    plain = run(write(tmp_path / "a"), tmp_path / "one")
    raised = run(write(tmp_path / "b"), tmp_path / "two", "fleet.calibrate=true")
    assert plain.outcome.judged.kept is False
    assert raised.outcome.judged.kept is True
    assert raised.outcome.plan.objective > plain.outcome.plan.objective
    assert np.all(raised.outcome.judged.fill.value >= [0.99, 0.9])


def test_the_targets_that_are_reported_stay_the_scenarios(tmp_path):
    result = run(write(tmp_path / "a"), tmp_path / "one", "fleet.calibrate=true")
    table = result.tables["availability"].columns
    targets = [t for t, m in zip(table["target"], table["measure"]) if m == "fill"]
    assert targets == [0.99, 0.9]


def test_an_impossible_promise_stays_infeasible(tmp_path):
    with pytest.raises(co.CapacityError):
        run(
            write(tmp_path / "a"),
            tmp_path / "one",
            "fleet.calibrate=true",
            "server_types.order_limit=0",
            "options.limit=0",
            "initial_stock.servers=1",
        )
