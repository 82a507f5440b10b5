"""Where a cost curve is known least, and which target would tell most.

Between two points of a curve that is only known to rise, its cost lies between theirs. Where it is convex as well (a
target that is a right-hand side of a continuous program), it lies below the chord and above the lines through the
neighbouring pairs of points. The widest such gap is where the next point belongs.

Source: sandwich algorithms for convex functions, Rote (1992), *Computing* 48:337-361.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CLOSEST = 1e-3
"""Targets are not asked closer together than this share of their whole range."""
MIDDLE = 0.2
"""A new target keeps at least this share of its interval away from both ends."""


@dataclass(frozen=True)
class Interval:
    """Between two neighbouring solved targets: the ``width`` of what the cost may be, and the target ``at`` which."""

    low: float
    high: float
    width: float
    at: float


def intervals(targets: Array, costs: Array, *, convex: bool) -> list[Interval]:
    """What is not known between neighbours; ``targets`` in any order, points without a cost (NaN) left out."""
    solved = np.flatnonzero(np.isfinite(costs))
    order = solved[np.argsort(targets[solved], kind="stable")]
    x, y = targets[order], costs[order]
    found = []
    for i in range(len(x) - 1):
        if x[i + 1] <= x[i]:
            continue
        width, at = _convex(x, y, i) if convex else (abs(y[i + 1] - y[i]), 0.5 * (x[i] + x[i + 1]))
        edge = MIDDLE * (x[i + 1] - x[i])
        found.append(
            Interval(float(x[i]), float(x[i + 1]), float(width), float(np.clip(at, x[i] + edge, x[i + 1] - edge)))
        )
    return found


def _convex(x: Array, y: Array, i: int) -> tuple[float, float]:
    """The widest gap between the chord and the lines below, and where it is."""
    span = x[i + 1] - x[i]
    chord = (y[i + 1] - y[i]) / span
    flat = min(y[i], y[i + 1])
    lines = [(0.0, flat)]
    if i > 0 and x[i] > x[i - 1]:
        slope = (y[i] - y[i - 1]) / (x[i] - x[i - 1])
        lines.append((slope, y[i] - slope * x[i]))
    if i + 2 < len(x) and x[i + 2] > x[i + 1]:
        slope = (y[i + 2] - y[i + 1]) / (x[i + 2] - x[i + 1])
        lines.append((slope, y[i + 1] - slope * x[i + 1]))
    spots = [x[i], x[i + 1]]
    for a, first in enumerate(lines):
        spots += [(other[1] - first[1]) / (first[0] - other[0]) for other in lines[a + 1 :] if first[0] != other[0]]
    spots = [spot for spot in spots if x[i] <= spot <= x[i + 1]]
    gaps = [y[i] + chord * (spot - x[i]) - max(slope * spot + level for slope, level in lines) for spot in spots]
    best = int(np.argmax(gaps))
    return max(0.0, float(gaps[best])), float(spots[best])


def uncertainty(targets: Array, costs: Array, *, convex: bool) -> float:
    """The largest width between neighbours as a share of the cost there; NaN with fewer than two solved points."""
    found = intervals(targets, costs, convex=convex)
    if not found:
        return float("nan")
    return max(each.width for each in found) / max(float(np.nanmin(np.abs(costs))), 1e-9)


def next_target(targets: Array, costs: Array, tolerance: float, *, convex: bool) -> float | None:
    """The target to solve next, or ``None`` where the curve is known to ``tolerance`` (a share of its least cost) or no
    target is left between."""
    solved = np.isfinite(costs)
    if solved.sum() < 2:
        return None
    span = float(np.ptp(targets[solved]))
    allowed = tolerance * max(float(np.nanmin(np.abs(costs))), 1e-9)
    open_ = [
        each
        for each in intervals(targets, costs, convex=convex)
        if each.width > allowed and each.high - each.low > 2 * CLOSEST * span
    ]
    return max(open_, key=lambda each: each.width).at if open_ else None
