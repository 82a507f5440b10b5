"""A backtest's history and forecasts from the scenario's folder, checked and aligned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.problem.item import Item
from capacity_opt.scenario.backtest_engine import FEWEST, MODELS, EngineModels
from capacity_opt.scenario.backtest_forecasts import ITEM, KEYS, LOCATION, Issued, Layout, read_forecasts
from capacity_opt.scenario.baselines import Baseline, baseline_quantiles, known_demand
from capacity_opt.scenario.inventory_tables import Inventory
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import NAN, NOTE, Column, TableSchema
from capacity_opt.scenario.spec_judge import Backtest
from capacity_opt.scenario.tables import TextTable, renamed
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

USUAL_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
ALIASES = {
    "item": ("series", "unique_id", "item_id"),
    "period": ("ds", "date", "timestamp"),
    "value": ("y", "demand", "target"),
}
HISTORY = TableSchema("history", "what was asked, or sold, in the past: a row per item and period ([backtest])", (), (
    ITEM,
    LOCATION,
    Column("period", "text", "period: a number or a date"),
    Column("value", "number", "demand, or sales", default=NAN, unit="demand units"),
    Column("in_stock", "flag", "no: the shelf was empty, so value is only what was sold", default=True),
    NOTE,
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BacktestProblem:
    """Everything from the first decision on: ``history``, ``censored`` (n, T); ``forecasts`` by model (n, T, L) at
    ``levels`` (L,), and the ``engine`` models that forecast when the backtest runs."""

    items: tuple[tuple[str, str], ...]
    periods: tuple[str, ...]
    history: Array
    censored: BoolArray
    levels: Array
    forecasts: dict[str, Array]
    item: Item
    engine: EngineModels | None = None


def read_backtest(source: Source, context: Context, inventory: Inventory | None) -> BacktestProblem | None:
    """Read what ``[backtest]`` names; ``None`` where it cannot be used (noted)."""
    section, problems = source.spec.backtest, context.problems
    assert section is not None
    table = _history(source, section, context)
    if table is None or problems.failed:
        return None
    names = list(dict.fromkeys(zip(_stripped(table, "item"), _stripped(table, "location"))))
    periods = ordered_periods(_stripped(table, "period"), table.file, problems)
    history, censored = _filled(table, names, periods, section, problems)
    item = _item(section, names, inventory, problems)
    if problems.failed or item is None:
        return None
    layout = _layout(section, names, periods, item, problems)
    models = _models(source, section, layout, context) if layout is not None else {}
    if problems.failed or layout is None:
        return None
    made = _aligned(section, (names, periods), (history, censored), models, layout, item, problems)
    return None if made is None else _with_engine(made, section, layout, (history, censored), context)


def _with_engine(
    made: BacktestProblem, section: Backtest, layout: Layout, past: tuple[Array, BoolArray], context: Context
) -> BacktestProblem | None:
    """The problem with the engine's models, which forecast only when it is solved."""
    asked = tuple(name for name in dict.fromkeys(section.models) if name in MODELS)
    first = layout.periods[made.periods[0]]
    if asked and first < FEWEST:
        told = f"model {asked[0]} needs {FEWEST} periods before the first decision, here are {first}"
        context.problems.error("E240", FILE, told, fix="Write a later backtest.start")
    if context.problems.failed or not asked:
        return None if context.problems.failed else made
    engine = EngineModels(
        models=asked,
        known=known_demand(*past),
        names=tuple("/".join(filter(None, name)) for name in made.items),
        first=first,
        count=len(made.periods),
        layout=layout,
        levels=made.levels,
        season=section.season,
        unit=context.timeline.unit,
    )
    return replace(made, engine=engine)


def _stripped(table: TypedTable, column: str) -> list[str]:
    return [cell.strip() for cell in table.texts[column]]


def _text(source: Source, section: Backtest, file: str, known: Sequence[str], key: str) -> TextTable | None:
    text = source.table(file, [*known, *(name for names in ALIASES.values() for name in names)], key)
    if text is None:
        return None
    given = {ours: theirs for ours, theirs in section.columns.items() if theirs in text.columns}
    renamed(text, given, file, source.problems)
    for ours, others in ALIASES.items():
        there = [name for name in others if name in text.columns]
        if ours not in text.columns and ours in known and there:
            text.columns = {ours if name == there[0] else name: cells for name, cells in text.columns.items()}
    if key == "forecasts":  # a cross-validation's table also tells what came true: the history says so already
        for name in ("value", *ALIASES["value"]):
            text.columns.pop(name, None)
    return text


def _history(source: Source, section: Backtest, context: Context) -> TypedTable | None:
    names = [column.name for column in HISTORY.columns]
    text = _text(source, section, section.history, names, "history")
    return None if text is None else typed(text, HISTORY, context)


