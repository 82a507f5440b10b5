import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.inventory.disruption import (
    disrupted_lead_time,
    evaluate_disrupted_base_stock,
    evaluate_disrupted_order_quantity,
    optimize_disrupted_base_stock,
    optimize_disrupted_order_quantity,
)


def test_lots_are_best_among_a_fine_grid():
    rng = np.random.default_rng(8)
    model = {
        "demand_rate": rng.uniform(1, 1000, 200),
        "holding_cost": rng.uniform(0.1, 5, 200),
        "fixed_cost": rng.uniform(0, 50, 200) * rng.integers(0, 2, 200),
        "stockout_cost": rng.uniform(0, 50, 200),
        "disruption_rate": rng.uniform(0, 10, 200) * rng.integers(0, 2, 200),
        "recovery_rate": rng.uniform(0.1, 20, 200),
    }
    best = optimize_disrupted_order_quantity(**model)
    for factor in np.concatenate([np.geomspace(1e-3, 1e3, 60), [0.99, 1.01]]):
        other = evaluate_disrupted_order_quantity(np.maximum(best.order_quantity, 1e-3) * factor, **model)
        assert np.all(best.expected_cost <= other.expected_cost * (1 + 1e-9) + 1e-12)
    for i in range(20):
        one = optimize_disrupted_order_quantity(**{name: values[i] for name, values in model.items()})
        assert one.order_quantity == best.order_quantity[i]
        assert one.expected_cost == best.expected_cost[i]
    economic = np.sqrt(2 * model["fixed_cost"] * model["demand_rate"] / model["holding_cost"])
    reliable = model["disruption_rate"] == 0
    assert np.allclose(best.order_quantity[reliable], economic[reliable], rtol=1e-6, atol=1e-6)


def test_the_cost_of_a_lot_agrees_with_simulated_cycles():
    model = {"demand_rate": 10.0, "holding_cost": 0.5, "fixed_cost": 20.0, "stockout_cost": 4.0}
    rates = {"disruption_rate": 1.0, "recovery_rate": 2.0}
    exact = evaluate_disrupted_order_quantity(12.0, **model, **rates)
    rng = np.random.default_rng(4)
    cycles, length = 200_000, 1.2
    up, waited = np.full(cycles, True), np.zeros(cycles)
    left = np.full(cycles, length)
    while np.any(left > 0):  # walk the supplier's states until the lot has run out
        stay = rng.exponential(1 / np.where(up, rates["disruption_rate"], rates["recovery_rate"]))
        waited = np.where((left > 0) & (stay >= left) & ~up, stay - left, waited)
        up = np.where((left > 0) & (stay < left), ~up, up)
        left = np.where(left > 0, left - stay, left)
    cost = 20 + 0.5 * 12 * length / 2 + 4 * 10 * waited
    spread = (cost - exact.expected_cost * (length + waited)).std() / np.sqrt(cycles) / (length + waited).mean()
    assert abs(cost.mean() / (length + waited).mean() - exact.expected_cost) < 4 * spread


def test_base_stock_agrees_with_the_sum_over_disruptions():
    rng = np.random.default_rng(6)
    for _ in range(100):
        alpha, beta, demand, level = rng.uniform(0, 1), rng.uniform(0.05, 1), rng.uniform(0, 5), rng.uniform(-3, 40)
        holding, penalty = rng.uniform(0.1, 2, 2)
        found = evaluate_disrupted_base_stock(
            level,
            demand=demand,
            holding_cost=holding,
            stockout_cost=penalty,
            disruption_probability=alpha,
            recovery_probability=beta,
        )
        support, pmf = disrupted_lead_time(alpha, beta, tail=1e-15)
        end = level - (support + 1) * demand
        cost = pmf @ (holding * np.maximum(end, 0) + penalty * np.maximum(-end, 0))
        assert found.expected_cost == pytest.approx(cost, rel=1e-9, abs=1e-9)
        assert found.no_shortage_probability == pytest.approx(pmf @ (end >= 0), abs=1e-9)


def test_the_chain_spends_its_periods_as_the_lead_time_says():
    support, pmf = disrupted_lead_time(0.1, 0.4)
    chain = np.zeros(len(support))
    chain[0] = 1.0
    for _ in range(500):
        nxt = np.zeros_like(chain)
        nxt[0] = chain[0] * 0.9 + chain[1:].sum() * 0.4
        nxt[1] = chain[0] * 0.1
        nxt[2:] = chain[1:-1] * 0.6
        chain = nxt / nxt.sum()
    assert pmf[:20] == pytest.approx(chain[:20], abs=1e-9)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)


def test_best_level_beats_all_multiples_of_demand():
    rng = np.random.default_rng(9)
    model = {
        "demand": rng.uniform(0.1, 100, 300),
        "holding_cost": rng.uniform(0.1, 2, 300),
        "stockout_cost": rng.uniform(0, 50, 300),
        "disruption_probability": rng.uniform(0, 1, 300),
        "recovery_probability": rng.uniform(0.1, 1, 300),
    }
    best = optimize_disrupted_base_stock(**model)
    for n in range(40):
        other = evaluate_disrupted_base_stock(model["demand"] * (n + 1), **model)
        assert np.all(best.expected_cost <= other.expected_cost * (1 + 1e-10))
    for i in range(20):
        one = optimize_disrupted_base_stock(**{name: values[i] for name, values in model.items()})
        assert one.base_stock_level == best.base_stock_level[i]
        assert one.expected_cost == best.expected_cost[i]


def test_a_supplier_that_never_recovers_is_refused():
    with pytest.raises(ArgumentError, match="recovery_probability must be > 0"):
        optimize_disrupted_base_stock(
            demand=1, holding_cost=1, stockout_cost=1, disruption_probability=0.1, recovery_probability=0
        )
