"""What is read off the model of one sample, and when it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt import export_smps, read_smps, size_fleet, solve_stochastic
from capacity_opt.fleet.decomposition.fit import why_not, why_not_expected, worth_it
from capacity_opt.fleet.decomposition.structure import pieces_of
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.program import extensive_form
from tests.fleet_features import random_fleet
from tests.fleet_problems import GivenPaths


@pytest.mark.parametrize(
    "features",
    [
        {"fill_rate", "spill"},
        {"protection", "substitution"},
        {"opex_budget", "utilization", "blocks"},
        {"order_minimum", "integer", "pinned"},
        {"stability", "monotone", "retirement", "must_serve"},
    ],
)
def test_its_extensive_form_has_the_models_optimum(features):
    solved = 0
    for seed in range(6):
        problem = random_fleet(seed, frozenset(features))
        outcomes = draw_outcomes(problem)
        ours = solve(extensive_form(pieces_of(problem, outcomes).program), gap=1e-7)
        theirs = solve(build_model(problem, outcomes).lp, gap=1e-7)
        assert ours.reason == theirs.reason
        if theirs.reason == "optimal":
            solved += 1
            assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert solved >= 2


def test_periods_alike_share_a_family_and_lost_zones_ask_only_for_feasibility():
    problem = random_fleet(2, frozenset({"protection"}))
    program = pieces_of(problem, draw_outcomes(problem)).program
    weights = [group.weight for _, group in program.groups]
    assert len(program.families) < len(weights)
    assert 0.0 in weights
    assert max(weights) > 0


def test_every_sample_keeps_its_own_demand():
    problem = random_fleet(0, frozenset({"lead_time"}))
    outcomes = draw_outcomes(problem)
    pieces = pieces_of(problem, outcomes)
    total = sum(group.values.sum(axis=1) for _, group in pieces.program.groups)
    np.testing.assert_allclose(total, outcomes.values.sum(axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        ("zone_outages", "zones are not all there"),
        ("late_delivery", "deliveries differ"),
        ("chance", "no-shortage probability"),
        ("cvar_shortage", "shortage CVaR"),
        ("recourse_orders", "orders may follow"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(feature, reason):
    told = set()
    for seed in range(8):
        problem = random_fleet(seed, frozenset({feature}))
        told.add(why_not_expected(problem, draw_outcomes(problem)))
    assert any(each is not None and reason in each for each in told)


def test_other_formulations_and_protection_in_part_are_refused():
    problem = random_fleet(1, frozenset({"protection"}))
    outcomes = draw_outcomes(problem)
    assert why_not(problem, outcomes) is None
    assert "chance" in str(why_not(problem, outcomes, "chance"))
    partly = replace(problem, service=replace(problem.service, protected_quantile=0.5))
    assert "protected_quantile" in str(why_not(partly, outcomes))


def test_small_problems_are_left_to_one_program():
    assert not worth_it(10, 100)
    assert worth_it(1000, 500)
    assert worth_it(10, 1000, whole=True)
    assert not worth_it(10, 1000)


def test_an_exported_fleet_solves_to_the_same_cost_from_its_files(tmp_path):
    problem = replace(random_fleet(3, frozenset({"lead_time", "substitution"})), integer=False)
    listing = export_smps(problem, tmp_path / "plan.smps")
    core, time, stoch = (tmp_path / name for name in listing.read_text().split())
    found = solve_stochastic(read_smps(core, time=time, stoch=stoch))
    assert found.objective == pytest.approx(size_fleet(problem, gap=1e-7).objective, rel=1e-5)


def test_demands_alike_are_one_and_what_serves_them_is_shared_out():
    problem = replace(random_fleet(5, frozenset({"substitution", "protection", "fill_rate"})), integer=False)
    groups, sizes = problem.groups, problem.sizes
    twice = np.repeat(np.arange(sizes["J"]), 2)
    fields = (
        "group_class",
        "home_region",
        "allowed_region",
        "home_zone",
        "spill_cost",
        "compatible",
        "serve_cost",
        "usage",
        "performance",
    )
    wide = {name: getattr(groups, name)[twice] for name in (*fields, "overcommit")}
    names = tuple(f"{groups.names[j]}{copy}" for j, copy in zip(twice, (0, 1) * sizes["J"]))
    service = problem.service
    values, probability = problem.demand.draw(1, seed=0)
    split = np.random.default_rng(1).uniform(0, 1, (len(values), sizes["J"], *values.shape[2:]))
    both = np.stack([values * split, values * (1 - split)], axis=2).reshape(len(values), -1, *values.shape[2:])
    doubled = replace(
        problem,
        groups=replace(groups, names=names, **wide),
        service=replace(service, penalty=service.penalty[twice], shortage_allowed=service.shortage_allowed[twice]),
        demand=GivenPaths(both, probability),
    )
    outcomes = draw_outcomes(doubled)
    assert {f.matrix.shape for f in pieces_of(doubled, outcomes).program.families} == {
        f.matrix.shape for f in pieces_of(problem, draw_outcomes(problem)).program.families
    }
    one, two = (size_fleet(each, path="decomposition", gap=1e-7) for each in (problem, doubled))
    whole = size_fleet(doubled, path="extensive", gap=1e-7)
    assert "decomposition" in two.remarks[0]
    assert two.objective == pytest.approx(one.objective, rel=1e-6)
    assert two.objective == pytest.approx(whole.objective, rel=1e-6)
    assert all(check.passed for check in two.checks)
