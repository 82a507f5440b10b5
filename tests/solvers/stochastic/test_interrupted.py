"""Ctrl-C in a decomposition: what is known by then comes back, verified, with a true bound."""

import pytest

from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.oracle import Oracle
from tests.solvers.stochastic.test_benders import by_extensive_form as continuous
from tests.solvers.stochastic.test_benders import random_program
from tests.solvers.stochastic.test_integer import by_extensive_form, whole

CALLS = (1, 2, 3, 5, 9, 16, 40)
FIRST_POINT = 1


def interrupted_at(call, program, monkeypatch, told):
    """The answer where Ctrl-C comes within the ``call``-th evaluation, and the search it left; ``None`` before that."""
    evaluate, calls = Oracle.evaluate, []

    def once(oracle, *args, **more):
        calls.append(1)
        if len(calls) == call:
            raise told
        return evaluate(oracle, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Oracle, "evaluate", once)
        search = start_search(program)
        answer = continue_search(search, gap=1e-9, time_limit=20)
    return (answer, search) if len(calls) >= call else None


def compiled():
    error = SystemError("returned a result with an exception set")
    error.__cause__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize(("integer", "told"), [(False, KeyboardInterrupt()), (True, compiled())])
def test_an_interrupt_keeps_the_best_point_and_a_true_bound(integer, told, monkeypatch):
    program = random_program(3, samples=12)
    program, truth = (whole(program), by_extensive_form(whole(program))) if integer else (program, continuous(program))
    found = []
    for call in CALLS:
        met = interrupted_at(call, program, monkeypatch, told)
        if met is None:
            break
        answer, search = met
        assert answer.limit == "interrupted"
        assert answer.bound <= truth + 1e-6 * abs(truth)
        if answer.x is None:
            assert answer.reason == "no_solution"
            continue
        found.append(call)
        assert answer.objective >= truth - 1e-6 * abs(truth)
        assert answer.gap == pytest.approx((answer.objective - answer.bound) / abs(answer.objective), abs=1e-9)
        assert all(check.passed for check in check_decomposition(search, answer, 1e-9))
    assert found == [called for called in CALLS if FIRST_POINT < called <= found[-1]]
    assert len(found) > 1


def test_an_error_of_another_kind_goes_on(monkeypatch):
    with pytest.raises(SystemError, match="odd"):
        interrupted_at(2, random_program(3), monkeypatch, SystemError("odd"))
