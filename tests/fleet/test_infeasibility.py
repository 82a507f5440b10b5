"""Where no plan exists, the message names the planted cause, how much is missing, and what would help."""

from pathlib import Path

import numpy as np
import pytest

from capacity_opt import InfeasibleError, LimitError, UnboundedError, read_scenario, size_fleet
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.size import require_point
from capacity_opt.solvers.solution import Solution
from tests.fleet_problems import make_problem, toy2, toy4


def told(problem, **options) -> str:
    with pytest.raises(InfeasibleError) as caught:
        size_fleet(problem, **options)
    return str(caught.value)


def must_serve(demand, **type_fields):
    return {
        "types": {"A": {"capacity": 1.0, "price": 1.0, **type_fields}},
        "groups": {"critical": {"shortage_allowed": False}},
        "regions": {"eu-west": ["eu-west-a"]},
        "demand": demand,
    }


def test_lead_time_is_named():
    message = told(make_problem(**must_serve([[[40, 40, 40]]], lead_time=2)))
    assert (
        "critical short 40 vcpu from 1 to 2: lead time 2 > first order 1: nothing ordered arrives before 3" in message
    )
    assert "cheapest fix: shorten lead times by 2 periods (A to 0)" in message


def test_frozen_window_is_named():
    message = told(make_problem(**must_serve([[[0, 40]]]), supply={"first_order": 2}))
    assert "lead time 0 > first order 2: nothing ordered arrives before the end of the plan" in message
    assert "cheapest fix: order from 2 on" in message


def test_power_limit_is_named_with_the_kilowatts_missing():
    problem = make_problem(**must_serve([[100]], power_kw=0.5), sites={"power_limit": 30.0}, integer=False)
    message = told(problem)
    assert "critical short 40 vcpu in 1: held back by power limit of eu-west-a in 1" in message
    assert "cheapest fix: raise the power limit: eu-west-a by 20 kW in 1" in message


def test_budget_is_named_with_the_money_missing():
    problem = make_problem(**must_serve([[100]]), finance={"capex_budget": 60.0}, integer=False)
    message = told(problem)
    assert "held back by capital budget in 1" in message
    assert "raise the capital budget by 40 USD in 1" in message


def test_order_limit_is_named():
    problem = make_problem(**must_serve([[100]], order_limit=70.0), integer=False)
    message = told(problem)
    assert "order limit of A in eu-west-a in 1" in message
    assert "raise the order limit: A in eu-west-a by 30 racks in 1" in message


def test_smallest_of_several_fixes_comes_first():
    problem = make_problem(
        **must_serve([[100]], power_kw=1.0), sites={"power_limit": 99.0}, finance={"capex_budget": 150.0}, integer=False
    )
    lines = told(problem).splitlines()
    assert any(line.startswith("cheapest fix: raise the power limit: eu-west-a by 1 kW in 1") for line in lines)


def test_fill_rate_that_cannot_be_kept():
    message = told(toy4(service={"fill_rate": 0.99}))
    assert "fill rate of all missed by" in message


def test_lost_zone_without_another():
    problem = make_problem(
        types={"A": {"price": 1.0}}, groups={"critical": {}}, demand=[[10]], service={"protected_share": 0.5}
    )
    message = told(problem)
    assert "critical short 5 vcpu of its protected share in 1 if z1 is lost" in message
    assert "no server type in an allowed place can serve it then" in message


def test_limits_that_contradict_each_other():
    problem = make_problem(
        types={"A": {"price": 1.0, "power_kw": 1.0, "initial": 50.0}},
        groups={"c": {"penalty": 1.0}},
        demand=[[10]],
        sites={"power_limit": 30.0},
    )
    message = told(problem)
    assert "power[z1,1] broken by 20" in message


def test_two_causes_at_once_are_said_to_be_two():
    problem = make_problem(
        **must_serve([[100]], power_kw=1.0), sites={"power_limit": 50.0}, finance={"capex_budget": 50.0}, integer=False
    )
    message = told(problem)
    assert "short 50" in message


def test_integer_infeasibility_is_found_behind_a_feasible_relaxation():
    problem = make_problem(
        types={"A": {"price": 1.0, "lot": 4, "power_kw": 1.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=[[6]],
        sites={"power_limit": 7.0},
    )
    message = told(problem)
    assert "whole racks" in message


def test_outcomes_without_a_point_become_the_right_error():
    model = build_model(toy2(), draw_outcomes(toy2()))
    with pytest.raises(LimitError, match="Raise time_limit"):
        require_point(model, Solution(reason="no_solution", limit="time", seconds=1.0))
    with pytest.raises(UnboundedError):
        require_point(model, Solution(reason="unbounded"))


def test_tiny_time_limit_gives_limit_error_or_a_verified_incumbent():
    rng = np.random.default_rng(3)
    types = {f"k{k}": {"capacity": 7.0 + k, "price": 11.0 + 1.7 * k, "lot": 3} for k in range(6)}
    problem = make_problem(
        types=types,
        groups={f"g{j}": {"penalty": 3.0} for j in range(6)},
        demand=rng.uniform(50, 150, (40, 6, 6)),
    )
    try:
        plan = size_fleet(problem, time_limit=0.5, gap=0.0)
    except LimitError:
        return
    assert plan.bound <= plan.objective
    assert all(check.passed for check in plan.checks)


@pytest.mark.parametrize(
    ("folder", "cured", "cause", "fix"),
    [
        (
            "lead_time",
            "soon_enough",
            "critical/eu-west short 40 vcpu from 2027-03-01 to 2027-04-01: lead time 4 > first order 2027-01-01",
            "cheapest fix: shorten lead times by 2 periods (gen9 to 2)",
        ),
        (
            "power",
            "enough",
            "critical/eu-west short 20 vcpu of its protected share from 2027-03-01 to 2027-06-01 if euw-a is lost: "
            "held back by power limit of euw-a",
            "cheapest fix: raise the power limit: euw-a by 0.6 kW from 2027-03-01 to 2027-06-01",
        ),
        (
            "budget",
            "enough",
            "fill rate of critical missed by 240 units of unmet demand: held back by cumulative budget",
            "cheapest fix: raise the cumulative budget by 12000 USD",
        ),
    ],
)
def test_planted_scenarios_name_their_cause_and_the_cure_works(folder, cured, cause, fix):
    path = Path(__file__).parents[2] / "scenarios" / "infeasible" / folder
    message = told(read_scenario(path).fleet)
    assert cause in message
    assert fix in message
    assert size_fleet(read_scenario(path, variant=cured).fleet).status == "optimal"
