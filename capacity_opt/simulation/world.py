"""What the judge lets happen to a fleet: demand, lost zones, late deliveries, failing servers, spot taken away.

Drawn from streams of the judge's own: with one seed the optimiser and the judge still see different samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.fleet import DisruptionPaths, FleetProblem
from capacity_opt.simulation.asked import judge_seed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

DEMAND, DISRUPTION, SPOT, CHOICE = range(4)


@runtime_checkable
class SpotPaths(Protocol):
    """Disruptions that also say when spot is taken away; otherwise each period is drawn by itself."""

    def spot(self, count: int, availability: Array, periods: int, *, seed: int) -> NDArray[np.bool_]:
        """Whether each option is there, (count, T, M), in a share ``availability`` (M,) of the periods."""
        ...


@dataclass(frozen=True, kw_only=True)
class World:
    """``demand`` (S, J, T, B); ``probability`` (S,) of a complete list of outcomes, or None for equally likely draws;
    ``available`` (S or 1, Z, T) share of a zone's servers that work; ``delay`` (S or 1, K, Z) periods; ``spot``
    (S or 1, T, M) share of an option's limit that is there."""

    demand: Array
    probability: Array | None
    available: Array
    delay: IntArray
    spot: Array


def draw_world(problem: FleetProblem, *, samples: int, seed: int, disruptions: DisruptionPaths | None = None) -> World:
    """Fresh outcomes. A demand that is a finite list is judged on the whole list, exactly, unless supply is random."""
    samples = int(_checks.whole("samples", samples, at_least=2))
    disruptions = problem.disruptions if disruptions is None else disruptions
    if isinstance(disruptions, GivenDisruptions):
        return _given_world(problem, disruptions)
    spot = _spot(problem, samples, seed, disruptions)
    demand, probability = problem.demand.draw(samples, seed=_number(seed, DEMAND))
    _check_demand(problem, demand)
    complete = len(problem.demand.draw(1, seed=_number(seed, DEMAND))[1]) != 1 or len(demand) != samples
    supply_random = disruptions is not None or len(spot) > 1
    if complete and supply_random:
        rng = np.random.default_rng(judge_seed(seed, CHOICE))
        demand = demand[rng.choice(len(demand), size=samples, p=probability / probability.sum())]
    available, delay = _disrupted(problem, disruptions, samples, seed)
    return World(
        demand=np.ascontiguousarray(demand, dtype=np.float64),
        probability=_checks.probabilities("probability", probability) if complete and not supply_random else None,
        spot=spot,
        available=available,
        delay=delay,
    )


def _given_world(problem: FleetProblem, given: GivenDisruptions) -> World:
    """A list of joint outcomes, played whole."""
    share = given.option_share(problem.sizes["M"], problem.sizes["T"])
    demand, probability = problem.demand.draw(given.count, seed=0)
    _check_demand(problem, demand)
    given.for_samples(len(demand))
    return World(
        demand=np.ascontiguousarray(demand, dtype=np.float64),
        probability=_checks.probabilities("probability", probability),
        spot=np.ascontiguousarray(np.moveaxis(share, 1, 2)),
        available=given.available,
        delay=given.delay,
    )


def _number(seed: int, stream: int) -> int:
    return int(judge_seed(seed, stream).generate_state(1)[0])


def _check_demand(problem: FleetProblem, demand: Array) -> None:
    sizes = problem.sizes
    expected = (sizes["J"], sizes["T"], sizes["B"])
    if demand.ndim != 4 or demand.shape[1:] != expected:
        raise ArgumentError(f"demand samples must have shape (samples, {expected}) (J, T, B), got {demand.shape}")
    _checks.non_negative("demand", demand)


def _disrupted(
    problem: FleetProblem, disruptions: DisruptionPaths | None, samples: int, seed: int
) -> tuple[Array, IntArray]:
    sizes = problem.sizes
    if disruptions is None:
        never = np.zeros((1, sizes["K"], sizes["Z"]), dtype=np.int64)
        return np.ones((1, sizes["Z"], sizes["T"])), never
    available, delay = disruptions.draw(samples, seed=_number(seed, DISRUPTION))
    return _checks.share("available", available), _checks.whole("delay", delay)


def _spot(problem: FleetProblem, samples: int, seed: int, disruptions: object) -> Array:
    options, sizes = problem.options, problem.sizes
    risky = np.array([kind == "spot" for kind in options.kind], dtype=bool)
    if not np.any(risky & (options.availability < 1)):
        return np.ones((1, sizes["T"], sizes["M"]))
    if isinstance(disruptions, SpotPaths):
        there = disruptions.spot(samples, options.availability, sizes["T"], seed=_number(seed, SPOT))
    else:
        rng = np.random.default_rng(judge_seed(seed, SPOT))
        there = rng.random((samples, sizes["T"], sizes["M"])) < options.availability
    return np.where(risky, there, True).astype(np.float64)
