"""Every replenishment policy and network is reachable from ``[inventory]`` and answers what the API answers."""

from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.inventory_network import network_tables
from capacity_opt.scenario.inventory_step import InventoryOutcome, inventory_tables, replenish
from capacity_opt.scenario.read import Scenario, read_scenario
from capacity_opt.scenario.spec_judge import Simulation

ITEMS = "item,holding_cost,stockout_cost,fixed_cost,lead_time,on_hand,unit_cost\na,1,9,20,1,3,10\nb,2,19,10,1,0,5\n"
DEMAND = "item,distribution,mean,standard_deviation\na,poisson,5,\nb,poisson,2,\n"
MONTHLY = "item,period,distribution,mean\n" + "".join(
    f"{item},{period},poisson,{mean}\n" for item in "ab" for period, mean in enumerate([4, 9, 1, 6], start=1)
)
HEAD = """
schema_version = 1
name = "parts"
seed = 3
[time]
period = "week"
start = "2027-01-04"
periods = 4
[simulation]
replications = 60
periods = 200
warm_up = 20
"""


def _scenario(folder: Path, inventory: str, *, items: str = ITEMS, demand: str = DEMAND, **tables: str) -> Scenario:
    text = f'{HEAD}[inventory]\n{inventory}\n[inventory.demand]\nkind = "parametric"\nfile = "demand.csv"\n'
    (folder / "scenario.toml").write_text(text)
    for name, table in {"items": items, "demand": demand, **tables}.items():
        (folder / f"{name}.csv").write_text(table)
    return read_scenario(folder)


def _run(scenario: Scenario) -> InventoryOutcome:
    return replenish(scenario.inventory, scenario.simulation or Simulation(), scenario.timeline, seed=1)


@pytest.mark.parametrize("policy", ["base_stock", "newsvendor", "rq", "ss", "lost_sales", "capped", "projected"])
def test_stationary_policies_promise_what_the_judge_finds(tmp_path: Path, policy: str) -> None:
    outcome = _run(_scenario(tmp_path, f'policy = "{policy}"'))
    values = outcome.values
    np.testing.assert_allclose(values["judged_cost"], values["expected_cost"], rtol=0.05)
    np.testing.assert_allclose(values["judged_fill_rate"], values["fill_rate"], atol=0.02)
    assert (outcome.order_now >= 0).all()
    assert all("expected" in told for told in outcome.explanation)


def test_lost_sales_levels_are_those_of_the_api(tmp_path: Path) -> None:
    outcome = _run(_scenario(tmp_path, 'policy = "capped"'))
    best = co.optimize_capped_base_stock(
        co.Poisson([5.0, 2.0]), holding_cost=[1, 2], stockout_cost=[9, 19], lead_time=1
    )
    np.testing.assert_array_equal(outcome.values["base_stock_level"], best.base_stock_level)
    np.testing.assert_array_equal(outcome.values["order_cap"], best.order_cap)


def test_eoq_orders_for_the_mean_demand(tmp_path: Path) -> None:
    scenario = _scenario(tmp_path, 'policy = "eoq"')
    outcome = _run(scenario)
    best = co.optimize_eoq([5.0, 2.0], holding_cost=[1, 2], fixed_cost=[20, 10], stockout_cost=[9, 19], lead_time=1)
    np.testing.assert_allclose(outcome.values["order_quantity"], best.order_quantity)
    assert outcome.verdict == ["no_target", "no_target"]


def test_eoq_with_a_failing_supplier_orders_more(tmp_path: Path) -> None:
    items = "item,holding_cost,stockout_cost,fixed_cost,disruption_rate,recovery_rate\na,1,90,20,0.1,0.5\n"
    items += "b,1,90,20,0.001,0.5\n"
    quantity = _run(_scenario(tmp_path, 'policy = "eoq"', items=items)).values["order_quantity"]
    alone = co.optimize_disrupted_order_quantity(
        demand_rate=5, holding_cost=1, fixed_cost=20, stockout_cost=90, disruption_rate=0.1, recovery_rate=0.5
    )
    assert quantity[0] == pytest.approx(float(alone.order_quantity))
    assert quantity[0] > 1.2 * np.sqrt(2 * 20 * 5)


