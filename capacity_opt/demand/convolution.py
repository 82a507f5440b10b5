"""The sum of several periods' demand on a grid, by FFT in batches of equal transform length.

An FFT leaves absolute noise of about 1e-16, so a probability below 1e-12 is never taken from it directly: the upper
tail comes from a second, exponentially tilted transform (which is large just where the plain one is small), the rest
is set to 0, and each row is renormalised. An item's answer depends on that item alone: alone or among a million it has
the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from capacity_opt.demand.assorted import Assorted
from capacity_opt.demand.deferred import Deferred
from capacity_opt.demand.empirical import Empirical
from capacity_opt.demand.lattice import Histogram, Pmf
from capacity_opt.demand.mixture import Repeated
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Batch = tuple[NDArray[np.intp], int]

SMALLEST_FROM_FFT = 1e-12
LARGEST_SUPPORT = 1 << 20
CELLS = 1 << 22
KEPT = 20_000_000
LONG_TAIL = 4096
_CHUNK = 1 << 20
_LATENT_EDGES = 4.5
_LATENT_BINS = 80


def sum_of_periods(demand: Demand, periods: IntArray, correlation: Array, *, points: int) -> Demand:
    """Demand over ``periods`` (broadcast to the items) equal periods with AR(1) Gaussian-copula dependence.

    A :class:`~capacity_opt.Pmf` or :class:`~capacity_opt.Histogram` where its table holds at most ``CELLS`` numbers.
    Else items of like support share a table, so a few long tails do not widen all rows; and where those tables hold
    more than ``KEPT`` numbers together, they are built block by block when asked (:mod:`capacity_opt.demand.deferred`).
    """
    shape = np.broadcast_shapes(demand.shape, periods.shape, correlation.shape)
    if shape != demand.shape:
        demand = _spread(demand, shape)
    count = int(np.prod(shape, dtype=np.int64))
    repeats = np.broadcast_to(periods, shape).reshape(count)
    rho = np.broadcast_to(correlation, shape).reshape(count)
    sizes, width = _grid_sizes(demand, count, points)
    perfect = (rho == 1.0) & (width > 0)
    support = repeats * (sizes - 1) + 1
    _check_support(repeats, support)
    columns = np.where(perfect, sizes, support)
    if count < 2 or count * int(columns.max(initial=1)) <= CELLS:
        return _one_table(demand, Grid(repeats, rho, sizes, support, width, perfect), shape)

    def build(items: NDArray[np.intp]) -> Demand:
        return sum_of_periods(spread.take(items), repeats[items], rho[items], points=points)

    spread, blocks = demand, list(_by_support(columns))
    if int(columns.sum()) > KEPT:
        return Deferred(build, count, blocks, demand.discrete)
    return Assorted([build(items) for items in blocks], blocks)


@dataclass(frozen=True)
class Grid:
    """Per item: periods to add, correlation, points of one period and of the sum, the grid's width (0 for whole
    numbers), and whether the periods are one demand scaled."""

    repeats: IntArray
    rho: Array
    sizes: IntArray
    support: IntArray
    width: Array
    perfect: NDArray[np.bool_]


def _one_table(demand: Demand, grid: Grid, shape: tuple[int, ...]) -> Pmf | Histogram:
    """All items in one table of rows."""
    columns = np.where(grid.perfect, grid.sizes, grid.support)
    out = np.zeros((len(columns), int(columns.max(initial=1))))

    def work(batch: Batch) -> None:
        items, length = batch
        rows = _masses(demand, items, int(grid.sizes[items].max()), grid.width)
        repeats, rho = int(grid.repeats[items[0]]), float(grid.rho[items[0]])
        _place(out, items, _summed(rows, repeats, rho, length, not demand.discrete))

    _in_parallel(work, list(_batches(grid.repeats, grid.support, grid.rho)))
    scale = np.where(grid.perfect, np.maximum(grid.repeats, 1), 1)
    return _distribution(demand, out, shape, grid.repeats, grid.width * scale)


def _by_support(columns: IntArray) -> Iterator[NDArray[np.intp]]:
    """Items in blocks of like support (at most twofold), each block's table within ``CELLS`` numbers."""
    order = np.argsort(columns, kind="stable")
    start = 0
    while start < len(order):
        narrow = int(columns[order[start]])
        stop = start + int(np.searchsorted(columns[order[start:]], 2 * narrow, side="right"))
        stop = min(stop, start + max(1, CELLS // (2 * narrow)))
        yield np.sort(order[start:stop])
        start = stop


def _check_support(repeats: IntArray, support: IntArray) -> None:
    if support.max(initial=1) > LARGEST_SUPPORT:
        worst = int(np.argmax(support))
        raise ArgumentError(
            f"demand of item {worst} over {int(repeats[worst])} periods has {int(support[worst])} possible values, "
            f"more than {LARGEST_SUPPORT}; use a continuous demand (Normal, Gamma, QuantileDemand without integer=True)"
        )


def _in_parallel(work: Callable[[Batch], None], batches: list[Batch]) -> None:
    """Each batch fills its own rows; numpy and the FFT let other threads run while they compute."""
    if len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(work, batches))


def _spread(demand: Demand, shape: tuple[int, ...]) -> Demand:
    """One item's demand repeated for every item of ``shape``."""
    if demand.shape not in ((), (1,)):
        raise ArgumentError(f"demand has shape {demand.shape}, which does not broadcast to the items {shape}")
    return one_to_many(demand, shape[0])


def summed_rows(rows: Array, repeats: int) -> Array:
    """Rows of probabilities of the sum of ``repeats`` independent draws; each row alone decides its transform."""
    if repeats == 1:
        return rows
    last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, axis=1)
    support = (repeats * last + 1).astype(np.int64)
    out = np.zeros((len(rows), int(support.max(initial=1))))
    for items, length in _batches(np.full(len(rows), repeats), support, np.zeros(len(rows))):
        _place(out, items, _summed(rows[items, : int(last[items].max()) + 1], repeats, 0.0, length, False))
    return out


