"""History in buckets to levels to order by, a bucket per task: forecast the lead-time total, optimise, write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.forecast_demand import ForecastDemand
from capacity_opt.demand.horizon import CumulativeQuantiles
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.executor import Executor, executor_named
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles
from capacity_opt.forecast.history import History
from capacity_opt.forecast.totals import forecast_totals
from capacity_opt.inventory.base_stock import optimize_base_stock
from capacity_opt.inventory.rq import optimize_rq
from capacity_opt.scenario.calendar_periods import calendar_of
from capacity_opt.scenario.observations import FIRST_ROW, observations_of, read_arrow
from capacity_opt.scenario.partitions import PartsDone, Tell, map_partitions
from capacity_opt.scenario.problems import Problems, shown

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_AHEAD = 512
STEPS = 50  # of the mean, in which (r, Q) counts demand that is not whole
MEASURES = ("expected_cost", "fill_rate", "cycle_service_level")
KEYS = ("unique_id", "item", "item_id", "series", "id")
# columns of a table of items: the least each may be, and whether it may be blank (then the default counts)
NUMBERS = {
    "lead_time": 0.0,
    "review_period": 0.0,
    "holding_cost": 0.0,
    "stockout_cost": 0.0,
    "fixed_cost": 0.0,
    "service_level": 0.0,
    "position": -np.inf,
}


@dataclass(frozen=True, kw_only=True)
class Replenishment:
    """What counts where no table of items says otherwise; costs per unit and period, times in periods.

    Ordered up to is the quantile that ``holding_cost`` and ``stockout_cost`` ask for, or ``service_level`` (the chance
    that stock lasts until the next order can arrive) where that is given. With a ``fixed_cost`` per order the policy is
    (r, Q), else base stock.
    """

    lead_time: float = 1.0
    review_period: float = 1.0
    holding_cost: float = 1.0
    stockout_cost: float = 9.0
    fixed_cost: float = 0.0
    service_level: float | None = None


def replenish_partitions(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    items: str | os.PathLike[str] | None = None,
    defaults: Replenishment | None = None,
    season: int | None = None,
    period: str = "step",
    duplicates: str = "error",
    executor: Executor | str = "serial",
    workers: int = 0,
    tell: Tell = lambda _: None,
) -> PartsDone:
    """Levels to order by for every series of a folder of buckets of history (:func:`~capacity_opt.write_buckets`).

    Each task reads its bucket, forecasts the totals over lead time + review period, optimises, and writes a part of the
    same name: ``unique_id, policy, base_stock_level | reorder_point, order_quantity, expected_cost, fill_rate,
    cycle_service_level, mean, position, order_now``. ``items``: a Parquet or CSV table, or a folder of buckets of the
    same names, with ``unique_id`` and any of ``lead_time``, ``review_period``, ``holding_cost``, ``stockout_cost``,
    ``fixed_cost``, ``service_level``, ``position``; ``defaults`` fill what it leaves out. Started again it goes on
    where it was; the answer does not depend on the executor.
    """
    calendar_of(period)
    usual = check_defaults(defaults or Replenishment())
    options = {"items": None if items is None else str(Path(items).resolve()), "defaults": asdict(usual),
               "season": season, "period": period, "duplicates": duplicates}  # fmt: skip
    where = executor_named(executor, workers) if isinstance(executor, str) else executor
    return map_partitions(replenish_part, source, out, executor=where, options=options, tell=tell)


def replenish_part(
    source: Path,
    target: Path,
    *,
    items: str | None,
    defaults: Mapping[str, Any],
    season: int | None,
    period: str,
    duplicates: str,
) -> dict[str, Any]:
    """The task: one file of history to one file of levels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    problems = Problems()
    found = observations_of(source, calendar_of(period), problems)
    history = found.history(problems, duplicates=duplicates)
    settings = _settings(history, items, source.name, defaults, problems)
    problems.raise_if_any()
    known = ~np.isnan(settings["lead_time"])
    planned = history.take(np.flatnonzero(known))
    columns = _levels(planned, {name: values[known] for name, values in settings.items()}, season)
    table = pa.table({"unique_id": pa.array(planned.ids, type=pa.string()), **columns})
    pq.write_table(table, target, compression="zstd")
    orders = float(np.nansum(np.asarray(columns["order_now"], dtype=np.float64)))
    return {"series": planned.count, "without_item": int((~known).sum()), "to_order": orders}


