"""(s, S): compiled algorithm, NumPy enumeration, value iteration and simulation give one answer."""

import numpy as np
import pytest

from capacity_opt import Item, ReorderPointOrderUpTo
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.lead_time import lead_time_demand
from capacity_opt.demand.parametric import Gamma, Normal
from capacity_opt.inventory.ss import evaluate_ss, optimize_ss
from capacity_opt.simulation.inventory import simulate


def random_demands(seed, items=8):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.2, 6, items)
    rows = rng.uniform(0, 1, (items, 5)) * rng.integers(0, 2, (items, 5)) + np.eye(items, 5) + 1e-3
    return {
        "poisson": Poisson(mean=mean),
        "negative_binomial": NegativeBinomial(mean=mean, variance=mean * rng.uniform(1.0, 4, items)),
        "pmf": Pmf(rows / rows.sum(axis=1, keepdims=True)),
    }


def random_costs(seed, items=8):
    rng = np.random.default_rng(1000 + seed)
    return {
        "holding_cost": rng.uniform(0.2, 3, items),
        "stockout_cost": rng.uniform(0.1, 40, items),
        "fixed_cost": rng.uniform(0, 60, items) * (rng.uniform(size=items) > 0.2),
        "lead_time": rng.integers(0, 4, items).astype(float),
    }


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "pmf"])
@pytest.mark.parametrize(
    "variant", [{}, {"review_period": 2.0}, {"review_period": 2.0, "count_at_review_end": True}], ids=str
)
@pytest.mark.parametrize("seed", range(3))
def test_compiled_search_equals_numpy_enumeration(monkeypatch, kind, variant, seed):
    demand, given = random_demands(seed)[kind], random_costs(seed) | variant
    best = optimize_ss(demand, **given)
    with monkeypatch.context() as patch:
        patch.setenv("CAPACITY_OPT_COMPILE", "0")
        plain = optimize_ss(demand, **given)
    for name in ("expected_cost", "fill_rate", "on_hand", "orders_per_period", "no_stockout", "cycle_service_level"):
        np.testing.assert_allclose(getattr(best, name), getattr(plain, name), rtol=1e-8, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "pmf"])
def test_no_policy_of_any_kind_is_cheaper(kind):
    """Relative value iteration over positions, free to order anything, knows nothing of (s, S)."""
    demand, given = random_demands(7)[kind], random_costs(7)
    best = optimize_ss(demand, **given)
    positions = np.arange(-60, 90)
    late = lead_time_demand(demand, given["lead_time"], 1.0)
    for i in range(8):
        one, over = demand.take(np.array([i])), late.take(np.array([i]))
        h, p, fixed = (given[name][i] for name in ("holding_cost", "stockout_cost", "fixed_cost"))
        at = positions[:, None].astype(float)
        stage = (h * (at - over.mean) + (h + p) * over.loss(at))[:, 0]
        sizes = np.arange(0, 60)
        chance = np.diff(np.append(0.0, one.cdf(sizes[:, None].astype(float))[:, 0]))
        value = np.zeros(len(positions))
        for _ in range(4000):
            ahead = stage + np.array([chance @ value[np.maximum(j - sizes, 0)] for j in range(len(positions))])
            ordered = fixed + np.minimum.accumulate(ahead[::-1])[::-1]
            new = np.minimum(ahead, ordered)
            gain = new - value
            value = new - new[60]
            middle = gain[50:110]
            if np.ptp(middle) < 1e-7:
                break
        assert best.expected_cost[i] == pytest.approx(middle.mean(), rel=1e-5)


@pytest.mark.parametrize("review", [1, 3])
@pytest.mark.parametrize("demand", [Poisson(mean=4.0), NegativeBinomial(mean=4.0, variance=14.0), Gamma(40.0, 30.0)],
                         ids=["poisson", "negative_binomial", "gamma"])  # fmt: skip
