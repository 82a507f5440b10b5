"""A HiGHS object kept warm over a sequence of similar programs: frontiers, cuts, price changes.

After the first solve HiGHS starts from the last basis, so a point of a frontier costs a few pivots instead of a whole
solve. The session mirrors every change in ``session.lp``, so that each answer can be verified against what it claims to
have solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.backend import DEFAULT_TIME_LIMIT, Progress, Settings, without_solving
from capacity_opt.solvers.highs import load, solve_loaded
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """A simplex basis: HiGHS's status of each column (columns,) and row (rows,): 0 lower, 1 basic, 2 upper, 3 free at
    zero, 4 nonbasic. It fits any program of the same shape."""

    columns: NDArray[np.int8]
    rows: NDArray[np.int8]


class HighsSession:
    """One program, solved again and again after small changes.

    ``watched = False`` runs without Ctrl-C handling and progress, which saves about 0.3 ms a solve. ``scale`` is the
    power of two costs are multiplied by inside (default: from the first costs, see
    :func:`~capacity_opt.solvers.highs_arrays.cost_scale`).

    >>> lp = LinearProgram(cost=np.array([2.0, 3.0]), matrix=sparse.csr_array([[1.0, 1.0]]),
    ...     row_lower=np.array([1.0]), row_upper=np.array([np.inf]), column_lower=np.zeros(2),
    ...     column_upper=np.array([2.0, 9.0]), integer=np.zeros(2, dtype=bool))
    >>> session = HighsSession(lp)
    >>> for least in (1.0, 2.0, 3.0):
    ...     session.set_row_bounds([0], least, np.inf)
    ...     print(session.solve().objective)
    2.0
    4.0
    7.0
    """

    def __init__(
        self,
        lp: LinearProgram,
        *,
        seed: int = 0,
        threads: int | None = None,
        options: Mapping[str, object] | None = None,
        watched: bool = True,
        scale: float | None = None,
    ) -> None:
        self._lp = lp
        self._settings = Settings(seed=seed, threads=threads, options=options or {})
        self._watched = watched
        self._loaded = load(lp, scale=scale)
        self._relaxed = False
        if self._loaded.refused:
            raise SolverError("HiGHS refused the program: check that no bound, cost or entry is NaN")

    @property
    def lp(self) -> LinearProgram:
        """The program as it stands after all changes (its integrality dropped while relaxed)."""
        if self._relaxed:
            return replace(self._lp, integer=np.zeros_like(self._lp.integer))
        return self._lp

    @property
    def engine(self) -> Any:
        """The ``highspy.Highs`` object, for what the session does not offer (costs in it are scaled)."""
        return self._loaded.engine

    @property
    def scale(self) -> float:
        """What costs are multiplied by inside the engine."""
        return self._loaded.scale

    def solve(
        self,
        *,
        gap: float = 1e-4,
        time_limit: float = DEFAULT_TIME_LIMIT,
        progress: Progress | None = None,
        start: Array | None = None,
    ) -> Solution:
        """Solve the program as it stands; same outcome and promises as :func:`~capacity_opt.solvers.solve.solve`."""
        lp = self.lp
        known = without_solving(lp, "highs")
        if known is not None:
            return known
        settings = replace(self._settings, gap=gap, time_limit=time_limit, progress=progress, start=start)
        return solve_loaded(self._loaded, lp, settings, watched=self._watched)

    def set_row_bounds(self, rows: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for ``rows`` (n,); ``lower`` and ``upper`` are scalars or (n,), infinite where absent."""
        index, low, high = _places(rows, lower, upper, self._lp.rows, "rows")
        self._done(self.engine.changeRowsBounds(index.size, index, low, high), "change row bounds")
        self._lp = replace(
            self._lp, row_lower=_put(self._lp.row_lower, index, low), row_upper=_put(self._lp.row_upper, index, high)
        )

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds for ``columns`` (n,), as in ``set_row_bounds``."""
        index, low, high = _places(columns, lower, upper, self._lp.columns, "columns")
        self._done(self.engine.changeColsBounds(index.size, index, low, high), "change column bounds")
        self._lp = replace(
            self._lp,
            column_lower=_put(self._lp.column_lower, index, low),
            column_upper=_put(self._lp.column_upper, index, high),
        )

    def set_costs(self, columns: ArrayLike, cost: ArrayLike) -> None:
        """New costs for ``columns`` (n,), in the caller's money."""
        index, new, _ = _places(columns, cost, cost, self._lp.columns, "columns")
        _checks.finite("cost", new)
        self._done(self.engine.changeColsCost(index.size, index, new * self.scale), "change costs")
        self._lp = replace(self._lp, cost=_put(self._lp.cost, index, new))

    def add_rows(self, matrix: sparse.csr_array, lower: ArrayLike, upper: ArrayLike) -> IntArray:
        """Append rows, ``matrix`` (n, columns); returns their numbers (n,). The basis stays usable."""
        count = int(matrix.shape[0])
        low, high = _checks.numbers("lower", lower), _checks.numbers("upper", upper)
        low, high = np.broadcast_to(low, count).copy(), np.broadcast_to(high, count).copy()
        starts, places = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        status = self.engine.addRows(count, low, high, int(matrix.nnz), starts, places, matrix.data)
        self._done(status, "add rows")
        first = self._lp.rows
        self._lp = replace(
            self._lp,
            matrix=sparse.csr_array(sparse.vstack([self._lp.matrix, matrix], format="csr")),
            row_lower=np.concatenate([self._lp.row_lower, low]),
            row_upper=np.concatenate([self._lp.row_upper, high]),
        )
        return np.arange(first, first + count)

    def add_columns(self, matrix: sparse.csc_array, cost: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> IntArray:
        """Append continuous columns, ``matrix`` (rows, n); returns their numbers (n,)."""
        count = int(matrix.shape[1])
        price, low, high = (np.broadcast_to(np.asarray(a, dtype=float), count).copy() for a in (cost, lower, upper))
        starts, places = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        status = self.engine.addCols(count, price * self.scale, low, high, int(matrix.nnz), starts, places, matrix.data)
        self._done(status, "add columns")
        first = self._lp.columns
        self._lp = replace(
            self._lp,
            matrix=sparse.csr_array(sparse.hstack([self._lp.matrix, matrix], format="csr")),
            cost=np.concatenate([self._lp.cost, price]),
            column_lower=np.concatenate([self._lp.column_lower, low]),
            column_upper=np.concatenate([self._lp.column_upper, high]),
            integer=np.concatenate([self._lp.integer, np.zeros(count, dtype=bool)]),
        )
        return np.arange(first, first + count)

    def delete_rows(self, rows: ArrayLike) -> None:
        """Remove ``rows``; later rows move up."""
        index = np.unique(_checks.whole("rows", rows)).astype(np.int32)
        self._done(self.engine.deleteRows(index.size, index), "delete rows")
        kept = np.setdiff1d(np.arange(self._lp.rows), index)
        self._lp = replace(
            self._lp,
            matrix=sparse.csr_array(self._lp.matrix[kept]),
            row_lower=self._lp.row_lower[kept],
            row_upper=self._lp.row_upper[kept],
        )

    def relax(self, relaxed: bool = True) -> None:
        """Drop the integrality (or bring it back with ``False``): the same rows, as a linear program."""
        kinds = np.where(self._lp.integer & (not relaxed), 1, 0).astype(np.uint8)
        columns = np.arange(self._lp.columns, dtype=np.int32)
        self._done(self.engine.changeColsIntegrality(columns.size, columns, kinds), "change integrality")
        self._relaxed = relaxed

    @property
    def basis(self) -> Basis | None:
        """The last basis, ``None`` where there is none (before a solve, after an integer search)."""
        found = self.engine.getBasis()
        if not found.valid:
            return None
        return Basis(
            columns=np.array([int(status) for status in found.col_status], dtype=np.int8),
            rows=np.array([int(status) for status in found.row_status], dtype=np.int8),
        )

    @basis.setter
    def basis(self, basis: Basis) -> None:
        import highspy

        if (basis.columns.size, basis.rows.size) != (self._lp.columns, self._lp.rows):
            raise ArgumentError(
                f"basis is for {basis.columns.size} columns and {basis.rows.size} rows, "
                f"the program has {self._lp.columns} and {self._lp.rows}"
            )
        kinds = [highspy.HighsBasisStatus(i) for i in range(5)]
        new = highspy.HighsBasis()
        new.col_status = [kinds[i] for i in basis.columns]
        new.row_status = [kinds[i] for i in basis.rows]
        new.valid = True
        self._done(self.engine.setBasis(new), "set the basis")

    def _done(self, status: Any, what: str) -> None:
        if status.name == "kError":
            raise SolverError(f"HiGHS could not {what}: check the numbers of rows or columns, and for NaN")


def _places(
    places: ArrayLike, lower: ArrayLike, upper: ArrayLike, count: int, name: str
) -> tuple[NDArray[np.int32], Array, Array]:
    index = np.atleast_1d(_checks.whole(name, places)).astype(np.int32)
    if index.size and int(index.max()) >= count:
        raise ArgumentError(f"{name} must be below {count}, got {int(index.max())}")
    low = np.broadcast_to(_checks.numbers("lower", lower), index.shape).copy()
    high = np.broadcast_to(_checks.numbers("upper", upper), index.shape).copy()
    return index, low, high


def _put(old: Array, index: NDArray[np.int32], new: Array) -> Array:
    changed = old.copy()
    changed[index] = new
    return changed
