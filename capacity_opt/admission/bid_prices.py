"""Bid prices for capacity that is used up: what the last unit of each pool is worth, from linear programs.

The deterministic program takes mean demand as certain; the randomised one solves it for many samples of demand and
averages the prices (K. T. Talluri and G. J. van Ryzin, Transportation Science 33, 1999), so a price comes with its
standard error. A request is worth taking if its fare is at least the bid prices of the units it uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]

Unit = Literal["last", "next"]
"""Where demand just fills a pool its price is a range: from what the next unit would earn to what the last one does."""

NUDGE = 1e-5
"""The share of capacity taken away (last unit) or added (next unit) when prices are read."""


@dataclass(frozen=True, kw_only=True)
class BidPrices:
    """Prices per unit of each pool, (pools,), and what stands behind them.

    ``allocation``: requests taken per class, (classes,), on mean demand or on average over samples; ``revenue``: an
    upper bound on what any policy earns on average (from mean demand), tighter from samples. The standard errors are 0
    and ``samples`` is 1 for the deterministic program.
    """

    bid_price: Array
    bid_price_error: Array
    allocation: Array
    revenue: float
    revenue_error: float
    samples: int

    def accepts(self, fare: ArrayLike, usage: ArrayLike) -> NDArray[np.bool_]:
        """Whether requests with ``fare`` (n,) and ``usage`` (pools, n) pay at least for what they use."""
        worth = np.asarray(fare, dtype=np.float64) - np.asarray(usage, dtype=np.float64).T @ self.bid_price
        return worth >= -1e-9


def network_bid_prices(
    usage: ArrayLike,
    *,
    capacity: ArrayLike,
    demand: ArrayLike,
    fare: ArrayLike,
    unit: Unit = "next",
    reusable: bool = False,
) -> BidPrices:
    """Bid prices from mean demand: ``usage`` (pools, classes), ``capacity`` (pools,), ``demand``, ``fare`` (classes,).

    ``unit``: whether the price is what one more unit of the pool would earn (``"next"``, as published tables have it)
    or what its last unit does (``"last"``): they differ where mean demand fills a pool exactly (all pools then grow, or
    shrink, a little together, so that the prices of several are right at once). Raises
    :class:`~capacity_opt.ArgumentError` for ``reusable`` capacity, see :func:`randomized_bid_prices`.

    >>> told = network_bid_prices([[1, 1, 0], [0, 1, 1]], capacity=[10, 8], demand=[6, 9, 7], fare=[100, 150, 80])
    >>> told.bid_price, told.allocation, told.revenue
    (array([70., 80.]), array([6., 4., 4.]), 1520.0)
    """
    _refuse_reusable(reusable)
    take, room, prices = _arguments(usage, capacity, fare)
    mean = _checks.non_negative("demand", _checks.shape("demand", demand, prices.shape, "classes"))
    values, duals, taken = _solve_all(take, room, prices, mean[None], _nudge(unit))
    return BidPrices(
        bid_price=duals[0],
        bid_price_error=np.zeros(room.size),
        allocation=taken[0],
        revenue=float(values[0]),
        revenue_error=0.0,
        samples=1,
    )


def randomized_bid_prices(
    usage: ArrayLike,
    *,
    capacity: ArrayLike,
    demand: Demand,
    fare: ArrayLike,
    samples: int = 1000,
    seed: int,
    unit: Unit = "last",
    reusable: bool = False,
) -> BidPrices:
    """Bid prices averaged over ``samples`` of demand, one item per class; other arguments as in the deterministic case.

    With whole-unit demand samples often fill a pool exactly; ``unit="last"`` then counts what the last unit earns,
    which is what a request displaces. ``reusable=True`` (capacity comes back when a request leaves) is refused: with
    one price per pool, whatever pays it is taken whenever it fits and whatever does not never is, which is first come,
    first served among the former: no free unit is ever kept for a dearer request. Use
    :func:`~capacity_opt.tune_critical_levels`.

    >>> from capacity_opt import Poisson
    >>> told = randomized_bid_prices([[1, 1, 1]], capacity=[70], demand=Poisson([20, 30, 60]), fare=[500, 300, 100],
    ...     samples=20_000, seed=7)
    >>> bool(abs(told.bid_price[0] - 100.86508627941798) < 4 * told.bid_price_error[0])
    True
    """
    _refuse_reusable(reusable)
    take, room, prices = _arguments(usage, capacity, fare)
    if demand.shape != prices.shape:
        raise ArgumentError(f"demand must have one item per class: {prices.shape}, got {demand.shape}")
    count = int(_checks.whole("samples", samples, at_least=2))
    drawn = demand.sample(count, rng=np.random.default_rng(int(_checks.whole("seed", seed))))
    values, duals, taken = _solve_all(take, room, prices, np.maximum(drawn, 0.0), _nudge(unit))
    return BidPrices(
        bid_price=duals.mean(axis=0),
        bid_price_error=duals.std(axis=0, ddof=1) / np.sqrt(count),
        allocation=taken.mean(axis=0),
        revenue=float(values.mean()),
        revenue_error=float(values.std(ddof=1) / np.sqrt(count)),
        samples=count,
    )


def _refuse_reusable(reusable: bool) -> None:
    if reusable:
        raise ArgumentError(
            "reusable must be False: a static bid price on capacity that comes back admits every request that pays it "
            "whenever it fits, which is first come, first served and keeps nothing free for dearer requests. "
            "Use tune_critical_levels"
        )


def _arguments(usage: ArrayLike, capacity: ArrayLike, fare: ArrayLike) -> tuple[Array, Array, Array]:
    take = _checks.non_negative("usage", usage)
    if take.ndim != 2 or take.size == 0:
        raise ArgumentError(f"usage must have shape (pools, classes), got {take.shape}")
    room = _checks.non_negative("capacity", _checks.shape("capacity", capacity, take.shape[:1], "pools"))
    prices = _checks.non_negative("fare", _checks.shape("fare", fare, take.shape[1:], "classes"))
    return take, room, prices


def _nudge(unit: Unit) -> float:
    if unit not in ("last", "next"):
        raise ArgumentError(f"unit must be 'last' or 'next', got {unit!r}")
    return -NUDGE if unit == "last" else NUDGE


def _solve_all(take: Array, room: Array, fare: Array, demand: Array, nudge: float) -> tuple[Array, Array, Array]:
    """Revenue (samples,), prices (samples, pools) and requests taken (samples, classes)."""
    if len(room) == 1 and np.all(take > 0):
        return _one_pool(take[0], float(room[0]), fare, demand, last=nudge < 0)
    program = LinearProgram(
        cost=-fare,
        matrix=sparse.csr_array(take),
        row_lower=np.full(room.size, -np.inf),
        row_upper=room * (1.0 + nudge),
        column_lower=np.zeros(fare.size),
        column_upper=demand[0].copy(),
        integer=np.zeros(fare.size, dtype=bool),
    )
    session = HighsSession(program, watched=False)
    values, duals, taken = np.empty(len(demand)), np.empty((len(demand), room.size)), np.empty_like(demand)
    rows, columns = np.arange(room.size), np.arange(fare.size)
    for i, asked in enumerate(demand):
        session.set_column_bounds(columns, 0.0, asked)
        duals[i] = np.maximum(-_optimal(session)[1], 0.0)
    session.set_row_bounds(rows, -np.inf, room)
    for i, asked in enumerate(demand):
        session.set_column_bounds(columns, 0.0, asked)
        taken[i] = _optimal(session)[0]
        values[i] = fare @ taken[i]
    return values, duals, taken


def _optimal(session: HighsSession) -> tuple[Array, Array]:
    solution = session.solve()
    if solution.reason != "optimal" or solution.x is None or solution.row_duals is None:
        raise SolverError(f"the bid-price program was not solved: {solution.reason}. {solution.message}")
    return solution.x, solution.row_duals


def _one_pool(take: Array, room: float, fare: Array, demand: Array, *, last: bool) -> tuple[Array, Array, Array]:
    """One pool needs no solver: fill it in falling order of money per unit."""
    order = np.argsort(-fare / take, kind="stable")
    asked = demand[:, order] * take[order]
    reached = np.cumsum(asked, axis=1)
    sold = np.minimum(asked, np.maximum(room - (reached - asked), 0.0))
    past = (reached >= room) if last else (reached > room)
    price = np.where(past[:, -1], (fare / take)[order][np.argmax(past, axis=1)], 0.0)
    taken = np.empty_like(demand)
    taken[:, order] = sold / take[order]
    return taken @ fare, price[:, None], taken