def ordered_periods(labels: Sequence[str], file: str, problems: Problems) -> list[str]:
    """The periods of a history in order: by number where all are numbers, by date where all are dates, else by name.

    >>> ordered_periods(["10", "9", "9"], "history.csv", Problems())
    ['9', '10']
    """
    found = list(dict.fromkeys(labels))
    for read in (float, _day):
        try:
            at = {label: read(label) for label in found}
        except ValueError:
            continue
        found.sort(key=at.__getitem__)
        steps = np.diff([at[label] for label in found])
        if len(steps) and steps.max() > 1.6 * np.median(steps):
            where = found[int(np.argmax(steps))]
            problems.warning("W227", file, f"no item has a row between {where} and the next period: a gap is closed up")
        return found
    return sorted(found)


def _day(label: str) -> float:
    return dt.datetime.fromisoformat(label).replace(tzinfo=None).timestamp() / 86_400


def _filled(
    table: TypedTable, names: list[tuple[str, str]], periods: list[str], section: Backtest, problems: Problems
) -> tuple[Array, BoolArray]:
    of_item, of_period = ({name: i for i, name in enumerate(known)} for known in (names, periods))
    rows = np.array([of_item[key] for key in zip(_stripped(table, "item"), _stripped(table, "location"))])
    columns = np.array([of_period[label] for label in _stripped(table, "period")])
    history, censored = np.full((len(names), len(periods)), np.nan), np.zeros((len(names), len(periods)), dtype=bool)
    flat = rows * len(periods) + columns
    _, first, counts = np.unique(flat, return_index=True, return_counts=True)
    for at in first[counts > 1][:1]:
        told = f"{int((counts > 1).sum())} items have a period twice, first {shown(table.texts['item'][at])}"
        problems.error("E210", table.file, told, row=table.rows[at], column="period", fix="Keep one row")
    history.ravel()[flat] = table.numbers["value"]
    censored.ravel()[flat] = [flag is False for flag in table.flags["in_stock"]]
    missing = int(np.isnan(history).sum())
    if missing:
        row, column = np.argwhere(np.isnan(history))[0].tolist()
        told = f"{missing:,} of {history.size:,} periods have no value, first {shown(names[row][0])} {periods[column]}"
        if section.missing == "error":
            problems.error("E227", table.file, told, fix='Add the rows, or set backtest.missing = "zero"')
        else:
            problems.warning("W227", table.file, f"{told}: counted as no demand")
    return np.nan_to_num(history), censored


def _item(
    section: Backtest, names: list[tuple[str, str]], inventory: Inventory | None, problems: Problems
) -> Item | None:
    """Costs and delays: the section's own, else those of each item."""
    own: dict[str, Array] = {}
    place = {} if inventory is None else {key: i for i, key in enumerate(zip(inventory.names, inventory.locations))}
    usual = {"fixed_cost": 0.0, "lead_time": 0.0}
    for name in ("holding_cost", "stockout_cost", "fixed_cost", "lead_time"):
        given = getattr(section, name)
        if given is not None:
            own[name] = np.full(len(names), float(given))
        elif inventory is not None and all(key in place for key in names):
            chosen = np.array([place[key] for key in names])
            column = inventory.targets["stockout_cost"] if name == "stockout_cost" else getattr(inventory.item, name)
            own[name] = np.broadcast_to(np.asarray(column, dtype=float), (len(inventory.names),))[chosen]
        elif name in usual:
            own[name] = np.full(len(names), usual[name])
        if name not in own or np.isnan(own[name]).any():
            told = f"[backtest] has no {name}, and not every item of the history has one in [inventory] items"
            problems.error("E240", FILE, told, fix=f"Write backtest.{name} = a number")
            return None
    if np.any(own["lead_time"] != np.rint(own["lead_time"])):
        problems.error("E240", FILE, "a backtest's lead times must be whole periods", fix="Write backtest.lead_time")
        return None
    return Item(**own, review_period=float(section.review_period))


def _layout(
    section: Backtest, names: list[tuple[str, str]], periods: list[str], item: Item, problems: Problems
) -> Layout | None:
    lead = np.unique(np.asarray(item.lead_time, dtype=np.int64))
    if len(lead) > 1:
        told = f"items with lead times of {', '.join(map(str, lead.tolist()))} periods cannot share one backtest"
        problems.error("E240", FILE, told, fix="Write backtest.lead_time, or one scenario for each")
        return None
    replenish = section.decision == "replenish"
    if not replenish and section.review_period != 1:
        told = f"decision {section.decision!r} is taken every period"
        problems.error("E240", FILE, told, fix="Leave backtest.review_period out")
        return None
    return Layout(
        items={name: i for i, name in enumerate(names)},
        periods={label: i for i, label in enumerate(periods)},
        ahead=0 if replenish else int(lead[0]),
        span=int(lead[0]) + section.review_period if replenish else 1,
        review=section.review_period,
        autocorrelation=section.autocorrelation,
    )


