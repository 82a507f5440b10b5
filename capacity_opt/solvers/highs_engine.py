"""One ``highspy.Highs`` object run safely: silent, stoppable by Ctrl-C within a second, immune to the thread trap.

HiGHS keeps one thread pool per process: asking for another number of threads makes ``run()`` return an error status
with objective 0.0 and raises nothing. :class:`ThreadPool` is the one place that knows the pool's size.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.backend import Progress, relative_gap

Array = NDArray[np.float64]

POLL_SECONDS = 0.05
PROGRESS_SECONDS = 0.2
STOP_SECONDS = 0.8
"""How long a stopped solver may take to return before its last incumbent is used without it."""

_banner = threading.Lock()
_banner_shown = False


class ThreadPool:
    """The size of the process-wide thread pool of HiGHS, changed only while nothing runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size: int | None = None
        self._running = 0

    @contextmanager
    def use(self, threads: int | None) -> Iterator[int]:
        """Hold the pool at ``threads`` (``None``: as it is); yields the number to give to HiGHS (0: as it is)."""
        with self._lock:
            if threads is not None and threads != self._size:
                self._resize(threads)
            self._running += 1
        try:
            yield threads or 0
        finally:
            with self._lock:
                self._running -= 1

    def reset(self) -> bool:
        """Drop the pool so that the next run makes a new one; ``False`` while another solve is running."""
        with self._lock:
            if self._running > 1:
                return False
            _highspy().Highs.resetGlobalScheduler(True)
            return True

    def _resize(self, threads: int) -> None:
        if self._running:
            raise SolverError(
                f"another solve is running on {self._size or 'the default number of'} threads and HiGHS has one pool "
                f"per process, so {threads} cannot be used now. Use the same number or wait for it to end"
            )
        _highspy().Highs.resetGlobalScheduler(True)
        self._size = threads


POOL = ThreadPool()


@dataclass
class Watch:
    """What was seen of a run while it went on; ``incumbent`` is the best point of an integer search."""

    started: float
    objective: float = float("nan")
    bound: float = float("-inf")
    incumbent: Array | None = None
    interrupted: bool = False
    abandoned: bool = False
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def told(self, scale: float) -> tuple[float, float, float, float]:
        """(elapsed, incumbent, bound, gap) in the caller's money."""
        objective, bound = self.objective / scale, self.bound / scale
        gap = relative_gap(objective, bound) if np.isfinite(objective) and np.isfinite(bound) else float("nan")
        return time.perf_counter() - self.started, objective, bound, gap


def new_highs() -> Any:
    """A silent ``highspy.Highs``. The first one of a process would print a banner to standard output."""
    global _banner_shown  # noqa: PLW0603 - one flag per process, like the banner itself
    highspy = _highspy()
    with _banner:
        if _banner_shown:
            engine = highspy.Highs()
        else:
            with _standard_output_closed():
                engine = highspy.Highs()
            _banner_shown = True
    engine.setOptionValue("output_flag", False)
    # highspy keeps these two locks on the class, so that solves in several threads trip over each other.
    engine._Highs__solver_stopped, engine._Highs__solver_started = threading.RLock(), threading.Lock()
    return engine


def run(engine: Any, *, integer: bool, scale: float = 1.0, progress: Progress | None = None) -> tuple[Any, Watch]:
    """Run HiGHS in a second thread, so that Ctrl-C and the progress callback are served in this one.

    Returns HiGHS's call status (``None`` when it was left behind because it did not stop in time) and what was
    watched. An error raised by ``progress`` stops the solver and comes through.
    """
    watch = Watch(started=time.perf_counter())
    engine.HandleUserInterrupt = True
    handlers = _subscribe(engine, watch) if integer else []
    solver = engine.startSolve()
    try:
        status = _wait(engine, watch, lambda: _report(progress, watch, scale))
    except KeyboardInterrupt:
        watch.interrupted = True
        status = _stop(engine, watch)
    except BaseException:
        _stop(engine, watch)
        raise
    watch.seconds = time.perf_counter() - watch.started
    if not watch.abandoned:
        solver.join()
        for event, handler in handlers:
            event.unsubscribe(handler)
    return status, watch


def run_inline(engine: Any) -> tuple[Any, Watch]:
    """Run HiGHS in this thread: no watching, no overhead; for small programs solved very often."""
    watch = Watch(started=time.perf_counter())
    engine.HandleUserInterrupt = False
    status = engine.run()
    watch.seconds = time.perf_counter() - watch.started
    return status, watch


def _wait(engine: Any, watch: Watch, report: Callable[[], None]) -> Any:
    last = watch.started
    while True:
        done, status = engine.wait(POLL_SECONDS)
        if done:
            return status
        if time.perf_counter() - last >= PROGRESS_SECONDS:
            last = time.perf_counter()
            report()


def _stop(engine: Any, watch: Watch) -> Any:
    """Ask the solver to stop and give it a moment; a second Ctrl-C in that moment changes nothing."""
    engine.cancelSolve()
    deadline = time.perf_counter() + STOP_SECONDS
    while time.perf_counter() < deadline:
        try:
            done, status = engine.wait(POLL_SECONDS)
        except KeyboardInterrupt:
            watch.interrupted = True
            continue
        if done:
            return status
    watch.abandoned = True
    return None


def _report(progress: Progress | None, watch: Watch, scale: float) -> None:
    if progress is not None:
        progress(*watch.told(scale))


def _subscribe(engine: Any, watch: Watch) -> list[tuple[Any, Any]]:
    def seen(event: Any) -> None:
        watch.bound = event.data_out.mip_dual_bound
        watch.objective = event.data_out.mip_primal_bound

    def improved(event: Any) -> None:
        watch.incumbent = np.array(event.data_out.mip_solution)
        watch.objective = event.data_out.objective_function_value

    pairs = [(engine.cbMipInterrupt, seen), (engine.cbMipImprovingSolution, improved)]
    for event, handler in pairs:
        event.subscribe(handler)
    return pairs


@contextmanager
def _standard_output_closed() -> Iterator[None]:
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # no standard output at all
        yield
        return
    hole = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hole, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(hole)


def _highspy() -> Any:
    import highspy

    return highspy
