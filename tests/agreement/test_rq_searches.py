"""(r, Q): compiled search, NumPy search and brute force give one answer; analytic service against simulation."""

import numpy as np
import pytest

from capacity_opt import Item, ReorderPointOrderQuantity
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.parametric import Gamma, Normal
from capacity_opt.inventory.rq import evaluate_rq, optimize_rq
from capacity_opt.simulation.inventory import simulate


def random_demands(seed, items=6):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.2, 6, items)
    rows = rng.uniform(0, 1, (items, 5)) * rng.integers(0, 2, (items, 5)) + np.eye(items, 5) + 1e-3
    return {
        "poisson": Poisson(mean=mean),
        "negative_binomial": NegativeBinomial(mean=mean, variance=mean * rng.uniform(1.0, 4, items)),
        "pmf": Pmf(rows / rows.sum(axis=1, keepdims=True)),
    }


def random_costs(seed, items=6):
    rng = np.random.default_rng(1000 + seed)
    return {
        "holding_cost": rng.uniform(0.2, 3, items),
        "stockout_cost": rng.uniform(0.1, 40, items),
        "fixed_cost": rng.uniform(0, 60, items) * (rng.uniform(size=items) > 0.2),
        "lead_time": rng.integers(0, 4, items).astype(float),
    }


def found_by_numpy(monkeypatch, demand, **given):
    with monkeypatch.context() as patch:
        patch.setenv("CAPACITY_OPT_COMPILE", "0")
        return optimize_rq(demand, **given)


def all_policies(demand, given, sizes, items=6):
    """Every (r, Q) of every item, evaluated; items vary slowest."""
    reorder, quantity = (grid.ravel() for grid in np.meshgrid(np.arange(-30, 40), list(sizes)))
    policy = ReorderPointOrderQuantity(
        reorder_point=np.tile(reorder, items).astype(float), order_quantity=np.tile(quantity, items).astype(float)
    )
    repeated = {name: np.repeat(value, len(reorder)) if np.ndim(value) else value for name, value in given.items()}
    return evaluate_rq(policy, demand.take(np.repeat(np.arange(items), len(reorder))), **repeated)


VARIANTS = {
    "continuous": {},
    "periodic": {"review_period": 1.0},
    "every_second_period": {"review_period": 2.0},
    "two_periods_counted_at_the_end": {"review_period": 2.0, "count_at_review_end": True},
    "lots": {"minimum_order_quantity": 7, "lot_multiple": 3},
    "given_quantity": {"order_quantity": 5},
    "two_penalties": {"stockout_cost_per_unit": 4.0},
    "two_penalties_periodic": {"stockout_cost_per_unit": 4.0, "review_period": 1.0},
}


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "pmf"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(2))
def test_compiled_numpy_and_brute_force_agree(monkeypatch, kind, variant, seed):
    demand, given = random_demands(seed)[kind], random_costs(seed) | VARIANTS[variant]
    best = optimize_rq(demand, **given)
    plain = found_by_numpy(monkeypatch, demand, **given)
    np.testing.assert_allclose(best.expected_cost, plain.expected_cost, rtol=1e-9)
    np.testing.assert_allclose(best.fill_rate, plain.fill_rate, rtol=1e-6, atol=1e-9)
    priced = {name: given.pop(name) for name in ("minimum_order_quantity", "lot_multiple", "order_quantity")
              if name in given}  # fmt: skip
    sizes = [5] if "order_quantity" in priced else range(9, 60, 3) if priced else range(1, 50)
    cheapest = all_policies(demand, given, sizes).expected_cost.reshape(6, -1).min(axis=1)
    inside = np.asarray(best.order_quantity) < max(sizes)
    inside |= len(sizes) == 1
    assert inside.any()
    np.testing.assert_allclose(best.expected_cost[inside], cheapest[inside], rtol=1e-9)


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "pmf"])
@pytest.mark.parametrize("review", [0.0, 1.0])
@pytest.mark.parametrize("target", [{"fill_rate": 0.93}, {"cycle_service_level": 0.9}, {"ready_rate": 0.9},
                                    {"no_stockout": 0.9}, {"gamma": 0.8}])  # fmt: skip