def one_to_many(demand: Demand, count: int) -> Demand:
    """A demand of ``count`` equal items from a demand of one."""
    return Repeated(demand, count)


def _grid_sizes(demand: Demand, count: int, points: int) -> tuple[IntArray, Array]:
    """Grid points per item, and the grid's width per item (0 for whole numbers)."""
    if isinstance(demand, Pmf):
        rows = np.atleast_2d(demand.probabilities)
        last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, axis=1)
        return last.astype(np.int64) + 1, np.zeros(count)
    if demand.discrete and isinstance(demand, Empirical):
        return np.atleast_2d(demand.samples)[:, -1].astype(np.int64) + 1, np.zeros(count)
    if demand.discrete:
        far = np.atleast_1d(demand.quantile(1 - 1e-13))
        beyond = np.maximum(far - np.atleast_1d(demand.quantile(1 - 1e-7)), 1.0)
        # In a table this long the last 1e-13 of the demand is worth no further room.
        top = far + np.where(far > LONG_TAIL, 0.0, beyond)
        return np.minimum(top, 2.0 * LARGEST_SUPPORT).astype(np.int64) + 1, np.zeros(count)
    top = np.maximum(np.atleast_1d(demand.quantile(1 - 1e-10)), 0.0)
    return np.full(count, points, dtype=np.int64), np.where(top > 0, top, 1.0) / (points - 1)


