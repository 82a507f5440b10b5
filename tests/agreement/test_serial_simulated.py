"""The exact cost of a serial line lies in the judge's interval; the judge's first lead time is one period shorter."""

import numpy as np
import pytest

import capacity_opt as co


@pytest.mark.parametrize("demand", [co.Poisson(5.0), co.Normal(5.0, 1.0), co.NegativeBinomial(4.0, 9.0)])
@pytest.mark.parametrize("lead", [(1, 1, 2), (2, 1)])
def test_serial_cost_and_backorders(demand: co.Demand, lead: tuple[int, ...]) -> None:
    holding = [3.0, 2.0, 2.0][: len(lead)]
    best = co.optimize_serial(
        co.SerialSystem(echelon_holding_cost=holding, lead_time=lead, stockout_cost=37.12), demand
    )
    played = co.SerialSystem(
        echelon_holding_cost=holding, lead_time=np.array(lead) - np.eye(1, len(lead))[0], stockout_cost=37.12
    )
    judged = co.simulate(best, demand, played, periods=1000, replications=100, seed=4, level=0.999)
    slack = 0.002 * float(best.expected_cost)  # a continuous demand's grid
    assert float(judged.cost.low) - slack <= float(best.expected_cost) <= float(judged.cost.high) + slack
    assert (
        float(judged.backorders.low) - 0.003 <= float(best.expected_backorders) <= float(judged.backorders.high) + 0.003
    )
