"""Random fleet problems over every feature: the answer verified, and compared with ways that share little with it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from capacity_opt import FleetPlan, InfeasibleError, evaluate_fleet, size_fleet, value_of_uncertainty
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.projection import solve_projected
from capacity_opt.fleet.uncertainty import clairvoyant
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.verify import verify
from tests.fleet_features import FEATURES, formulation_of, random_fleet
from tests.fleet_problems import GivenPaths, make_problem


def sized(problem, **options) -> FleetPlan | None:
    try:
        return size_fleet(problem, formulation=formulation_of(problem), gap=1e-6, time_limit=30, **options)
    except InfeasibleError as error:
        if len(str(error).splitlines()) < 2:
            raise
        return None


@pytest.mark.parametrize("block", range(8))
def test_every_answer_is_verified_and_its_cost_recomputed(block):
    solved = 0
    for seed in range(block * 20, block * 20 + 20):
        plan = sized(random_fleet(seed))
        if plan is not None:
            solved += 1
            assert all(check.passed for check in plan.checks), (seed, [c for c in plan.checks if not c.passed])
            assert plan.bound <= plan.objective + 1e-6 * abs(plan.objective)
    assert solved >= 8


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_alone_is_solved(feature):
    needs = {"protection_quantile": {"protection", "protection_quantile"}}.get(feature, {feature})
    plans = [sized(random_fleet(seed, frozenset(needs))) for seed in range(4)]
    assert any(plan is not None for plan in plans)


def test_evaluating_the_best_plan_gives_its_own_cost():
    for seed in range(200, 230):
        problem = random_fleet(seed)
        plan = sized(problem)
        if plan is None or problem.supply.recourse_from is not None:
            continue
        again = evaluate_fleet(plan, problem, formulation=formulation_of(problem))
        assert again.objective == pytest.approx(plan.objective, rel=1e-5), seed


def test_whole_racks_agree_with_enumeration():
    """One period, few racks: try every combination of racks and solve what is left by its own small formula."""
    rng = np.random.default_rng(8)
    for _ in range(12):
        capacity, price = rng.integers(3, 9, 2) * 1.0, rng.integers(5, 30, 2) * 1.0
        demand, penalty = rng.integers(5, 40, (3, 1)) * 1.0, 4.0
        p = rng.dirichlet(np.ones(3))
        problem = make_problem(
            types={
                "A": {"capacity": capacity[0], "price": price[0]},
                "B": {"capacity": capacity[1], "price": price[1]},
            },
            groups={"c": {"penalty": penalty}},
            demand=demand,
            probability=p.tolist(),
        )
        best = min(
            price @ np.array(racks) + penalty * float(p @ np.maximum(demand[:, 0] - capacity @ np.array(racks), 0))
            for racks in product(range(15), repeat=2)
        )
        assert size_fleet(problem, gap=0).objective == pytest.approx(best)


def test_a_second_solver_agrees_on_continuous_problems():
    for seed in range(300, 330):
        problem = replace(
            random_fleet(seed, frozenset({"lead_time", "spill", "substitution", "fill_rate"})), integer=False
        )
        plan = sized(problem)
        lp = build_model(problem, draw_outcomes(problem)).lp
        other = solve(lp, solver="glop")
        if plan is None:
            assert other.reason == "infeasible"
        else:
            assert other.objective == pytest.approx(plan.objective, rel=1e-6)


def test_wait_and_see_never_above_two_stage_never_above_mean_value():
    features = frozenset({"lead_time", "integer", "lots", "overcommit"})
    for seed in range(400, 412):
        value = value_of_uncertainty(random_fleet(seed, features), gap=1e-7)
        slack = 1e-5 * abs(value.two_stage_cost)
        assert value.wait_and_see_cost <= value.two_stage_cost + slack <= value.mean_value_cost + 2 * slack


def test_one_clairvoyant_program_agrees_with_solving_sample_by_sample():
    features = frozenset({"lead_time", "retirement", "options"})
    for seed in range(420, 432):
        problem = random_fleet(seed, features)
        value = value_of_uncertainty(problem)
        together = solve(clairvoyant(build_model(problem, draw_outcomes(problem))))
        assert together.objective == pytest.approx(value.wait_and_see_cost, rel=1e-6)


def test_exact_failures_cost_at_least_the_pooled_bound():
    for seed in range(500, 520):
        problem = random_fleet(seed, frozenset({"protection", "spill", "substitution"}))
        outcomes = draw_outcomes(problem)
        exact = solve(build_model(problem, outcomes).lp)
        pooled = solve(build_model(problem, outcomes, failures="pooled").lp)
        if exact.reason == "optimal":
            assert pooled.objective <= exact.objective * (1 + 1e-7)


def test_quantile_rows_cut_off_no_plan():
    """The chance promise with and without its strengthening rows: same optimum, and a tighter relaxation."""
    tighter = 0
    for seed in range(600, 625):
        problem = random_fleet(seed, frozenset({"chance", "integer"}))
        problem = replace(problem, service=replace(problem.service, penalty=np.zeros(problem.sizes["J"])))
        model = build_model(problem, draw_outcomes(problem))
        rows = model.row_blocks["chance_quantile"].index
        lower, upper = model.lp.row_lower.copy(), model.lp.row_upper.copy()
        lower[rows[rows >= 0]], upper[rows[rows >= 0]] = -np.inf, np.inf
        bare = replace(model.lp, row_lower=lower, row_upper=upper)
        with_rows, without_rows = solve(model.lp, gap=1e-7), solve(bare, gap=1e-7)
        assert with_rows.reason == without_rows.reason, seed
        if with_rows.reason == "optimal":
            assert with_rows.objective == pytest.approx(without_rows.objective, rel=1e-6), seed
            loose = replace(bare, integer=np.zeros_like(bare.integer))
            tight = replace(model.lp, integer=np.zeros_like(bare.integer))
            tighter += solve(tight).objective > solve(loose).objective * (1 + 1e-6)
    assert tighter > 0


def test_searching_the_first_stage_agrees_with_searching_everything():
    """Chance promises: the projection with rays proves what the whole program finds."""
    proven = 0
    for seed in range(640, 670):
        rng = np.random.default_rng(seed)
        features = {
            "chance",
            "integer",
            *(name for name in ("pinned", "spill", "lots", "blocks") if rng.random() < 0.4),
        }
        problem = random_fleet(seed, frozenset(features))
        demand = rng.uniform(5, 30, (12, *problem.demand.values.shape[1:]))
        given = replace(problem.service, penalty=np.zeros(problem.sizes["J"]))
        given = replace(given, no_shortage_probability=np.array([0.9, 0.7]))
        problem = replace(problem, service=given, demand=GivenPaths(demand, np.full(12, 1 / 12)))
        model = build_model(problem, draw_outcomes(problem))
        short = solve_projected(model, gap=1e-7, time_limit=20, seed=1)
        whole = solve(model.lp, gap=1e-7, time_limit=30)
        if short is None or whole.reason != "optimal":
            continue
        assert short.bound <= whole.objective * (1 + 1e-7), seed
        assert short.objective >= whole.objective * (1 - 1e-6), seed
        proven += short.reason == "optimal"
    assert proven >= 10


def test_planted_corruptions_of_an_answer_are_all_caught():
    rng = np.random.default_rng(0)
    caught = tried = 0
    for seed in range(700, 712):
        problem = random_fleet(seed, frozenset({"lead_time", "overcommit", "integer"}))
        lp = build_model(problem, draw_outcomes(problem)).lp
        found = solve(lp)
        if found.x is None:
            continue
        for column in rng.choice(lp.columns, size=min(40, lp.columns), replace=False):
            broken = found.x.copy()
            broken[column] += rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 0.7) * max(1.0, abs(broken[column]))
            tried += 1
            caught += not verify(lp, replace(found, x=broken)).passed
    assert tried >= 300
    assert caught == tried
