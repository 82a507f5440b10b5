"""A serial line against the recursion over its stages."""

import numpy as np
import pytest
from scipy import stats

from capacity_opt import ArgumentError, BaseStock, EchelonBaseStock, Item, simulate
from capacity_opt.demand.counts import Poisson
from capacity_opt.problem.network import SerialSystem

SIZE = 120  # echelon stock is kept as level - k, k = 0 ... SIZE - 1


def demand_over(periods, mean):
    mass = stats.poisson.pmf(np.arange(SIZE), mean * periods)
    mass[-1] += 1 - mass.sum()
    return mass


def truth(levels, leads, holding, stockout, mean):
    """E[cost]: a stage's echelon stock = min(level, echelon stock above) - demand over the lead time."""
    grid = np.arange(-SIZE, levels[-1] + 1)
    stock = np.zeros(len(grid))
    stock[-1] = 1.0  # the source never runs out
    cost = 0.0
    for j in range(len(levels) - 1, -1, -1):
        top = np.searchsorted(grid, levels[j])
        position = stock.copy()
        position[top] += position[top + 1 :].sum()
        position[top + 1 :] = 0.0
        stock = np.zeros(len(grid))
        for k, p in enumerate(demand_over(leads[j], mean)):
            shifted = np.roll(position, -k)
            shifted[len(grid) - k :] = 0.0
            stock += p * shifted
            stock[0] += p * position[:k].sum() if k else 0.0
        cost += holding[j] * (stock @ grid)
    backorders = stock @ np.maximum(-grid, 0)
    return cost + (stockout + sum(holding)) * backorders, backorders


@pytest.mark.parametrize(
    ("levels", "leads"), [([6, 9, 15], [1, 1, 2]), ([3, 12], [0, 3]), ([7], [2]), ([7, 8, 10, 16], [1, 0, 1, 2])]
)
def test_serial_line_agrees_with_the_recursion(levels, leads):
    holding, mean = [3.0, 2.0, 2.0, 1.0][: len(levels)], 2.0
    system = SerialSystem(echelon_holding_cost=holding, lead_time=leads, stockout_cost=30.0)
    policy = EchelonBaseStock(echelon_base_stock_level=levels)
    judged = simulate(policy, Poisson(mean=mean), system, periods=1000, seed=3, level=0.999)
    cost, backorders = truth(levels, leads, holding, 30.0, mean)
    assert judged.cost.covers(float(cost))
    assert judged.backorders.covers(float(backorders))


def test_one_stage_is_a_base_stock_policy():
    """What is ordered at the end of a period is what a review at the start of the next would order."""
    demand = Poisson(mean=2.0)
    system = SerialSystem(echelon_holding_cost=[1.0], lead_time=[3], stockout_cost=9.0)
    counts = {"periods": 60, "replications": 40, "seed": 3, "warm_up": 40}
    line = simulate(EchelonBaseStock(echelon_base_stock_level=[8]), demand, system, **counts)
    single = simulate(
        BaseStock(base_stock_level=8), demand, Item(holding_cost=1, stockout_cost=9, lead_time=2), **counts
    )
    assert line.cost.value == pytest.approx(single.cost.value)
    assert line.fill_rate.value == pytest.approx(single.fill_rate.value)
    assert line.no_stockout.value == pytest.approx(single.no_stockout.value)


def test_echelon_levels_need_a_line():
    with pytest.raises(ArgumentError, match="EchelonBaseStock is played on a SerialSystem"):
        simulate(EchelonBaseStock(echelon_base_stock_level=[3]), Poisson(mean=1.0), Item(holding_cost=1), seed=1)
