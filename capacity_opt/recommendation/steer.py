"""Steer customers to capacity that is idle: which server family, region or hour to offer each, one after the other.

An offer earns affinity x size x margin: the chance that the customer takes it, the units it needs, the money per unit.
Prices of the options (the plan's duals, or learned while customers come) rank the offers of one customer; they never
accept or refuse: a customer is refused only where nothing fits. The guard is on capacity alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Ranking = Literal["learned", "given", "none"]

LEARN_FROM = 400
CHECKPOINTS = 20
TIME_LIMIT = 60.0


@runtime_checkable
class Room(Protocol):
    """A guard that knows more than a number per option: offers that share servers, several resources, many outcomes."""

    @property
    def idle(self) -> Array:
        """(m,) units of which no option takes more by itself."""
        ...

    def take(self, customer: int, option: int) -> bool:
        """Whether the whole offer fits beside those taken before; if so it is taken."""
        ...


class _Counted:
    """A number of idle units per option."""

    def __init__(self, units: Array, idle: Array) -> None:
        self.units, self.idle, self.left = units, idle, idle.copy()

    def take(self, customer: int, option: int) -> bool:
        if self.units[customer] > self.left[option] + 1e-12:
            return False
        self.left[option] -= self.units[customer]
        return True


@dataclass(frozen=True, kw_only=True)
class Steering:
    """``option`` (n,) offered to each customer (-1: nothing fits); ``value`` the expected money of all offers, ``load``
    (m,) units offered per option, never above ``idle``; ``bound``: no policy earns more (a linear program that knows
    all customers); ``price`` (m,) per unit at the end."""

    option: IntArray
    value: float
    load: Array
    idle: Array
    bound: float
    price: Array

    @property
    def share_of_bound(self) -> float:
        """``value`` / ``bound``."""
        return self.value / self.bound if self.bound > 0 else 1.0


def steer(
    size: ArrayLike,
    affinity: ArrayLike,
    margin: ArrayLike,
    idle: ArrayLike | Room,
    *,
    ranking: Ranking = "learned",
    price: ArrayLike | None = None,
    seed: int = 0,
) -> Steering:
    """Offer every customer, in the order given and without knowing who comes later, one option that fits.

    ``size`` (n,) units; ``affinity`` (n, m) chances in [0, 1] that an offer is taken; ``margin`` (m,) or (n, m) money
    per unit; ``idle`` (m,) units that may be filled (use a low quantile of what will be idle), or a :class:`Room`. An
    offer holds its whole size: load never exceeds ``idle`` whatever is taken. ``ranking``: by value less price x
    size with prices ``"learned"`` from the customers so far and the capacity left, ``"given"`` ones, or ``"none"``
    (greedy: value alone).

    >>> liking = [[0.9, 0.8], [0.9, 0.1], [0.9, 0.1]]
    >>> told = steer([1, 1, 1], liking, [1, 1], [2, 1], ranking="given", price=[0.5, 0])
    >>> told.option.tolist(), round(told.value, 6)
    ([1, 0, 0], 2.6)
    """
    given = idle if isinstance(idle, Room) else None
    units, worth, full = _given(size, affinity, margin, cast("ArrayLike", idle) if given is None else given.idle)
    _check_ranking(ranking, price, given is None)
    room = _Counted(units, full) if given is None else given
    start = np.zeros(len(full)) if price is None else _checks.shape("price", price, full.shape, "options")
    prices = np.zeros(len(full)) if ranking == "none" else start
    load, chosen = np.zeros(len(full)), np.full(len(units), -1, dtype=np.int64)
    rng = np.random.default_rng(seed)
    every = max(1, len(units) // CHECKPOINTS)
    for i in range(len(units)):
        if ranking == "learned" and i and i % every == 0:
            prices = _learned(units[:i], worth[:i], full - load, len(units) - i, rng)
        chosen[i] = _offered(i, worth[i], worth[i] - prices * units[i], room)
        if chosen[i] >= 0:
            load[chosen[i]] += units[i]
    taken = np.flatnonzero(chosen >= 0)
    return Steering(
        option=chosen,
        value=float(worth[taken, chosen[taken]].sum()),
        load=load,
        idle=full,
        bound=_assignment(units, worth, full)[0],
        price=prices,
    )


def _offered(customer: int, worth: Array, rank: Array, room: Room) -> int:
    """The highest ranked option that earns something and fits; -1 where none does."""
    for option in np.argsort(-rank, kind="stable").tolist():
        if worth[option] > 0 and room.take(customer, option):
            return int(option)
    return -1


def _check_ranking(ranking: str, price: object, counted: bool) -> None:
    if ranking not in ("learned", "given", "none"):
        raise ArgumentError(f"ranking must be learned, given or none, got {ranking!r}")
    if ranking == "given" and price is None:
        raise ArgumentError("ranking 'given' needs price: the plan's price of a unit in each option")
    if ranking == "learned" and not counted:
        raise ArgumentError("ranking 'learned' needs idle as a number of units per option; use 'given' or 'none'")


def _given(size: ArrayLike, affinity: ArrayLike, margin: ArrayLike, idle: ArrayLike) -> tuple[Array, Array, Array]:
    units, room = _checks.positive("size", size), _checks.non_negative("idle", idle)
    chance = _checks.share("affinity", affinity)
    if units.ndim != 1 or room.ndim != 1 or chance.shape != (len(units), len(room)):
        raise ArgumentError(
            f"affinity must have shape (customers, options), one per size and idle: ({units.size}, {room.size}), "
            f"got {chance.shape}"
        )
    money = _checks.shape("margin", margin, chance.shape, "customers, options")
    return units, chance * units[:, None] * np.maximum(money, 0.0), room


def _learned(units: Array, worth: Array, left: Array, coming: int, rng: np.random.Generator) -> Array:
    """Prices at which the customers to come, if they are like those so far, just fill what is left."""
    chosen = rng.permutation(len(units))[:LEARN_FROM]
    scale = coming / len(chosen)
    return _assignment(units[chosen], worth[chosen], left / scale)[1]


def _assignment(units: Array, worth: Array, room: Array) -> tuple[float, Array]:
    """The most that fractions of offers can earn, and the price of a unit of each option."""
    n, m = worth.shape
    column = np.arange(n * m)
    who, where = np.divmod(column, m)
    matrix = sparse.csr_array(
        (np.concatenate([np.ones(n * m), units[who]]), (np.concatenate([who, n + where]), np.tile(column, 2))),
        shape=(n + m, n * m),
    )
    program = LinearProgram(
        cost=-worth.ravel(),
        matrix=matrix,
        row_lower=np.full(n + m, -np.inf),
        row_upper=np.concatenate([np.ones(n), room]),
        column_lower=np.zeros(n * m),
        column_upper=np.ones(n * m),
        integer=np.zeros(n * m, dtype=bool),
    )
    found = solve(program, time_limit=TIME_LIMIT)
    if found.row_duals is None or found.reason != "optimal":
        return float(np.minimum(worth.max(axis=1), np.inf).sum()), np.zeros(m)
    return -float(found.objective), np.abs(found.row_duals[n:])
