"""The master problem of a decomposition: the first stage, and per sample group one column for its expected cost and one
for each coupling row that it adds to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.duality import dual_slack, lagrangian_bound
from capacity_opt.solvers.highs_engine import POOL, new_highs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.oracle import Cuts
from capacity_opt.solvers.stochastic.program import Coupling, RecourseFamily, TwoStageProgram, no_coupling
from capacity_opt.solvers.stochastic.recast import Recast, recast_of
from capacity_opt.solvers.stochastic.whole_search import Found, reason_of, search_whole

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

SMALLEST_SLOPE = 1e-12


@dataclass(frozen=True, kw_only=True)
class MasterPoint:
    """An optimum of the master (or of its linear relaxation): ``x`` first stage, ``theta`` per group, ``added`` per
    group and coupling row, ``prices`` (R,) of the coupling rows (what the objective pays per unit added), ``bound`` a
    lower bound on the whole program, ``objective`` of the master at the point; ``reason`` as in ``Solution``."""

    reason: str
    x: Array
    theta: Array
    added: Array
    prices: Array
    bound: float
    objective: float


@dataclass(frozen=True, kw_only=True)
class MasterDuals:
    """Prices of a solved master, as those of the extensive form: of the ``first`` stage's rows, the ``coupling``
    rows, and of every group's right-hand sides, summed over its samples (``recourse``: per group (m,)). ``rows``: all
    of the master's."""

    rows: Array
    first: Array
    coupling: Array
    recourse: list[Array]


