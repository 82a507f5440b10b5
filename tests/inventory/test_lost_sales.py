import itertools
from functools import cache

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.parametric import Deterministic, Normal
from capacity_opt.inventory.lost_sales import (
    evaluate_lost_sales,
    optimize_capped_base_stock,
    optimize_lost_sales_base_stock,
    optimize_projected_inventory_level,
)
from capacity_opt.inventory.lost_sales_optimal import optimize_lost_sales
from capacity_opt.problem.policies import (
    BaseStock,
    CappedBaseStock,
    ProjectedInventoryLevel,
    ReorderPointOrderUpTo,
)

DEMANDS = [Poisson(1.7), NegativeBinomial(2.0, 5.0), Pmf([0.6, 0.0, 0.1, 0.3])]
POLICIES = [
    BaseStock(base_stock_level=7),
    CappedBaseStock(base_stock_level=8, order_cap=2),
    ProjectedInventoryLevel(projected_level=3.3),
]


@pytest.mark.parametrize("lead_time", [0, 1, 2, 3])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("demand", DEMANDS, ids=lambda d: type(d).__name__)
def test_cost_and_service_agree_with_simulation(demand, policy, lead_time):
    exact = evaluate_lost_sales(policy, demand, holding_cost=1, stockout_cost=6, lead_time=lead_time)
    values = simulated(policy, demand, lead_time, paths=150, periods=250, warm_up=60)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values)) + 1e-12
    on_hand, lost, short, ordered = (
        np.abs(
            values.mean(axis=0)
            - [exact.expected_on_hand, exact.expected_lost, 1 - exact.no_shortage_probability, exact.expected_order]
        )
        / error
    )
    assert max(on_hand, lost, short, ordered) < 4.5
    assert exact.expected_cost == pytest.approx(exact.expected_on_hand + 6 * exact.expected_lost, rel=1e-12)
    assert exact.fill_rate == pytest.approx(1 - exact.expected_lost / float(demand.mean), rel=1e-12)
    assert exact.expected_order == pytest.approx(float(demand.mean) - exact.expected_lost, rel=1e-9)


def simulated(policy, demand, lead_time, paths, periods, warm_up):
    """Period by period over many paths: arrival, order, demand."""
    draws = demand.sample(paths * (periods + warm_up), rng=np.random.default_rng(17)).astype(int)
    draws = draws.reshape(periods + warm_up, paths)
    stock, pipeline = np.full(paths, 5), np.zeros((paths, lead_time), dtype=int)
    order_of = order_rule(policy, demand, lead_time)
    seen = []
    for wanted in draws:
        if lead_time:
            stock, pipeline = stock + pipeline[:, 0], np.roll(pipeline, -1, axis=1)
            pipeline[:, -1] = 0
        order = np.array([order_of(int(x), tuple(map(int, q[:-1]))) for x, q in zip(stock, pipeline)])
        if lead_time:
            pipeline[:, -1] = order
        else:
            stock = stock + order
        sold = np.minimum(stock, wanted)
        stock = stock - sold
        seen.append([stock, wanted - sold, wanted > sold, order])
    return np.array(seen[warm_up:]).mean(axis=0).T


def order_rule(policy, demand, lead_time):
    mass = np.diff(demand.cdf(np.arange(60.0)), prepend=0.0)

    @cache
    def expected(stock, coming):
        """Expected stock on hand after a period of demand, then each arrival and its period of demand."""
        return sum(
            chance * (max(stock - d, 0) if not coming else expected(max(stock - d, 0) + coming[0], coming[1:]))
            for d, chance in enumerate(mass)
        )

    @cache
    def order(stock, coming):
        if isinstance(policy, ProjectedInventoryLevel):
            projected = expected(stock, coming) if lead_time else stock
            return max(int(np.floor(float(policy.projected_level) - projected + 1e-9)), 0)
        gap = max(int(policy.base_stock_level) - stock - sum(coming), 0)
        return min(gap, int(policy.order_cap)) if isinstance(policy, CappedBaseStock) else gap

    return order


def test_without_lead_time_base_stock_is_the_newsvendor():
    best = optimize_lost_sales_base_stock(Poisson([3.0, 20.0]), holding_cost=1, stockout_cost=[4, 9], lead_time=0)
    demand = Poisson([3.0, 20.0])
    level = demand.quantile(np.array([0.8, 0.9]))
    assert np.array_equal(best.base_stock_level, level)
    shortage = demand.loss(level)
    assert best.expected_cost == pytest.approx(level - demand.mean + shortage + [4, 9] * shortage, rel=1e-9)


def test_best_parameters_beat_an_exhaustive_search_and_respect_the_optimum():
    rng = np.random.default_rng(0)
    for _ in range(6):
        demand = NegativeBinomial(1.5, rng.uniform(1.5, 4))
        model = {"holding_cost": 1, "stockout_cost": rng.uniform(2, 20), "lead_time": int(rng.integers(1, 3))}
        base = optimize_lost_sales_base_stock(demand, **model)
        capped = optimize_capped_base_stock(demand, **model)
        projected = optimize_projected_inventory_level(demand, **model)
        optimum = optimize_lost_sales(demand, **model).expected_cost
        pairs = list(itertools.product(range(18), range(1, 9)))
        plain = [evaluate_lost_sales(BaseStock(base_stock_level=s), demand, **model) for s in range(18)]
        pair = [
            evaluate_lost_sales(CappedBaseStock(base_stock_level=s, order_cap=q), demand, **model) for s, q in pairs
        ]
        level = [
            evaluate_lost_sales(ProjectedInventoryLevel(projected_level=u / 10), demand, **model) for u in range(81)
        ]
        assert base.expected_cost == pytest.approx(min(p.expected_cost for p in plain), rel=1e-9)
        assert capped.expected_cost == pytest.approx(min(p.expected_cost for p in pair), rel=1e-9)
        assert projected.expected_cost == pytest.approx(min(p.expected_cost for p in level), rel=1e-9)
        assert optimum <= min(capped.expected_cost, projected.expected_cost) + 1e-6
        assert capped.expected_cost <= base.expected_cost + 1e-12


