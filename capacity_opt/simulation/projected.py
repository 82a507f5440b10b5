"""Plays the projected inventory level policy: what it orders depends on the whole pipeline, not on the position alone.

At a review (every period) the expected stock on hand at the start of the period in which the new order arrives, before
it arrives, is worked out from the stock and the pipeline by carrying the distribution forward: arrive, meet demand,
lose what is missing, for ``lead_time`` periods. The order fills the gap to the level, rounded down to whole units where
demand is counted. Demand is put on a lattice: the
whole numbers where it is counted, else steps of 1/64 of the level (the mean is kept).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import ProjectedInventoryLevel
from capacity_opt.simulation.asked import Asked, Given
from capacity_opt.simulation.period_play import MEASURES

Array = NDArray[np.float64]

STEPS = 64
TAIL = 1e-9


def play_projected(
    policy: ProjectedInventoryLevel,
    source: Asked | Given,
    item: Item,
    *,
    periods: int,
    replications: int,
    seed: int,
    warm_up: int,
) -> Array:
    """Sums over the counted periods, (measures, replications), for one item with lost sales and whole lead time."""
    demand = _only_demand(source, item)
    level, lead = float(np.asarray(policy.projected_level)), int(_checks.whole("lead_time", item.lead_time))
    mass, width = lattice_of(demand, level)
    sums = np.zeros((len(MEASURES), replications))
    drawn = source.chunks(items=1, periods=periods + warm_up, replications=replications, seed=seed)
    for rows, _, values in drawn:
        sums[:, rows] = _play(level, lead, mass, width, values[:, 0], warm_up, demand.discrete)
    return sums


def _only_demand(source: Asked | Given, item: Item) -> Demand:
    if isinstance(source, Given) or len(source.demands) != 1 or source.shape != () or item.shape != ():
        raise ArgumentError("ProjectedInventoryLevel is played for one item at a time, with one demand distribution")
    if float(np.asarray(item.review_period)) != 1:
        raise ArgumentError(f"ProjectedInventoryLevel is reviewed every period, got review_period {item.review_period}")
    return source.demands[0]


def lattice_of(demand: Demand, level: float) -> tuple[Array, float]:
    """Probabilities of 0, 1, 2, ... steps of demand, and the step's width."""
    width = 1.0 if demand.discrete else max(level, float(demand.mean)) / STEPS
    last = int(np.ceil(float(demand.quantile(1.0 - TAIL)) / width)) + 1
    if demand.discrete:
        below = demand.cdf(np.arange(last + 1.0))
        mass = np.diff(below, prepend=0.0)
    else:  # linear splitting: P(j) is a second difference of the loss function, which keeps the mean
        loss = demand.loss(np.arange(-1.0, last + 2.0) * width)
        loss[0] = loss[1] + width
        mass = np.maximum(np.diff(loss, n=2) / width, 0.0)
    return np.asarray(mass / mass.sum()), width


def expected_on_arrival(stock: Array, pipeline: Array, mass: Array, width: float) -> Array:
    """E[stock on hand] after the pipeline's deliveries and demands, per row: ``stock`` (S,), ``pipeline`` (S, L) the
    deliveries of this and the next L - 1 periods, each followed by a demand."""
    size = int(np.ceil((stock + pipeline.sum(axis=1)).max(initial=0.0) / width)) + 2
    law = _put(stock, size, width)
    for delivery in pipeline.T:
        law = _moved(law, delivery / width)
        law = _served(law, mass)
    expected: Array = law @ (np.arange(size) * width)
    return expected


def _put(values: Array, size: int, width: float) -> Array:
    low = np.floor(values / width).astype(np.int64)
    share = values / width - low
    law = np.zeros((len(values), size))
    rows = np.arange(len(values))
    law[rows, low] += 1.0 - share
    law[rows, np.minimum(low + 1, size - 1)] += share
    return law


def _moved(law: Array, steps: Array) -> Array:
    """Every row moved up by its own number of steps, a part of a step split between its neighbours."""
    low = np.floor(steps).astype(np.int64)
    share = (steps - low)[:, None]
    index = np.arange(law.shape[1])[None, :] - low[:, None]
    here = np.where(index >= 0, np.take_along_axis(law, np.maximum(index, 0), axis=1), 0.0)
    above = np.where(index >= 1, np.take_along_axis(law, np.maximum(index - 1, 0), axis=1), 0.0)
    return np.asarray((1.0 - share) * here + share * above)


def _served(law: Array, mass: Array) -> Array:
    """Subtract a demand; what would fall below 0 stays at 0: the sale is lost."""
    size = law.shape[1]
    padded = np.concatenate([mass, np.zeros(max(0, size - len(mass)))])[:size]
    move = np.array([[padded[i - j] if i >= j else 0.0 for j in range(size)] for i in range(size)])
    move[:, 0] += 1.0 - move.sum(axis=1)
    return np.asarray(law @ move)


def _play(level: float, lead: int, mass: Array, width: float, demand: Array, warm_up: int, discrete: bool) -> Array:
    samples = len(demand)
    sums = np.zeros((len(MEASURES), samples))
    stock, pipeline = np.full(samples, max(level, 0.0)), np.zeros((samples, lead + 1))
    for t in range(demand.shape[1]):
        gap = level - expected_on_arrival(stock, pipeline[:, :lead], mass, width)
        order = np.maximum(np.floor(gap + 1e-9) if discrete else gap, 0.0)
        pipeline[:, lead] = order
        stock = stock + pipeline[:, 0]
        pipeline = np.concatenate([pipeline[:, 1:], np.zeros((samples, 1))], axis=1)
        filled = np.minimum(stock, demand[:, t])
        stock = stock - filled
        if t >= warm_up:
            short = filled < demand[:, t]
            nothing = np.zeros(samples)
            sums += [
                demand[:, t], filled, stock, nothing, short, stock > 0, order > 0, order, nothing + 1.0, ~short
            ]  # fmt: skip
    return sums
