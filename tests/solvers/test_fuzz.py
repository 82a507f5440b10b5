"""A short run of the fuzzing script, and the proof that it can fail."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz_solvers.py"


@pytest.fixture
def fuzz():
    found = importlib.util.spec_from_file_location("fuzz_solvers", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_random_programs_agree_over_solvers_and_settings(fuzz):
    assert [fault for seed in range(40) for fault in fuzz.faults(seed)] == []


def test_a_wrong_answer_is_reported(fuzz, monkeypatch):
    honest = fuzz.solve

    def wrong(lp, **settings):
        answer = honest(lp, **settings)
        return replace(answer, objective=answer.objective - 1.0) if settings.get("solver") == "glop" else answer

    monkeypatch.setattr(fuzz, "solve", wrong)
    assert any("glop" in fault for seed in range(9) for fault in fuzz.faults(seed))
