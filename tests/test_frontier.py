"""The frontier: costs, marginal costs, marks and what the judge says."""

import importlib

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.fleet.refining import intervals, uncertainty
from capacity_opt.simulation.estimate import Estimate
from tests.fleet_problems import LogNormalPaths, make_problem, toy2, toy4


def lognormal(**rest):
    mean = np.full((1, 3, 1), 100.0)
    values, _ = LogNormalPaths(mean).draw(1, seed=0)
    return make_problem(
        types={"S": {"price": 1.0, "lot": 4}},
        groups={"c": {}},
        demand=values,
        **{"integer": False, "samples": 200, **rest},
    ), LogNormalPaths(mean)


def test_costs_and_slopes_of_the_newsvendor_curve():
    curve = co.frontier(toy2(penalty=0), values=[0.88, 0.9, 0.95, 0.96, 1.0], judge_samples=0)
    assert curve.cost == pytest.approx([100, 105, 117.5, 120, 140])
    assert curve.marginal_cost[1:] == pytest.approx([2.5, 2.5, 2.5, 5.0])
    assert np.isnan(curve.marginal_cost[0])
    assert curve.availability == pytest.approx([0.88, 0.9, 0.95, 0.96, 1.0])


def test_more_targets_are_asked_until_the_curve_is_known(tmp_path):
    known = co.frontier(toy2(penalty=0), values=[0.7, 1.0], judge_samples=0, tolerance=0.002)
    assert known.uncertainty <= 0.002
    assert np.all(np.diff(known.target) > 0)
    assert 5 <= len(known.points) <= 25
    fine = np.linspace(0.7, 1.0, 31)
    truth = co.frontier(toy2(penalty=0), values=fine, judge_samples=0).cost
    off = np.interp(fine, known.target, known.cost) - truth
    assert np.all(off <= 0.002 * truth[0] + 1e-6)
    assert np.all(off >= -1e-6)
    coarse = co.frontier(toy2(penalty=0), values=[0.7, 1.0], judge_samples=0)
    assert coarse.uncertainty > 0.1
    assert len(co.frontier(toy2(), values=[0.7, 1.0], judge_samples=0, tolerance=0.0, most_points=4).points) == 4


def test_whole_racks_are_known_to_lie_between_their_neighbours():
    jump, smooth = (uncertainty(np.array([0.8, 0.9, 1.0]), np.array([10.0, 11.0, 12.0]), convex=c) for c in (0, 1))
    assert jump == pytest.approx(0.1)
    assert smooth == pytest.approx(0.0)
    bent = intervals(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 3.0, 9.0]), convex=True)
    assert bent[1].width == pytest.approx(4 / 5)  # lines y = x and y = 6x - 9 meet at 9/5, the chord there is 2.6
    assert bent[1].at == pytest.approx(1.8)


def test_order_of_values_does_not_matter():
    problem = toy2(penalty=0)
    forward = co.frontier(problem, values=[0.9, 0.95, 0.99], judge_samples=0)
    backward = co.frontier(problem, values=[0.99, 0.9, 0.95], judge_samples=0)
    assert forward.cost == pytest.approx(backward.cost)


@pytest.mark.parametrize(
    ("over", "values", "costs"),
    [
        ("no_shortage_probability", [0.6, 0.8, 0.9], [100, 120, 140]),
        ("shortage_cvar", [40, 10, 0], [100, 130, 140]),
    ],
)
def test_other_service_targets(over, values, costs):
    service = {"shortage_cvar_level": 0.8, "shortage_cvar_limit": 10.0} if over == "shortage_cvar" else {}
    curve = co.frontier(toy2(penalty=0, service=service), over=over, values=values, judge_samples=0, gap=0)
    assert curve.cost == pytest.approx(costs)


def test_budget_limits_what_is_bought():
    curve = co.frontier(toy2(), over="budget", values=[140, 120, 110, 100], judge_samples=0)
    assert curve.target.tolist() == [140, 120, 110, 100][:: 1 if curve.target[0] == 140 else -1]
    assert curve.cost == pytest.approx([136, 136, 142, 148])
    assert curve.marginal_cost[2:] == pytest.approx([0.6, 0.6])


