"""The state of many streams in memory: started from nothing or from history, updated, asked for quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History, PeriodCalendar
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.stream import engine as engines
from capacity_opt.forecast.stream import outlook
from capacity_opt.forecast.stream.backtest import horizon_shifts
from capacity_opt.forecast.stream.layout import (
    BLOCK,
    COUNT,
    COUNT_BITS,
    DEFAULT_PROFILE,
    LAST,
    MOST_COUNTED,
    NEVER,
    PROFILES,
    SPREAD,
    Floats,
    StreamSettings,
    fresh,
    joined,
)
from capacity_opt.forecast.stream.outcomes import NAMES, counters

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
LARGEST = 1e30
FEWEST = 5
"""One-step errors from which a smoothing profile is chosen."""


@dataclass(frozen=True)
class StreamUpdate:
    """What became of the observations of one update, counted.

    ``used`` learned from; ``missing`` NaN: nothing happened; ``late`` their period was over: they moved the level with
    the weight that was left, once; ``repeated`` seen before: ignored; ``too_late`` more than 31 periods over: ignored;
    ``censored`` out of stock: they could only raise the level.
    """

    used: int
    missing: int
    late: int
    repeated: int
    too_late: int
    censored: int

    @classmethod
    def of(cls, told: IntArray) -> Self:
        """From the counters of an update."""
        return cls(**{name: int(count) for name, count in zip(NAMES, told)})


@dataclass(eq=False)
class StreamState:
    """Forecasts of n series that follow their stream; 64 bytes a series, more with a season.

    ``records`` (n, width) float32; ``ids`` (n,); ``period`` the last period any series was observed in. It changes in
    place. :class:`StreamStore` keeps one on disk.

    >>> state = StreamState.start(["a", "b"], StreamSettings(levels=(0.1, 0.5, 0.9)))
    >>> for period, demand in enumerate([[3, 10], [5, 11], [4, 9], [4, np.nan]]):
    ...     told = state.update(demand, period=period)
    >>> told.used, told.missing
    (1, 1)
    >>> state.forecast(horizon=2).at(0.5).round(1)
    array([[ 4.,  4.],
           [10., 10.]])
    """

    ids: NDArray[np.str_]
    records: Floats
    settings: StreamSettings = field(default_factory=StreamSettings)
    calendar: PeriodCalendar = field(default_factory=PeriodCalendar)
    period: int = NEVER
    shifts: Array = field(default_factory=lambda: np.zeros((2, 0, 0)))
    engine: str = "auto"

    @classmethod
    def start(
        cls,
        ids: Sequence[str] | NDArray[np.str_],
        settings: StreamSettings = StreamSettings(),  # noqa: B008 - frozen
        *,
        calendar: PeriodCalendar = PeriodCalendar(),  # noqa: B008 - frozen
        profile: int = DEFAULT_PROFILE,
        engine: str = "auto",
    ) -> Self:
        """Series nobody has observed yet; ``profile`` is the row of the smoothing grid that they follow."""
        names = np.asarray(ids, dtype=np.str_)
        _checks.between("profile", profile, 0, len(PROFILES) - 1)
        return cls(names, fresh(len(names), settings, profile), settings, calendar, engine=engine)

    @classmethod
    def from_history(
        cls,
        history: History,
        settings: StreamSettings = StreamSettings(),  # noqa: B008 - frozen
        *,
        horizon: int = 28,
        profile: int | None = None,
        engine: str = "auto",
    ) -> Self:
        """The state after ``history``, bit for bit that of a state which saw it observation by observation.

        Each series follows the smoothing profile whose one-step errors were smallest (all the given ``profile``);
        what further periods, up to ``horizon``, add to the errors' quantiles is learned over all series.
        """
        state = cls.start(history.ids, settings, calendar=history.calendar, engine=engine)
        observed(history.values)
        if (history.first < 0).any():
            raise ArgumentError("first must be >= 0: number periods from the calendar's start")
        chosen = np.full(history.count, profile) if profile is not None else _best(history, settings, engine)
        state.records.view(np.int32)[:, COUNT] = chosen << COUNT_BITS
        if horizon > 1:
            state.shifts = horizon_shifts(state.records, history, settings, horizon, engine)
        engines.fold(state.records, history, settings, counters(), engine)
        state.period = int(state.records.view(np.int32)[:, LAST].max(initial=NEVER))
        return state

    @property
    def count(self) -> int:
        """How many series."""
        return len(self.records)

    def update(self, values: ArrayLike, *, period: int, in_stock: ArrayLike | None = None) -> StreamUpdate:
        """One period of all series: ``values`` (n,), NaN where not observed; ``in_stock`` (n,) False where sales were
        all that was left, so demand was at least that."""
        y, told = observed(values), counters()
        when = _period(period)
        if y.shape != (self.count,):
            raise ArgumentError(f"values must hold one value per series ({self.count}), got shape {y.shape}")
        stock = mask_of(in_stock, y)
        engines.take_all(self.records, y, stock, when, self.settings, told, self.engine)
        self.period = max(self.period, when) if self.count > told[1] else self.period
        return StreamUpdate.of(told)

    def update_some(
        self, series: ArrayLike, values: ArrayLike, *, period: ArrayLike, in_stock: ArrayLike | None = None
    ) -> StreamUpdate:
        """Single observations: positions ``series`` (k,), ``values`` (k,), ``period`` one or (k,). Quickest where they
        come sorted by series and then period; otherwise they are sorted first."""
        y = observed(values)
        rows = whole_numbers("series", series)
        if rows.shape != y.shape or y.ndim != 1:
            raise ArgumentError(f"series and values must have one shape (k,), got {rows.shape} and {y.shape}")
        if rows.size and int(rows.max()) >= self.count:
            raise ArgumentError(f"series must be positions below {self.count}, got {int(rows.max())}")
        periods = np.atleast_1d(whole_numbers("period", period))
        _period(int(periods.max(initial=0)))
        rows, y, stock, periods = in_order(rows, y, mask_of(in_stock, y), periods)
        told = counters()
        engines.take_some(self.records, rows, y, stock, periods, self.settings, told, self.engine)
        self.period = latest(self.period, periods, y)
        return StreamUpdate.of(told)

    def forecast(
        self,
        horizon: int,
        *,
        levels: Sequence[float] | None = None,
        cumulative: bool = False,
        series: ArrayLike | None = None,
    ) -> QuantileForecast:
        """Quantiles of the next ``horizon`` periods after the last observed one, or of their running totals.

        Levels that are not tracked are interpolated between those that are; ``series`` picks positions or a mask.
        """
        chosen = np.arange(self.count) if series is None else np.arange(self.count)[np.asarray(series)]
        return forecast_records(self.records[chosen], self.ids[chosen], self, horizon, levels, cumulative)

    def drift(self) -> NDArray[np.int8]:
        """(n,) 1 where demand has lately run above its forecast, -1 below, else 0: look, or start the series anew."""
        return outlook.drift(self.records, self.settings)

    def add(self, ids: Sequence[str] | NDArray[np.str_]) -> None:
        """New series at the end, not yet observed."""
        names = np.asarray(ids, dtype=np.str_)
        self.ids = np.concatenate([self.ids, names])
        self.records = joined([self.records, fresh(len(names), self.settings)], self.settings.width)


def forecast_records(
    records: Floats,
    ids: NDArray[np.str_],
    state: StreamState,
    horizon: int,
    levels: Sequence[float] | None,
    cumulative: bool,
) -> QuantileForecast:
    """Quantiles from some records of a state (whose settings, period and shifts hold)."""
    steps = int(_checks.whole("horizon", horizon, at_least=1))
    asked = state.settings.levels if levels is None else list(levels)
    shift = state.shifts[int(cumulative)]
    origin = max(state.period, 0)
    values = outlook.quantiles(
        records, state.settings, origin, steps, asked, cumulative=cumulative, shift=shift if shift.size else None
    )
    provenance = {"model": "stream", "season_length": str(state.settings.season_length), "origin": str(origin)}
    return QuantileForecast(
        asked,
        values,
        ids=ids,
        origin=origin,
        cumulative=cumulative,
        calendar=state.calendar,
        provenance=provenance,
    )


def in_order(
    rows: IntArray, y: Floats, stock: BoolArray, periods: IntArray
) -> tuple[IntArray, Floats, BoolArray, IntArray]:
    """The observations sorted by series, then period."""
    several = len(periods) > 1
    sorted_already = bool((rows[1:] > rows[:-1]).all())
    if sorted_already:
        return rows, y, stock, periods
    order = np.lexsort((periods, rows)) if several else np.argsort(rows, kind="stable")
    return rows[order], y[order], stock[order] if len(stock) else stock, periods[order] if several else periods


def latest(period: int, periods: IntArray, y: Floats) -> int:
    """The last period observed, given that of before."""
    seen = ~np.isnan(y)
    if not seen.any():
        return period
    return max(period, int((periods[seen] if len(periods) > 1 else periods).max()))


def _best(history: History, settings: StreamSettings, engine: str) -> IntArray:
    """The profile of each series whose one-step errors were smallest; the default where too short to tell."""
    plain = replace(settings, spread_gain=1e-4)  # so that the spread is the mean over the whole history
    lost = np.empty((len(PROFILES), history.count))
    seen: IntArray = np.zeros(history.count, dtype=np.int64)
    for number in range(len(PROFILES)):
        trial = fresh(history.count, plain, number)
        engines.fold(trial, history, plain, counters(), engine)
        lost[number] = trial[:, SPREAD]
        seen = (trial.view(np.int32)[:, COUNT] & MOST_COUNTED).astype(np.int64)
    return np.where(seen > 2 * settings.season_length + FEWEST, lost.argmin(axis=0), DEFAULT_PROFILE)


def observed(values: ArrayLike) -> Floats:
    """Observations as float32; refuses what is neither finite nor NaN."""
    given = np.asarray(values)
    checked = given if given.dtype == np.float32 else _checks.numbers("values", values).astype(np.float32)
    flat = np.ravel(checked)
    for begin in range(0, len(flat), BLOCK):  # a block at a time stays in the cache
        if (np.abs(flat[begin : begin + BLOCK]) > LARGEST).any():
            raise ArgumentError(f"values must be finite and below {LARGEST:g}, or NaN where nothing was observed")
    return np.ascontiguousarray(checked)


def whole_numbers(name: str, value: ArrayLike) -> IntArray:
    """Whole numbers of at least 0; integers are not copied."""
    given = np.asarray(value)
    if given.dtype != np.int64:
        return _checks.whole(name, value)
    if given.size and int(given.min()) < 0:
        _checks.whole(name, value)
    return given


def mask_of(in_stock: ArrayLike | None, y: Floats) -> BoolArray:
    """The in-stock flags; (0,) where all are in stock."""
    if in_stock is None:
        return np.zeros(0, dtype=np.bool_)
    mask = np.asarray(in_stock, dtype=np.bool_)
    if mask.shape != y.shape:
        raise ArgumentError(f"in_stock must have the shape of values {y.shape}, got {mask.shape}")
    return mask


def _period(period: int) -> int:
    return int(_checks.between("period", _checks.whole("period", period), 0, 2**31 - 2**7))