@pytest.mark.parametrize("capacity", ["", "8"])
def test_wagner_whitin_plans_every_period(tmp_path: Path, capacity: str) -> None:
    items = f"item,holding_cost,stockout_cost,fixed_cost,on_hand,order_capacity\na,1,0,5,3,{capacity}\nb,1,0,5,0,\n"
    scenario = _scenario(tmp_path, 'policy = "wagner_whitin"', items=items, demand=MONTHLY)
    outcome = _run(scenario)
    assert outcome.plan is not None
    np.testing.assert_allclose(outcome.plan.sum(axis=1), [17, 20])
    assert not capacity or outcome.plan[0].max() <= 8
    free = co.optimize_wagner_whitin([4, 9, 1, 6], fixed_cost=5, holding_cost=1)
    assert outcome.values["expected_cost"][1] == pytest.approx(float(free.cost) / 4)
    plan = inventory_tables(scenario.inventory, outcome)["inventory_plan"]
    assert plan.columns["order_period"][0] == "2027-01-04"
    assert "The next order" in outcome.explanation[1]


def test_wagner_whitin_orders_a_lead_time_ahead(tmp_path: Path) -> None:
    items = "item,holding_cost,stockout_cost,fixed_cost,on_hand,lead_time\na,1,0,1000,4,1\nb,1,0,0.1,4,1\n"
    outcome = _run(_scenario(tmp_path, 'policy = "wagner_whitin"', items=items, demand=MONTHLY))
    np.testing.assert_allclose(outcome.plan, [[16, 0, 0, 0], [9, 1, 6, 0]])


def test_finite_horizon_is_judged_period_by_period(tmp_path: Path) -> None:
    items = "item,holding_cost,stockout_cost,fixed_cost,on_hand\na,1,9,8,3\nb,1,9,0,0\n"
    outcome = _run(_scenario(tmp_path, 'policy = "finite_horizon"', items=items, demand=MONTHLY))
    np.testing.assert_allclose(outcome.values["judged_cost"], outcome.values["expected_cost"], rtol=0.15)
    assert outcome.values["order_up_to_level"][0] >= 4


def test_a_budget_shows_its_shadow_price(tmp_path: Path) -> None:
    scenario = _scenario(tmp_path, 'policy = "base_stock"\nbudget = 120')
    outcome = _run(scenario)
    assert outcome.totals["used"] <= 120
    assert outcome.totals["shadow_price"] > 0
    assert np.sum(outcome.values["base_stock_level"] * [10, 5]) == pytest.approx(outcome.totals["used"])
    totals = inventory_tables(scenario.inventory, outcome)["inventory_totals"]
    assert "shadow_price" in totals.columns["measure"]


def test_one_fill_rate_over_all_items_is_reached_together(tmp_path: Path) -> None:
    items = "item,holding_cost\na,1\nb,8\n"
    scenario = _scenario(tmp_path, 'policy = "newsvendor"\naggregate_fill_rate = 0.9', items=items)
    outcome = _run(scenario)
    totals = dict(zip(*inventory_tables(scenario.inventory, outcome)["inventory_totals"].columns.values(), strict=True))
    assert totals["judged_fill_rate"] == pytest.approx(0.9, abs=0.05)
    assert outcome.values["fill_rate"][0] > outcome.values["fill_rate"][1]


def test_random_lead_times_from_a_table_are_mixed_and_judged(tmp_path: Path) -> None:
    table = "item,lead_time,probability\n,1,0.5\n,3,0.5\nb,2,1\n"
    outcome = _run(_scenario(tmp_path, 'policy = "base_stock"\nlead_times = "lead_times.csv"', lead_times=table))
    best = co.optimize_base_stock(co.Poisson(5.0), holding_cost=1, stockout_cost=9, lead_time={1: 0.5, 3: 0.5})
    assert outcome.values["base_stock_level"][0] == float(best.base_stock_level)
    fixed = co.optimize_base_stock(co.Poisson(2.0), holding_cost=2, stockout_cost=19, lead_time=2)
    assert outcome.values["base_stock_level"][1] == float(fixed.base_stock_level)
    np.testing.assert_allclose(outcome.values["judged_fill_rate"], outcome.values["fill_rate"], atol=0.04)


def test_lead_times_with_a_deviation_and_disruptions_need_more_stock(tmp_path: Path) -> None:
    head = "item,holding_cost,stockout_cost,lead_time,lead_time_sd,disruption_rate,recovery_rate\n"
    demand = "item,distribution,mean\n" + "".join(f"{name},poisson,5\n" for name in "abc")
    items = head + "a,1,9,4,,,\nb,1,9,4,2,,\nc,1,9,4,,0.1,0.4\n"
    level = _run(_scenario(tmp_path, 'policy = "base_stock"', items=items, demand=demand)).values["base_stock_level"]
    assert level[1] > level[0]
    assert level[2] > level[0]


