"""One search for whole numbers in a master: an engine of its own, stopped on time, with every better point it met."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.highs_arrays import pass_program
from capacity_opt.solvers.highs_engine import POOL, STOP_SECONDS, new_highs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.recast import Recast

Array = NDArray[np.float64]

POLL_SECONDS = 0.05
SEARCH = (("mip_pscost_minreliable", 4),)
"""HiGHS's own 8 spent more on choosing branches than one saved master of this size gave back (36 s against 54 s; one
run each, so an indication and not a proof)."""


Watch = Callable[[list[Array], float], bool]
"""Called now and then with the points that were met since the last call, the newest first, and the proven bound;
whether to stop."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """``reason`` as in ``MasterPoint``; the best point's ``values`` (columns,) or ``None``; ``bound`` on the optimum;
    ``met``: every point that was the best for a while, the last one first, without ``values``."""

    reason: str
    bound: float
    values: Array | None
    met: list[Array] = field(default_factory=list)


def search_whole(
    lp: LinearProgram,
    recast: Recast | None,
    *,
    gap: float,
    time_limit: float,
    start: Array | None = None,
    threads: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Found:
    """The best whole numbers of ``lp``, sought in the totals of ``recast``. ``start`` (columns,): a point to begin
    with; ``watch`` is told what goes on, and may evaluate it, for this thread has nothing else to do. Raises
    ``SolverError`` where HiGHS refuses the program."""
    import highspy

    engine = new_highs()
    if not pass_program(engine, lp if recast is None else recast.program(lp), 1.0):
        raise SolverError("HiGHS could not pass the master")
    for name, value in (("random_seed", seed), ("mip_rel_gap", gap), ("mip_abs_gap", 1e-9), *SEARCH):
        engine.setOptionValue(name, value)
    engine.setOptionValue("time_limit", max(time_limit, 0.01))
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = list(start if recast is None else recast.there(start))
        engine.setSolution(solution)
    seen = _Seen(recast)
    subscribed = [(engine.cbMipImprovingSolution, seen.improved), (engine.cbMipInterrupt, seen.told)]
    for event, handler in subscribed:
        event.subscribe(handler)
    with POOL.use(threads) as held:
        engine.setOptionValue("threads", held)
        status = _run_until(engine, time_limit, seen, watch)
    for event, handler in subscribed:
        event.unsubscribe(handler)
    if "kError" in str(status):
        raise SolverError("HiGHS could not solve the master")
    info = engine.getInfo()
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(engine.getSolution().col_value, dtype=np.float64) if has_point else None
    values = values if values is None or recast is None else recast.here(values)
    met = [each for each in seen.points() if values is None or not np.array_equal(each, values)]
    return Found(reason=reason_of(engine), bound=_bound(engine, lp, info), values=values, met=met)


def _bound(engine: Any, lp: LinearProgram, info: Any) -> float:
    """What is proven; of a program without whole numbers HiGHS tells no bound."""
    if lp.integer.any():
        return float(info.mip_dual_bound)
    return float(info.objective_function_value) if reason_of(engine) == "optimal" else -np.inf


class _Seen:
    """What HiGHS tells while it works, from its own thread."""

    def __init__(self, recast: Recast | None) -> None:
        self._recast, self._better, self.bound = recast, list[Array](), -np.inf

    def improved(self, event: Any) -> None:
        self._better.append(np.array(event.data_out.mip_solution, dtype=np.float64))

    def told(self, event: Any) -> None:
        self.bound = float(event.data_out.mip_dual_bound)

    @property
    def count(self) -> int:
        return len(self._better)

    def points(self, since: int = 0, until: int | None = None) -> list[Array]:
        """The points met from number ``since`` on, the newest first."""
        found = self._better[since:until][::-1]
        return found if self._recast is None else [self._recast.here(each) for each in found]


def reason_of(engine: Any) -> str:
    """HiGHS's model status in a master's words."""
    import highspy

    reasons = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnbounded: "unbounded",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "unbounded",
    }
    return reasons.get(engine.getModelStatus(), "limit")


def _run_until(engine: Any, time_limit: float, seen: _Seen | None = None, watch: Watch | None = None) -> Any:
    """HiGHS looks at its clock only now and then in a search; so its end is asked for from outside, too. A Ctrl-C or a
    termination waits a moment for its thread: Python cannot end while one is at work."""
    engine.HandleUserInterrupt = True
    engine.startSolve()
    try:
        return _awaited(engine, time.perf_counter() + max(time_limit, 0.01) + POLL_SECONDS, seen, watch)
    except BaseException:
        engine.cancelSolve()
        end = time.perf_counter() + STOP_SECONDS
        while time.perf_counter() < end and not engine.wait(POLL_SECONDS)[0]:
            pass
        raise


def _awaited(engine: Any, deadline: float, seen: _Seen | None, watch: Watch | None) -> Any:
    asked, known = False, 0
    while True:
        done, status = engine.wait(POLL_SECONDS)
        if done:
            return status
        enough = time.perf_counter() > deadline
        if watch is not None and seen is not None and not asked:
            count = seen.count
            enough = watch(seen.points(known, count), seen.bound) or enough
            known = count
        if enough and not asked:
            engine.cancelSolve()
            asked = True
