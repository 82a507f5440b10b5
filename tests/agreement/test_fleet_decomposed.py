"""The fleet model as a two-stage program: its extensive form has the model's own optimum, whatever is switched on."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, size_fleet
from capacity_opt.fleet.decomposed import decomposed, first_columns
from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.path import choose_path
from capacity_opt.fleet.pieces import solve_around
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.program import TwoStageProgram, extensive_form
from tests.fleet_features import FEATURES, formulation_of, random_fleet

NOT_YET = {"chance", "protection_quantile", "zone_outages", "late_delivery", "recourse_orders", "options", "must_serve"}


@pytest.mark.parametrize("block", range(4))
def test_extensive_form_of_the_decomposed_model_has_the_same_optimum(block):
    taken = 0
    for seed in range(block * 15, block * 15 + 15):
        rng = np.random.default_rng(seed)
        on = frozenset(name for name in FEATURES if name not in NOT_YET and rng.random() < 0.3)
        problem = random_fleet(seed, on)
        model = build_model(problem, draw_outcomes(problem), formulation_of(problem))
        program = decomposed(model)
        if not isinstance(program, TwoStageProgram):
            continue
        taken += 1
        ours, theirs = solve(model.lp, gap=1e-7), solve(extensive_form(program), gap=1e-7)
        assert ours.reason == theirs.reason, seed
        if ours.reason == "optimal":
            assert theirs.objective == pytest.approx(ours.objective, rel=1e-6), seed
    assert taken >= 10


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        ("zone_outages", "what a server gives differs"),
        ("late_delivery", "orders or deliveries differ"),
        ("chance", "recourse has whole numbers"),
    ],
)
def test_what_cannot_be_decomposed_says_why(feature, reason):
    told = []
    for seed in range(8):
        problem = random_fleet(seed, frozenset({feature}))
        told.append(decomposed(build_model(problem, draw_outcomes(problem))))
    assert any(isinstance(each, str) and reason in each for each in told)


def test_alike_periods_share_one_family():
    problem = random_fleet(3, frozenset({"fill_rate"}))
    program = decomposed(build_model(problem, draw_outcomes(problem)))
    assert isinstance(program, TwoStageProgram)
    groups = sum(len(family.groups) for family in program.families)
    assert groups >= problem.sizes["T"]
    assert len(program.families) <= problem.sizes["G"]


def test_solving_around_a_first_stage_gives_the_whole_point():
    for seed in range(6):
        problem = random_fleet(seed, frozenset({"fill_rate", "spill"} if seed % 2 else {"protection", "spill"}))
        lp = build_model(problem, draw_outcomes(problem)).lp
        model = build_model(problem, draw_outcomes(problem))
        whole = solve(lp)
        if whole.x is None:
            continue
        first = first_columns(model)
        around = solve_around(lp, first, whole.x[first], time_limit=30)
        assert around is not None
        assert lp.cost @ around.x + lp.offset == pytest.approx(whole.objective, rel=1e-7)
        activity = lp.matrix @ around.x
        assert np.all(activity <= lp.row_upper + 1e-6)
        assert np.all(activity >= lp.row_lower - 1e-6)


def test_path_is_chosen_by_size_and_said():
    problem = random_fleet(3, frozenset({"fill_rate"}))
    model = build_model(problem, draw_outcomes(problem))
    assert choose_path(model).path == "extensive"
    assert choose_path(model, "decomposition").path == "decomposition"
    assert "path: extensive" in size_fleet(problem).remarks[0]
    with pytest.raises(ArgumentError, match="path must be one of"):
        choose_path(model, "magic")
    outages = random_fleet(1, frozenset({"late_delivery"}))
    with pytest.raises(ArgumentError, match="cannot be decomposed"):
        choose_path(build_model(outages, draw_outcomes(outages)), "decomposition")
