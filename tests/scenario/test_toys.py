"""The toy fleets as scenario folders: objective, orders, promises and prices exactly as worked out by hand.

The expected numbers stand in tests/data/toy_fleets.json with the arithmetic that gives them.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.studies import study_tables

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "scenarios" / "toys"
EXPECTED = {toy["id"]: toy for toy in json.loads((ROOT / "tests/data/toy_fleets.json").read_text())["toys"]}


@cache
def solved(folder, variant=None, settings=()):
    scenario = co.read_scenario(TOYS / folder, variant=variant, set=settings)
    fleet = scenario.spec.fleet
    return scenario.fleet, co.size_fleet(
        scenario.fleet, formulation=fleet.formulation, gap=fleet.gap, seed=scenario.seed
    )


def bought(problem, plan):
    return dict(zip(problem.server_types.names, plan.racks.sum(axis=(1, 2))))


def capacity(problem, plan):
    return float((plan.stock.sum(axis=(1, 2)) * problem.server_types.capacity[:, 0]).sum())


def price(plan, name, kind):
    return next((p.value for p in plan.prices if p.name == name and p.kind == kind), 0.0)


def studied(folder):
    """The tables of the studies that the toy's [report] section asks for."""
    scenario = co.read_scenario(TOYS / folder)
    _, plan = solved(folder)
    return study_tables(scenario, plan, lambda _: None, lambda: False)


@pytest.mark.parametrize(("resource", "value"), [("vcpu", 0.75), ("mem_gib", 0.125)])
def test_toy1_prices_of_resources(resource, value):
    assert price(solved("toy1_multiresource_two_sku")[1], f"resource[main,{resource}]", "relaxed") == pytest.approx(
        value
    )


def test_toy2_price_of_a_point_of_fill_rate():
    _, plan = solved("toy2_newsvendor_service_variants", "fill_rate")
    expected = EXPECTED["toy2_newsvendor_service_variants"]["expected"]["fill_rate_0_95"]
    assert price(plan, "fill_rate[c]", "local") == pytest.approx(expected["dual_per_unit_expected_shortage"])
    assert price(plan, "fill_rate_point[c]", "local") == pytest.approx(expected["marginal_cost_per_percentage_point"])


def test_toy2_value_of_planning_for_many_samples_and_of_perfect_information():
    expected = EXPECTED["toy2_newsvendor_service_variants"]["expected"]
    table = studied("toy2_newsvendor_service_variants")["uncertainty"].columns
    found = dict(zip(table["measure"], table["EffectiveCost"], strict=True))
    assert found["mean_value_cost"] == pytest.approx(expected["mean_value_plan"]["objective"])
    assert found["wait_and_see_cost"] == pytest.approx(expected["wait_and_see"])
    assert found["value_of_stochastic_solution"] == pytest.approx(expected["VSS"])
    assert found["value_of_perfect_information"] == pytest.approx(expected["EVPI"])


def test_toy3_prices_of_losing_a_zone():
    expected = EXPECTED["toy3_az_failure_headroom"]["expected"]
    _, every = solved("toy3_az_failure_headroom", "n_plus_1_all_classes")
    for zone, value in expected["n_plus_1_all_classes"]["duals_per_server_for_loss_of"].items():
        assert price(every, f"server_without_{zone}[S,r1]", "relaxed") == pytest.approx(value)
    assert every.utilization.allocation[0] == pytest.approx(2 / 3)
    _, critical = solved("toy3_az_failure_headroom", "n_plus_1_critical_only")
    assert price(critical, "server[S,r1]", "relaxed") == pytest.approx(100)
    assert price(critical, "server_without_z1[S,r1]", "relaxed") == pytest.approx(10)


def test_toy4_price_of_lead_time_and_second_best():
    tables = studied("toy4_lead_time_lots_decommission")
    found = dict(zip(tables["differences"].columns["name"], tables["differences"].columns["value"], strict=True))
    assert found["lead_time"] == pytest.approx(1680 - 1560)
    assert 1760 in [pytest.approx(cost) for cost in tables["rejected"].columns["EffectiveCost"]]