def _levels(history: History, settings: Mapping[str, Array], season: int | None) -> dict[str, Any]:
    """The columns of a part: base stock where orders cost nothing, else (r, Q)."""
    count = history.count
    names = ("base_stock_level", "reorder_point", "order_quantity", *MEASURES)
    out: dict[str, Array] = {name: np.full(count, np.nan) for name in names}
    if not count:
        return {"policy": [], **out, "mean": out["fill_rate"], "position": out["fill_rate"], "order_now": np.zeros(0)}
    demand = _demand(history, settings, season)
    fixed = settings["fixed_cost"] > 0
    for policy, rows in (("base_stock", np.flatnonzero(~fixed)), ("rq", np.flatnonzero(fixed))):
        for aim in ("stockout_cost", "cycle_service_level"):
            told = settings["service_level"] if aim == "cycle_service_level" else settings["stockout_cost"]
            use = rows[np.isnan(settings["service_level"][rows]) == (aim == "stockout_cost")]
            if len(use):
                chosen = {key: values[use] for key, values in settings.items()}
                for name, values in _best(policy, demand.take(use), chosen, aim, told[use]).items():
                    out[name][use] = values
    position = settings["position"]
    return {
        "policy": np.where(fixed, "rq", "base_stock").tolist(),
        **out,
        "mean": np.asarray(demand.mean),
        "position": position,
        "order_now": _order_now(out, np.nan_to_num(position)),
    }


def _best(
    policy: str, demand: ForecastDemand, settings: Mapping[str, Array], aim: str, told: Array
) -> Mapping[str, Array]:
    """What the optimiser says, by column."""
    given: dict[str, Any] = {name: settings[name] for name in ("lead_time", "review_period")}
    if policy == "base_stock":
        given[aim] = told
        level = optimize_base_stock(demand, holding_cost=settings["holding_cost"], **given)
        return {name: np.asarray(getattr(level, name)) for name in ("base_stock_level", *MEASURES)}
    unit = np.ones(len(told)) if demand.discrete else np.maximum(np.asarray(demand.mean), 1e-9) / STEPS
    price: dict[str, Any] = {aim: told * unit if aim == "stockout_cost" else told}
    best = optimize_rq(
        demand if demand.discrete else _in_steps(demand, unit),
        holding_cost=settings["holding_cost"] * unit,
        fixed_cost=settings["fixed_cost"],
        **price,
        **given,
    )
    levels = {name: np.asarray(getattr(best, name)) * unit for name in ("reorder_point", "order_quantity")}
    return levels | {name: np.asarray(getattr(best, name)) for name in MEASURES}


def _in_steps(demand: ForecastDemand, unit: Array) -> ForecastDemand:
    """Continuous demand counted in steps of ``unit``: the exact search over counts is a thousand times quicker."""
    assert isinstance(demand.period, QuantileDemand)
    half = 0.5  # whole demand is rounded up
    period, totals = demand.period, demand.totals
    steps = np.maximum(period.values / unit[:, None] - half, 0.0)
    sums = np.maximum(totals.values / unit[:, None, None] - half, 0.0)
    return ForecastDemand(
        QuantileDemand(period.levels, steps, integer=True),
        CumulativeQuantiles(totals.levels, sums, integer=True),
        correlation=demand.correlation,
    )


def _order_now(levels: Mapping[str, Array], position: Array) -> Array:
    """Up to the base-stock level, or as many lots as bring the position above the reorder point."""
    reorder, lot = levels["reorder_point"], levels["order_quantity"]
    with np.errstate(invalid="ignore"):
        lots = np.where(position <= reorder, np.floor((reorder - position) / lot) + 1.0, 0.0) * lot
    up_to = np.maximum(levels["base_stock_level"] - position, 0.0)
    return np.where(np.isnan(levels["base_stock_level"]), lots, up_to)