def test_wider_bounds_do_not_change_the_optimum():
    rng = np.random.default_rng(4)
    for lead_time in (1, 1, 1, 2, 2, 2, 3):
        demand = Pmf(rng.dirichlet(np.ones(6)))
        model = {"holding_cost": 1, "stockout_cost": 7.0, "lead_time": lead_time}
        narrow = optimize_lost_sales(demand, **model)
        most, orders = narrow.order_quantity.shape[0] - 1, 8
        wide = optimize_lost_sales(demand, **model, largest_order=orders, largest_stock=most + 6)
        assert wide.expected_cost == pytest.approx(narrow.expected_cost, abs=1e-6)


def test_the_optimal_orders_cost_what_they_promise():
    """The table of optimal orders played forward, against the value iteration that made it."""
    demand = Poisson(2.0)
    best = optimize_lost_sales(demand, holding_cost=1, stockout_cost=9, lead_time=2)
    rng = np.random.default_rng(5)
    stock, coming = np.zeros(2000, dtype=int), np.zeros(2000, dtype=int)
    costs = []
    for _ in range(500):
        order = best.order_quantity[np.minimum(stock, len(best.order_quantity) - 1), coming]
        wanted = rng.poisson(2.0, 2000)
        left = np.maximum(stock - wanted, 0)
        costs.append(left + 9 * np.maximum(wanted - stock, 0))
        stock, coming = left + coming, order
    means = np.mean(costs[50:], axis=0)
    assert abs(means.mean() - best.expected_cost) < 4 * means.std() / np.sqrt(2000)


def test_items_do_not_disturb_each_other():
    demand = Poisson([2.0, 3.0, 2.0])
    model = {"holding_cost": [1.0, 2.0, 1.0], "stockout_cost": 9.0, "lead_time": [1, 2, 1]}
    many = optimize_lost_sales_base_stock(demand, **model)
    for i, mean in enumerate([2.0, 3.0, 2.0]):
        one = optimize_lost_sales_base_stock(
            Poisson(mean), holding_cost=model["holding_cost"][i], stockout_cost=9.0, lead_time=model["lead_time"][i]
        )
        for name in ("base_stock_level", "expected_cost", "fill_rate", "expected_on_hand"):
            assert getattr(one, name) == getattr(many, name)[i]


def test_limits():
    free = optimize_lost_sales_base_stock(Poisson(3.0), holding_cost=1, stockout_cost=0, lead_time=2)
    assert (free.base_stock_level, free.expected_cost) == (0, 0)
    sure = optimize_lost_sales_base_stock(Deterministic(3.0), holding_cost=1, stockout_cost=5, lead_time=2)
    assert sure.base_stock_level == 9
    assert sure.expected_cost == pytest.approx(0, abs=1e-9)
    dear = optimize_lost_sales_base_stock(Poisson(3.0), holding_cost=1, stockout_cost=1e7, lead_time=1)
    assert dear.fill_rate > 1 - 1e-6


def test_bad_input_is_named():
    model = {"holding_cost": 1, "stockout_cost": 5, "lead_time": 1}
    with pytest.raises(ArgumentError, match="lost sales need discrete demand, got Normal"):
        optimize_lost_sales_base_stock(Normal(5.0, 1.0), **model)
    with pytest.raises(ArgumentError, match="base_stock_level must be a whole number"):
        evaluate_lost_sales(BaseStock(base_stock_level=1.5), Poisson(1.0), **model)
    with pytest.raises(ArgumentError, match="lead_time must be a whole number"):
        optimize_lost_sales_base_stock(Poisson(1.0), holding_cost=1, stockout_cost=5, lead_time=0.5)
    with pytest.raises(ArgumentError, match=r"lead_time must be in \[0, 30\], got 31"):
        optimize_lost_sales_base_stock(Poisson(1.0), holding_cost=1, stockout_cost=5, lead_time=31)
    with pytest.raises(ArgumentError, match="at least one item"):
        optimize_lost_sales_base_stock(Poisson(1.0), holding_cost=[], stockout_cost=5, lead_time=1)
    with pytest.raises(ArgumentError, match="holding_cost must be one number, got 2"):
        optimize_lost_sales(Poisson(1.0), holding_cost=[1, 2], stockout_cost=5, lead_time=1)
    with pytest.raises(ArgumentError, match="got ReorderPointOrderUpTo"):
        evaluate_lost_sales(ReorderPointOrderUpTo(reorder_point=1, order_up_to_level=2), Poisson(1.0), **model)
    with pytest.raises(ArgumentError, match="more than 1000000 states"):
        evaluate_lost_sales(BaseStock(base_stock_level=80), Poisson(10.0), holding_cost=1, stockout_cost=5, lead_time=6)
    with pytest.raises(ArgumentError, match=r"at most 40000000. Use larger units"):
        optimize_lost_sales(Poisson(20.0), holding_cost=1, stockout_cost=50, lead_time=6)
