"""Two decisions under the same samples: the difference is far surer than either number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.simulation.estimate import Estimate, estimate_exactly, estimate_mean
from capacity_opt.simulation.judgement import FleetJudgement
from capacity_opt.simulation.result import SimulationResult

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FleetDifference:
    """Second plan minus first: ``cost`` money, ``fill`` (C,) share of demand, each with its paired interval."""

    classes: tuple[str, ...]
    cost: Estimate
    fill: Estimate


def estimate_difference(first: Array, second: Array, *, level: float = 0.95) -> Estimate:
    """Mean of second - first over paired replications (axis 0), with its interval.

    >>> estimate_difference(np.array([1.0, 5.0, 9.0]), np.array([2.0, 6.0, 10.0])).high
    1.0
    """
    if first.shape != second.shape:
        raise ArgumentError(f"paired replications must have the same shape, got {first.shape} and {second.shape}")
    return estimate_mean(second - first, level=level)


def compare_costs(first: SimulationResult, second: SimulationResult, *, level: float = 0.95) -> Estimate:
    """Cost per period of the second policy less that of the first; both judged with one seed and the same counts."""
    if (first.seed, first.periods, first.replications) != (second.seed, second.periods, second.replications):
        raise ArgumentError("paired results need one seed, the same periods and replications: judge both alike")
    return estimate_difference(first.cost_by_replication, second.cost_by_replication, level=level)


def compare_plans(first: FleetJudgement, second: FleetJudgement, *, level: float = 0.95) -> FleetDifference:
    """Second judgement minus first, made with one seed on the same samples."""
    if not np.array_equal(first.asked_by_sample, second.asked_by_sample):
        raise ArgumentError("paired judgements need the same samples: one problem, one seed, the same count")
    gained = second.served_by_sample - first.served_by_sample
    asked = first.asked_by_sample
    dearer = second.cost_by_sample - first.cost_by_sample
    if first.complete:
        expected = first.probability @ asked
        share = gained / np.where(expected > 0, expected, 1.0)
        cost = estimate_exactly(dearer, first.probability, level=level)
        return FleetDifference(
            classes=first.classes, cost=cost, fill=estimate_exactly(share, first.probability, level=level)
        )
    mean = np.where(asked.mean(axis=0) > 0, asked.mean(axis=0), 1.0)
    ratio = gained.mean(axis=0) / mean
    around = ratio + (gained - ratio * asked) / mean  # the ratio's influence function: its mean is the ratio
    return FleetDifference(
        classes=first.classes, cost=estimate_mean(dearer, level=level), fill=estimate_mean(around, level=level)
    )
