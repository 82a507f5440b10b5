"""Lot sizing and joint replenishment against exhaustive search on small random instances."""

from itertools import product

import numpy as np
import pytest

from capacity_opt.errors import InfeasibleError
from capacity_opt.inventory.eoq import evaluate_eoq, optimize_eoq
from capacity_opt.inventory.joint_replenishment import optimize_joint_replenishment
from capacity_opt.inventory.lot_size import optimize_capacitated_lot_size
from capacity_opt.inventory.quantity_discount import optimize_all_units_discount, optimize_incremental_discount
from capacity_opt.inventory.wagner_whitin import evaluate_lot_size, optimize_wagner_whitin


def cheapest_plan(demand, fixed, holding, stockout, unit):
    """Each period's demand is bought in some period; a period in which anything is bought pays its fixed cost."""
    periods = len(demand)
    wanted = [t for t in range(periods) if demand[t] > 0]
    best = np.inf
    for bought in product(range(periods), repeat=len(wanted)):
        cost = sum(fixed[k] for k in set(bought))
        for t, k in zip(wanted, bought, strict=True):
            if k > t and not np.isfinite(stockout[t]):
                cost = np.inf
                break
            wait = sum(holding[k:t]) if k <= t else sum(stockout[t:k])
            cost += demand[t] * (unit[k] + wait)
        best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("backorders", [False, True])
def test_wagner_whitin_finds_the_cheapest_of_all_assignments(seed, backorders):
    rng = np.random.default_rng(seed)
    periods, items = 5, 4
    demand = rng.integers(0, 4, (items, periods)) * rng.integers(1, 30, (items, periods)).astype(float)
    fixed = rng.integers(0, 200, (items, periods)).astype(float)
    holding = rng.uniform(0, 5, (items, periods))
    unit = rng.uniform(0, 6, (items, periods))
    stockout = rng.uniform(1, 9, (items, periods)) if backorders else np.full((items, periods), np.inf)
    best = optimize_wagner_whitin(
        demand, fixed_cost=fixed, holding_cost=holding, stockout_cost=stockout, unit_cost=unit
    )
    for i in range(items):
        assert best.cost[i] == pytest.approx(cheapest_plan(demand[i], fixed[i], holding[i], stockout[i], unit[i]))
    np.testing.assert_allclose(best.order_quantity.sum(axis=1), demand.sum(axis=1))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("backorders", [False, True])
def test_capacitated_plans_against_every_whole_plan(seed, backorders):
    rng = np.random.default_rng(100 + seed)
    demand, capacity = rng.integers(0, 4, 5), rng.integers(3, 6)
    costs = {
        "fixed_cost": rng.integers(0, 9, 5),
        "holding_cost": rng.integers(1, 3, 5),
        "stockout_cost": rng.integers(1, 4, 5) if backorders else np.inf,
        "unit_cost": rng.integers(0, 3, 5),
    }
    best = optimize_capacitated_lot_size(demand, capacity=capacity, **costs)
    plans = [plan for plan in product(range(capacity + 1), repeat=5) if sum(plan) == sum(demand)]
    feasible = [plan for plan in plans if backorders or np.all(np.cumsum(plan) >= np.cumsum(demand))]
    cheapest = evaluate_lot_size(feasible, np.broadcast_to(demand, (len(feasible), 5)), **costs).cost.min()
    assert best.cost == pytest.approx(cheapest)
    assert best.bound == pytest.approx(cheapest)
    assert np.all(best.order_quantity <= capacity + 1e-9)


def test_capacity_too_small_names_the_period():
    with pytest.raises(InfeasibleError, match="period 1 falls 15 units short"):
        optimize_capacitated_lot_size([10, 25, 0], capacity=10, fixed_cost=1, holding_cost=1)


def test_no_capacity_limit_is_wagner_whitin():
    demand = [69, 29, 36, 61, 61, 26, 34]
    costs = {"fixed_cost": [85, 102, 102, 101, 98, 114, 105], "holding_cost": 1, "initial_stock": 40}
    free = optimize_wagner_whitin(demand, **costs)
    assert optimize_capacitated_lot_size(demand, capacity=np.inf, **costs).cost == pytest.approx(float(free.cost))


def test_initial_stock_serves_the_first_demands():
    best = optimize_wagner_whitin([10, 20, 30], fixed_cost=100, holding_cost=1, initial_stock=25)
    assert best.order_quantity.tolist() == [0, 35, 0]
    assert best.cost == 100 + 15 + 30


def test_stock_above_all_demand_needs_no_order():
    best = optimize_wagner_whitin([[5, 5], [5, 5]], fixed_cost=1, holding_cost=1, initial_stock=[20, 0])
    assert best.order_quantity[0].tolist() == [0, 0]
    assert best.cost[0] == 15 + 10


@pytest.mark.parametrize("seed", range(10))
def test_joint_replenishment_beats_every_set_of_multiples(seed):
    rng = np.random.default_rng(seed)
    rate, minor, holding = rng.uniform(5, 50, 4), rng.uniform(0, 30, 4), rng.uniform(0.5, 5, 4)
    major = rng.uniform(1, 40)
    best = optimize_joint_replenishment(rate, major_cost=major, item_cost=minor, holding_cost=holding)
    multiples = np.array(list(product(range(1, 13), repeat=4)))
    fixed = major + (minor / multiples).sum(axis=1)
    held = 0.5 * (holding * rate * multiples).sum(axis=1)
    assert best.multiples.max() < 12
    assert best.expected_cost == pytest.approx(2 * np.sqrt(fixed * held).min(), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("optimize", [optimize_all_units_discount, optimize_incremental_discount])
def test_discounts_against_a_fine_grid(optimize, seed):
    rng = np.random.default_rng(seed)
    start = np.array([0.0, *np.sort(rng.uniform(20, 900, 3))])
    price = np.sort(rng.uniform(0.5, 1.0, 4))[::-1]
    rate, fixed, holding = rng.uniform(100, 3000), rng.uniform(1, 40), rng.uniform(0.1, 0.4)
    best = optimize(rate, fixed_cost=fixed, holding_rate=holding, breakpoints=start, unit_costs=price)
    grid = np.concatenate([np.linspace(1, 4000, 400_000), start[1:]])
    band = np.searchsorted(start, grid, side="right") - 1
    if optimize is optimize_all_units_discount:
        paid = price[band]
    else:
        below = np.append(0, np.cumsum(price[:-1] * np.diff(start)))
        paid = (below[band] + price[band] * (grid - start[band])) / grid
    cost = paid * rate + fixed * rate / grid + 0.5 * holding * paid * grid
    assert best.expected_cost <= cost.min() + 1e-9
    assert best.expected_cost == pytest.approx(cost.min(), rel=1e-5)


def test_evaluated_order_quantity_costs_what_the_optimum_claims():
    costs = {"holding_cost": [0.2, 0.5], "fixed_cost": 8, "stockout_cost": [5, np.inf], "production_rate": [2000, 900]}
    best = optimize_eoq([1300, 400], **costs)
    same = evaluate_eoq(best.order_quantity, [1300, 400], **costs)
    np.testing.assert_allclose(same.expected_cost, best.expected_cost, rtol=1e-14)
    for change in (0.9, 1.1):
        other = evaluate_eoq(change * best.order_quantity, [1300, 400], **costs)
        assert np.all(other.expected_cost > best.expected_cost)
