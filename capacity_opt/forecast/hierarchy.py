"""Series that add up: customers to services to regions, forecast so that every sum matches in every sample path.

Sample paths are drawn jointly, then made coherent path by path, so that any quantile of any node comes from paths that
add up. ``bottom_up`` forecasts the series alone. ``top_down`` forecasts the total alone and splits it by shares of the
past. ``mixed`` forecasts series that are big enough to have a name by themselves and the rest of each parent as one
series, split by shares: a thousand small customers are steady together and noise apart. ``mint`` forecasts every node
and reconciles with the least trace of the error covariance (:mod:`~capacity_opt.forecast.minimum_trace`); ``MinTrace``
and its kinds do so with the weights of the library hierarchicalforecast. Shares are those of one past stretch per path,
drawn anew each time: fixed shares would make the parts as steady as the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.dependence import on_calendar, surprises
from capacity_opt.forecast.history import History
from capacity_opt.forecast.library_reconcile import LIBRARY_METHODS, LibraryMethod, library_map
from capacity_opt.forecast.minimum_trace import minimum_trace, shrunk_covariance
from capacity_opt.forecast.paths import JointForecast, forecast_paths
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Method = Literal["mint", "mixed", "bottom_up", "top_down"] | LibraryMethod
METHODS: tuple[Method, ...] = ("mint", "mixed", "bottom_up", "top_down", *LIBRARY_METHODS)
Forecaster = Callable[[History], JointForecast]
TOTAL = "total"
REST = "rest"
"""Ends the name of a parent's series that are forecast together: ``east/rest``."""
_SHARE_PERIODS = 104
_AT_ONCE = 25_000_000


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Which series add up to what: ``summing`` (nodes, n) sparse, of 0 and 1, the total first, the series last.

    ``names`` (nodes,), ``level`` (nodes,): 0 the total, then one per key from coarse to fine, the last the series.
    """

    names: NDArray[np.str_]
    level: IntArray
    summing: Any

    @classmethod
    def of(cls, ids: Sequence[str] | NDArray[np.str_], keys: Mapping[str, Sequence[str]]) -> Hierarchy:
        """From a label per series for each key, coarse to fine: ``{"region": [...], "service": [...]}``.

        >>> tree = Hierarchy.of(["a", "b", "c"], {"region": ["east", "east", "west"]})
        >>> tree.names.tolist()
        ['total', 'east', 'west', 'a', 'b', 'c']
        """
        count = len(ids)
        names, level, rows = [TOTAL], [0], [np.zeros(count, dtype=np.int64)]
        path = [""] * count
        for depth, (key, labels) in enumerate(keys.items(), 1):
            if len(labels) != count:
                raise ArgumentError(f"key {key!r} must label all {count} series, got {len(labels)}")
            path = [f"{before}/{label}" if before else str(label) for before, label in zip(path, labels)]
            nodes = list(dict.fromkeys(path))
            place = {name: i for i, name in enumerate(nodes)}
            rows.append(len(names) + np.array([place[name] for name in path], dtype=np.int64))
            names, level = [*names, *nodes], [*level, *[depth] * len(nodes)]
        rows.append(len(names) + np.arange(count))
        return cls(
            np.array([*names, *map(str, ids)]),
            np.array([*level, *[len(keys) + 1] * count], dtype=np.int64),
            _members(np.concatenate(rows), len(names) + count, count),
        )

    @property
    def count(self) -> int:
        """How many series."""
        return int(self.summing.shape[1])

    @property
    def parents(self) -> IntArray:
        """(n,) the finest node above each series, by position among the nodes."""
        finest = np.flatnonzero(self.level == self.level[-1] - 1)
        place = self.summing[finest].tocoo()
        above = np.empty(self.count, dtype=np.int64)
        above[place.col] = finest[place.row]
        return above

    def sums(self, paths: Array) -> Array:
        """(count, nodes, H) of paths (count, n, H)."""
        return _by_nodes(lambda series: self.summing @ series, paths, len(self.names))


def _members(of: IntArray, nodes: int, count: int) -> Any:
    """(nodes, count) sparse: 1 where series j is summed by node ``of[j]``; ``of`` may go over the series many times."""
    from scipy import sparse

    place = (of, np.tile(np.arange(count), len(of) // max(count, 1)))
    return sparse.csr_array((np.ones(len(of)), place), shape=(nodes, count))


def _by_nodes(function: Callable[[Array], Array], paths: Array, nodes: int) -> Array:
    """(count, nodes, H) of a linear function of columns (n, m) on paths (count, n, H), some paths at a time."""
    count, series, horizon = paths.shape
    out = np.empty((count, nodes, horizon))
    step = max(1, _AT_ONCE // max((series + nodes) * horizon, 1))
    for start in range(0, count, step):
        some = np.moveaxis(paths[start : start + step], 1, 0)
        made = function(np.ascontiguousarray(some).reshape(series, -1))
        out[start : start + step] = np.moveaxis(made.reshape(nodes, -1, horizon), 0, 1)
    return out


@dataclass(frozen=True, eq=False)
class HierarchyForecast:
    """Coherent sample paths of a :class:`Hierarchy`; ``base`` are the nodes' own forecasts before they add up.

    ``reconcile``: from columns of nodes to columns of series, for minimum trace; ``apply``: shares, for splits;
    ``library``: whose weights they are, where not our own.
    """

    hierarchy: Hierarchy
    method: Method
    base: JointForecast
    apply: Mapping[str, Array]
    integer: bool
    reconcile: Callable[[Array], Array] | None = None
    library: str = ""

    def sample(self, count: int, *, seed: int) -> Array:
        """(count, n, H) paths of the series; every node is the sum of its series: ``hierarchy.sums(paths)``."""
        drawn = self.base.sample(count, seed=seed)
        if self.method == "bottom_up":
            return drawn
        if self.reconcile is not None:
            made = np.maximum(_by_nodes(self.reconcile, drawn, self.hierarchy.count), 0.0)
            return np.floor(made + 0.5) if self.integer else made
        return self._split(drawn, np.random.default_rng([seed, 1]))

    def quantiles(
        self, levels: ArrayLike = LEVELS, *, count: int = 1000, seed: int, cumulative: bool = False
    ) -> QuantileForecast:
        """Quantiles of every node, from coherent paths: each period's, or of running totals."""
        checked = _checks.increasing("levels", _checks.fraction("levels", levels))
        paths = self.sample(count, seed=seed)
        told = self.hierarchy.sums(np.cumsum(paths, axis=2) if cumulative else paths)
        return QuantileForecast(
            checked,
            np.moveaxis(np.quantile(told, checked, axis=0), 0, 2),
            ids=self.hierarchy.names,
            origin=int(self.base.period.origin.max()),
            cumulative=cumulative,
            calendar=self.base.calendar,
            provenance={
                "model": "hierarchy",
                "reconciled": self.method,
                "paths": str(count),
                **({"library": self.library} if self.library else {}),
            },
        )

    def _split(self, drawn: Array, rng: np.random.Generator) -> Array:
        """Named series by themselves, every other from its aggregate by the shares of a past stretch."""
        count, _, horizon = drawn.shape
        of_node, past = self.apply["of_node"].astype(np.int64), self.apply["past"]
        out = np.empty((count, self.hierarchy.count, horizon))
        alone = self.apply["alone"] > 0
        out[:, alone] = drawn[:, of_node[alone]]
        start = rng.integers(0, past.shape[1], (count, 1))
        when: IntArray = (start + np.arange(horizon)) % past.shape[1]
        for node in np.unique(of_node[~alone]):
            members = np.flatnonzero((of_node == node) & ~alone)
            parts = np.moveaxis(past[members][:, when], 0, 1)  # (count, members, H)
            whole = parts.sum(axis=1, keepdims=True)
            usual: Array = past[members].sum(axis=1) / max(float(past[members].sum()), 1e-300)
            share = np.where(whole > 0, parts / np.where(whole > 0, whole, 1.0), usual[None, :, None])
            made = share * drawn[:, node][:, None]
            out[:, members] = _whole_parts(made) if self.integer else made
        return out


