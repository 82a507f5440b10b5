"""Run a solver call that knows nothing of Ctrl-C in a second thread, and stop it from this one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

POLL_SECONDS = 0.05
STOP_SECONDS = 0.8


def run_stoppable(work: Callable[[], Answer], stop: Callable[[], object]) -> tuple[Answer | None, bool]:
    """What ``work`` returns, and whether Ctrl-C was pressed meanwhile.

    On Ctrl-C ``stop`` is called and ``work`` gets a moment to return; ``None`` where it does not (its thread is left
    behind and ends with the process). An error that ``work`` raises is raised here.

    >>> run_stoppable(lambda: 42, lambda: None)
    (42, False)
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []
    done = threading.Event()  # not the thread's join: a Ctrl-C inside that one makes Python 3.11 think it has ended

    def keep() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=keep, daemon=True).start()
    interrupted = _wait(done, stop)
    if errors:
        raise errors[0]
    return (answers[0] if answers else None), interrupted


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is Ctrl-C, also where compiled code has made a ``SystemError`` of it.

    >>> is_interrupt(KeyboardInterrupt()), is_interrupt(SystemError("odd"))
    (True, False)
    """
    told = (error.__cause__ or error.__context__) if isinstance(error, SystemError) else error
    return isinstance(told, KeyboardInterrupt)


def _wait(done: threading.Event, stop: Callable[[], object]) -> bool:
    deadline = float("inf")
    while not done.is_set() and time.perf_counter() < deadline:
        try:
            done.wait(POLL_SECONDS)
        except KeyboardInterrupt:
            if deadline == float("inf"):
                deadline = time.perf_counter() + STOP_SECONDS
            stop()
    return deadline < float("inf")
