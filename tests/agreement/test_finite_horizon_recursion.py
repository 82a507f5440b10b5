"""Finite-horizon policies against a recursion over every stock and every order, written without any structure."""

from functools import cache

import numpy as np
import pytest

from capacity_opt import TimeVaryingOrderUpTo
from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.finite_horizon import evaluate_finite_horizon, optimize_finite_horizon


@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_of_orders_is_cheaper(seed):
    rng = np.random.default_rng(seed)
    periods = 4
    rows = rng.dirichlet(np.ones(5), periods)
    h, p, fixed, unit = rng.uniform(0.3, 2), rng.uniform(1, 9), rng.uniform(0, 12), rng.uniform(0, 2)
    discount, salvage, penalty = rng.uniform(0.8, 1.0), rng.uniform(-0.3, 1) * unit, rng.uniform(0, 9)
    start = int(rng.integers(-4, 8))

    @cache
    def cheapest(period, stock):
        if period == periods:
            return salvage * max(stock, 0) + penalty * max(-stock, 0)
        return min(
            (fixed if order else 0.0)
            + unit * order
            + sum(
                chance
                * (
                    h * max(stock + order - size, 0)
                    + p * max(size - stock - order, 0)
                    + discount * cheapest(period + 1, stock + order - size)
                )
                for size, chance in enumerate(rows[period])
            )
            for order in range(24)
        )

    given = {
        "holding_cost": h, "stockout_cost": p, "fixed_cost": fixed, "unit_cost": unit, "discount": discount,
        "terminal_holding_cost": salvage, "terminal_stockout_cost": penalty, "initial_stock": start,
    }  # fmt: skip
    demands = [Pmf(row) for row in rows]
    best = optimize_finite_horizon(demands, **given)
    assert best.expected_cost == pytest.approx(cheapest(0, start), rel=1e-10)
    assert evaluate_finite_horizon(best, demands, **given).expected_cost == pytest.approx(cheapest(0, start), rel=1e-10)


def test_items_together_equal_items_alone():
    demands = [Poisson(mean=[3.0, 50.0]), Poisson(mean=[9.0, 5.0]), Poisson(mean=[0.0, 20.0])]
    best = optimize_finite_horizon(demands, holding_cost=1, stockout_cost=[4, 19], fixed_cost=[10, 60])
    for i, (p, fixed) in enumerate([(4, 10), (19, 60)]):
        alone = optimize_finite_horizon(
            [Poisson(mean=float(demand.mean[i])) for demand in demands],
            holding_cost=1, stockout_cost=p, fixed_cost=fixed,
        )  # fmt: skip
        assert alone.order_up_to_level.tolist() == best.order_up_to_level[:, i].tolist()
        assert best.expected_cost[i] == pytest.approx(float(alone.expected_cost), rel=1e-12)


def test_other_levels_cost_more():
    demands = [Poisson(mean=float(mean)) for mean in (20, 40, 60, 40)]
    costs = {"holding_cost": 1, "stockout_cost": 10, "fixed_cost": 100}
    best = optimize_finite_horizon(demands, **costs)
    other = TimeVaryingOrderUpTo(reorder_point=best.reorder_point + 4, order_up_to_level=best.order_up_to_level + 4)
    assert evaluate_finite_horizon(other, demands, **costs).expected_cost > best.expected_cost + 0.1


def test_salvage_above_the_price_is_refused():
    with pytest.raises(ArgumentError, match="salvage"):
        optimize_finite_horizon(
            [Poisson(mean=2.0)], holding_cost=1, stockout_cost=3, unit_cost=2, terminal_holding_cost=-5
        )
