"""The sampling certificate against a problem whose optimum is known: its limits cover the truth, and order holds."""

import json

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.cli import main
from capacity_opt.errors import ArgumentError
from capacity_opt.executor import executor_named
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.benders import solve_two_stage
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram, slack_bounds
from capacity_opt.solvers.stochastic.reshape import mean_value, only_sample, priced
from capacity_opt.solvers.stochastic.saa import certify, samples_needed
from tests.solvers.stochastic.test_coupling import coupled
from tests.solvers.stochastic.test_smps import CORE, TIME


class Newsvendor:
    """Buy at 1, be short at 4, demand uniform on [0, 100]: buy 75, cost 75 + 4 * 25**2 / 200 = 87.5."""

    def program(self, samples, seed):
        lower, upper = slack_bounds([1])
        group = SampleGroup(
            technology=sparse.csr_array(np.ones((1, 1))),
            base=np.zeros(1),
            values=np.random.default_rng(seed).uniform(0, 100, (samples, 1)),
            probability=np.full(samples, 1.0 / samples),
        )
        family = RecourseFamily(
            matrix=np.ones((1, 1)),
            cost=np.full(1, 4.0),
            lower=np.zeros(1),
            upper=np.full(1, np.inf),
            slack_lower=lower,
            slack_upper=upper,
            random_rows=np.zeros(1, dtype=np.int64),
            groups=(group,),
        )
        first = LinearProgram(
            cost=np.ones(1),
            matrix=sparse.csr_array((0, 1)),
            row_lower=np.zeros(0),
            row_upper=np.zeros(0),
            column_lower=np.zeros(1),
            column_upper=np.full(1, 200.0),
            integer=np.zeros(1, dtype=bool),
        )
        return TwoStageProgram(first=first, families=(family,))


BEST, MEAN = 87.5, 50 + 4 * 12.5


def test_limits_cover_the_known_optimum_and_the_order_of_values_holds():
    covered = 0
    for seed in range(6):
        found = certify(Newsvendor(), samples=30, replications=8, fresh=2000, seed=seed, known_ahead=5)
        true_cost = found.x[0] + 4 * (100 - found.x[0]) ** 2 / 200
        assert found.cost.low - 3 <= true_cost <= found.cost.high + 3
        assert found.wait_and_see_cost.value <= found.wait_and_see_own + 1e-9
        assert found.value_of_stochastic_solution >= -1.0
        covered += true_cost - BEST <= found.gap_limit
    assert covered >= 5
    assert found.mean_value_cost.value == pytest.approx(MEAN, rel=0.05)
    with pytest.raises(ArgumentError, match="must be >= 2"):
        certify(Newsvendor(), samples=1)


def test_more_samples_come_closer_until_they_are_enough():
    found = samples_needed(Newsvendor(), 0.03, start=10, replications=8, fresh=1000, known_ahead=2)
    assert found[-1].relative_gap_limit <= 0.03
    assert all(each.relative_gap_limit > 0.03 for each in found[:-1])
    assert [each.samples for each in found] == [10 * 2**i for i in range(len(found))]


def test_workers_do_not_change_the_certificate():
    alone = certify(Newsvendor(), samples=20, replications=6, fresh=100, known_ahead=2)
    spread = certify(
        Newsvendor(), samples=20, replications=6, fresh=100, known_ahead=2, executor=executor_named("serial"), workers=3
    )
    assert sorted([alone.gap, alone.gap_limit]) == pytest.approx(sorted([spread.gap, spread.gap_limit]), abs=1e-9)


def test_priced_coupling_rows_are_a_lagrangian_bound_that_is_tight_at_the_optimal_prices():
    for seed in range(6):
        program = coupled(seed)
        best = solve_two_stage(program, gap=1e-8)
        if best.reason != "optimal":
            continue
        dual = solve_two_stage(priced(program, -best.duals.coupling), gap=1e-8)
        assert dual.objective == pytest.approx(best.objective, rel=1e-5, abs=1e-5)
        assert solve_two_stage(priced(program, 0.5 * -best.duals.coupling)).objective <= best.objective + 1e-6


def test_the_mean_and_single_samples_bound_the_program_from_below():
    program = Newsvendor().program(12, 3)
    best = solve_two_stage(program).objective
    ahead = [solve_two_stage(only_sample(program, s)).objective for s in range(12)]
    assert solve_two_stage(mean_value(program)).objective <= best + 1e-6
    assert np.mean(ahead) <= best + 1e-6


def test_the_command_says_how_many_samples_are_enough(tmp_path, capsys):
    for suffix, text in ((".cor", CORE), (".tim", TIME)):
        (tmp_path / f"news{suffix}").write_text(text)
    (tmp_path / "news.sto").write_text("STOCH NEWS\nINDEP UNIFORM\n RHS DEMAND -30 LATER -10\nENDATA\n")
    few = ["--replications", "4", "--fresh", "50"]
    with pytest.raises(SystemExit) as stop:
        main(["certify", str(tmp_path / "news.cor"), "--tolerance", "10%", *few, "--sampling", "sobol"])
    assert stop.value.code == 0
    assert (
        "25 samples are enough for 10%. With 95% confidence the plan of 25 samples is within" in capsys.readouterr()[0]
    )
    with pytest.raises(SystemExit):
        main(["certify", str(tmp_path / "news.cor"), "--samples", "20", *few, "--json"])
    body = json.loads(capsys.readouterr()[0])
    assert body["certificates"][0]["samples"] == 20
    assert body["certificates"][0]["relative_gap_limit"] < 0.2
