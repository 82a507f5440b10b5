"""Is a fleet sized on enough samples? The statistical certificate of :mod:`capacity_opt.solvers.stochastic.saa`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from capacity_opt.errors import ArgumentError
from capacity_opt.executor import executor_named, processors
from capacity_opt.fleet.decomposition.fit import why_not_expected
from capacity_opt.fleet.decomposition.structure import pieces_of
from capacity_opt.fleet.outcomes import Outcomes, outcomes_from, sampled
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.stochastic.program import TwoStageProgram
from capacity_opt.solvers.stochastic.saa import SamplingCertificate, certify, samples_needed

ENOUGH_GAP = 1e-5
SECONDS = 30.0


@dataclass(frozen=True)
class FleetSource:
    """Draws programs of a fleet problem; a finite list of demand samples is drawn from with replacement."""

    problem: FleetProblem

    def program(self, samples: int, seed: int) -> TwoStageProgram:
        """The problem on ``samples`` fresh samples."""
        return pieces_of(self.problem, self.outcomes(samples, seed)).program

    def outcomes(self, samples: int, seed: int) -> Outcomes:
        """``samples`` fresh, equally likely outcomes."""
        values, probability = sampled(self.problem).draw(samples, seed=seed)
        if len(values) != samples or not np.allclose(probability, 1.0 / samples):
            chosen = np.random.default_rng(seed).choice(len(values), size=samples, p=probability / probability.sum())
            values, probability = values[chosen], np.full(samples, 1.0 / samples)
        return outcomes_from(self.problem, values, probability, seed=seed)


def certify_fleet(
    problem: FleetProblem,
    *,
    samples: int = 200,
    replications: int = 30,
    fresh: int = 20_000,
    confidence: float = 0.95,
    sampling: str | None = None,
    seed: int = 7,
    gap: float = ENOUGH_GAP,
    time_limit: float = SECONDS,
    executor: str = "serial",
    workers: int = 0,
) -> SamplingCertificate:
    """How far the fleet that ``samples`` samples give can be from the best there is, at ``confidence``.

    ``sampling``: ``random``, ``antithetic`` or ``sobol`` where demand is drawn through a copula (default: its own).
    ``executor``: where replications run, see :func:`~capacity_opt.executor_named`. ``gap`` and ``time_limit`` (seconds)
    are per sampled problem; what they leave open widens the limit, never narrows it. Whole racks are relaxed: the error
    of a sample is one of demand, not of rounding. Promises in expectation are priced at the fleet's own multipliers
    (see the module). Raises ``ArgumentError`` where samples differ in more than demand, ``InfeasibleError``,
    ``LimitError``, ``PartError``.

    >>> from capacity_opt.fleet.example import example_problem
    >>> bool(certify_fleet(example_problem(), samples=20, replications=3, fresh=50).gap < 1e-9)
    True
    """
    count = 1 if executor == "serial" else (workers or processors())
    return certify(
        _source(problem, sampling, seed),
        samples=samples,
        replications=replications,
        fresh=fresh,
        confidence=confidence,
        seed=seed,
        gap=gap,
        time_limit=time_limit,
        executor=executor_named(executor, workers),
        workers=count,
    )


def samples_enough(
    problem: FleetProblem,
    tolerance: float = 0.01,
    *,
    start: int = 25,
    most: int = 3200,
    replications: int = 20,
    fresh: int = 10_000,
    confidence: float = 0.95,
    sampling: str | None = None,
    seed: int = 7,
    gap: float = ENOUGH_GAP,
    time_limit: float = SECONDS,
    executor: str = "serial",
    workers: int = 0,
) -> tuple[SamplingCertificate, ...]:
    """How many samples are enough: a certificate for ``start`` samples, twice as many, and so on, until the fleet is
    proven within ``tolerance`` (a share of its cost) of the best there is. The last one has the answer, unless ``most``
    was reached.

    >>> from capacity_opt.fleet.example import example_problem
    >>> [each.samples for each in samples_enough(example_problem(), start=10, replications=3, fresh=50)]
    [10]
    """
    if not 0 < tolerance < 1:
        raise ArgumentError(f"tolerance must be in (0, 1), got {tolerance:g}. For one percent write 0.01")
    return samples_needed(
        _source(problem, sampling, seed),
        tolerance,
        start=start,
        most=most,
        replications=replications,
        fresh=fresh,
        confidence=confidence,
        seed=seed,
        gap=gap,
        time_limit=time_limit,
        executor=executor_named(executor, workers),
        workers=1 if executor == "serial" else (workers or processors()),
    )


def _source(problem: FleetProblem, sampling: str | None, seed: int) -> FleetSource:
    if sampling is not None:
        problem = replace(problem, sampling=sampling)
    source = FleetSource(replace(problem, integer=False))
    against = why_not_expected(problem, source.outcomes(2, seed))
    if against is not None:
        raise ArgumentError(f"this fleet cannot be certified by decomposition: {against}")
    return source
