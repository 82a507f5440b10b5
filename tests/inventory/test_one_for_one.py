import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.inventory.one_for_one import (
    evaluate_lost_sales_one_for_one,
    evaluate_one_for_one,
    optimize_lost_sales_one_for_one,
)


def test_the_best_level_beats_every_other_and_items_do_not_disturb_each_other():
    rng = np.random.default_rng(3)
    rate, time = rng.uniform(0.1, 20, 50), rng.uniform(0.1, 5, 50)
    holding, penalty = rng.uniform(0.1, 3, 50), rng.uniform(0.5, 80, 50)
    costs = {"holding_cost": holding, "stockout_cost": penalty}
    best = optimize_lost_sales_one_for_one(demand_rate=rate, lead_time=time, **costs)
    every = [
        evaluate_lost_sales_one_for_one(np.full(50, s), demand_rate=rate, lead_time=time, **costs).expected_cost
        for s in range(200)
    ]
    assert np.allclose(np.min(every, axis=0), best.expected_cost, rtol=1e-12)
    one = optimize_lost_sales_one_for_one(
        demand_rate=rate[7], lead_time=time[7], holding_cost=holding[7], stockout_cost=penalty[7]
    )
    assert one.expected_cost == best.expected_cost[7]
    assert one.base_stock_level == best.base_stock_level[7]


def test_only_the_mean_of_the_lead_time_matters():
    """Lost sales by events, with exponential and with constant lead times of the same mean."""
    exact = float(evaluate_lost_sales_one_for_one(4, demand_rate=3, lead_time=1).fraction_lost)
    for draw in (lambda rng: 1.0, lambda rng: rng.exponential(1.0)):
        rng = np.random.default_rng(11)
        now, due, lost, count = 0.0, [], 0, 60_000
        for _ in range(count):
            now += rng.exponential(1 / 3)
            due = [t for t in due if t > now]
            if len(due) < 4:
                due.append(now + draw(rng))
            else:
                lost += 1
        assert lost / count == pytest.approx(exact, abs=4 * np.sqrt(exact / count) * 2)


def test_no_penalty_means_no_stock_and_bad_input_is_named():
    assert (
        optimize_lost_sales_one_for_one(demand_rate=2, lead_time=1, holding_cost=1, stockout_cost=0).base_stock_level
        == 0
    )
    with pytest.raises(ArgumentError, match=r"demand_rate must be > 0, got 0 at position 1"):
        optimize_lost_sales_one_for_one(demand_rate=[1, 0], lead_time=1, holding_cost=1, stockout_cost=1)
    with pytest.raises(ArgumentError, match="base_stock_level must be a whole number"):
        evaluate_one_for_one(1.5, demand_rate=1, lead_time=1)
