"""Ctrl-C in the master's search for whole numbers: its thread is ended before the interrupt goes on."""

import pytest

from capacity_opt.solvers.stochastic.whole_search import _run_until


class Engine:
    """Says what it was asked; the first wait is interrupted, the search ends at the third."""

    def __init__(self, told: BaseException) -> None:
        self.told, self.asked, self.waits = told, [], 0

    def startSolve(self) -> None:
        self.asked.append("start")

    def cancelSolve(self) -> None:
        self.asked.append("cancel")

    def wait(self, _: float) -> tuple[bool, None]:
        self.waits += 1
        if self.waits == 1:
            raise self.told
        return self.waits == 3, None


@pytest.mark.parametrize("told", [KeyboardInterrupt(), SystemExit(143)])
def test_the_thread_of_the_search_has_ended_when_an_interrupt_goes_on(told):
    engine = Engine(told)
    with pytest.raises(type(told)):
        _run_until(engine, 10.0)
    assert engine.asked == ["start", "cancel"]
    assert engine.waits == 3
