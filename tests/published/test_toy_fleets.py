"""The reference fleets worked out by hand (tests/data/toy_fleets.json): objective, orders, duals, variants.

Each was also verified by brute-force enumeration when the file was made; the arithmetic stands beside the numbers.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt import (
    FleetPlan,
    alternative_plans,
    evaluate_fleet,
    price_by_difference,
    size_fleet,
    value_of_uncertainty,
)
from tests.fleet_problems import toy1, toy2, toy3, toy4, toy7, toy8

TOYS = {
    toy["id"].split("_")[0]: toy
    for toy in json.loads((Path(__file__).parents[1] / "data" / "toy_fleets.json").read_text(encoding="utf-8"))["toys"]
}


def expected(name: str) -> dict:
    return TOYS[name]["expected"]


def price(plan: FleetPlan, name: str, kind: str) -> float:
    return next((p.value for p in plan.prices if p.name == name and p.kind == kind), 0.0)


def bought(plan: FleetPlan) -> list[float]:
    return plan.racks.sum(axis=(1, 2)).tolist()


def test_toy1_objective_orders_and_relaxation():
    plan, want = size_fleet(toy1()), expected("toy1")
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(want["objective"], abs=1e-9)
    assert plan.facts["relaxed_objective"] == pytest.approx(want["lp_objective"], abs=1e-6)
    assert bought(plan) == [want["buy"]["A"], want["buy"]["B"]]


@pytest.mark.parametrize("resource", ["vcpu", "mem_gib"])
def test_toy1_shadow_prices_and_utilization(resource):
    plan, want = size_fleet(toy1()), expected("toy1")
    assert price(plan, f"resource[r1,{resource}]", "relaxed") == pytest.approx(want["shadow_price"][resource])
    at = plan.utilization.resources.index(resource)
    assert plan.utilization.allocation[at] == pytest.approx(want["utilization"][resource])


@pytest.mark.parametrize(
    ("at", "changes"),
    [(0, {"compatible": {"web": ["A"], "db": ["B"]}}), (1, {"types": ["A"]}), (2, {"types": ["B"]})],
)
def test_toy1_variants(at, changes):
    problem, want = toy1(**changes), TOYS["toy1"]["variants"][at]
    plan = size_fleet(problem)
    assert plan.objective == pytest.approx(want["objective"], abs=1e-9)
    assert bought(plan) == [want["buy"][name] for name in problem.server_types.names]


def test_toy1_stranded_memory_without_substitution():
    plan = size_fleet(toy1(compatible={"web": ["A"], "db": ["B"]}))
    assert plan.utilization.stranded[1] == pytest.approx(96 / 576)


def test_toy2_penalty():
    plan, want = size_fleet(toy2()), expected("toy2")["penalty"]
    assert bought(plan) == [pytest.approx(want["capacity"])]
    assert plan.objective == pytest.approx(want["objective"])
    assert plan.availability.fill[0] == pytest.approx(want["fill_rate"])
    assert plan.availability.no_shortage_joint[0] == pytest.approx(want["prob_no_shortage"])
    assert plan.utilization.allocation[0] == pytest.approx(want["expected_utilization"])


def test_toy2_fill_rate_and_its_price():
    plan = size_fleet(toy2(penalty=0, service={"fill_rate": 0.95}))
    want = expected("toy2")["fill_rate_0_95"]
    assert bought(plan) == [pytest.approx(want["capacity"])]
    assert price(plan, "fill_rate[c]", "local") == pytest.approx(want["dual_per_unit_expected_shortage"])
    assert price(plan, "fill_rate_point[c]", "local") == pytest.approx(want["marginal_cost_per_percentage_point"])
    assert (1 - plan.availability.fill[0]) * 100 == pytest.approx(want["expected_shortage"])


@pytest.mark.parametrize(("level", "capacity"), expected("toy2")["chance"].items())
def test_toy2_chance(level, capacity):
    problem = toy2(penalty=0, service={"no_shortage_probability": float(level)})
    plan = size_fleet(problem, formulation="chance", gap=0)
    assert bought(plan) == [pytest.approx(capacity)]
    assert plan.availability.no_shortage_per_period[0] >= float(level) - 1e-9


@pytest.mark.parametrize("case", expected("toy2")["cvar_shortage"])
def test_toy2_cvar_of_shortage(case):
    service = {"shortage_cvar_level": case["alpha"], "shortage_cvar_limit": case["limit"]}
    plan = size_fleet(toy2(penalty=0, service=service), formulation="cvar")
    assert bought(plan) == [pytest.approx(case["capacity"])]


def test_toy2_mean_value_plan():
    want = expected("toy2")["mean_value_plan"]
    plan = size_fleet(toy2(), formulation="deterministic")
    assert bought(plan) == [pytest.approx(want["capacity"])]
    assert evaluate_fleet(plan, toy2()).objective == pytest.approx(want["objective"])


def test_toy2_value_of_the_stochastic_solution_and_of_perfect_information():
    value, want = value_of_uncertainty(toy2()), expected("toy2")
    assert value.two_stage_cost == pytest.approx(want["penalty"]["objective"])
    assert value.mean_value_cost == pytest.approx(want["mean_value_plan"]["objective"])
    assert value.wait_and_see_cost == pytest.approx(want["wait_and_see"])
    assert value.value_of_stochastic_solution == pytest.approx(want["VSS"])
    assert value.value_of_perfect_information == pytest.approx(want["EVPI"])


@pytest.mark.parametrize(("problem", "toy"), [(toy1(), "toy1"), (toy4(), "toy4")])
def test_second_best_plan(problem, toy):
    plans = alternative_plans(problem, count=2, within=0.1, gap=0)
    assert plans[1].objective == pytest.approx(expected(toy)["second_best_objective"])


@pytest.mark.parametrize(
    ("case", "protected"),
    [("no_failover", np.nan), ("n_plus_1_all_classes", 1.0), ("n_plus_1_critical_only", [[1.0], [0.0]])],
)
def test_toy3_failover(case, protected):
    plan, want = size_fleet(toy3(protected), gap=0), expected("toy3")[case]
    assert plan.objective == pytest.approx(want["objective"], abs=1e-9)
    assert plan.racks[0, :, 0].tolist() == list(want["servers"].values())
    if "allocated_utilization_normal" in want:
        assert plan.utilization.allocation[0] == pytest.approx(want["allocated_utilization_normal"])


def test_toy3_prices_of_losing_a_zone():
    want = expected("toy3")
    every = size_fleet(toy3(1.0))
    for zone, value in want["n_plus_1_all_classes"]["duals_per_server_for_loss_of"].items():
        assert price(every, f"server_without_{zone}[S,r1]", "relaxed") == pytest.approx(value)
    critical = size_fleet(toy3([[1.0], [0.0]]))
    duals = want["n_plus_1_critical_only"]["duals"]
    assert price(critical, "server[S,r1]", "relaxed") == pytest.approx(duals["total_capacity"])
    assert price(critical, "server_without_z1[S,r1]", "relaxed") == pytest.approx(duals["loss_of_z1"])


def test_toy4_lots_and_lead_time():
    plan, want = size_fleet(toy4()), expected("toy4")
    assert plan.objective == pytest.approx(want["objective"], abs=1e-9)
    assert plan.racks[0, 0, :2].tolist() == list(want["orders"].values())
    assert (plan.stock[0, 0] * 10).tolist() == want["installed_capacity"]
    assert plan.facts["relaxed_objective"] == pytest.approx(want["lp_relaxation"]["objective"])
    assert plan.facts["lot_premium"] == pytest.approx(want["lot_rounding_premium"])
    assert plan.availability.fill[0] == pytest.approx(want["fill_rate"])
    costs = want["cost_breakdown"]
    assert plan.cost == pytest.approx(
        {
            "capital": costs["racks"],
            "opex_existing": costs["opex_existing"],
            "opex_new": costs["opex_new"],
            "penalty": costs["penalty"],
        }
    )


def test_toy4_continuous_orders():
    plan = size_fleet(toy4(integer=False))
    assert plan.racks[0, 0, :2].tolist() == [pytest.approx(1.75), pytest.approx(0.0, abs=1e-9)]


def test_toy4_shorter_lead_time():
    plan, want = size_fleet(toy4(lead_time=1)), TOYS["toy4"]["variants"][0]
    assert plan.objective == pytest.approx(want["objective"], abs=1e-9)
    assert plan.racks[0, 0, :3].tolist() == list(want["orders"].values())


def test_toy4_price_of_one_period_of_lead_time():
    want = expected("toy4")["objective"] - TOYS["toy4"]["variants"][0]["objective"]
    found = {price.name: price.value for price in price_by_difference(toy4(), gap=0)}
    assert found["lead_time"] == pytest.approx(want)


def test_toy7_flexible_type():
    plan, want = size_fleet(toy7()), expected("toy7")
    assert plan.objective == pytest.approx(want["objective"])
    assert bought(plan) == [pytest.approx(count) for count in want["buy"].values()]
    assert plan.cost["penalty"] / 40 == pytest.approx(want["expected_shortage"])
    without = size_fleet(toy7(flexible=False))
    assert without.objective == pytest.approx(want["without_flex"]["objective"])
    assert without.objective - plan.objective == pytest.approx(want["value_of_flexibility"])


@pytest.mark.parametrize("rule", ["per_class", "cumulative"])
def test_toy8_cumulative_promise_is_what_strict_priority_delivers(rule):
    plan, want = size_fleet(toy8(rule)), expected("toy8")[f"{rule}_constraints"]
    capacity = bought(plan)[0]
    assert capacity == pytest.approx(want["capacity"])
    unmet = 0.9 * max(200 - capacity, 0) + 0.1 * (300 - capacity)
    assert 1 - unmet / 110 == pytest.approx(want["standard_fill_delivered_under_strict_priority"])
