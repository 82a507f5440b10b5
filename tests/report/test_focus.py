import pytest
import synthetic

from capacity_opt.errors import RunFolderError
from capacity_opt.report.contents import read_run
from capacity_opt.report.focus import focus_table


def test_every_billed_component_is_a_charge_and_totals_agree(run_folder):
    charges, cost = focus_table(run_folder), synthetic.cost()
    billed = cost[cost.component.isin(["capital", "on_demand"])]
    assert charges.BilledCost.sum() == pytest.approx(billed.BilledCost.sum())
    assert charges.EffectiveCost.sum() == pytest.approx(billed.EffectiveCost.sum())
    assert set(charges.ChargeCategory) == {"Purchase", "Usage"}


def test_penalties_are_no_charges(run_folder):
    assert "penalty" not in set(focus_table(run_folder).SkuId)


def test_charge_periods_follow_each_other_without_a_gap(run_folder):
    charges = focus_table(read_run(run_folder))
    capital = charges[charges.SkuId == "capital"]
    assert list(capital.ChargePeriodEnd[:-1]) == list(capital.ChargePeriodStart[1:])
    assert capital.ChargePeriodStart.iloc[0] == "2027-01-01T00:00:00Z"
    assert capital.ChargePeriodEnd.iloc[-1] == "2027-07-01T00:00:00Z"


def test_one_region_is_named_on_every_row(run_folder):
    assert set(focus_table(run_folder).RegionId) == {"east"}


def test_numbered_periods_are_refused_with_the_next_step(tmp_path):
    cost = synthetic.cost()
    cost["period"] = [str(1 + synthetic.PERIODS.index(p)) for p in cost.period]
    with pytest.raises(RunFolderError, match="give \\[time\\] start"):
        focus_table(synthetic.write_run(tmp_path / "numbered", {"cost": cost}))


def test_run_without_costs_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no cost table"):
        focus_table(synthetic.write_run(tmp_path / "items", {"cost": None}))
