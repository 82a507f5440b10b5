"""Lost sales: the exact chain of the inventory layer and the simulation, two independent ways."""

import numpy as np
import pytest

from capacity_opt import BaseStock, CappedBaseStock, Item, Poisson, ProjectedInventoryLevel, simulate
from capacity_opt.inventory.lost_sales import evaluate_lost_sales

POLICIES = [
    BaseStock(base_stock_level=9),
    CappedBaseStock(base_stock_level=10, order_cap=4),
    ProjectedInventoryLevel(projected_level=5.3),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
@pytest.mark.parametrize("lead", [1, 2])
def test_exact_chain_lies_in_the_simulated_interval(policy, lead):
    exact = evaluate_lost_sales(policy, Poisson(3.0), holding_cost=1, stockout_cost=9, lead_time=lead)
    item = Item(holding_cost=1, stockout_cost=9, lead_time=lead)
    judged = simulate(policy, Poisson(3.0), item, seed=21, lost_sales=True, level=0.999, periods=600)
    assert judged.cost.covers(float(np.asarray(exact.expected_cost)))
    assert judged.fill_rate.covers(float(np.asarray(exact.fill_rate)))
