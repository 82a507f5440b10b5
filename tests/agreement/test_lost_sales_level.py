"""The quantile to order up to where sales are lost, against the exact best base stock of the Markov chain."""

import pytest

import capacity_opt as co
from capacity_opt.simulation.backtest import lost_sales_level

DEMANDS = (co.Poisson(mean=2.0), co.NegativeBinomial(mean=2.0, variance=6.0))


@pytest.mark.parametrize("demand", DEMANDS, ids=["Poisson", "NegativeBinomial"])
@pytest.mark.parametrize(("lead", "penalty"), [(1, 4), (1, 19), (2, 9), (3, 19)])
def test_the_corrected_quantile_costs_hardly_more_than_the_best_level_and_the_plain_ratio_does(demand, lead, penalty):
    prices = {"holding_cost": 1, "stockout_cost": penalty, "lead_time": lead}
    best = co.optimize_lost_sales_base_stock(demand, **prices)
    over = co.lead_time_demand(demand, lead_time=lead, review_period=1)

    def dearer(level):
        policy = co.BaseStock(base_stock_level=float(over.quantile(level)))
        return float(co.evaluate_lost_sales(policy, demand, **prices).expected_cost) / float(best.expected_cost) - 1.0

    corrected = dearer(float(lost_sales_level(co.Item(**prices))))
    assert 0.0 <= corrected < 0.015
    assert dearer(penalty / (penalty + 1.0)) > corrected + 0.015
