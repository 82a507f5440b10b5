"""What flexible capacity sells: each pool can serve some classes, demand is random, the best assignment follows it.

A chain (every pool serves two classes, so that all hang together) sells nearly as much as full flexibility:
W. C. Jordan and S. C. Graves, Management Science 41, 1995.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MOST_CUTS = 12
"""Up to so many classes every cut is looked at; beyond, a program is solved for each sample."""
CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class FlexibleSales:
    """Expected units sold with its standard error; ``utilization`` = sold / capacity."""

    mean: float
    error: float
    utilization: float
    samples: int


def chain_links(count: int) -> BoolArray:
    """(count, count) links of a closed chain: pool i serves classes i and i + 1.

    >>> chain_links(3).astype(int)
    array([[1, 1, 0],
           [0, 1, 1],
           [1, 0, 1]])
    """
    size = int(_checks.whole("count", count, at_least=1))
    own = np.eye(size, dtype=bool)
    links: BoolArray = own | np.roll(own, 1, axis=1)
    return links


def flexible_sales(
    links: ArrayLike, *, capacity: ArrayLike, demand: Demand, samples: int = 20_000, seed: int
) -> FlexibleSales:
    """Expected sales when each sample of demand is served as well as the links allow.

    ``links`` (pools, classes): whether a pool can serve a class; ``capacity`` (pools,) units; ``demand``: one item per
    class, independent. Exact for every sample (the largest flow is the smallest cut). Same seed, same answer.

    >>> from capacity_opt import Poisson
    >>> told = flexible_sales(chain_links(3), capacity=[10, 10, 10], demand=Poisson([10.0, 10.0, 10.0]), seed=1)
    >>> alone = flexible_sales([[1, 0, 0], [0, 1, 0], [0, 0, 1]], capacity=[10, 10, 10],
    ...     demand=Poisson([10.0, 10.0, 10.0]), seed=1)
    >>> round(told.mean, 1), round(alone.mean, 1)
    (27.8, 26.3)
    """
    given = np.asarray(links)
    if given.ndim != 2 or given.size == 0:
        raise ArgumentError(f"links must have shape (pools, classes), got {given.shape}")
    linked = given.astype(bool)
    room = _checks.non_negative("capacity", _checks.shape("capacity", capacity, linked.shape[:1], "pools"))
    if demand.shape != linked.shape[1:]:
        raise ArgumentError(f"demand must have one item per class: {linked.shape[1:]}, got {demand.shape}")
    count = int(_checks.whole("samples", samples, at_least=2))
    rng = np.random.default_rng(int(_checks.whole("seed", seed)))
    asked = np.maximum(demand.sample(count, rng=rng), 0.0)
    by_cut = linked.shape[1] <= MOST_CUTS
    sold = np.concatenate(list(_smallest_cuts(linked, room, asked) if by_cut else _programs(linked, room, asked)))
    mean, total = float(sold.mean()), float(room.sum())
    return FlexibleSales(
        mean=mean,
        error=float(sold.std(ddof=1) / np.sqrt(count)),
        utilization=mean / total if total > 0 else 0.0,
        samples=count,
    )


def _smallest_cuts(linked: BoolArray, room: Array, asked: Array) -> Iterator[Array]:
    """Sales per sample: over all sets of classes, the pools that serve the set + the demand outside it, at least."""
    classes = linked.shape[1]
    inside = (np.arange(2**classes)[:, None] >> np.arange(classes)) & 1 == 1
    pools = room @ ((linked.astype(np.float64) @ inside.T) > 0)
    outside = (~inside).T.astype(np.float64)
    step = max(1, CELLS // len(inside))
    for begin in range(0, len(asked), step):
        cut: Array = (asked[begin : begin + step] @ outside + pools).min(axis=1)
        yield cut


def _programs(linked: BoolArray, room: Array, asked: Array) -> Iterator[Array]:
    """Sales per sample by a linear program each, warm from the one before."""
    pool, served = np.nonzero(linked)
    count, columns = len(pool), np.arange(len(pool))
    rows = sparse.csr_array(
        (np.ones(2 * count), (np.concatenate([pool, len(room) + served]), np.tile(columns, 2))),
        shape=(sum(linked.shape), count),
    )
    program = LinearProgram(
        cost=-np.ones(count),
        matrix=rows,
        row_lower=np.full(rows.shape[0], -np.inf),
        row_upper=np.concatenate([room, asked[0]]),
        column_lower=np.zeros(count),
        column_upper=np.full(count, np.inf),
        integer=np.zeros(count, dtype=bool),
    )
    session = HighsSession(program, watched=False)
    for one in asked:
        session.set_row_bounds(len(room) + np.arange(len(one)), -np.inf, one)
        found = session.solve()
        if found.reason != "optimal":
            raise SolverError(f"the assignment of a sample was not solved: {found.reason}. {found.message}")
        yield np.array([-found.objective])