def _whole_parts(parts: Array) -> Array:
    """Whole units whose sum over the members (axis 1) is kept."""
    return np.diff(np.floor(np.cumsum(parts, axis=1) + 0.5), axis=1, prepend=0.0)


def forecast_hierarchy(
    history: History,
    horizon: int,
    hierarchy: Hierarchy,
    *,
    method: Method = "mint",
    named: float | Sequence[str] = 0.8,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    forecaster: Forecaster | None = None,
) -> HierarchyForecast:
    """Forecast series of one ``hierarchy`` (as ``history`` orders them) so that their paths add up.

    ``named``, for ``mixed``: the ids forecast by themselves, or the share of recent demand that the biggest make up.
    ``MinTrace`` and its kinds need the extra ``[forecast]`` and take up to 3,000 nodes; the others have no limit but
    memory. ``forecaster`` forecasts the nodes' histories, over ``horizon`` at ``levels``, in place of
    :func:`~capacity_opt.forecast_paths`: see :func:`~capacity_opt.library_forecaster`.

    >>> rng = np.random.default_rng(2)
    >>> history = History(rng.poisson(9, (3, 60)), ids=["a", "b", "c"])
    >>> tree = Hierarchy.of(history.ids, {"region": ["east", "east", "west"]})
    >>> made = forecast_hierarchy(history, 2, tree, method="mixed", named=["a"], season=0)
    >>> sums = tree.sums(made.sample(50, seed=7))
    >>> bool((sums[:, 0] == sums[:, 1] + sums[:, 2]).all())
    True
    """
    if method not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if history.count != hierarchy.count:
        raise ArgumentError(f"hierarchy has {hierarchy.count} series, history {history.count}")
    table = np.nan_to_num(on_calendar(history))
    known = history.values[~np.isnan(history.values)]
    integer = bool(np.all(known == np.rint(known)))
    nodes, apply = _nodes(history, table, hierarchy, method, named)
    base = forecaster(nodes) if forecaster else forecast_paths(nodes, horizon, levels=levels, season=season)
    if method in ("mixed", "bottom_up", "top_down"):
        return HierarchyForecast(hierarchy, method, replace(base, integer=integer), apply, integer)
    base = replace(base, integer=False)
    reconcile, library = _minimum_trace(nodes, hierarchy, base, method)
    return HierarchyForecast(hierarchy, method, base, {}, integer, reconcile, library)


