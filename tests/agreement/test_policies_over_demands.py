"""(r, Q) and (s, S) over every kind of demand and lead time, judged by simulation."""

import numpy as np
import pytest

from capacity_opt import (
    Empirical,
    Gamma,
    Item,
    LogNormal,
    Pmf,
    Poisson,
    QuantileDemand,
    optimize_rq,
    optimize_ss,
    simulate,
)
from capacity_opt.inventory.set_aside import set_aside

DEMANDS = {
    "quantiles": QuantileDemand(levels=[0.1, 0.5, 0.9], values=[4.0, 9.0, 20.0]),
    "intermittent": Pmf([0.8, 0.05, 0.0, 0.1, 0.05]),
    "empirical": Empirical(samples=[0, 0, 3, 1, 0, 7, 2, 0, 1, 4]),
    "lognormal": LogNormal(mean=12.0, sd=6.0),
}


@pytest.mark.parametrize("kind", DEMANDS)
@pytest.mark.parametrize("policy", ["rq", "ss"])
def test_promises_are_kept(kind, policy):
    demand = DEMANDS[kind]
    costs = {"holding_cost": 1, "stockout_cost": 9, "fixed_cost": 12 * float(demand.mean), "lead_time": 2}
    optimize = optimize_rq if policy == "rq" else optimize_ss
    best = optimize(demand, **costs, review_period=1.0)
    judged = simulate(best, demand, Item(**costs), periods=500, replications=300, seed=3, level=0.999)
    assert judged.cost.covers(float(best.expected_cost))
    assert judged.fill_rate.covers(float(best.fill_rate))
    assert judged.orders.covers(float(best.orders_per_period))


def test_a_random_lead_time_lies_between_and_costs_more_than_its_mean():
    costs = {"holding_cost": 1, "stockout_cost": 9, "fixed_cost": 40}
    demand = Poisson(mean=np.array([1.0, 6.0]))
    random = optimize_rq(demand, **costs, lead_time={1: 0.5, 5: 0.5})
    sure = optimize_rq(demand, **costs, lead_time=3)
    assert np.all(random.expected_cost > sure.expected_cost)
    random_ss = optimize_ss(demand, **costs, lead_time={1: 0.5, 5: 0.5})
    assert np.all(random_ss.expected_cost > optimize_ss(demand, **costs, lead_time=3).expected_cost)


def test_one_bad_item_can_be_set_aside():
    mean, holding = np.array([3.0, 5.0, 8.0]), np.array([1.0, 0.0, 2.0])

    def work(items):
        return optimize_rq(
            Poisson(mean=mean[items]), holding_cost=holding[items], stockout_cost=9, fixed_cost=20, lead_time=1
        )

    done = set_aside(work, 3)
    assert done.faults[0].items.tolist() == [1]
    alone = optimize_rq(Poisson(mean=8.0), holding_cost=2, stockout_cost=9, fixed_cost=20, lead_time=1)
    assert done.full(done.result.expected_cost)[2] == alone.expected_cost


def test_items_of_very_different_size_share_a_call():
    mean = np.array([0.05, 3.0, 400.0])
    best = optimize_rq(Gamma(mean, 0.5 * mean), holding_cost=1, stockout_cost=9, fixed_cost=30, lead_time=2)
    for i in range(3):
        alone = optimize_rq(Gamma(mean[i], 0.5 * mean[i]), holding_cost=1, stockout_cost=9, fixed_cost=30, lead_time=2)
        assert best.expected_cost[i] == pytest.approx(float(alone.expected_cost), rel=1e-10)
