"""Series that add up: customers to services to regions, forecast so that every sum matches in every sample path.

Sample paths are drawn jointly, then made coherent path by path, so that any quantile of any node comes from paths that
add up. ``bottom_up`` forecasts the series alone. ``top_down`` forecasts the total alone and splits it by shares of the
past. ``mixed`` forecasts series that are big enough to have a name by themselves and the rest of each parent as one
series, split by shares: a thousand small customers are steady together and noise apart. ``mint`` forecasts every node
and reconciles with the least trace of the error covariance (Wickramasuriya, Athanasopoulos and Hyndman 2019), shrunk
towards its diagonal (Schaefer and Strimmer 2005). Shares are those of one past stretch per path, drawn anew each time:
fixed shares would make the parts as steady as the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.dependence import on_calendar, surprises
from capacity_opt.forecast.history import History
from capacity_opt.forecast.paths import JointForecast, forecast_paths
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Method = Literal["mint", "mixed", "bottom_up", "top_down"]
METHODS: tuple[Method, ...] = ("mint", "mixed", "bottom_up", "top_down")
TOTAL = "total"
MOST_NODES = 3000
_SHARE_PERIODS = 104
_LEAST_SHRUNK = 0.02  # a node with one child would make the covariance singular


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Which series add up to what: ``summing`` (nodes, n) of 0 and 1, the total first, the series themselves last.

    ``names`` (nodes,), ``level`` (nodes,): 0 the total, then one per key from coarse to fine, the last the series.
    """

    names: NDArray[np.str_]
    level: IntArray
    summing: Array

    @classmethod
    def of(cls, ids: Sequence[str] | NDArray[np.str_], keys: Mapping[str, Sequence[str]]) -> Hierarchy:
        """From a label per series for each key, coarse to fine: ``{"region": [...], "service": [...]}``.

        >>> tree = Hierarchy.of(["a", "b", "c"], {"region": ["east", "east", "west"]})
        >>> tree.names.tolist()
        ['total', 'east', 'west', 'a', 'b', 'c']
        """
        count = len(ids)
        names, level, rows = [TOTAL], [0], [np.ones((1, count))]
        path = [""] * count
        for depth, (key, labels) in enumerate(keys.items(), 1):
            if len(labels) != count:
                raise ArgumentError(f"key {key!r} must label all {count} series, got {len(labels)}")
            path = [f"{before}/{label}" if before else str(label) for before, label in zip(path, labels)]
            nodes = list(dict.fromkeys(path))
            place = {name: i for i, name in enumerate(nodes)}
            table = np.zeros((len(nodes), count))
            table[[place[name] for name in path], np.arange(count)] = 1.0
            names, level, rows = [*names, *nodes], [*level, *[depth] * len(nodes)], [*rows, table]
        depth = len(keys) + 1
        return cls(
            np.array([*names, *map(str, ids)]),
            np.array([*level, *[depth] * count], dtype=np.int64),
            np.concatenate([*rows, np.eye(count)]),
        )

    @property
    def count(self) -> int:
        """How many series."""
        return int(self.summing.shape[1])

    @property
    def parents(self) -> IntArray:
        """(n,) the finest node above each series, by position among the nodes."""
        finest = np.flatnonzero(self.level == self.level[-1] - 1)
        return np.asarray(finest[self.summing[finest].argmax(axis=0)])

    def sums(self, paths: Array) -> Array:
        """(count, nodes, H) of paths (count, n, H)."""
        return np.asarray(np.einsum("kn,snh->skh", self.summing, paths, optimize=True))