def test_service_targets_are_met_at_least_cost(monkeypatch, kind, review, target):
    demand, given = random_demands(5)[kind], random_costs(5) | {"review_period": review}
    del given["stockout_cost"]
    best = optimize_rq(demand, **given, **target)
    plain = found_by_numpy(monkeypatch, demand, **given, **target)
    np.testing.assert_allclose(best.expected_cost, plain.expected_cost, rtol=1e-10)
    name, level = next(iter(target.items()))
    assert np.all(getattr(best, name) >= level - 1e-9)
    every = all_policies(demand, given, range(1, 60))
    kept = getattr(every, name) >= level - 1e-12
    if name == "cycle_service_level":
        kept &= every.reorder_point == np.repeat(best.reorder_point, kept.size // 6)
    cheapest = np.where(kept, every.expected_cost, np.inf).reshape(6, -1).min(axis=1)
    np.testing.assert_allclose(best.expected_cost, cheapest, rtol=1e-9)


@pytest.mark.parametrize("demand", [Normal(mean=40.0, sd=9.0), Gamma(mean=40.0, sd=30.0)], ids=["normal", "gamma"])
@pytest.mark.parametrize("review", [0.0, 2.0])
@pytest.mark.parametrize("per_unit", [0.0, 2.0])
def test_continuous_optimum_beats_its_neighbours(demand, review, per_unit):
    given = {"holding_cost": 1.0, "stockout_cost": 7.0, "fixed_cost": 90.0, "lead_time": 2.0,
             "review_period": review, "stockout_cost_per_unit": per_unit}  # fmt: skip
    best = optimize_rq(demand, **given)
    for shift in (-8, -2, -0.3, 0.3, 2, 8):
        for scale in (0.7, 0.95, 1, 1.05, 1.4):
            policy = ReorderPointOrderQuantity(
                reorder_point=best.reorder_point + shift, order_quantity=best.order_quantity * scale
            )
            assert evaluate_rq(policy, demand, **given).expected_cost >= best.expected_cost * (1 - 1e-9)


def test_fine_whole_units_approach_the_continuous_policy():
    mean, variance = 400.0, 2500.0
    given = {"holding_cost": 1.0, "stockout_cost": 9.0, "fixed_cost": 300.0, "lead_time": 1.0}
    whole = optimize_rq(NegativeBinomial(mean=mean, variance=variance), **given)
    smooth = optimize_rq(Gamma(mean=mean, sd=np.sqrt(variance)), **given)
    assert whole.expected_cost == pytest.approx(float(smooth.expected_cost), rel=3e-3)
    assert whole.reorder_point == pytest.approx(float(smooth.reorder_point), abs=2)


@pytest.mark.parametrize("demand", [Poisson(mean=4.0), NegativeBinomial(mean=4.0, variance=14.0), Normal(40.0, 9.0)],
                         ids=["poisson", "negative_binomial", "normal"])  # fmt: skip
@pytest.mark.parametrize("review", [1, 3])
def test_periodic_review_measures_lie_in_the_simulated_interval(demand, review):
    costs = {
        "holding_cost": 1,
        "stockout_cost": 9,
        "fixed_cost": 4000 if float(demand.mean) > 30 else 30,
        "lead_time": 2,
    }
    item = Item(**costs, review_period=review)
    best = optimize_rq(demand, **costs, review_period=float(review))
    judged = simulate(best, demand, item, periods=600, replications=300, seed=11, level=0.999)
    assert judged.cost.covers(float(best.expected_cost))
    assert judged.fill_rate.covers(float(best.fill_rate))
    assert judged.no_stockout.covers(float(best.no_stockout))
    assert judged.on_hand.covers(float(best.on_hand))
    assert judged.backorders.covers(float(best.expected_backorders))
    assert judged.orders.covers(float(best.orders_per_period))
