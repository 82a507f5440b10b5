"""The event-by-event loop of continuous review: customers come one by one, the policy looks after each of them.

Demand must be made of customers: ``Poisson`` (each wants one unit), ``CompoundPoisson`` (sizes of their own) or
``NegativeBinomial`` (logarithmic sizes). Order of events at a customer: what is due by then has arrived; the customer
is served from stock; the policy looks at the position and orders; the order arrives ``lead_time`` later (any length).
Holding and stockout costs run with time; service is by time: ``no_stockout`` and ``ready_rate`` are shares of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiling
from capacity_opt.demand.compound import CompoundPoisson
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.simulation.asked import CHUNK_VALUES, Asked, Given, judge_seed
from capacity_opt.simulation.cells import Cells
from capacity_opt.simulation.period_play import MEASURES, order_quantities

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Who comes: ``rate`` (n,) per period; ``sizes`` (n, X) probability of wanting 1, 2, ... units."""

    rate: Array
    sizes: Array

    def draw(self, replications: int, horizon: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Times and sizes, (replications, n, events); the times past the horizon are to be ignored."""
        most = float(self.rate.max(initial=0.0)) * horizon
        events = int(most + 8.0 * np.sqrt(most) + 20.0)
        shape = (replications, len(self.rate), events)
        gaps = rng.standard_exponential(shape)
        with np.errstate(divide="ignore"):
            times = np.cumsum(gaps, axis=2) / self.rate[:, None]
        if self.sizes.shape[1] == 1:
            return times, np.ones(shape)
        below = np.cumsum(self.sizes, axis=1)
        drawn = rng.random(shape)
        sizes = np.stack([np.searchsorted(row, drawn[:, i]) for i, row in enumerate(below)], axis=1)
        return times, np.minimum(sizes + 1.0, self.sizes.shape[1])


def customers_of(demand: Demand, items: int) -> Customers:
    """The customers that a demand is made of."""
    if isinstance(demand, Poisson):
        rate, sizes = np.ravel(demand.mean), np.ones((1, 1))
    elif isinstance(demand, NegativeBinomial):
        mean, variance = np.ravel(demand.mean), np.ravel(demand.variance)
        rate, sizes = _logarithmic(mean, variance)
    elif isinstance(demand, CompoundPoisson):
        wanting = 1.0 - np.ravel(demand.size[..., 0])
        rate, sizes = np.ravel(demand.rate) * wanting, np.atleast_2d(demand.size)[:, 1:]
        sizes = sizes / sizes.sum(axis=1, keepdims=True)
    else:
        raise ArgumentError(
            f"continuous review (review_period=0) needs demand made of customers: Poisson, CompoundPoisson or "
            f"NegativeBinomial, got {type(demand).__name__}. Review every period instead: review_period=1"
        )
    return Customers(rate=np.broadcast_to(rate, (items,)), sizes=np.broadcast_to(sizes, (items, sizes.shape[1])))


def _logarithmic(mean: Array, variance: Array) -> tuple[Array, Array]:
    """A negative binomial is a Poisson number of customers with logarithmic sizes."""
    share = np.maximum(1.0 - mean / variance, 1e-9)
    most = int(np.ceil(np.log(1e-14) / np.log(share.max()))) + 1
    x = np.arange(1, most + 1)
    sizes = share[:, None] ** x / (-np.log1p(-share)[:, None] * x)
    rate = mean * (1 - share) * -np.log1p(-share) / share
    return rate, sizes / sizes.sum(axis=1, keepdims=True)


@dataclass(frozen=True, kw_only=True)
class EventPlay:
    """What the loop needs: ``times``, ``sizes`` (replications, n, events); ``net`` (replications, n); the rest (n,).
    Sums are over [``warm_up``, ``horizon``)."""

    times: Array
    sizes: Array
    trigger: Array
    up_to: Array
    lot: Array
    cap: Array
    lead: Array
    net: Array
    lost_sales: bool
    warm_up: float
    horizon: float


def run_events(inputs: EventPlay) -> Array:
    """Sums (measures, replications, n), compiled where numba is present."""
    if not compiling():
        return play_events(inputs)
    from capacity_opt.simulation.continuous_compiled import play_event_cells

    sums = np.zeros((*inputs.net.shape, len(MEASURES)))
    play_event_cells(
        inputs.times, inputs.sizes, inputs.trigger, inputs.up_to, inputs.lot, inputs.cap, inputs.lead, inputs.net,
        inputs.lost_sales, inputs.warm_up, inputs.horizon, sums,
    )  # fmt: skip
    return np.moveaxis(sums, 2, 0)


def play_events(inputs: EventPlay) -> Array:
    """The NumPy path: all cells advance from customer to customer."""
    shape, events = inputs.net.shape, inputs.times.shape[2]
    state = _Cells(
        net=inputs.net.copy(),
        position=inputs.net.copy(),
        clock=np.zeros(shape),
        due=np.full((*shape, 1), np.inf),
        coming=np.zeros((*shape, 1)),
        clean=np.ones(shape, dtype=bool),
        sums=np.zeros((len(MEASURES), *shape)),
    )
    for e in range(events):
        _advance(inputs, state, np.minimum(inputs.times[:, :, e], inputs.horizon))
        _customer(inputs, state, e)
    _advance(inputs, state, np.full(shape, inputs.horizon))
    return state.sums


@dataclass(kw_only=True)
class _Cells:
    net: Array
    position: Array
    clock: Array
    due: Array
    coming: Array
    clean: NDArray[np.bool_]
    sums: Array


def _advance(inputs: EventPlay, state: _Cells, until: Array) -> None:
    """Let time run to ``until``, taking in deliveries on the way."""
    while True:
        first = state.due.min(axis=2)
        arriving = first <= until
        _run_clock(inputs, state, np.where(arriving, first, until))
        if not arriving.any():
            return
        place = state.due.argmin(axis=2)[..., None]
        amount = np.take_along_axis(state.coming, place, 2)[..., 0]
        counted = arriving & (state.clock >= inputs.warm_up)
        state.sums[8] += counted
        state.sums[9] += counted & state.clean
        state.net += np.where(arriving, amount, 0.0)
        state.clean = np.where(arriving, state.net >= 0, state.clean)
        gone = np.where(arriving, np.inf, first)[..., None]
        np.put_along_axis(state.due, place, gone, 2)


def _run_clock(inputs: EventPlay, state: _Cells, until: Array) -> None:
    spent = np.maximum(until - np.maximum(state.clock, inputs.warm_up), 0.0)
    state.sums[2] += spent * np.maximum(state.net, 0.0)
    state.sums[3] += spent * np.maximum(-state.net, 0.0)
    state.sums[4] += spent * (state.net < 0)
    state.sums[5] += spent * (state.net > 0)
    state.clock = np.maximum(until, state.clock)


def _customer(inputs: EventPlay, state: _Cells, e: int) -> None:
    came = inputs.times[:, :, e] < inputs.horizon
    counted = came & (inputs.times[:, :, e] >= inputs.warm_up)
    asked = np.where(came, inputs.sizes[:, :, e], 0.0)
    filled = np.minimum(np.maximum(state.net, 0.0), asked)
    taken = filled if inputs.lost_sales else asked
    state.net -= taken
    state.position -= taken
    state.clean &= ~(came & (filled < asked))
    quantity = order_quantities(state.position, inputs.trigger, inputs.up_to, inputs.lot, inputs.cap)
    quantity = np.where(came, quantity, 0.0)
    state.position += quantity
    placed = quantity > 0
    free = np.isinf(state.due)
    if np.any(placed & ~free.any(axis=2)):
        state.due = np.concatenate([state.due, np.full_like(state.due[..., :1], np.inf)], axis=2)
        state.coming = np.concatenate([state.coming, np.zeros_like(state.coming[..., :1])], axis=2)
        free = np.isinf(state.due)
    place = free.argmax(axis=2)[..., None]
    old_due, old_coming = (np.take_along_axis(array, place, 2)[..., 0] for array in (state.due, state.coming))
    np.put_along_axis(state.due, place, np.where(placed, state.clock + inputs.lead, old_due)[..., None], 2)
    np.put_along_axis(state.coming, place, np.where(placed, quantity, old_coming)[..., None], 2)
    for row, values in ((0, asked), (1, filled), (6, placed), (7, quantity)):
        state.sums[row] += np.where(counted, values, 0.0)


def play_continuous(
    cells: Cells, source: Asked | Given, *, replications: int, periods: int, warm_up: int, seed: int, net: Array
) -> Array:
    """Sums over the counted time, (measures, replications, n)."""
    if isinstance(source, Given) or len(source.demands) != 1:
        raise ArgumentError("continuous review (review_period=0) needs one demand distribution that stays the same")
    horizon = float(warm_up + periods)
    shared = source.shape == ()
    customers = customers_of(source.demands[0], 1 if shared else cells.items)
    sums = np.zeros((len(MEASURES), replications, cells.items))
    per_chunk = max(1, int(CHUNK_VALUES // max(1.0, replications * horizon * float(customers.rate.max(initial=0.0)))))
    for start in range(0, cells.items, per_chunk):
        some = slice(start, min(cells.items, start + per_chunk))
        own = customers if shared else Customers(rate=customers.rate[some], sizes=customers.sizes[some])
        rng = np.random.default_rng(judge_seed(seed, 0 if shared else start))
        times, sizes = own.draw(replications, horizon, rng)
        shape = (replications, some.stop - some.start, times.shape[2])
        sums[:, :, some] = run_events(
            EventPlay(
                times=np.broadcast_to(times, shape),
                sizes=np.broadcast_to(sizes, shape),
                trigger=cells.trigger[some, 0],
                up_to=cells.up_to[some, 0],
                lot=cells.lot[some],
                cap=cells.cap[some],
                lead=cells.delay[some],
                net=np.ascontiguousarray(net[:, some]),
                lost_sales=cells.lost_sales,
                warm_up=float(warm_up),
                horizon=horizon,
            )
        )
    return sums