def test_toy1_buys_nine_a_and_three_b():
    problem, plan = solved("toy1_multiresource_two_sku")
    expected = EXPECTED["toy1_multiresource_two_sku"]["expected"]
    assert plan.objective == pytest.approx(expected["objective"], abs=1e-6)
    assert bought(problem, plan) == pytest.approx(expected["buy"])
    assert plan.utilization.allocation == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(
    ("variant", "objective", "buy"),
    [
        ("no_substitution", 144, {"A": 6, "B": 6}),
        ("only_a", 150, {"A": 15, "B": 0}),
        ("only_b", 168, {"A": 0, "B": 12}),
        ("relaxed", 132, {"A": 9, "B": 3}),
    ],
)
def test_toy1_variants(variant, objective, buy):
    problem, plan = solved("toy1_multiresource_two_sku", variant)
    assert plan.objective == pytest.approx(objective, abs=1e-6)
    assert bought(problem, plan) == pytest.approx(buy)


def test_toy2_penalty_is_the_newsvendor():
    problem, plan = solved("toy2_newsvendor_service_variants")
    expected = EXPECTED["toy2_newsvendor_service_variants"]["expected"]["penalty"]
    assert capacity(problem, plan) == pytest.approx(expected["capacity"])
    assert plan.objective == pytest.approx(expected["objective"])
    assert plan.availability.fill[0] == pytest.approx(expected["fill_rate"])
    assert plan.availability.no_shortage_joint[0] == pytest.approx(expected["prob_no_shortage"])
    assert plan.utilization.allocation[0] == pytest.approx(expected["expected_utilization"])


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("fill_rate", 117.5),
        ("chance_60", 100),
        ("chance_80", 120),
        ("chance_90", 140),
        ("cvar_80", 130),
        ("cvar_60", 120),
        ("mean_value", 100),
    ],
)
def test_toy2_promises(variant, expected):
    problem, plan = solved("toy2_newsvendor_service_variants", variant)
    assert capacity(problem, plan) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (None, "no_failover"),
        ("n_plus_1_all_classes", "n_plus_1_all_classes"),
        ("n_plus_1_critical_only", "n_plus_1_critical_only"),
    ],
)
def test_toy3_zone_loss(variant, expected):
    problem, plan = solved("toy3_az_failure_headroom", variant)
    wanted = EXPECTED["toy3_az_failure_headroom"]["expected"][expected]
    assert plan.objective == pytest.approx(wanted["objective"], abs=1e-6)
    assert dict(zip(problem.sites.zones, plan.racks.sum(axis=(0, 2)))) == pytest.approx(wanted["servers"])


def test_toy4_lead_time_lots_and_decommission():
    _problem, plan = solved("toy4_lead_time_lots_decommission")
    expected = EXPECTED["toy4_lead_time_lots_decommission"]["expected"]
    assert plan.objective == pytest.approx(expected["objective"], abs=1e-6)
    assert plan.racks[0, 0].tolist() == pytest.approx([2, 0, 0, 0])
    assert (plan.stock[0, 0] * 10).tolist() == pytest.approx(expected["installed_capacity"])
    assert plan.availability.fill[0] == pytest.approx(expected["fill_rate"])
    assert sum(plan.cost.values()) == pytest.approx(expected["objective"])


@pytest.mark.parametrize(("variant", "objective"), [("lead_time_1", 1560), ("relaxed", 1640)])
def test_toy4_variants(variant, objective):
    _, plan = solved("toy4_lead_time_lots_decommission", variant)
    assert plan.objective == pytest.approx(objective, abs=1e-6)


def test_toy7_flexible_servers():
    problem, plan = solved("toy7_two_stage_flexible_sku")
    assert plan.objective == pytest.approx(1880)
    assert bought(problem, plan) == pytest.approx({"a": 40, "b": 40, "flex": 40})
    demand, probability = problem.demand.draw(1, seed=0)
    unmet = (1 - plan.availability.fill) * np.einsum("s,sjtb->j", probability, demand)
    assert unmet.sum() == pytest.approx(10)


def test_toy7_without_flexible_servers():
    problem, plan = solved("toy7_two_stage_flexible_sku", "without_flex")
    assert plan.objective == pytest.approx(1920)
    assert bought(problem, plan) == pytest.approx({"a": 80, "b": 80, "flex": 0})


@pytest.mark.parametrize(
    ("variant", "rule"), [(None, "cumulative_constraints"), ("per_class", "per_class_constraints")]
)
def test_toy8_fill_rules(variant, rule):
    problem, plan = solved("toy8_priority_consistent_slo", variant)
    assert capacity(problem, plan) == pytest.approx(
        EXPECTED["toy8_priority_consistent_slo"]["expected"][rule]["capacity"]
    )
