"""Sizing by decomposition and by one large program: the same cost, bound, availability and prices, feature by feature.

A longer run: ``python tests/agreement/test_fleet_decomposition.py FIRST LAST`` prints ``N tried, N agree``.
"""

import sys
from dataclasses import replace

import numpy as np
import pytest

from capacity_opt import ArgumentError, FleetPlan, InfeasibleError, size_fleet
from tests.fleet_features import FEATURES, random_fleet
from tests.fleet_problems import GivenPaths

REFUSED = {
    "chance",
    "protection_quantile",
    "zone_outages",
    "late_delivery",
    "recourse_orders",
}
RISKS = {"cvar_shortage", "cvar_cost"}
WHOLE, WHOLE_SECONDS = {"integer", "order_minimum", "stability"}, 3.0
"""Whole numbers in so many samples may end at this limit: the bounds must then still bracket the optimum."""

CLAIMED = tuple(name for name in FEATURES if name not in REFUSED | RISKS)


def problem_of(seed: int, share: float = 0.35):
    """A random problem with claimed features only, in up to 12 samples."""
    rng = np.random.default_rng(90_000 + seed)
    on = frozenset(name for name in CLAIMED if rng.random() < share)
    on |= {name for name, seeds in (("cvar_cost", (1, 3)), ("cvar_shortage", (2, 3))) if seed % 4 in seeds}
    on -= WHOLE if on & RISKS else frozenset()
    problem = random_fleet(seed, on)
    if "options" in on:
        problem = replace(problem, options=replace(problem.options, availability=np.ones(len(problem.options.names))))
    values, _ = problem.demand.draw(1, seed=0)
    count = int(rng.integers(1, 13))
    more = np.concatenate([values, np.round(rng.uniform(5, 30, (count, *values.shape[1:])), 1)])
    return replace(problem, demand=GivenPaths(more, rng.dirichlet(np.full(len(more), 4.0)))), on


def sized(problem, path: str, time_limit: float = 30.0) -> FleetPlan | None:
    risky = problem.finance.risk_weight > 0 or not np.isnan(problem.service.shortage_cvar_limit).all()
    how = {"path": path, "gap": 1e-6, "time_limit": time_limit}
    try:
        return size_fleet(problem, formulation="cvar" if risky else "two_stage", **how)
    except InfeasibleError:
        return None


def agree(seed: int, whole_seconds: float = WHOLE_SECONDS) -> bool:
    """Whether one problem has the same answer both ways; asserts that it has."""
    problem, on = problem_of(seed)
    one = sized(problem, "extensive")
    other = sized(problem, "decomposition", whole_seconds if on & WHOLE else 30.0)
    assert (one is None) == (other is None), (seed, sorted(on))
    if one is None or other is None:
        return False
    told = (seed, sorted(on), one.objective, other.objective, other.bound)
    assert "decomposition" in other.remarks[0], (*told, other.remarks)
    assert one.bound <= other.objective + 1e-6 * abs(other.objective) + 1e-6, told
    if other.status == "optimal":
        assert other.objective == pytest.approx(one.objective, rel=3e-6), told
    assert other.bound <= one.objective + 1e-6 * abs(one.objective) + 1e-6, told
    assert all(check.passed for check in other.checks), (seed, [c for c in other.checks if not c.passed])
    return True


@pytest.mark.parametrize("block", range(4))
def test_random_problems_have_the_same_answer_both_ways(block):
    solved = sum(agree(seed) for seed in range(8 * block, 8 * block + 8))
    assert solved >= 3


def test_path_is_chosen_by_size_and_said():
    problem = random_fleet(3, frozenset({"fill_rate"}))
    assert "path: extensive (about" in size_fleet(problem).remarks[0]
    with pytest.raises(ArgumentError, match="path must be one of"):
        size_fleet(problem, path="magic")
    late = random_fleet(1, frozenset({"late_delivery"}))
    with pytest.raises(ArgumentError, match="cannot be decomposed: deliveries differ between samples"):
        size_fleet(late, path="decomposition")


def test_promises_are_kept_in_the_samples():
    kept = 0
    for seed in range(60, 72):
        problem = random_fleet(seed, frozenset({"fill_rate", "spill"}))
        plan = sized(problem, "decomposition")
        if plan is None or problem.service.fill_rule != "per_class":
            continue
        kept += 1
        assert np.all(plan.availability.fill >= problem.service.fill_rate - 1e-6)
    assert kept > 0


def test_prices_of_unique_duals_agree():
    """With random data most optima have one dual: nearly all prices must be the same both ways."""
    same = total = 0
    for seed in range(80, 92):
        problem, _ = problem_of(seed, share=0.2)
        problem = replace(problem, integer=False)
        one, other = sized(problem, "extensive"), sized(problem, "decomposition")
        if one is None or other is None:
            continue
        theirs = {price.name: price.value for price in one.prices}
        ours = {price.name: price.value for price in other.prices}
        for name in theirs:
            total += 1
            same += ours.get(name, 0.0) == pytest.approx(theirs[name], rel=1e-3, abs=1e-3)
    assert total > 20
    assert same >= 0.8 * total


if __name__ == "__main__":
    first, last = int(sys.argv[1]), int(sys.argv[2])
    print(f"{last - first} tried, {last - first} agree, {sum(agree(s) for s in range(first, last))} feasible")
