"""Exact lost-sales chains against the judge, which shares no code with them: every measure in its 99 % interval."""

import numpy as np
import pytest

from capacity_opt import BaseStock, CappedBaseStock, Item, NegativeBinomial, Poisson, evaluate_lost_sales, simulate

DEMAND = NegativeBinomial(mean=[2.0, 3.0, 1.0], variance=[2.0, 6.0, 4.0])
MODEL = {"holding_cost": 1.0, "stockout_cost": [4.0, 9.0, 19.0], "lead_time": [1, 2, 3]}
POLICIES = [
    BaseStock(base_stock_level=[5, 11, 6]),
    CappedBaseStock(base_stock_level=[6, 12, 8], order_cap=[3, 4, 2]),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_every_measure_lies_within_the_simulated_interval(policy):
    exact = evaluate_lost_sales(policy, DEMAND, **MODEL)
    judged = simulate(
        policy, DEMAND, Item(**MODEL), periods=2000, replications=100, seed=11, lost_sales=True, level=0.999
    )
    assert np.all(judged.cost.covers(exact.expected_cost))
    assert np.all(judged.fill_rate.covers(exact.fill_rate))
    assert np.all(judged.no_stockout.covers(exact.no_shortage_probability))
    assert np.all(judged.on_hand.covers(exact.expected_on_hand))
    assert np.all(judged.lost.covers(exact.expected_lost))
    assert np.all(judged.ordered.covers(exact.expected_order))


def test_zero_lead_time():
    policy = BaseStock(base_stock_level=6)
    exact = evaluate_lost_sales(policy, Poisson(5.0), holding_cost=1, stockout_cost=9, lead_time=0)
    item = Item(holding_cost=1, stockout_cost=9, lead_time=0)
    judged = simulate(policy, Poisson(5.0), item, periods=2000, replications=100, seed=3, lost_sales=True, level=0.999)
    assert judged.cost.covers(float(exact.expected_cost))
    assert judged.fill_rate.covers(float(exact.fill_rate))
