"""Charges in FOCUS columns: they sum to the plan's own cost and cash, and nothing is counted twice."""

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.scenario.charges import COLUMNS, charges
from tests.scenario import small


@pytest.fixture(scope="module", params=["amortised", "cash"])
def made(request, tmp_path_factory):
    folder = small.write(tmp_path_factory.mktemp("charges") / "s")
    settings = (f"fleet.capital={request.param}", "fleet.samples=5", "options[option=one year].price=30")
    scenario = co.read_scenario(folder, set=settings)
    plan = co.size_fleet(scenario.fleet, gap=0.01, seed=3)
    return scenario, plan, pd.DataFrame(charges(scenario.fleet, plan, scenario.timeline).columns)


BILLED = ("capital", "opex_existing", "opex_new", "retirement", "commitment", "on_demand", "spot")


def test_cash_and_present_value_sum_to_the_plan_in_every_period(made):
    scenario, plan, rows = made
    for t, start in enumerate(f"{period}T00:00:00Z" for period in scenario.fleet.periods):
        of_period = rows[rows.ChargePeriodStart == start]
        cash = sum(plan.cash_by_period[name][t] for name in BILLED if name in plan.cash_by_period)
        value = sum(plan.cost_by_period[name][t] for name in BILLED if name in plan.cost_by_period)
        assert of_period.BilledCost.sum() == pytest.approx(cash, abs=1e-6)
        assert of_period.x_PresentValue.sum() == pytest.approx(value, abs=1e-6)


def test_used_and_unused_make_up_the_purchases_of_a_commitment(made):
    _, plan, rows = made
    own = rows[rows.x_Component == "commitment"]
    assert plan.committed.sum() > 0
    for _, group in own.groupby(["CommitmentDiscountId", "ChargePeriodStart"]):
        bought, covered = group[group.ChargeCategory == "Purchase"], group[group.ChargeCategory == "Usage"]
        assert covered.EffectiveCost.sum() == pytest.approx(bought.BilledCost.sum())
        assert set(covered.CommitmentDiscountStatus) <= {"Used", "Unused"}


def test_no_column_counts_a_purchase_and_its_use(made):
    scenario, _, rows = made
    spread = {"commitment"} | ({"capital"} if scenario.spec.fleet.capital == "amortised" else set())
    bought = rows[(rows.ChargeCategory == "Purchase") & rows.x_Component.isin(spread)]
    used = rows[(rows.ChargeCategory == "Usage") & rows.x_Component.isin({"commitment", "depreciation"})]
    assert (bought.EffectiveCost == 0).all()
    assert (used.BilledCost == 0).all()


def test_rows_say_where_what_and_when_in_focus_columns(made):
    scenario, _, rows = made
    assert list(rows.columns) == list(COLUMNS)
    assert set(rows.ChargeCategory) <= {"Purchase", "Usage", "Adjustment"}
    servers = rows[rows.ServiceName == "Servers"]
    assert set(servers.AvailabilityZone) <= set(scenario.fleet.sites.zones)
    assert set(servers.SkuId) <= set(scenario.fleet.server_types.names)
    assert (rows.ChargePeriodEnd > rows.ChargePeriodStart).all()
    assert np.isfinite(rows[["BilledCost", "EffectiveCost", "ListCost", "ContractedCost"]]).all(axis=None)


def test_penalties_are_no_charges(made):
    assert "penalty" not in set(made[2].x_Component)
