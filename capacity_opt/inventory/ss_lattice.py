"""The lattice an (s, S) policy is computed on: whole units where that is affordable, wider steps for large demand.

On a lattice of step f one review's demand x, f k <= x <= f (k + 1), is split between the two neighbouring points so
that its mean is kept; costs at the points are exact. A cycle of N points then stands for S - s = (N - 1/2) f (and 1/2
more where demand is whole): halfway between the last point above s and the first at or below it. For whole units and
f = 1 that is S - s = N, and nothing is approximated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory import ss_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import row

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
# Points a policy's cycle may span: its cost grows with their square.
MOST_POINTS = 4096
CONTINUOUS_POINTS = 512
STEPS_PER_DEVIATION = 16


def lattice_steps(exposed: Exposure, holding: Array, stockout: Array, fixed: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Step per item, and whether it is too wide for the spread of demand, so that only an approximation is left.

    ``fixed`` is per review. The span is guessed from the economic order quantity and ten standard deviations.
    """
    items = len(holding)
    mean, deviation = row(exposed.review.mean, items), np.sqrt(row(exposed.review.variance, items))
    economic = np.sqrt(2.0 * fixed * mean * (holding + stockout) / (holding * stockout))
    points = economic + 10.0 * np.sqrt(row(exposed.late.variance, items)) + mean
    widest = points / MOST_POINTS
    if exposed.discrete:
        step = np.maximum(np.ceil(widest), 1.0)
        return step, (step > 1.0) & (step > deviation)
    step = np.clip(deviation / STEPS_PER_DEVIATION, widest, points / CONTINUOUS_POINTS)
    # Demand known for certain stays on the lattice when the step divides it.
    certain = np.where(mean > 0, mean, 1.0)
    step = np.where(deviation > 0, step, certain / np.ceil(certain / np.where(step > 0, step, certain)))
    return step, (deviation > 0) & (step > deviation)


def lattice_masses(demand: Demand, step: Array, width: int, *, whole: bool) -> Array:
    """P(0), P(step), ..., (items, width): demand of one review on the lattice, what is left beyond it dropped."""
    edges = np.arange(-1, width + 1)[:, None] * step
    loss = np.broadcast_to(demand.loss(edges), edges.shape)
    masses = np.maximum(loss[:-2] - 2.0 * loss[1:-1] + loss[2:], 0.0) / step
    # Demand below 0 (a wide Normal's) counts as none.
    total = masses.sum(axis=0) + np.broadcast_to(demand.survival(edges[-2]), step.shape)
    masses[0] += np.maximum(1.0 - total, 0.0)
    unit = np.flatnonzero(step == 1.0) if whole else np.zeros(0, dtype=np.intp)
    if len(unit):
        above = np.broadcast_to(demand.survival(edges[1:-1]), masses.shape)[:, unit]
        masses[:, unit] = np.concatenate([1.0 - above[:1], above[:-1] - above[1:]])
    return np.ascontiguousarray(masses.T)


def lattice_cycle(span: Array, step: Array, *, whole: bool) -> tuple[Whole, Array]:
    """Points N in a cycle of S - s = ``span``, and the exact step near ``step`` at which they stand for it."""
    reach = span - (0.5 if whole else 0.0)
    points = np.maximum(np.rint(reach / step + 0.5), 1.0)
    return points.astype(np.int64), np.where(reach > 0, reach / (points - 0.5), step)


def lattice_reorder_point(level: Array, step: Array, *, whole: bool) -> Array:
    """The reorder point that a lattice's s stands for."""
    return np.floor(level + 0.5 * (step - 1.0)) if whole else level + 0.5 * step


def lattice_width(demand: Demand, step: Array) -> int:
    """How many points hold all but 1e-15 of the demand."""
    return int(np.max(np.ceil(demand.quantile(1.0 - 1e-15) / step), initial=1.0)) + 2


def renewal_masses(masses: Array, gap: Whole) -> Array:
    """m(0), ..., m(gap - 1) for every item, (items, widest gap), then zeros: how often a cycle visits S - j."""
    width = int(np.max(gap))
    out = np.zeros((len(masses), width))
    kernel = compiled(ss_kernel.renewal_rows, ss_kernel.extend_renewal)
    if kernel is not None:
        kernel(np.ascontiguousarray(masses), gap, out)
        return out
    none = masses[:, 0]
    reach = masses.shape[1] - 1
    for point in range(width):
        sizes = min(point, reach)
        came = np.sum(masses[:, 1 : sizes + 1] * out[:, point - sizes : point][:, ::-1], axis=1)
        out[:, point] = (came + (point == 0)) / (1.0 - none)
    return np.where(np.arange(width) < gap[:, None], out, 0.0)
