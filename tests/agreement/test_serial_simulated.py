"""The exact cost and service of a serial line lie in the intervals of the judge, who plays the very same system."""

import numpy as np
import pytest

import capacity_opt as co


@pytest.mark.parametrize("demand", [co.Poisson(5.0), co.Normal(5.0, 1.0), co.NegativeBinomial(4.0, 9.0)])
@pytest.mark.parametrize("lead", [(1, 1, 2), (2, 0)])
def test_serial_cost_and_service(demand: co.Demand, lead: tuple[int, ...]) -> None:
    holding = [3.0, 2.0, 2.0][: len(lead)]
    line = co.SerialSystem(echelon_holding_cost=holding, lead_time=lead, stockout_cost=37.12)
    best = co.optimize_serial(line, demand)
    judged = co.simulate(best, demand, line, periods=1000, replications=100, seed=4, level=0.999)
    assert judged.cost.covers(best.expected_cost)
    assert judged.backorders.covers(best.expected_backorders)
    assert judged.on_hand.covers(float(best.expected_on_hand[0]))
    assert judged.ready_rate.covers(best.ready_rate)


@pytest.mark.parametrize("change", [(-2, 0, 0), (0, -3, 2), (3, 1, -2)])
def test_given_levels_are_judged_as_they_are_costed(change: tuple[int, ...]) -> None:
    line = co.SerialSystem(echelon_holding_cost=[3.0, 2.0, 2.0], lead_time=[1, 1, 2], stockout_cost=37.12)
    given = co.evaluate_serial(
        co.EchelonBaseStock(echelon_base_stock_level=np.array([9, 15, 26]) + change), line, co.Poisson(5.0)
    )
    judged = co.simulate(given, co.Poisson(5.0), line, periods=1000, replications=100, seed=5, level=0.999)
    assert judged.cost.covers(given.expected_cost)
    assert judged.backorders.covers(given.expected_backorders)