def _nodes(
    history: History, table: Array, hierarchy: Hierarchy, method: Method, named: float | Sequence[str]
) -> tuple[History, dict[str, Array]]:
    """The histories that are forecast, named as in the hierarchy, and how the forecasts of some are split."""
    if method == "bottom_up":
        return history, {}
    if method not in ("mixed", "top_down"):
        return _aggregated(history, table, hierarchy.summing, hierarchy.names), {}
    alone = _named(history, table, named) if method == "mixed" else np.zeros(history.count, dtype=bool)
    of = np.zeros(history.count, dtype=np.int64) if method == "top_down" else hierarchy.parents
    key = np.where(alone, np.arange(history.count), history.count + of)
    each, of_node = np.unique(key, return_inverse=True)
    above = hierarchy.names[np.maximum(each - history.count, 0)]
    names = [str(name) if i < history.count else f"{up}/{REST}" if method == "mixed" else TOTAL
             for i, name, up in zip(each, history.ids[np.minimum(each, history.count - 1)], above)]  # fmt: skip
    summing = _members(np.asarray(of_node, dtype=np.int64), len(each), history.count)
    shares = {"of_node": of_node.astype(float), "alone": alone.astype(float), "past": table[:, -_SHARE_PERIODS:]}
    return _aggregated(history, table, summing, names), shares


def _aggregated(history: History, table: Array, summing: Any, names: Sequence[str] | NDArray[np.str_]) -> History:
    """The nodes' histories on the calendar: what was asked of any of their series, from the first that began."""
    last, width = int(history.last.max()), table.shape[1]
    first = last - width + 1
    begun = np.minimum.reduceat(history.first[summing.indices], summing.indptr[:-1])
    values = summing @ table
    values[np.arange(width) + first < begun[:, None]] = np.nan
    return History(values, first=first, calendar=history.calendar, ids=names)


def _named(history: History, table: Array, named: float | Sequence[str]) -> BoolArray:
    if not isinstance(named, float | int):
        wanted = set(named)
        missing = sorted(wanted - set(history.ids.tolist()))
        if missing:
            raise ArgumentError(f"named series are not in the history: {', '.join(missing[:10])}")
        return np.isin(history.ids, list(wanted))
    share = float(_checks.between("named", named, 0.0, 1.0))
    recent = table[:, -max(table.shape[1] // 4, 1) :].sum(axis=1)
    order = np.argsort(-recent, kind="stable")
    reached = np.cumsum(recent[order]) / max(float(recent.sum()), 1e-300)
    chosen = np.zeros(len(recent), dtype=bool)
    chosen[order[: int(np.searchsorted(reached, share)) + 1]] = share > 0
    return chosen


def _minimum_trace(
    nodes: History, hierarchy: Hierarchy, base: JointForecast, method: Method
) -> tuple[Callable[[Array], Array], str]:
    """The map that reconciles the nodes' forecasts, for the errors that a simple smoother made of them."""
    told = base.period.provenance.get("season", "none").split(", ")[-1]
    errors = surprises(nodes, 0 if told == "none" else int(told))
    if method == "mint":
        return minimum_trace(shrunk_covariance(errors), hierarchy.summing), ""
    values = on_calendar(nodes)
    return library_map(method, hierarchy.summing, values, values - errors)
