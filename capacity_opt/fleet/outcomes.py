"""What may happen: joint samples of demand, zone availability, delivery delay and spot capacity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.reduction import SampleReduction, reduce_samples
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.fleet import DemandPaths, FleetProblem

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """S joint samples. ``values`` (S, J, T, B) demand; ``probability`` (S,); ``available`` (S, Z, T) share of a zone's
    servers that work; ``delay`` (S, K, Z) periods by which orders come late; ``bought`` (S, M, T) share of an option's
    limit that is there (0 or 1 for spot in a sample, its mean in the mean sample). ``reduction``: of more drawn demand
    samples to these, where there was one."""

    values: Array
    probability: Array
    available: Array
    delay: IntArray
    bought: Array
    reduction: SampleReduction | None = None

    @property
    def count(self) -> int:
        """S."""
        return len(self.probability)

    @property
    def random_supply(self) -> bool:
        """Whether delivery differs between samples, so that each has its own stock."""
        return bool(np.any(self.delay != 0))

    @property
    def random_zones(self) -> bool:
        """Whether zones are less than fully there in some sample."""
        return bool(np.any(self.available != 1.0))

    def mean(self) -> Outcomes:
        """One sample: everything at its mean (delays rounded to whole periods)."""
        p = self.probability
        return Outcomes(
            values=np.tensordot(p, self.values, 1)[None],
            probability=np.ones(1),
            available=np.tensordot(p, self.available, 1)[None],
            delay=np.rint(np.tensordot(p, self.delay.astype(np.float64), 1)).astype(np.int64)[None],
            bought=np.tensordot(p, self.bought, 1)[None],
        )

    def take(self, chosen: NDArray[np.intp]) -> Outcomes:
        """The chosen samples with their probabilities made to sum to 1."""
        p = self.probability[chosen]
        return Outcomes(
            values=self.values[chosen],
            probability=p / p.sum(),
            available=self.available[chosen],
            delay=self.delay[chosen],
            bought=self.bought[chosen],
        )


def outcomes_from(problem: FleetProblem, values: Array, probability: Array, *, seed: int = 7) -> Outcomes:
    """The given demand samples joined with supply disruptions (if any) and spot capacity drawn with ``seed``."""
    sizes = problem.sizes
    expected = (len(probability), sizes["J"], sizes["T"], sizes["B"])
    if values.shape != expected:
        raise ArgumentError(f"demand samples must have shape {expected} (samples, J, T, B), got {values.shape}")
    _checks.non_negative("demand", values)
    count = len(probability)
    available, delay = _disruptions(problem, count, seed)
    return Outcomes(
        values=values,
        probability=_checks.probabilities("probability", probability),
        available=available,
        delay=delay,
        bought=_bought(problem, count, seed),
    )


def draw_outcomes(problem: FleetProblem, *, samples: int | None = None, seed: int = 7) -> Outcomes:
    """``samples`` joint outcomes (``problem.samples`` unless told otherwise). A list of given demand samples is taken
    whole; where supply is drawn beside it, each is repeated as often as ``samples`` allows. ``problem.reduce_to``
    demand samples, with chances of their own, stand for all where there are more."""
    count = int(_checks.whole("samples", problem.samples if samples is None else samples, at_least=1))
    values, probability, reduction = _demand(problem, count, seed)
    times = max(1, count // len(probability)) if _drawn_supply(problem) else 1
    if times > 1:
        values, probability = np.repeat(values, times, axis=0), np.repeat(probability / times, times)
    return replace(outcomes_from(problem, values, probability, seed=seed), reduction=reduction)


def sample_demand(problem: FleetProblem, *, seed: int) -> tuple[Array, Array]:
    """The demand samples that a plan is made from: values (S, J, T, B) and their chances (S,)."""
    values, probability, _ = _demand(problem, problem.samples, seed)
    return values, probability


def _demand(problem: FleetProblem, count: int, seed: int) -> tuple[Array, Array, SampleReduction | None]:
    values, probability = sampled(problem).draw(count, seed=seed)
    reduction = _reduction(problem, values, probability)
    if reduction is None:
        return values, probability, None
    return values[reduction.kept], reduction.probability, reduction


def sampled(problem: FleetProblem) -> DemandPaths:
    """The problem's demand, drawn as ``problem.sampling`` says."""
    if problem.sampling is None:
        return problem.demand
    try:
        method = problem.demand.with_sampling  # type: ignore[attr-defined]
    except AttributeError:
        name = type(problem.demand).__name__
        raise ArgumentError(
            f"sampling can be chosen where demand is drawn through a copula, not for {name}: leave it out"
        ) from None
    paths: DemandPaths = method(problem.sampling)
    return paths


def _reduction(problem: FleetProblem, values: Array, probability: Array) -> SampleReduction | None:
    if problem.reduce_to is None or problem.reduce_to >= len(probability):
        return None
    if isinstance(problem.disruptions, GivenDisruptions):
        raise ArgumentError("reduce_to cannot be used where outages, delays or options are given sample by sample")
    return reduce_samples(values, probability, count=problem.reduce_to)


def told_reduction(outcomes: Outcomes) -> tuple[str, ...]:
    """A remark about the samples that were left out, if any were."""
    one = outcomes.reduction
    if one is None:
        return ()
    told = f"samples: {len(one.kept):,} of {len(one.nearest):,} drawn stand for all"
    return (
        f"{told}; Kantorovich distance {one.distance:.4g} units of demand, "
        f"{one.relative_distance:.0%} of what the single best sample leaves",
    )


def _drawn_supply(problem: FleetProblem) -> bool:
    """Whether zones, deliveries or spot capacity are drawn at random."""
    if isinstance(problem.disruptions, GivenDisruptions):
        return False
    return problem.disruptions is not None or len(_risky(problem)) > 0


def _risky(problem: FleetProblem) -> NDArray[np.intp]:
    """Spot options that are not always there."""
    options = problem.options
    spot = np.array([kind == "spot" for kind in options.kind], dtype=bool)
    return np.flatnonzero(spot & (options.availability < 1.0)) if spot.any() else np.zeros(0, dtype=np.intp)


def _disruptions(problem: FleetProblem, count: int, seed: int) -> tuple[Array, IntArray]:
    sizes = problem.sizes
    if problem.disruptions is None:
        return np.ones((count, sizes["Z"], sizes["T"])), np.zeros((count, sizes["K"], sizes["Z"]), dtype=np.int64)
    if isinstance(problem.disruptions, GivenDisruptions):
        problem.disruptions.for_samples(count)
    available, delay = problem.disruptions.draw(count, seed=seed + 1)
    _checks.share("zone availability", available)
    return np.asarray(available, dtype=np.float64), _checks.whole("delivery delay", delay)


def _bought(problem: FleetProblem, count: int, seed: int) -> Array:
    """Spot is there as given by sample, or with its probability, drawn per sample and period; everything else always
    is."""
    sizes, given = problem.sizes, problem.disruptions
    if isinstance(given, GivenDisruptions):
        return given.for_samples(count).option_share(sizes["M"], sizes["T"])
    there = np.ones((count, sizes["M"], sizes["T"]))
    risky = _risky(problem)
    if len(risky) == 0:
        return there
    chance = problem.options.availability[risky]
    if count == 1:
        there[:, risky] = chance[None, :, None]
        return there
    draws = np.random.default_rng([seed, 2]).random((count, len(risky), sizes["T"]))
    there[:, risky] = draws < chance[None, :, None]
    return there
