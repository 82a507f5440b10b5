"""(s, S) with a service target: no pair of levels in an enumeration is cheaper, and the target is kept."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, ReorderPointOrderUpTo
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Normal
from capacity_opt.inventory.rq_service import MEASURES
from capacity_opt.inventory.ss import evaluate_ss, optimize_ss

GAP, REORDER = (each.ravel().astype(float) for each in np.meshgrid(np.arange(1, 45), np.arange(-12, 42)))
GRID = ReorderPointOrderUpTo(reorder_point=REORDER, order_up_to_level=REORDER + GAP)


@pytest.mark.parametrize("measure", MEASURES)
def test_no_pair_of_levels_is_cheaper(measure):
    rng = np.random.default_rng(MEASURES.index(measure))
    mean, wanted = rng.uniform(0.3, 4, 4), rng.uniform(0.4, 0.99, 4)
    demand = NegativeBinomial(mean, variance=mean * rng.uniform(1.01, 3, 4))
    costs = {
        "holding_cost": rng.uniform(0.3, 3, 4),
        "fixed_cost": rng.uniform(0, 25, 4),
        "lead_time": rng.integers(0, 3, 4).astype(float),
    }
    best = optimize_ss(demand, **costs, **{measure: wanted})
    assert (getattr(best, measure) >= wanted).all()
    for i in range(4):
        tried = evaluate_ss(GRID, demand.take(np.array(i)), **{name: value[i] for name, value in costs.items()})
        cheapest = np.min(tried.expected_cost[getattr(tried, measure) >= wanted[i]])
        assert best.expected_cost[i] == pytest.approx(cheapest, rel=1e-9)


def test_continuous_levels_meet_the_target_closely():
    best = optimize_ss(Normal(50, 12), holding_cost=1, fixed_cost=200, fill_rate=0.97, lead_time=2)
    assert 0.97 <= float(best.fill_rate) < 0.9701
    dearer = [
        optimize_ss(Normal(50, 12), holding_cost=1, fixed_cost=200, stockout_cost=cost, lead_time=2)
        for cost in (6.0, 12.0, 24.0)
    ]
    kept = [one.ordering_cost + one.holding_cost for one in dearer if one.fill_rate >= 0.97]
    assert kept
    assert float(best.expected_cost) <= min(map(float, kept)) * (1 + 1e-6)


def test_items_without_demand_keep_nothing():
    best = optimize_ss(Poisson([0.0, 3.0]), holding_cost=1, fixed_cost=9, fill_rate=0.9)
    assert (best.reorder_point[0], best.order_up_to_level[0], best.expected_cost[0]) == (-1, 0, 0)
    assert best.fill_rate[1] >= 0.9


@pytest.mark.parametrize(
    ("aims", "told"),
    [
        ({}, "give one of stockout_cost"),
        ({"stockout_cost": 4, "gamma": 0.9}, "got stockout_cost, gamma"),
        ({"fill_rate": 1.0}, "fill_rate must be in"),
    ],
)
def test_one_target_is_asked_for(aims, told):
    with pytest.raises(ArgumentError, match=told):
        optimize_ss(Poisson(3.0), holding_cost=1, fixed_cost=9, **aims)
