"""What moved the cost between two runs: sums, single causes, and that no field of a problem is forgotten."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.problem.fleet import Stability
from capacity_opt.scenario import drivers as module
from capacity_opt.scenario.compare import CAUSES, compare_runs
from capacity_opt.scenario.drivers import DRIVERS, SETS, SETTLED, drivers, order_causes
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.run import execute
from tests.scenario import small

FAST = ("fleet.samples=5", "frontier.values=[0.9]", "simulation.samples=50", "simulation.periods=60")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the small scenario with further settings, once each."""
    folder, done = tmp_path_factory.mktemp("drivers"), {}
    small.write(folder / "s")

    def of(*settings):
        if settings not in done:
            done[settings] = PastRun(execute(folder / "s", out=folder / "runs", set=(*FAST, *settings)).folder)
        return done[settings]

    return of


def test_a_change_of_price_alone_has_price_as_its_only_cause(run):
    before, after = run(), run("server_types.price*=1.3")
    found = dict(drivers(before, after).steps)
    assert set(found) == {"price", "lots"}
    assert found["price"] > 0
    difference = after.manifest["objective"] - before.manifest["objective"]
    assert sum(found.values()) == pytest.approx(difference, abs=1e-9)


def test_causes_are_told_apart_and_sum_to_the_cent(run):
    before = run()
    after = run("server_types.opex*=1.2", "classes.penalty*=2", "seed=4")
    found = compare_runs(before, after, solve=True)
    names = [name for name, _ in found.drivers]
    assert names[0] == "before"
    assert names[-1] == "after"
    assert {"samples", "running_cost"} <= set(names)
    cents = [round(100 * amount) for _, amount in found.drivers]
    assert cents[0] + sum(cents[1:-1]) == cents[-1]


def test_turned_round_the_sum_turns_its_sign(run):
    one, other = run(), run("server_types.price*=1.3")
    there, back = (sum(amount for _, amount in drivers(*pair).steps) for pair in ((one, other), (other, one)))
    assert there == pytest.approx(-back)


def test_runs_of_different_sets_say_why_they_cannot_be_taken_apart(run, tmp_path):
    after = run("classes[class=standard].class=plain", "demand[class=standard].class=plain")
    found = compare_runs(run(), after, solve=True)
    assert found.drivers == ()
    assert "different demand classes" in found.why_no_drivers


def test_every_field_of_a_problem_is_a_cause_or_settled(tmp_path):
    problem = co.read_scenario(small.write(tmp_path / "s")).fleet
    given = []
    for field in fields(problem):
        value = getattr(problem, field.name)
        inside = is_dataclass(value) and field.name not in ("demand", "disruptions")
        given += [f"{field.name}.{inner.name}" for inner in fields(value)] if inside else [field.name]
    known = {path for paths in DRIVERS.values() for path in paths} | set(SETTLED) | set(SETS.values())
    assert set(given) - known - {"stability"} == {
        "sites.zone_region",
        "groups.group_class",
        "groups.home_region",
        "groups.home_zone",
    }
    assert {*DRIVERS, module.OTHER, module.SAMPLES, module.FORMULATION, module.LOTS} == set(CAUSES)


def test_a_part_that_only_one_problem_has_moves_as_a_whole(tmp_path):
    problem = co.read_scenario(small.write(tmp_path / "s")).fleet
    last = np.zeros_like(problem.supply.placed)
    target = replace(problem, stability=Stability(last=last, change_cost=np.ones(len(last))))
    moved = module._put(problem, "stability.last", last, target)
    assert moved.stability is target.stability


def test_orders_are_attributed_to_what_moved_them(run):
    found = drivers(run(), run("server_types.price*=1.3"))
    assert set(order_causes(found).values()) <= {"price"}