def test_measures_lie_in_the_simulated_interval(demand, review):
    costs = {"holding_cost": 1, "stockout_cost": 9, "fixed_cost": 40 * float(demand.mean), "lead_time": 2}
    best = optimize_ss(demand, **costs, review_period=review)
    judged = simulate(best, demand, Item(**costs, review_period=review), periods=600, replications=300, seed=5,
                      level=0.999)  # fmt: skip
    assert judged.cost.covers(float(best.expected_cost))
    assert judged.fill_rate.covers(float(best.fill_rate))
    assert judged.no_stockout.covers(float(best.no_stockout))
    assert judged.on_hand.covers(float(best.on_hand))
    assert judged.backorders.covers(float(best.expected_backorders))
    assert judged.orders.covers(float(best.orders_per_period))


def test_continuous_demand_beats_its_neighbours_and_approaches_the_whole_unit_policy():
    given = {"holding_cost": 1.0, "stockout_cost": 9.0, "fixed_cost": 500.0, "lead_time": 1.0}
    best = optimize_ss(Gamma(300.0, 40.0), **given)
    assert best.method == "lattice"
    whole = optimize_ss(NegativeBinomial(mean=300.0, sd=40.0), **given)
    assert best.expected_cost == pytest.approx(float(whole.expected_cost), rel=2e-3)
    for shift in (-60, -20, 20, 60):
        policy = ReorderPointOrderUpTo(
            reorder_point=best.reorder_point + shift, order_up_to_level=best.order_up_to_level + shift
        )
        assert evaluate_ss(policy, Gamma(300.0, 40.0), **given).expected_cost > best.expected_cost


def test_a_coarse_lattice_says_so_and_is_close():
    demand = Poisson(mean=[2000.0, 2.0])
    best = optimize_ss(demand, holding_cost=0.001, stockout_cost=0.02, fixed_cost=2000.0, lead_time=3)
    assert best.method.tolist() == ["lattice", "exact"]
    assert best.lattice_step[0] > 1
    assert best.order_up_to_level[0] % best.lattice_step[0] == 0
    assert best.reorder_point[0] == np.rint(best.reorder_point[0])
    rough = Normal(mean=2000.0, sd=np.sqrt(2000.0))
    same = evaluate_ss(
        ReorderPointOrderUpTo(reorder_point=best.reorder_point[0], order_up_to_level=best.order_up_to_level[0]),
        rough, holding_cost=0.001, stockout_cost=0.02, fixed_cost=2000.0, lead_time=3,
    )  # fmt: skip
    assert best.expected_cost[0] == pytest.approx(float(same.expected_cost), rel=1e-3)


def test_the_lattice_converges_quadratically_to_the_continuous_cost():
    """A cycle's cost for exponential demand is known: visits below S are spread evenly at rate 1 / mean."""
    mean, up_to, reorder, h, p, fixed = 10.0, 37.0, 12.0, 1.0, 9.0, 50.0
    demand = Gamma(mean, mean)
    grid = np.linspace(reorder, up_to, 200_001)
    loss = mean * np.exp(-grid / mean)
    stage = h * (grid - mean) + (h + p) * loss
    visited = np.trapezoid(stage, grid) / mean + stage[-1]
    exact = (fixed + visited) / (1 + (up_to - reorder) / mean)
    policy = ReorderPointOrderUpTo(reorder_point=reorder, order_up_to_level=up_to)
    found = evaluate_ss(policy, demand, holding_cost=h, stockout_cost=p, fixed_cost=fixed)
    assert found.expected_cost == pytest.approx(exact, rel=2e-5)
    assert found.orders_per_period == pytest.approx(1 / (1 + (up_to - reorder) / mean), rel=2e-5)


def test_vast_even_demand_falls_back_and_says_so():
    best = optimize_ss(Normal(mean=1e6, sd=100.0), holding_cost=1, stockout_cost=9, fixed_cost=1e9)
    assert best.method == "power approximation"
    assert np.isfinite(best.expected_cost)