def test_an_order_budget_is_kept_by_the_orders_of_today(tmp_path: Path) -> None:
    scenario = _scenario(tmp_path, 'policy = "base_stock"\norder_budget = 60')
    outcome = _run(scenario)
    assert 0 < np.sum(outcome.order_now * scenario.inventory.unit_cost) <= 60
    assert any("budget" in told for told in outcome.explanation)


def test_intermittent_and_compound_demand(tmp_path: Path) -> None:
    demand = (
        "item,distribution,mean,standard_deviation,zero_mass,rate,sizes\n"
        "a,negative_binomial,4,3,0.7,,\nb,compound_poisson,,,,1.5,1:0.6|5:0.4\n"
    )
    scenario = _scenario(tmp_path, 'policy = "base_stock"', demand=demand)
    np.testing.assert_allclose(scenario.inventory.demand.mean, [1.2, 1.5 * 2.6])
    outcome = _run(scenario)
    np.testing.assert_allclose(outcome.values["judged_fill_rate"], outcome.values["fill_rate"], atol=0.02)


@pytest.mark.parametrize(
    ("inventory", "items", "told"),
    [
        ('policy = "lost_sales"\nfill_rate = 0.9', "item,holding_cost\na,1\nb,1\n", "stockout_cost"),
        ('policy = "finite_horizon"', ITEMS, "no demand|period"),
        ('policy = "base_stock"', "item,holding_cost,stockout_cost,policy\na,1,9,finite_horizon\nb,1,9,\n", "mixed"),
        ('policy = "base_stokc"', ITEMS, "base_stock"),
    ],
)
def test_faults_say_what_to_do(tmp_path: Path, inventory: str, items: str, told: str) -> None:
    with pytest.raises((co.ScenarioError, co.ArgumentError), match=told):
        _run(_scenario(tmp_path, inventory, items=items))


def _network(folder: Path, section: str, table: str) -> dict[str, dict[str, object]]:
    demand = '[inventory.demand]\nkind = "parametric"\nfile = "demand.csv"\n'
    (folder / "scenario.toml").write_text(f"{HEAD}[inventory.network]\n{section}\n{demand}")
    (folder / "network.csv").write_text(table)
    (folder / "demand.csv").write_text("distribution,mean,standard_deviation\nnormal,5,1\n")
    scenario = read_scenario(folder)
    made = network_tables(scenario.network, scenario.simulation, seed=2)
    return {name: dict(each.columns) for name, each in made.items()}


SERIAL = "stage,holding_cost,lead_time\nshop,3,1\nregion,2,1\nplant,2,2\n"


def test_a_guaranteed_service_tree_is_solved(tmp_path: Path) -> None:
    table = "stage,supplied_by,holding_cost,lead_time,maximum_service_time,demand_deviation\n"
    table += "raw,,1,2,,\nassembly,raw,3,1,1,4\n"
    made = _network(tmp_path, 'kind = "guaranteed_service"', table)
    assert list(made["network"]["stage"]) == ["raw", "assembly"]
    assert made["network_totals"]["value"][0] > 0


def test_a_depot_and_its_bases_share_the_stock(tmp_path: Path) -> None:
    table = "stage,demand_rate,lead_time\neast,2,0.5\nwest,1,0.5\n"
    made = _network(tmp_path, 'kind = "two_echelon"\ntotal_stock = 8\ndepot_time = 1.5', table)
    assert list(made["network"]["stage"]) == ["depot", "east", "west"]
    assert np.sum(made["network"]["stock"]) == 8


def test_a_serial_line_is_judged_as_it_is_solved(tmp_path: Path) -> None:
    made = _network(tmp_path, 'kind = "serial"\nstockout_cost = 37.12', SERIAL)
    totals = dict(zip(made["network_totals"]["measure"], made["network_totals"]["value"], strict=True))
    assert totals["expected_cost"] == pytest.approx(47.66, abs=0.01)  # Snyder and Shen (2019), example 6.1
    width = totals["judged_cost_high"] - totals["judged_cost_low"]
    assert abs(totals["judged_cost"] - totals["expected_cost"]) <= width
    assert width < 2


def test_reorder_to_a_level_for_a_fill_rate_is_kept(tmp_path: Path) -> None:
    items = "item,holding_cost,fill_rate,fixed_cost,lead_time\na,1,0.93,20,1\nb,2,0.9,10,1\n"
    outcome = _run(_scenario(tmp_path, 'policy = "ss"', items=items))
    assert (outcome.values["fill_rate"] >= [0.93, 0.9]).all()
    assert "not_kept" not in outcome.verdict
