"""Continuous review against formulas for Poisson demand."""

import numpy as np
import pytest
from scipy import stats

from capacity_opt import ArgumentError, BaseStock, Item, ReorderPointOrderQuantity, ReorderPointOrderUpTo, simulate
from capacity_opt.demand.compound import CompoundPoisson
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Normal
from capacity_opt.simulation.continuous import EventPlay, play_events, run_events

LEVEL = 0.999


def test_reorder_point_and_quantity_agree_with_the_exact_cost():
    r, q, rate, lead = 3, 5, 1.5, 2.0
    x = np.arange(200)
    mass = stats.poisson.pmf(x, rate * lead)
    cost = [20 * mass @ np.maximum(y - x, 0) + 150 * mass @ np.maximum(x - y, 0) for y in range(r + 1, r + q + 1)]
    truth = float(np.mean(cost) + 100 * rate / q)
    assert truth == pytest.approx(107.9235806331737)
    item = Item(holding_cost=20, stockout_cost=150, fixed_cost=100, lead_time=lead, review_period=0)
    policy = ReorderPointOrderQuantity(reorder_point=r, order_quantity=q)
    judged = simulate(policy, Poisson(mean=rate), item, seed=4, periods=600, level=LEVEL)
    assert judged.cost.covers(truth)
    fill = np.mean([stats.poisson.cdf(y - 1, rate * lead) for y in range(r + 1, r + q + 1)])
    assert judged.fill_rate.covers(float(fill))
    assert judged.orders.covers(rate / q)


def test_one_for_one_with_lost_sales_is_erlang_b():
    load, servers = 1.361, 5
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    item = Item(holding_cost=1, stockout_cost=9, lead_time=0.5, review_period=0)
    policy = BaseStock(base_stock_level=servers)
    judged = simulate(policy, Poisson(mean=2 * load), item, seed=4, periods=600, lost_sales=True, level=LEVEL)
    assert judged.fill_rate.covers(1 - blocked)


@pytest.mark.parametrize(
    "demand", [NegativeBinomial(mean=4.0, variance=10.0), CompoundPoisson(rate=2.0, size={1: 0.5, 2: 0.3, 3: 0.2})]
)
def test_jumps_agree_with_the_distribution_over_the_lead_time(demand):
    item = Item(holding_cost=1, stockout_cost=9, lead_time=1, review_period=0)
    judged = simulate(BaseStock(base_stock_level=7), demand, item, seed=4, periods=600, level=LEVEL)
    assert judged.backorders.covers(float(demand.loss(7)))
    assert judged.no_stockout.covers(float(demand.cdf(7)))


def test_compiled_events_and_their_numpy_twin_agree():
    pytest.importorskip("numba")
    rng = np.random.default_rng(1)
    n = 12
    inputs = EventPlay(
        times=np.cumsum(rng.exponential(0.4, (3, n, 90)), axis=2),
        sizes=rng.integers(1, 4, (3, n, 90)).astype(float),
        trigger=rng.integers(0, 5, n).astype(float),
        up_to=rng.integers(5, 9, n).astype(float),
        lot=np.where(np.arange(n) % 2, 3.0, 0.0),
        cap=np.full(n, np.inf),
        lead=rng.uniform(0, 5, n),
        net=np.full((3, n), 6.0),
        lost_sales=bool(rng.integers(2)),
        warm_up=4.0,
        horizon=30.0,
    )
    np.testing.assert_allclose(run_events(inputs), play_events(inputs), atol=1e-9)


def test_order_up_to_under_continuous_review_orders_at_the_reorder_point():
    item = Item(holding_cost=1, stockout_cost=9, fixed_cost=5, lead_time=0.3, review_period=0)
    policy = ReorderPointOrderUpTo(reorder_point=2, order_up_to_level=8)
    judged = simulate(policy, Poisson(mean=3.0), item, seed=4, level=LEVEL)
    assert judged.orders.covers(3.0 / 6)


def test_demand_without_customers_is_refused_with_the_way_out():
    item = Item(holding_cost=1, review_period=0)
    with pytest.raises(ArgumentError, match="needs demand made of customers.*review_period=1"):
        simulate(BaseStock(base_stock_level=5), Normal(mean=5.0, sd=1.0), item, seed=1)