def _demand(history: History, settings: Mapping[str, Array], season: int | None) -> ForecastDemand:
    span = np.maximum(np.ceil(settings["lead_time"] + settings["review_period"] - 1e-9), 1.0)
    horizon = int(min(span.max(), MOST_AHEAD))
    totals = forecast_totals(history, horizon, season=season)
    known = history.values[~np.isnan(history.values)]
    whole = bool(np.all(known == np.rint(known)))
    periods = forecast_quantiles(history, horizon, season=season)
    coming, sums = (np.maximum(each.values, 0.0) for each in (periods, totals))
    return ForecastDemand.of_horizon(LEVELS, coming, sums, span=np.minimum(span, horizon), integer=whole)


def _settings(
    history: History, items: str | None, part: str, defaults: Mapping[str, Any], problems: Problems
) -> dict[str, Array]:
    """(n,) of every number, by series; all NaN where a table of items does not know the series."""
    usual = {name: np.nan if defaults.get(name) is None else float(defaults[name]) for name in NUMBERS}
    out = {name: np.full(history.count, usual[name]) for name in NUMBERS}
    if items is None:
        return out
    path = Path(items) / part if Path(items).is_dir() else Path(items)
    table = read_arrow(path, problems)
    key = None if table is None else next((name for name in KEYS if name in table.column_names), None)
    if table is None or key is None:
        if table is not None:
            problems.error("E234", path.name, f"has no column {KEYS[0]}", row=1, fix="Name the column of ids")
        return out
    frame = table.to_pandas(ignore_metadata=True)
    rows = {str(name): row for row, name in enumerate(frame[key])}
    if len(rows) < len(frame):
        row = int(np.flatnonzero(frame[key].astype(str).duplicated())[0])
        problems.error("E210", path.name, f"item {shown(str(frame[key][row]))} is given twice", row=row + FIRST_ROW,
                       column=key, fix="Keep one")  # fmt: skip
    place: IntArray = np.array([rows.get(str(name), -1) for name in history.ids], dtype=np.int64)
    for name, least in NUMBERS.items():
        if name in frame:
            given = _numbers(frame[name], name, least, path.name, problems)
            told = np.where(place >= 0, given[np.maximum(place, 0)], np.nan)
            out[name] = np.where(np.isnan(told), usual[name], told)
    out["lead_time"] = np.where(place >= 0, out["lead_time"], np.nan)
    return out


def _numbers(column: Any, name: str, least: float, file: str, problems: Problems) -> Array:
    """A column as numbers; text, and numbers that cannot be, are faults with their row."""
    import pandas as pd

    read = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    positive = name in ("holding_cost",)
    wrong = (np.isnan(read) & column.notna().to_numpy()) | (read < least) | (positive & (read == 0)) | np.isinf(read)
    if name == "service_level":
        wrong |= (read <= 0) | (read >= 1)
    for row in np.flatnonzero(wrong)[:10]:
        rule = "must be between 0 and 1" if name == "service_level" else "must be a number above 0" if positive else (
            f"must be a number{'' if np.isinf(least) else ', at least 0'}"
        )  # fmt: skip
        problems.error("E207", file, f"{rule} ({int(wrong.sum())} such rows)", value=shown(str(column.iloc[row])),
                       row=int(row) + FIRST_ROW, column=name, fix="Mend the cell, or leave it blank")  # fmt: skip
    return np.asarray(read)


def check_defaults(given: Replenishment) -> Replenishment:
    """``given``; raises :class:`~capacity_opt.ArgumentError` where a number cannot be."""
    if not 0 < (0.5 if given.service_level is None else given.service_level) < 1:
        raise ArgumentError(f"service_level must be in (0, 1), got {given.service_level:g}. For 95 % write 0.95")
    if given.review_period <= 0 or given.lead_time < 0 or given.holding_cost <= 0:
        raise ArgumentError("review_period and holding_cost must be above 0, lead_time at least 0")
    return given
