"""Short runs of the fleet scripts under ``benchmarks/``: they agree, and they can fail."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np

SCRIPTS = Path(__file__).parents[2] / "benchmarks"


def script(name):
    found = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_random_fleets_agree_over_models_and_solvers_and_no_corruption_passes():
    fuzz = script("fuzz_fleets")
    outcomes = [fuzz.faults(seed) for seed in range(12)]
    assert [line for found, _, _ in outcomes for line in found] == []
    assert sum(planted for _, planted, _ in outcomes) == sum(caught for _, _, caught in outcomes) > 12


def test_a_wrong_optimum_is_reported(monkeypatch):
    fuzz = script("fuzz_fleets")
    honest = fuzz.solve

    def wrong(lp, **settings):
        answer = honest(lp, **settings)
        return replace(answer, objective=answer.objective * 1.01 + 1) if "solver" in settings else answer

    monkeypatch.setattr(fuzz, "solve", wrong)
    assert any(fuzz.faults(seed)[0] for seed in range(4))


def test_the_build_benchmark_builds_one_model_in_every_way_it_times():
    bench = script("fleet_build")
    problem = bench.benchmark_problem()
    outcomes = bench.draw_outcomes(problem, samples=2, seed=1)
    first = bench.with_arrays(problem, outcomes, small=True)
    for other in (bench.with_pyomo, bench.with_ortools):
        bench.agree(first, other(problem, outcomes, small=True), other.__name__)
    assert np.isfinite(first["optimum"])