@dataclass(frozen=True, eq=False)
class HierarchyForecast:
    """Coherent sample paths of a :class:`Hierarchy`; ``base`` are the nodes' own forecasts before they add up."""

    hierarchy: Hierarchy
    method: Method
    base: JointForecast
    apply: Mapping[str, Array]
    integer: bool

    def sample(self, count: int, *, seed: int) -> Array:
        """(count, n, H) paths of the series; every node is the sum of its series: ``hierarchy.sums(paths)``."""
        drawn = self.base.sample(count, seed=seed)
        if self.method == "bottom_up":
            return drawn
        if self.method == "mint":
            made = np.maximum(np.einsum("nk,skh->snh", self.apply["map"], drawn, optimize=True), 0.0)
            return np.asarray(np.floor(made + 0.5)) if self.integer else np.asarray(made)
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
            provenance={"model": "hierarchy", "reconciled": self.method, "paths": str(count)},
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
) -> HierarchyForecast:
    """Forecast series of one ``hierarchy`` (as ``history`` orders them) so that their paths add up.

    ``named``, for ``mixed``: the ids forecast by themselves, or the share of recent demand that the biggest make up.
    ``mint`` takes up to 3,000 nodes; the other methods have no limit but memory.

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
    apply: dict[str, Array] = {}
    summing = hierarchy.summing
    if method == "bottom_up":
        nodes = history
    elif method == "mint":
        if len(summing) > MOST_NODES:
            raise ArgumentError(f"mint takes up to {MOST_NODES:,} nodes, got {len(summing):,}. Use mixed or bottom_up")
        nodes = _aggregated(history, table, summing)
    else:
        alone = _named(history, table, named) if method == "mixed" else np.zeros(history.count, dtype=bool)
        summing, of_node = _split_nodes(hierarchy, alone, whole=method == "top_down")
        nodes = _aggregated(history, table, summing)
        apply = {"of_node": of_node.astype(float), "alone": alone.astype(float), "past": table[:, -_SHARE_PERIODS:]}
    base = forecast_paths(nodes, horizon, levels=levels, season=season, integer=integer and method != "mint")
    if method == "mint":
        apply = {"map": _minimum_trace(nodes, hierarchy, base)}
    return HierarchyForecast(hierarchy, method, base, apply, integer)


def _aggregated(history: History, table: Array, summing: Array) -> History:
    """The nodes' histories on the calendar: what was asked of any of their series, from the first that began."""
    last, width = int(history.last.max()), table.shape[1]
    first = last - width + 1
    begun = np.array([history.first[row > 0].min(initial=last) for row in summing])
    values = summing @ table
    values[np.arange(width) + first < begun[:, None]] = np.nan
    return History(values, first=first, calendar=history.calendar)


def _named(history: History, table: Array, named: float | Sequence[str]) -> NDArray[np.bool_]:
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


def _split_nodes(hierarchy: Hierarchy, alone: NDArray[np.bool_], *, whole: bool) -> tuple[Array, IntArray]:
    """(nodes, n) what is forecast: each named series, and the others of each parent (or all) together."""
    of = np.zeros(hierarchy.count, dtype=np.int64) if whole else hierarchy.parents
    key = np.where(alone, np.arange(hierarchy.count), hierarchy.count + of)
    _, of_node = np.unique(key, return_inverse=True)
    table = np.zeros((int(of_node.max()) + 1, hierarchy.count))
    table[of_node, np.arange(hierarchy.count)] = 1.0
    return table, of_node


def _minimum_trace(nodes: History, hierarchy: Hierarchy, base: JointForecast) -> Array:
    """(n, nodes) the map that reconciles the nodes' forecasts, for the errors that a simple smoother made of them."""
    told = base.period.provenance.get("season", "none").split(", ")[-1]
    errors = surprises(nodes, 0 if told == "none" else int(told))
    return minimum_trace(shrunk_covariance(errors), hierarchy.summing)


def minimum_trace(covariance: Array, summing: Array) -> Array:
    """(n, nodes) the map from the nodes' forecasts to series that adds up with the least trace of the error covariance.

    >>> minimum_trace(np.eye(3), np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])).round(3)
    array([[ 0.333,  0.667, -0.333],
           [ 0.333, -0.333,  0.667]])
    """
    count = summing.shape[1]
    upper = len(summing) - count
    # the projection form needs one solve of the size of the upper nodes (Hyndman et al. 2016)
    constraint = np.concatenate([np.eye(upper), -summing[:upper]], axis=1)
    gain = np.linalg.solve(constraint @ covariance @ constraint.T, constraint @ covariance).T
    pick = np.concatenate([np.zeros((count, upper)), np.eye(count)], axis=1)
    return np.asarray(pick - pick @ gain @ constraint)


def shrunk_covariance(errors: Array) -> Array:
    """(k, k) of errors (k, T), NaN where unknown: correlations shrunk towards 0 by what their noise asks.

    >>> abs(shrunk_covariance(np.random.default_rng(0).normal(size=(2, 4000)))).round(1)
    array([[1., 0.],
           [0., 1.]])
    """
    known = ~np.isnan(errors)
    count = np.maximum(known.sum(axis=1), 1)
    size = np.sqrt(np.where(known, errors**2, 0.0).sum(axis=1) / count)
    size = np.where(size > 0, size, max(float(size.max(initial=0.0)), 1.0) * 1e-3)
    unit = np.where(known, errors / size[:, None], 0.0)
    times = max(int(known.any(axis=0).sum()), 2)
    table = unit @ unit.T / times
    squares = (unit**2) @ (unit**2).T / times
    noise = np.maximum(squares - table**2, 0.0) / (times - 1)
    off = ~np.eye(len(table), dtype=bool)
    shrink = float(np.clip(noise[off].sum() / max(float((table[off] ** 2).sum()), 1e-300), _LEAST_SHRUNK, 1.0))
    table = np.where(off, (1.0 - shrink) * table, 1.0)
    return np.asarray(table * np.outer(size, size))
