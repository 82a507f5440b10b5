"""The analytic cost and service of a base-stock policy lie within the judge's 99 % interval."""

import numpy as np
import pytest

import capacity_opt as co

CASES = {
    "poisson": (co.Poisson([0.3, 5.0, 20.0]), 2, 1),
    "poisson_reviewed_every_third_period": (co.Poisson([0.3, 5.0, 20.0]), 2, 3),
    "compound_poisson": (co.CompoundPoisson([0.3, 2.0, 5.0], {1: 0.5, 2: 0.3, 6: 0.2}), 1, 1),
    "gamma": (co.Gamma([10.0, 50.0, 100.0], [12.0, 15.0, 30.0]), 3, 2),
    "integer_quantiles": (
        co.QuantileDemand([0.1, 0.5, 0.9], [[0, 2, 9], [80, 100, 140], [3, 5, 9]], integer=True), 1, 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cost_and_every_service_measure(name):
    demand, lead, review = CASES[name]
    best = co.optimize_base_stock(demand, holding_cost=1, stockout_cost=9, lead_time=lead, review_period=review)
    item = co.Item(holding_cost=[1.0] * 3, stockout_cost=9, lead_time=lead, review_period=review)
    # Judged at 99 % for each of a dozen numbers: a wider level keeps the chance of a false alarm small.
    judged = co.simulate(best, demand, item, periods=1200, replications=100, seed=11, level=0.9999)
    pairs = {
        "expected_cost": judged.cost,
        "fill_rate": judged.fill_rate,
        "no_stockout": judged.no_stockout,
        "cycle_service_level": judged.cycle_service_level,
        "ready_rate": judged.ready_rate,
        "gamma": judged.gamma,
        "orders_per_period": judged.orders,
        "on_hand": judged.on_hand,
        "expected_backorders": judged.backorders,
    }
    for measure, told in pairs.items():
        value = getattr(best, measure)
        # An event of chance 1e-7 never happens in the runs: their interval then has no width.
        assert np.all((told.low <= value + 1e-6) & (value <= told.high + 1e-6)), (measure, value, told)
