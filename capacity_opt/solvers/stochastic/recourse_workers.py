"""Large recourse problems solved by several processes, each with a warm model of its own and a fixed share of samples.

Small recourse problems have no use for this: their samples share one graph of bases, and processes would each have to
find the same bases.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.executor import Spawn, settle_in
from capacity_opt.solvers.stochastic.program import RecourseFamily
from capacity_opt.solvers.stochastic.sequence import RecourseSequence, SamplesTold

Array = NDArray[np.float64]

KEPT_MODELS = 8
"""How many costs keep a warm model in each worker."""

_models: OrderedDict[bytes, RecourseSequence] = OrderedDict()
_families: list[RecourseFamily] = []


@dataclass(frozen=True)
class Share:
    """Samples of one worker: ``cost`` (n,) of the columns, ``base`` (m,) of the right-hand sides, ``values`` (S, R)
    on top of it in random rows, ``probability`` and ``scale`` (S,), ``measures`` (F, n) or ``None``."""

    cost: Array
    base: Array
    values: Array
    probability: Array
    scale: Array
    measures: Array | None


class RecourseWorkers:
    """``count`` processes (two or more) for one family, started at the first call and ended with this object.

    A sample always goes to the same worker, so answers do not depend on who is faster; sums over samples differ from
    those of one process by rounding, and where a recourse has several optimal prices, by the choice among them.
    """

    def __init__(self, family: RecourseFamily, count: int) -> None:
        """Nothing is started yet."""
        self._spawn, self.count = Spawn(), count
        self._pools = [
            ProcessPoolExecutor(1, mp_context=self._spawn, initializer=_begin, initargs=(family,)) for _ in range(count)
        ]
        weakref.finalize(self, _end, self._spawn, self._pools)

    def solve(self, share: Share) -> SamplesTold:
        """All samples of ``share``, divided among the workers in equal runs."""
        runs = [run for run in np.array_split(np.arange(len(share.values)), self.count) if len(run)]
        waiting = [pool.submit(_solve, _of(share, run)) for pool, run in zip(self._pools, runs, strict=False)]
        return _together([each.result() for each in waiting])


def _of(share: Share, run: NDArray[np.intp]) -> Share:
    return replace(share, values=share.values[run], probability=share.probability[run], scale=share.scale[run])


def _together(told: list[SamplesTold]) -> SamplesTold:
    """What all workers found; the first that met a sample without recourse speaks for all."""
    for each in told:
        if each.ray is not None:
            return each
    return SamplesTold(
        values=np.concatenate([each.values for each in told]),
        slope=np.sum([each.slope for each in told], axis=0),
        columns=np.sum([each.columns for each in told], axis=0),
        measured=np.concatenate([each.measured for each in told], axis=1),
    )


def _end(spawn: Spawn, pools: list[ProcessPoolExecutor]) -> None:
    spawn.end()
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(family: RecourseFamily) -> None:
    settle_in()
    _families[:] = [family]


def _solve(share: Share) -> SamplesTold:
    key = share.cost.tobytes()
    if key not in _models:
        _models[key] = RecourseSequence(replace(_families[0], cost=share.cost))
        if len(_models) > KEPT_MODELS:
            _models.popitem(last=False)
    _models.move_to_end(key)
    return _models[key].solve_samples(
        share.base, share.values, share.probability, scale=share.scale, measures=share.measures
    )
