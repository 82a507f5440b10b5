"""How good is a decision made on a sample? A statistical certificate for sample-average approximation.

The optimum over N drawn samples is, in expectation, at most the true optimum; the cost of any fixed decision on fresh
samples is an unbiased estimate of its true cost. So replications of the sampled problem give a lower bound, fresh
samples an upper one, and the difference *on the same samples* within each replication a tight confidence limit on the
decision's optimality gap.

Sources: Mak, Morton & Wood (1999, Operations Research Letters 24:47-56); Linderoth, Shapiro & Wright (2006). Coupling
rows (promises in expectation) are priced at the candidate's multipliers throughout: the same inequalities hold for the
Lagrangian, and whether the promise holds on fresh samples is for the judge to say.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.errors import ArgumentError, InfeasibleError, LimitError
from capacity_opt.executor import Executor, SerialExecutor
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import TwoStageSolution, continue_search, start_search
from capacity_opt.solvers.stochastic.oracle import Graphs, Oracle
from capacity_opt.solvers.stochastic.ordering import require_order
from capacity_opt.solvers.stochastic.program import TwoStageProgram, extensive_form
from capacity_opt.solvers.stochastic.reshape import mean_value, only_sample, priced, sample_costs

Array = NDArray[np.float64]

KNOWN_AHEAD = 100
"""In so many of the fresh samples the wait-and-see cost is computed, one linear program each."""
REPLICATION_SEED, FRESH_SEED = 1_000_003, 500_009


class SampleSource(Protocol):
    """Draws two-stage programs that differ in their samples only."""

    def program(self, samples: int, seed: int) -> TwoStageProgram:
        """A program on ``samples`` fresh, equally likely samples."""
        ...


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean with its two-sided confidence limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SamplingCertificate:
    """What is known about the decision that ``samples`` samples give.

    ``cost`` (RP): its true expected cost, from ``fresh`` samples; ``lower`` bound on the true optimum, from
    ``replications`` sampled problems; ``gap`` the mean difference between the decision and the optimum of each
    replication, ``gap_limit`` its one-sided limit at ``confidence``: the decision is within ``gap_limit`` of the true
    optimum. ``mean_value_cost`` (EEV): the cost of the decision made for the mean sample; ``wait_and_see_cost`` (WS)
    with every sample known ahead and whole numbers relaxed (of the first 100 fresh ones; ``wait_and_see_own``: the
    decision's cost in the same).
    ``x``: the decision. ``without_recourse``: the share of fresh samples in which it has no recourse at all.
    """

    samples: int
    replications: int
    fresh: int
    confidence: float
    x: Array = field(repr=False)
    sample_objective: float
    cost: Interval
    lower: Interval
    gap: float
    gap_limit: float
    mean_value_cost: Interval
    wait_and_see_cost: Interval
    wait_and_see_own: float
    without_recourse: float
    seconds: float

    @property
    def relative_gap_limit(self) -> float:
        """``gap_limit`` as a share of the cost."""
        return self.gap_limit / max(abs(self.cost.value), 1e-9)

    @property
    def value_of_stochastic_solution(self) -> float:
        """VSS = EEV - RP, on the same fresh samples."""
        return self.mean_value_cost.value - self.cost.value

    @property
    def value_of_perfect_information(self) -> float:
        """EVPI = RP - WS, on the same fresh samples."""
        return self.wait_and_see_own - self.wait_and_see_cost.value


@dataclass(frozen=True)
class _Part:
    """The replications of one worker."""

    source: SampleSource
    seeds: tuple[int, ...]
    samples: int
    x: Array
    prices: Array
    gap: float
    time_limit: float


def certify(
    source: SampleSource,
    *,
    samples: int = 200,
    replications: int = 30,
    fresh: int = 20_000,
    confidence: float = 0.95,
    seed: int = 7,
    gap: float = 1e-5,
    time_limit: float = 300.0,
    executor: Executor | None = None,
    workers: int = 1,
    known_ahead: int = KNOWN_AHEAD,
) -> SamplingCertificate:
    """Certify the decision that the sampled problem of ``samples`` and ``seed`` has.

    ``gap`` and ``time_limit`` (seconds) are per sampled problem; what they leave open widens the certificate, never
    narrows it. Replications run in ``executor`` in ``workers`` parts; ``known_ahead`` fresh samples are solved one
    by one for the wait-and-see cost. Raises ``InfeasibleError`` where the sampled
    problem has no decision, ``LimitError`` where none was found in time.
    """
    if samples < 2 or replications < 2 or fresh < 2:
        raise ArgumentError(f"samples, replications and fresh must be >= 2, got {samples}, {replications}, {fresh}")
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must be in (0, 1), got {confidence}")
    started = time.perf_counter()
    graphs: Graphs = {}
    drawn = source.program(samples, seed)
    candidate = _solved(drawn, gap, time_limit, seed, graphs)
    assert candidate.x is not None
    prices = _prices(candidate, len(drawn.rows_of_expectations.lower))
    seeds = [seed + REPLICATION_SEED * (m + 1) for m in range(replications)]
    parts = [
        _Part(source, tuple(seeds[w::workers]), samples, candidate.x, prices, gap, time_limit) for w in range(workers)
    ]
    run = SerialExecutor() if executor is None else executor
    found = np.concatenate(list(run.map(_replicate, [part for part in parts if part.seeds], label=_named)))
    gaps = found[:, 1] - found[:, 0]
    spread = float(gaps.std(ddof=1)) / replications**0.5
    unseen = priced(source.program(fresh, seed + FRESH_SEED), prices)
    told = _unseen(unseen, candidate.x, graphs, confidence, (min(known_ahead, fresh), gap, time_limit, seed))
    return SamplingCertificate(
        samples=samples,
        replications=replications,
        fresh=fresh,
        confidence=confidence,
        x=candidate.x,
        sample_objective=candidate.objective,
        lower=_interval(found[:, 0], confidence),
        gap=float(gaps.mean()),
        gap_limit=float(gaps.mean()) + float(special.stdtrit(replications - 1, confidence)) * spread,
        seconds=time.perf_counter() - started,
        **told,
    )


def _unseen(
    program: TwoStageProgram, x: Array, graphs: Graphs, confidence: float, how: tuple[int, float, float, int]
) -> dict[str, Any]:
    """What fresh samples say: the decision's cost, that of the mean sample's decision, and that of knowing ahead."""
    ahead_count, gap, time_limit, seed = how
    own, missing = _costs(program, x, graphs)
    planned = _solved(mean_value(program), gap, time_limit, seed, {})
    assert planned.x is not None
    ahead = _wait_and_see(program, ahead_count, time_limit)
    for s, (known, paid) in enumerate(zip(ahead, own, strict=False)):
        require_order((f"fresh sample {s} known ahead", known, known), ("the decision's cost in it", paid, paid))
    return {
        "cost": _interval(own, confidence),
        "mean_value_cost": _interval(_costs(program, planned.x, graphs)[0], confidence),
        "wait_and_see_cost": _interval(ahead, confidence),
        "wait_and_see_own": float(own[: len(ahead)].mean()),
        "without_recourse": missing,
    }


def samples_needed(
    source: SampleSource,
    tolerance: float,
    *,
    start: int = 25,
    most: int = 3200,
    replications: int = 20,
    fresh: int = 10_000,
    **options: object,
) -> tuple[SamplingCertificate, ...]:
    """Certificates for ``start``, twice that, and so on, until the decision is proven within ``tolerance`` (relative)
    of the true optimum, or ``most`` samples are reached. The last one says how many are enough, if any are."""
    found: list[SamplingCertificate] = []
    count = start
    while count <= most:
        found.append(certify(source, samples=count, replications=replications, fresh=fresh, **options))  # type: ignore[arg-type]
        if found[-1].relative_gap_limit <= tolerance:
            break
        count *= 2
    return tuple(found)


def _prices(candidate: TwoStageSolution, rows: int) -> Array:
    """The multipliers of the coupling rows in the candidate's linear relaxation; 0 where they are not known."""
    duals = candidate.duals if candidate.relaxed is None else candidate.relaxed.duals
    return np.zeros(rows) if duals is None else -duals.coupling


def _named(part: _Part) -> str:
    return f"of {len(part.seeds)} replications"


def _solved(program: TwoStageProgram, gap: float, limit: float, seed: int, graphs: Graphs) -> TwoStageSolution:
    search = start_search(program, seed=seed, graphs=graphs)
    found = continue_search(search, gap=gap, time_limit=limit)
    _go_on(found)
    if found.x is not None:
        return found
    if found.reason == "infeasible":
        raise InfeasibleError("the sampled problem has no first stage that every sample can live with")
    raise LimitError(f"no decision was found within {limit:g} s per sampled problem ({found.reason})")


def _go_on(found: TwoStageSolution) -> None:
    """A search that took Ctrl-C for itself is the last."""
    if found.limit == "interrupted":
        raise KeyboardInterrupt


def _replicate(part: _Part) -> Array:
    """Per seed: a lower bound on the optimum of the sampled problem, and the decision's cost in the same samples."""
    graphs: Graphs = {}
    rows = []
    for seed in part.seeds:
        program = priced(part.source.program(part.samples, seed), part.prices)
        search = start_search(program, seed=seed, graphs=graphs)
        here = search.oracle.evaluate(part.x)
        search.master.add_cuts(search.oracle.cuts(here))
        own = search.add(here) if here.feasible else np.inf
        found = continue_search(search, gap=part.gap, time_limit=part.time_limit)
        _go_on(found)
        rows.append((min(found.bound, own), own))
    return np.array(rows).reshape(-1, 2)


def _costs(program: TwoStageProgram, x: Array, graphs: Graphs) -> tuple[Array, float]:
    """The cost of every sample at ``x``, and the share of samples without recourse (whose groups' costs are inf)."""
    evaluation = Oracle(program, graphs).evaluate(x)
    cost = sample_costs(program, [value.sample_values for value in evaluation.values], x)
    return cost, float(np.mean(~np.isfinite(cost)))


def _wait_and_see(program: TwoStageProgram, count: int, limit: float) -> Array:
    """The cost of each of the first samples, known ahead, whole numbers relaxed: a lower bound. Samples differ in
    right-hand sides, so one program serves all, warm, unless groups hold samples of their own."""
    if any(group.samples is not None for _, group in program.groups):
        return np.array([solve(_relaxed(program, s), time_limit=limit).bound for s in range(count)])
    session, found = HighsSession(_relaxed(program, 0), watched=False), []
    for s in range(count):
        at = program.first.rows + len(program.rows_of_expectations.lower)
        for family, group in program.groups:
            random = family.random_rows
            value = group.base[random] + group.values[s]
            session.set_row_bounds(at + random, value - family.slack_upper[random], value - family.slack_lower[random])
            at += len(family.matrix)
        found.append(session.solve(time_limit=limit).bound)
    return np.array(found)


def _relaxed(program: TwoStageProgram, s: int) -> LinearProgram:
    lp = extensive_form(only_sample(program, s))
    return replace(lp, integer=np.zeros_like(lp.integer))


def _interval(values: Array, confidence: float) -> Interval:
    if not np.all(np.isfinite(values)):
        return Interval(value=np.inf, low=np.inf, high=np.inf)
    quantile = float(special.stdtrit(len(values) - 1, 0.5 + confidence / 2))
    mean, half = float(values.mean()), quantile * float(values.std(ddof=1)) / len(values) ** 0.5
    return Interval(value=mean, low=mean - half, high=mean + half)