def _batches(repeats: IntArray, support: IntArray, rho: Array) -> Iterator[Batch]:
    """Items with the same periods, correlation and transform length, in chunks of bounded memory."""
    length = _fast_length(support)
    order = np.lexsort((length, rho, repeats))
    keys = np.stack([repeats[order].astype(float), rho[order], length[order].astype(float)])
    starts = np.flatnonzero(np.any(np.diff(keys, axis=1, prepend=np.nan) != 0, axis=0))
    for begin, end in zip(starts, [*starts[1:], len(order)]):
        size = int(length[order[begin]])
        step = max(1, _CHUNK // (size * (_LATENT_BINS if rho[order[begin]] not in (0.0, 1.0) else 1)))
        for first in range(int(begin), int(end), step):
            yield order[first : min(first + step, int(end))], size


def _fast_length(support: IntArray) -> IntArray:
    """The smallest of 4, 5, 6, 7 times a power of two that holds the support: few lengths, all quick."""
    power = np.exp2(np.ceil(np.log2(np.maximum(support, 8))) - 3)
    length: IntArray = (np.ceil(np.maximum(support, 8) / power) * power).astype(np.int64)
    return length


def _masses(demand: Demand, items: NDArray[np.intp], size: int, width: Array) -> Array:
    """Probability of each grid point, (items, size)."""
    if isinstance(demand, Pmf):
        return np.atleast_2d(demand.probabilities)[items, :size]
    chosen = demand.take(items) if demand.shape else demand
    grid = np.arange(size, dtype=np.float64)[:, None]
    if demand.discrete:
        mass: Callable[[Array], Array] | None = getattr(chosen, "mass", None)
        table = mass(grid) if mass is not None else _differences(chosen.survival(grid))
    else:
        table = _differences(chosen.survival((grid + 0.5) * width[items]))
        table[-1] += 1.0 - np.cumsum(table, axis=0)[-1]
    return np.ascontiguousarray(np.maximum(table, 0.0).T)


def _differences(survival: Array) -> Array:
    before = np.concatenate([np.ones_like(survival[:1]), survival[:-1]])
    return before - survival


def _summed(rows: Array, repeats: int, rho: float, length: int, continuous: bool) -> Array:
    """Rows of the sum of ``repeats`` periods, normalised."""
    if repeats == 0:
        return np.ones((len(rows), 1))
    if repeats == 1 or (rho == 1.0 and continuous):
        return rows
    if rho == 1.0:
        stretched = np.zeros((len(rows), repeats * (rows.shape[1] - 1) + 1))
        stretched[:, ::repeats] = rows
        return stretched
    support = repeats * (rows.shape[1] - 1) + 1
    answer = _independent(rows, repeats, length) if rho == 0.0 else _dependent(rows, repeats, rho, length)
    answer = answer[:, : min(support, length)]
    normalised: Array = answer / np.cumsum(answer, axis=1)[:, -1:]
    return normalised


def _power(rows: Array, repeats: int, length: int) -> Array:
    transform = scipy.fft.rfft(rows, n=length, axis=1)
    result: NDArray[np.complex128] | None = None
    base, rest = transform, repeats
    while rest:
        if rest & 1:
            result = base if result is None else result * base
        rest >>= 1
        base = base * base if rest else base
    back: Array = scipy.fft.irfft(transform if result is None else result, n=length, axis=1)
    return back


def _independent(rows: Array, repeats: int, length: int) -> Array:
    """Plain transform where it is large, tilted transform in the upper tail, 0 where neither can say."""
    index = np.arange(rows.shape[1])
    mean = np.cumsum(rows * index, axis=1)[:, -1:]
    offset = index - mean
    plain = _power(rows, repeats, length)
    tilt = np.minimum(_decay(plain), 500.0 / offset[:, -1:].clip(1.0))
    tilted = rows * np.exp(tilt * offset)
    scale = np.cumsum(tilted, axis=1)[:, -1:]
    other = _power(tilted / scale, repeats, length)
    log_factor = repeats * np.log(scale) - tilt * (np.arange(length) - repeats * mean)
    use_tilted = log_factor < 0
    value = np.where(use_tilted, other, plain)
    value = np.where(value < SMALLEST_FROM_FFT, 0.0, value)
    answer: Array = value * np.exp(np.where(use_tilted, log_factor, 0.0))
    return answer


def _decay(probability: Array) -> Array:
    """How fast the upper tail falls per grid step around 1e-9: the tilt that makes it level there."""
    item, last = np.arange(len(probability)), probability.shape[1] - 1
    high = last - np.argmax(probability[:, ::-1] >= 1e-8, axis=1)
    low = last - np.argmax(probability[:, ::-1] >= 1e-11, axis=1)
    fall = np.log(probability[item, high] / np.where(low > high, probability[item, low], 1e-11))
    rate: Array = np.maximum(fall, 0.0) / np.maximum(low - high, 1)
    return rate[:, None]


def _dependent(rows: Array, repeats: int, rho: float, length: int) -> Array:
    """AR(1) Gaussian copula: a Markov chain over bins of the latent normal, demand drawn within each bin."""
    edges = np.concatenate([[-np.inf], np.linspace(-_LATENT_EDGES, _LATENT_EDGES, _LATENT_BINS - 1), [np.inf]])
    bounds = scipy.special.ndtr(edges)
    chance = np.diff(bounds)
    above = np.minimum(np.cumsum(rows, axis=1), 1.0)
    above[:, -1] = 1.0
    below = np.concatenate([np.zeros((len(rows), 1)), above[:, :-1]], axis=1)
    high = np.minimum(above[:, None, :], bounds[1:][:, None])
    low = np.maximum(below[:, None, :], bounds[:-1][:, None])
    transform = scipy.fft.rfft(np.maximum(high - low, 0.0), n=length, axis=2)
    step = (transition(rho, edges).T / chance[:, None]).copy()
    state = transform
    for _ in range(repeats - 1):
        moved = np.matmul(step, state.real) + 1j * np.matmul(step, state.imag)
        state = transform * moved
    back = scipy.fft.irfft(np.cumsum(state, axis=1)[:, -1, :], n=length, axis=1)
    return np.where(back < SMALLEST_FROM_FFT, 0.0, back)


def transition(rho: float, edges: Array) -> Array:
    """P(next latent normal in bin j | this one in bin i) of an AR(1) with correlation ``rho``; keeps N(0, 1)."""
    chance = np.diff(scipy.special.ndtr(edges))
    low, high = np.maximum(edges[:-1], -8.0), np.minimum(edges[1:], 8.0)
    node, weight = np.polynomial.legendre.leggauss(12)
    point = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * node
    density = np.exp(-0.5 * point * point) * weight
    density /= density.sum(axis=1, keepdims=True)
    z = (edges - rho * point[..., None]) / np.sqrt(1.0 - rho * rho)
    joint = chance[:, None] * np.einsum("iq,iqj->ij", density, np.diff(scipy.special.ndtr(z), axis=-1))
    for _ in range(50):
        joint = 0.5 * (joint + joint.T)
        joint *= np.sqrt(chance / joint.sum(axis=1))[:, None] * np.sqrt(chance / joint.sum(axis=0))
    conditional: Array = joint / joint.sum(axis=1, keepdims=True)
    return conditional


def _place(out: Array, items: NDArray[np.intp], rows: Array) -> None:
    width = min(out.shape[1], rows.shape[1])
    out[items, :width] = rows[:, :width]


def _distribution(
    demand: Demand, rows: Array, shape: tuple[int, ...], repeats: IntArray, width: Array
) -> Pmf | Histogram:
    rows = rows.reshape(*shape, rows.shape[1])
    if demand.discrete:
        first = demand.start if isinstance(demand, Pmf) else np.zeros(shape)
        return Pmf.trusted(rows, np.asarray(first * repeats.reshape(shape), dtype=np.float64))
    nothing = np.atleast_1d(1.0 - demand.survival(0.0)) ** repeats
    zero = np.where(repeats == 0, 1.0, np.minimum(nothing, rows.reshape(-1, rows.shape[-1])[:, 0]))
    return Histogram.trusted(rows, width.reshape(shape), zero.reshape(shape))