def _models(source: Source, section: Backtest, layout: Layout, context: Context) -> dict[str, Issued]:
    models: dict[str, Issued] = {}
    for file in section.forecasts:
        text = _text(source, section, file, [column.name for column in KEYS], "forecasts")
        found = {} if text is None else read_forecasts(text, layout, context)
        for name in found.keys() & models.keys():
            context.problems.error("E210", file, f"model {shown(name)} is in two tables", fix="Rename one")
        models |= found
    return models


def _aligned(
    section: Backtest,
    axes: tuple[list[tuple[str, str]], list[str]],
    past: tuple[Array, BoolArray],
    models: dict[str, Issued],
    layout: Layout,
    item: Item,
    problems: Problems,
) -> BacktestProblem | None:
    (names, periods), (history, censored) = axes, past
    window = _window(section, periods, models, layout, problems)
    if window is None:
        return None
    first, end = window
    origins = np.arange(first, end)
    known = known_demand(history, censored)
    played = known if section.censored == "filled" else history
    given = sorted({level for issued in models.values() for level in issued.levels.tolist()})
    levels = np.array(given or USUAL_LEVELS)
    forecasts = {name: _at_levels(issued, levels, origins, layout.review) for name, issued in models.items()}
    _note_gaps(forecasts, axes, origins, problems)
    how = Baseline(window=section.window, half_life=section.half_life, season=section.season)
    for name in (each for each in section.models if each not in MODELS):
        if name == "seasonal" and section.season is None:
            problems.error("E240", FILE, "model 'seasonal' needs backtest.season", fix="Write it: periods in a season")
        forecasts[name] = baseline_quantiles(name, known, origins.tolist(), layout.span, levels, how)
    if not forecasts and not section.models:
        problems.error("E240", FILE, "[backtest] has no model", fix="Name forecasts, or models")
    if problems.failed:
        return None
    return BacktestProblem(
        items=tuple(names),
        periods=tuple(periods[first:end]),
        history=played[:, first:end],
        censored=censored[:, first:end],
        levels=levels,
        forecasts=forecasts,
        item=item,
    )


def _window(
    section: Backtest, periods: list[str], models: dict[str, Issued], layout: Layout, problems: Problems
) -> tuple[int, int] | None:
    """The periods played: from the first decision to the last that every model has forecasts for."""
    first, end = len(periods) // 2, len(periods)
    issued = [np.flatnonzero(~np.isnan(model.values[..., 0]).all(axis=0)) for model in models.values()]
    if any(len(origins) == 0 for origins in issued):
        problems.error("E227", FILE, "a model has no forecast for any period of the history", fix="Check the origins")
        return None
    if issued:
        first = max(int(origins[0]) for origins in issued)
        end = min(end, *(int(origins[-1]) + layout.review for origins in issued))
    if section.start is not None:
        first = layout.periods.get(section.start, -1)
        if first < 0:
            problems.error("E240", FILE, "backtest.start is no period of the history", value=shown(section.start))
    if end - first <= section.warm_up + section.tune:
        told = f"{end - first} periods of decisions leave none to score after warm_up {section.warm_up}"
        problems.error("E240", FILE, f"{told} and tune {section.tune}", fix="Start earlier, or tune on fewer")
    return None if problems.failed else (first, end)


def _at_levels(issued: Issued, levels: Array, origins: NDArray[np.intp], review: int) -> Array:
    """Every model at the levels of all; between reviews the last forecast stands."""
    reviews = origins[0] + (origins - origins[0]) // review * review
    chosen = issued.values[:, reviews]
    if np.array_equal(issued.levels, levels):
        return chosen
    rows = chosen.reshape(-1, len(issued.levels))
    there = ~np.isnan(rows).any(axis=1)
    found = np.full((len(rows), len(levels)), np.nan)
    demand = QuantileDemand(issued.levels, rows[there])
    for place, level in enumerate(levels):
        found[there, place] = demand.quantile(level)
    return found.reshape(*chosen.shape[:2], len(levels))


def _note_gaps(
    forecasts: dict[str, Array],
    axes: tuple[list[tuple[str, str]], list[str]],
    origins: NDArray[np.intp],
    problems: Problems,
) -> None:
    for name, values in forecasts.items():
        gaps = np.argwhere(np.isnan(values).any(axis=2))
        if len(gaps):
            item, at = gaps[0].tolist()
            told = f"model {shown(name)} lacks {len(gaps):,} forecasts, first item {shown(axes[0][item][0])}"
            problems.error(
                "E227", "forecasts", f"{told} at {axes[1][origins[at]]}", fix="Add them: all models must decide"
            )
