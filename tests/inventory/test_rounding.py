import itertools

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.demand.counts import Poisson
from capacity_opt.inventory.rounding import RoundingRules, round_orders


def test_each_step_is_logged_with_what_it_changed():
    rules = RoundingRules(minimum_order=10, lot=[0, 4, 6, 6], maximum_order=[np.inf, np.inf, np.inf, 20])
    done = round_orders([0.0, 8.2, 13.0, 50.0], rules)
    assert [step.name for step in done.steps] == ["whole", "minimum", "lot", "maximum"]
    assert np.array_equal(done.order_quantity, [0, 12, 18, 18])
    lot = done.steps[2]
    assert np.array_equal(lot.before, [0, 10, 13, 50])
    assert np.array_equal(lot.changed, [False, True, True, True])
    assert np.all(np.isnan(done.expected_cost_after))


def test_rounded_orders_respect_every_rule():
    rng = np.random.default_rng(0)
    n = 5000
    raw = rng.uniform(0, 60, n) * rng.integers(0, 2, n)
    least, lot = rng.integers(0, 12, n), rng.integers(0, 9, n)
    most = np.where(rng.random(n) < 0.5, np.inf, rng.integers(0, 50, n))
    got = round_orders(raw, RoundingRules(minimum_order=least, lot=lot, maximum_order=most)).order_quantity
    ordered = got > 0
    assert np.all(got == np.rint(got))
    assert np.all(got <= most)
    assert np.all(got[ordered] >= least[ordered])
    assert np.all((lot == 0) | (got % np.maximum(lot, 1) == 0))
    assert np.all(got[raw == 0] == 0)
    unbound = np.isinf(most) & (raw > 0)
    assert np.all(got[unbound] >= raw[unbound])
    assert np.all(got[unbound] - np.maximum(raw, least)[unbound] < np.maximum(lot, 1)[unbound])
    alone = [
        round_orders(raw[i], RoundingRules(minimum_order=least[i], lot=lot[i], maximum_order=most[i])).order_quantity
        for i in range(50)
    ]
    assert np.array_equal(alone, got[:50])


def test_noise_does_not_buy_another_unit():
    assert round_orders(0.1 * 3 * 10, RoundingRules()).order_quantity == 3
    assert round_orders(12.000000000001, RoundingRules(lot=12)).order_quantity == 12


def test_the_budget_is_kept_at_nearly_the_least_cost():
    rng = np.random.default_rng(3)
    for _ in range(20):
        demand, price = Poisson(rng.uniform(1, 8, 3)), rng.uniform(1, 5, 3)

        def cost(order, demand=demand):
            return order - demand.mean + 10 * demand.loss(order)

        raw = demand.quantile(0.9)
        budget = 0.6 * float(raw @ price)
        done = round_orders(raw, RoundingRules(unit_cost=price, budget=budget), cost=cost)
        assert done.spend <= budget + 1e-9
        grid = np.array(list(itertools.product(*(range(int(q) + 1) for q in raw))), dtype=float)
        feasible = grid[grid @ price <= budget]
        best = min(float(np.sum(cost(q))) for q in feasible)
        # The greedy repair loses at most about one unit's worth against the knapsack's optimum.
        assert float(np.sum(done.expected_cost_after)) <= best + 10
        assert done.steps[-1].name == "budget"
        assert np.sum(done.expected_cost_after) > np.sum(done.expected_cost_before)


def test_a_large_book_is_cut_in_few_rounds():
    rng = np.random.default_rng(4)
    n, calls = 20_000, []
    demand, price = Poisson(rng.uniform(1, 20, n)), rng.uniform(1, 50, n)

    def cost(order):
        calls.append(1)
        return order - demand.mean + 10 * demand.loss(order)

    raw = demand.quantile(0.95)
    budget = 0.8 * float(raw @ price)
    done = round_orders(raw, RoundingRules(unit_cost=price, budget=budget), cost=cost)
    assert 0.999 * budget <= done.spend <= budget
    assert len(calls) < 200


def test_a_budget_of_nothing_buys_nothing():
    done = round_orders([3.0, 4.0], RoundingRules(unit_cost=1, budget=0, minimum_order=2), cost=lambda q: -q)
    assert np.array_equal(done.order_quantity, [0, 0])


def test_bad_rules_are_named():
    with pytest.raises(ArgumentError, match="lot must be a whole number"):
        RoundingRules(lot=2.5)
    with pytest.raises(ArgumentError, match="budget must be one number >= 0, got -1"):
        RoundingRules(budget=-1)
    with pytest.raises(ArgumentError, match="a budget needs cost"):
        round_orders([5.0], RoundingRules(unit_cost=1, budget=2))
    with pytest.raises(ArgumentError, match=r"raw_quantity must be >= 0, got -1 at position 1"):
        round_orders([5.0, -1.0], RoundingRules())
    with pytest.raises(ArgumentError, match=r"do not broadcast"):
        round_orders([5.0, 1.0], RoundingRules(lot=[1, 2, 3]))
