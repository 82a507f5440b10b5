"""The cheapest dispatch under strict priority: against the exact linear programs, class by class, and simple rules."""

import numpy as np
import pytest

from capacity_opt.simulation.fleet import simulate_fleet
from tests.simulation.test_simulate_fleet import fleet, listed, plan, random_fleet


@pytest.mark.parametrize("seed", range(40))
def test_every_class_is_served_what_strict_priority_allows(seed):
    problem, decided = random_fleet(np.random.default_rng(seed), samples=3)
    exact = simulate_fleet(decided, problem, seed=1, dispatch="exact", shortage_worth=np.inf)
    best = simulate_fleet(decided, problem, seed=1, dispatch="optimal", shortage_worth=np.inf)
    np.testing.assert_allclose(best.served_by_sample, exact.served_by_sample, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_the_most_critical_class_never_gets_less_than_by_the_rules(seed):
    problem, decided = random_fleet(np.random.default_rng(900 + seed), samples=4)
    rules = simulate_fleet(decided, problem, seed=1, dispatch="greedy", shortage_worth=np.inf)
    best = simulate_fleet(decided, problem, seed=1, dispatch="optimal", shortage_worth=np.inf)
    assert np.all(best.served_by_sample[:, 0] >= rules.served_by_sample[:, 0] * (1 - 1e-6) - 1e-6)


@pytest.mark.parametrize(("worth", "units"), [(4.9, 0.0), (5.1, 6.0)])
def test_capacity_is_bought_only_while_its_price_is_within_the_worth_of_the_shortage(worth, units):
    problem = fleet(
        listed([[16.0]]), option_names=("rented",), option_kind=("on_demand",), option_price=np.array([[5.0]]),
        option_limit=np.array([[np.inf]]), penalty=1.0,
    )  # fmt: skip
    judged = simulate_fleet(plan(problem, racks=10), problem, seed=1, shortage_worth=worth)
    assert judged.cost["on_demand"].value == pytest.approx(5 * units)
    assert judged.unmet.value[0] == pytest.approx(6 - units)


def test_the_plans_own_worth_is_what_the_judge_buys_by():
    problem = fleet(
        listed([[16.0]]), option_names=("rented",), option_kind=("on_demand",), option_price=np.array([[5.0]]),
        option_limit=np.array([[np.inf]]), penalty=1.0,
    )  # fmt: skip
    from dataclasses import replace

    decided = replace(plan(problem, racks=10), shortage_worth=np.array([9.0]))
    assert simulate_fleet(decided, problem, seed=1).cost["on_demand"].value == pytest.approx(30)