class Master:
    """Holds one HiGHS model that grows by cuts and is re-solved warm."""

    def __init__(
        self,
        first: LinearProgram,
        weights: Array,
        *,
        coupling: Coupling | None = None,
        added: tuple[Array, Array] | None = None,
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        """``weights`` (groups,): cost of each recourse column. ``added``: the least and the most (groups, R) that
        groups may add to the coupling rows; both 0: nothing, and no column."""
        self.first, self.weights = first, weights
        self.coupling = no_coupling(first.columns) if coupling is None else coupling
        nothing = np.zeros((len(weights), len(self.coupling.lower)))
        self._least, self._most = (nothing, nothing) if added is None else added
        self._pairs = np.argwhere((self._least != 0) | (self._most != 0))
        self._pair = np.full(nothing.shape, -1, dtype=np.int64)
        self._pair[tuple(self._pairs.T)] = np.arange(len(self._pairs))
        self._freed = weights == 0
        self._cuts: list[sparse.csr_array] = []
        self._levels: list[Array] = []
        self._origins: list[tuple[int, Array]] = []
        self._lower, self._upper, self._relaxed = self._bounds()[0], self._bounds()[1], True
        self._highs: Any = new_highs()
        self._threads = threads
        self._seed = seed
        self.recast: Recast | None = None
        self.met: list[MasterPoint] = []
        self._highs.setOptionValue("random_seed", seed)
        self._load()

    @property
    def columns(self) -> int:
        """First stage, cost of every group, and what groups add."""
        return self.first.columns + len(self.weights) + len(self._pairs)

    @property
    def has_bound(self) -> bool:
        """Whether every group has a cut, so that the master's optimum is a bound."""
        return bool(self._freed.all())

    def _bounds(self) -> tuple[Array, Array]:
        theta = np.where(self._freed & (self.weights > 0), np.inf, 0.0)
        least, most = (side[tuple(self._pairs.T)] for side in (self._least, self._most))
        lower = np.concatenate([self.first.column_lower, -theta, least])
        return lower, np.concatenate([self.first.column_upper, theta, most])

    def program(self) -> LinearProgram:
        """The master as it stands, its cuts included, as arrays."""
        first, groups, pairs = self.first, len(self.weights), len(self._pairs)
        top = sparse.hstack([first.matrix, sparse.csr_array((first.rows, groups + pairs))], format="csr")
        chosen = (np.ones(pairs), (self._pairs[:, 1], np.arange(pairs)))
        summed = sparse.coo_array(chosen, shape=(len(self.coupling.lower), pairs))
        middle = sparse.hstack(
            [self.coupling.matrix, sparse.csr_array((len(self.coupling.lower), groups)), summed], format="csr"
        )
        cuts = np.concatenate(self._levels) if self._levels else np.zeros(0)
        integer = np.concatenate([first.integer & (not self._relaxed), np.zeros(groups + pairs, dtype=bool)])
        return LinearProgram(
            cost=np.concatenate([first.cost, self.weights, np.zeros(pairs)]),
            matrix=sparse.csr_array(sparse.vstack([top, middle, *self._cuts], format="csr")),
            row_lower=np.concatenate([first.row_lower, self.coupling.lower, cuts]),
            row_upper=np.concatenate([first.row_upper, self.coupling.upper, np.full(len(cuts), np.inf)]),
            column_lower=self._lower,
            column_upper=self._upper,
            integer=integer,
            offset=first.offset,
        )

    def _load(self) -> None:
        import highspy

        lp, model, infinity = self.program(), highspy.HighsLp(), highspy.kHighsInf
        model.num_col_, model.num_row_ = lp.columns, lp.rows
        model.col_cost_, model.col_lower_, model.col_upper_ = lp.cost, lp.column_lower, lp.column_upper
        model.row_lower_, model.row_upper_ = np.maximum(lp.row_lower, -infinity), np.minimum(lp.row_upper, infinity)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = lp.matrix.indptr.astype(np.int32)
        model.a_matrix_.index_ = lp.matrix.indices.astype(np.int32)
        model.a_matrix_.value_ = lp.matrix.data
        model.offset_ = lp.offset
        self._check(self._highs.passModel(model), "pass the master")

    @staticmethod
    def _check(status: Any, what: str) -> None:
        if "kError" in str(status):
            raise SolverError(f"HiGHS could not {what}")

    def box(self, limit: float) -> None:
        """Bound the first stage's free directions by ``limit`` for as long as cuts do not."""
        self.set_bounds(np.maximum(self.first.column_lower, -limit), np.minimum(self.first.column_upper, limit))

    def set_integer(self, integer: bool) -> None:
        """Switch the first stage's integrality on or off."""
        self._relaxed = not integer

    def set_bounds(self, lower: Array, upper: Array) -> None:
        """Bound the first-stage columns, for a neighbourhood."""
        self._lower[: self.first.columns], self._upper[: self.first.columns] = lower, upper
        self._change_bounds(np.arange(self.first.columns, dtype=np.int32))

    def set_coupling(self, lower: Array, upper: Array) -> None:
        """Move the first coupling rows' bounds: every cut stays valid."""
        moved = len(lower)
        lower = np.concatenate([lower, self.coupling.lower[moved:]])
        upper = np.concatenate([upper, self.coupling.upper[moved:]])
        self.coupling = Coupling(matrix=self.coupling.matrix, lower=lower, upper=upper)
        rows = np.arange(self.first.rows, self.first.rows + len(lower), dtype=np.int32)
        self._check(self._highs.changeRowsBounds(len(rows), rows, lower, upper), "move the coupling rows")

    def add_coupling_rows(self, more: Coupling, least: Array, most: Array) -> None:
        """Tie the groups together by further rows, to which they may add at ``least`` and at ``most`` (G, rows)."""
        old = self.coupling
        self.coupling = Coupling(
            matrix=sparse.csr_array(sparse.vstack([old.matrix, more.matrix], format="csr")),
            lower=np.concatenate([old.lower, more.lower]),
            upper=np.concatenate([old.upper, more.upper]),
        )
        fresh = np.argwhere((least != 0) | (most != 0))
        pair = np.full(least.shape, -1, dtype=np.int64)
        pair[tuple(fresh.T)] = len(self._pairs) + np.arange(len(fresh))
        self._least, self._most = np.hstack([self._least, least]), np.hstack([self._most, most])
        self._pair = np.hstack([self._pair, pair])
        self._pairs = np.vstack([self._pairs, fresh + np.array([0, len(old.lower)])])
        self._lower = np.concatenate([self._lower, least[tuple(fresh.T)]])
        self._upper = np.concatenate([self._upper, most[tuple(fresh.T)]])
        for rows in self._cuts:
            rows.resize((rows.shape[0], self.columns))  # type: ignore[arg-type]
        self._load_warm(len(more.lower))

    def _load_warm(self, rows: int) -> None:
        """Load again after ``rows`` more coupling rows, from the basis there was: new rows basic, new columns not."""
        import highspy

        basis, before = self._highs.getBasis(), self.first.rows + len(self.coupling.lower) - rows
        self._load()
        if not basis.valid:
            return
        basic, low = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
        old_rows, old_columns = list(basis.row_status), list(basis.col_status)
        fresh = highspy.HighsBasis()
        fresh.row_status = [*old_rows[:before], *[basic] * rows, *old_rows[before:]]
        fresh.col_status = [*old_columns, *[low] * (self.columns - len(old_columns))]
        fresh.valid = True
        self._highs.setBasis(fresh)

    def kept(self) -> tuple[sparse.csr_array, Array, list[tuple[int, Array]], Array]:
        """All cuts as rows, their levels, where each comes from, and which groups have one."""
        empty = sparse.csr_array((0, self.columns))
        matrix = sparse.csr_array(sparse.vstack([empty, *self._cuts], format="csr"))
        return matrix, np.concatenate([np.zeros(0), *self._levels]), self._origins, self._freed

    def restore(self, matrix: sparse.csr_array, levels: Array, origins: list[tuple[int, Array]], freed: Array) -> None:
        """Hold the cuts that :meth:`kept` gave, of the same columns, in place of any."""
        self._cuts, self._levels, self._origins = [matrix], [levels], origins
        at = self.first.columns + np.flatnonzero(freed & ~self._freed)
        self._freed = freed.astype(bool)
        self._lower[at], self._upper[at] = -np.inf, np.inf
        self._load()

    def _change_bounds(self, columns: NDArray[np.int32]) -> None:
        status = self._highs.changeColsBounds(len(columns), columns, self._lower[columns], self._upper[columns])
        self._check(status, "change column bounds")

    def add_cuts(self, cuts: Cuts) -> None:
        """Add rows; the expected cost of a group is freed with its first cut."""
        matrix = self._rows_of(cuts)
        self._cuts.append(matrix)
        self._levels.append(cuts.levels)
        self._origins += list(zip(cuts.of.tolist(), cuts.rates, strict=True))
        upper = np.full(len(cuts.levels), np.inf)
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        status = self._highs.addRows(len(upper), cuts.levels, upper, matrix.nnz, starts, index, matrix.data)
        self._check(status, "add cuts")
        fresh = np.unique(cuts.groups[cuts.groups >= 0])
        fresh = fresh[~self._freed[fresh]]
        if len(fresh):
            self._freed[fresh] = True
            at = self.first.columns + fresh
            self._lower[at], self._upper[at] = -np.inf, np.inf
            self._change_bounds(at.astype(np.int32))

    def _rows_of(self, cuts: Cuts) -> sparse.csr_array:
        count = len(cuts.levels)
        slopes = np.where(np.abs(cuts.slopes) > SMALLEST_SLOPE, -cuts.slopes, 0.0)
        own = np.flatnonzero(cuts.groups >= 0)
        theta = sparse.coo_array((np.ones(len(own)), (own, cuts.groups[own])), shape=(count, len(self.weights)))
        row, r = np.nonzero(cuts.prices)
        pair = self._pair[cuts.of[row], r]
        there = pair >= 0
        added = sparse.coo_array(
            (cuts.prices[row, r][there], (row[there], pair[there])), shape=(count, len(self._pairs))
        )
        return sparse.csr_array(sparse.hstack([sparse.csr_array(slopes), theta, added], format="csr"))

    def values_of(self, x: Array, theta: Array, added: Array) -> Array:
        """A point as values of the master's columns."""
        return np.concatenate([x, theta, added[tuple(self._pairs.T)]])

    def drop_slack_cuts(self, point: MasterPoint, allowance: float) -> int:
        """Forget the cuts that are slack by more than ``allowance`` (in the cut's own money) at a point; how many stay.
        Fewer rows make the search for whole numbers faster; the bound stays valid, being that of a relaxation."""
        values = self.values_of(point.x, point.theta, point.added)
        matrix = sparse.csr_array(sparse.vstack(self._cuts, format="csr"))
        levels = np.concatenate(self._levels)
        keep = np.flatnonzero(matrix @ values - levels <= allowance)
        self._cuts, self._levels = [sparse.csr_array(matrix[keep])], [levels[keep]]
        self._origins = [self._origins[i] for i in keep]
        self._load()
        return len(keep)

    def solve(
        self,
        *,
        time_limit: float,
        gap: float = 0.0,
        start: Array | None = None,
        watch: Callable[[list[MasterPoint], float], bool] | None = None,
    ) -> MasterPoint:
        """Solve as it stands. The bound is the dual bound, also when stopped early. ``watch`` is called while a search
        for whole numbers goes on, with new points and the bound; whether to stop. A search for whole numbers runs in
        an engine of its own: its clock starts at 0, and the linear program's basis is kept."""
        if not self._relaxed:
            found = search_whole(
                self.program(), self.recast, gap=gap, start=start, time_limit=time_limit, threads=self._threads,
                seed=self._seed, watch=None if watch is None else lambda met, bound: watch(self._all_at(met), bound),
            )  # fmt: skip
            self.met = self._all_at(found.met)
            return self._point_at(found, found.values)
        engine = self._highs
        engine.setOptionValue("time_limit", engine.getRunTime() + max(time_limit, 0.01))
        with POOL.use(self._threads) as threads:
            engine.setOptionValue("threads", threads)
            self._check(engine.run(), "solve the master")
        point = self._point(engine)
        return self._afresh(engine) if point.reason == "optimal" and not np.isfinite(point.objective) else point

    def _afresh(self, engine: Any) -> MasterPoint:
        """An optimum without a feasible point comes of a worn basis: solved once more from scratch, a limit if that
        gives no point either."""
        engine.clearSolver()
        with POOL.use(self._threads) as threads:
            engine.setOptionValue("threads", threads)
            self._check(engine.run(), "solve the master")
        point = self._point(engine)
        lost = point.reason == "optimal" and not np.isfinite(point.objective)
        return replace(point, reason="limit", bound=-np.inf) if lost else point

    def _point(self, engine: Any) -> MasterPoint:
        import highspy

        info, solution = engine.getInfo(), engine.getSolution()
        reason = reason_of(engine)
        has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        values = np.asarray(solution.col_value) if has_point else np.full(self.columns, np.nan)
        solved = reason == "optimal"
        return MasterPoint(
            reason=reason,
            **self._parts(values),
            prices=self._coupling_prices(solution) if solved else self._no_prices(),
            bound=float(info.objective_function_value) if solved else -np.inf,
            objective=float(info.objective_function_value) if has_point else np.nan,
        )

    def _point_at(self, found: Found, values: Array | None) -> MasterPoint:
        """A point met by a search for whole numbers."""
        there = np.full(self.columns, np.nan) if values is None else values
        cost = np.concatenate([self.first.cost, self.weights])
        objective = float(cost @ there[: len(cost)]) + self.first.offset
        parts = self._parts(there)
        return MasterPoint(
            reason=found.reason, **parts, prices=self._no_prices(), bound=found.bound, objective=objective
        )

    def _all_at(self, met: list[Array]) -> list[MasterPoint]:
        on_the_way = Found(reason="feasible", bound=-np.inf, values=None)
        return [self._point_at(on_the_way, values) for values in met]

    def _parts(self, values: Array) -> dict[str, Array]:
        n, groups = self.first.columns, len(self.weights)
        added = np.zeros(self._pair.shape)
        added[tuple(self._pairs.T)] = values[n + groups :]
        return {"x": values[:n], "theta": values[n : n + groups], "added": added}

    def _no_prices(self) -> Array:
        return np.zeros(len(self.coupling.lower))

    def _coupling_prices(self, solution: Any) -> Array:
        rows = self.first.rows
        duals = np.asarray(solution.row_dual)[rows : rows + len(self.coupling.lower)]
        return -duals

    def duals(self, rows_of_groups: list[int]) -> MasterDuals:
        """Prices of the last linear solve; ``rows_of_groups``: how many rows the recourse of each group has."""
        duals = np.asarray(self._highs.getSolution().row_dual, dtype=np.float64)
        first, coupled = self.first.rows, len(self.coupling.lower)
        recourse = [np.zeros(rows) for rows in rows_of_groups]
        for (group, rate), price in zip(self._origins, duals[first + coupled :], strict=True):
            if price != 0.0:
                recourse[group] += price * rate
        return MasterDuals(rows=duals, first=duals[:first], coupling=duals[first : first + coupled], recourse=recourse)

    def proven_bound(self, point: MasterPoint) -> float:
        """The bound that the duals of the last linear solve prove, recomputed from the arrays and repaired for what
        tolerances hide."""
        lp, duals = self.program(), np.asarray(self._highs.getSolution().row_dual, dtype=np.float64)
        values = self.values_of(point.x, point.theta, point.added)
        return lagrangian_bound(lp, duals, allowance=np.inf) - dual_slack(lp, duals, values)


def master_of(program: TwoStageProgram, *, seed: int = 0) -> Master:
    """The master of a program, without cuts (and without rows of risks)."""
    coupling, groups = program.rows_of_expectations, program.groups
    least, most = np.zeros((len(groups), len(coupling.lower))), np.zeros((len(groups), len(coupling.lower)))
    for g, (family, group) in enumerate(groups):
        if group.counted is not None:
            least[g], most[g] = reach_of(family, group.counted)
    weights = np.array([group.weight for _, group in groups])
    master = Master(program.first, weights, coupling=coupling, added=(least, most), seed=seed)
    master.recast = recast_of(program)
    return master


def reach_of(family: RecourseFamily, counted: Array) -> tuple[Array, Array]:
    """The least and the most that recourse can come to along ``counted`` (rows, n), by its bounds alone."""
    up, down = np.maximum(counted, 0.0), np.minimum(counted, 0.0)
    least = _reach(up, family.lower) + _reach(down, family.upper)
    return least, _reach(up, family.upper) + _reach(down, family.lower)


def _reach(counted: Array, bound: Array) -> Array:
    """counted @ bound, where 0 times infinity is 0."""
    total: Array = np.where(counted != 0, counted * np.where(counted != 0, bound, 0.0), 0.0).sum(axis=1)
    return total