def test_power_scales_every_limit():
    problem = make_problem(
        types={"S": {"price": 1, "power_kw": 1.0}},
        groups={"c": {"penalty": 4}},
        demand=[[60], [80], [100], [120], [140]],
        sites={"power_limit": 100.0},
        integer=False,
    )
    curve = co.frontier(problem, over="power", values=[1.0, 1.2], judge_samples=0)
    assert sorted(curve.cost) == pytest.approx([136, 148])
    assert [point.current for point in curve.points] == [point.target == 1.0 for point in curve.points]


def test_utilization_costs_service():
    curve = co.frontier(toy2(), over="utilization", values=[0.5, 0.8, 0.9, 1.0], judge_samples=0)
    used = [point.plan.utilization.allocation[0] for point in curve.points]
    assert np.all(np.array(used) >= curve.target - 1e-6)
    assert np.all(np.diff(curve.cost) >= -1e-9)
    assert curve.cost[0] == pytest.approx(136)


def test_impossible_target_is_a_point_without_plan():
    curve = co.frontier(toy4(), values=[0.9, 0.99], judge_samples=0)
    assert [point.status for point in curve.points] == ["optimal", "infeasible"]
    assert curve.points[1].plan is None
    assert np.isnan(curve.cost[1])


def test_dominated_points_are_marked():
    curve = co.frontier(toy4(), values=[0.91, 0.95], judge_samples=0)
    assert curve.cost == pytest.approx([1880, 1880])
    assert sum(point.dominated for point in curve.points) <= 1
    promised = curve.availability
    assert curve.points[0].dominated == (promised[0] < promised[1] - 1e-9)


def test_knee_lies_inside_and_today_is_marked():
    problem = toy2(penalty=0, service={"fill_rate": 0.95})
    curve = co.frontier(problem, values=[0.88, 0.9, 0.95, 0.96, 0.99, 0.999], judge_samples=0)
    knees = [i for i, point in enumerate(curve.points) if point.knee]
    assert len(knees) == 1
    assert 0 < knees[0] < len(curve.points) - 1
    assert [point.target for point in curve.points if point.current] == [0.95]


def test_cost_is_convex_in_the_target_for_continuous_plans():
    problem, paths = lognormal()
    problem = co.FleetProblem(**{**{f: getattr(problem, f) for f in problem.__dataclass_fields__}, "demand": paths})
    curve = co.frontier(problem, values=[0.8, 0.9, 0.95, 0.98, 0.99, 0.999], judge_samples=0)
    assert np.all(np.diff(curve.marginal_cost[1:]) >= -1e-7)


def test_judged_on_fresh_samples_with_an_interval():
    problem, paths = lognormal()
    problem = co.FleetProblem(**{**{f: getattr(problem, f) for f in problem.__dataclass_fields__}, "demand": paths})
    curve = co.frontier(problem, values=[0.9, 0.99], samples=20, judge_samples=4000)
    for point in curve.points:
        assert point.judged.low <= point.judged.value <= point.judged.high
    # the optimiser saw 20 samples: what it promises at the high end is too good to be true
    assert curve.points[1].judged.high < curve.points[1].promised


def test_judge_can_be_replaced():
    seen = []

    def judge(plan, problem):
        seen.append(plan.objective)
        return Estimate(value=0.5, low=0.4, high=0.6, replications=2)

    curve = co.frontier(toy2(penalty=0), values=[0.9, 0.95], judge=judge)
    assert sorted(seen) == pytest.approx([105, 117.5])
    assert curve.judged[:, 0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"over": "nines"}, "over must be one of"),
        ({"values": []}, "at least one target"),
        ({"values": [99]}, "For a percentage write 0.99"),
        ({"classes": ["gold"]}, "classes must be among c"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(co.ArgumentError, match=message):
        co.frontier(toy2(), **{"judge_samples": 0, **arguments})


def test_public_name_is_callable_whatever_was_imported_first():
    module = importlib.import_module("capacity_opt.frontier")
    assert module(toy2(penalty=0), "fill_rate", [0.95], judge_samples=0).cost == pytest.approx([117.5])
