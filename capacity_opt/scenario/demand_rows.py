"""A demand table as typed rows: its keys, and per row quantiles, a distribution, a sample's or a past value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario.foreign_names import forecast_names, observed_names
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.quantile_columns import level_of, point_forecasts
from capacity_opt.scenario.schema import NAN, NOTE, Column, TableSchema
from capacity_opt.scenario.spec import Demand as DemandSection
from capacity_opt.scenario.tables import TextTable, renamed
from capacity_opt.scenario.typed import Context, TypedTable, typed

if TYPE_CHECKING:
    from capacity_opt.scenario.forecast_joint import HistoryForecast

Array = NDArray[np.float64]

DISTRIBUTIONS = ("deterministic", "normal", "gamma", "lognormal", "poisson", "negative_binomial", "compound_poisson")
_VALUE = Column("value", "number", "demand", unit="demand units")
_IN_STOCK = Column("in_stock", "flag", "no: nothing was left to sell, so demand was at least the value", default=True)
_LEVEL = Column("level", "number", "quantile level", rule="fraction")
_SAMPLE = Column("sample", "text", "joint outcome", default="")
_PROBABILITY = Column("probability", "number", "chance of the sample", default=NAN, rule="share")
_FAMILY = Column("distribution", "text", "family", default="")
_MEAN = Column("mean", "number", "mean", default=NAN, unit="demand units")
_SD = Column("standard_deviation", "number", "standard deviation", default=NAN, unit="demand units")
_ZERO = Column("zero_mass", "number", "chance of a period without demand; the rest describes the others", default=0.0,
               rule="share")  # fmt: skip
_RATE = Column("rate", "number", "compound_poisson: customers per period", default=NAN)
_SIZES = Column("sizes", "text", "compound_poisson: units wanted and their chances, 1:0.6|5:0.4", default="")
_SERIES = "series"


@dataclass
class DemandRows:
    """``table`` holds the keys; ``levels`` (m,) and ``quantiles`` (rows, m) only where the kind has them; ``forecast``
    what was forecast from history, a row per series and period of the table in that order."""

    section: DemandSection
    table: TypedTable
    levels: Array
    quantiles: Array
    forecast: HistoryForecast | None = None


def read_demand(
    source: Source, section: DemandSection, keys: Sequence[Column], key: str, context: Context, ahead: int = 0
) -> DemandRows | None:
    """Read and type a demand table; ``None`` where it cannot be used. ``ahead``: periods that forecasts must cover."""
    if section.kind == "history" and source.spec.forecast is not None:
        keys = (*keys, *_hierarchy_keys(source.spec.forecast.hierarchy, keys))
    extra = _value_columns(section.kind)
    if section.kind == "history" and source.spec.forecast is not None:
        extra = (*extra, _IN_STOCK)
    known = [column.name for column in (*keys, *extra, _LEVEL)]
    text = source.table(section.file, [*known, _SERIES], key)
    if text is None:
        return None
    renamed(text, section.columns, section.file, context.problems)
    if _SERIES in text.columns and keys[0].name not in text.columns:
        text.columns = {keys[0].name if name == _SERIES else name: cells for name, cells in text.columns.items()}
    if section.kind == "quantiles":
        forecast_names(text, [column.name for column in keys], dated=context.timeline.start is not None)
        read = _quantiles(section, text, keys, context)
        if read is None or section.recalibrate is None or context.problems.failed:
            return read
        from capacity_opt.scenario.forecast_recalibrate import recalibrated  # imported here: only where asked for

        return recalibrated(read, section.recalibrate, source, context)
    if section.recalibrate is not None:
        context.problems.error("E240", FILE, f"recalibrate is for quantiles of another tool, not for {section.kind}",
                               column="demand.recalibrate", fix="Leave it out")  # fmt: skip
    if section.kind == "history":
        observed_names(text, [column.name for column in keys])
        keys = [replace(column, kind="text") if column.kind == "period" else column for column in keys]
    schema = TableSchema(key, "demand", (), (*keys, *extra, NOTE))
    rows = DemandRows(section, typed(text, schema, context), np.zeros(0), np.zeros((0, 0)))
    if section.kind == "parametric":
        _check_families(rows.table, context.problems)
    if section.kind == "history" and source.spec.forecast is not None and not context.problems.failed:
        from capacity_opt.scenario.forecast_demand import forecast_rows  # imported here: only where there is history

        made = forecast_rows(rows, keys, source.spec.forecast, context, ahead)
        if made is not None and made.forecast is not None:
            source.forecasts[section.file] = made.forecast.facts()
        return made
    return rows


def _hierarchy_keys(names: Sequence[str], keys: Sequence[Column]) -> list[Column]:
    known = {column.name for column in keys}
    return [Column(name, "text", "key of the hierarchy") for name in names if name not in known]


def first_period(rows: DemandRows) -> DemandRows:
    """The rows of the first period only: what a policy that is the same in every period plans for."""
    table = rows.table
    chosen = np.flatnonzero(table.positions["period"] == 0)
    kept = TypedTable(table.file, [table.rows[i] for i in chosen])
    kept.texts = {name: [cells[i] for i in chosen] for name, cells in table.texts.items()}
    kept.positions = {name: cells[chosen] for name, cells in table.positions.items()}
    kept.present = table.present
    return DemandRows(rows.section, kept, rows.levels, rows.quantiles[chosen], rows.forecast)


def _value_columns(kind: str) -> tuple[Column, ...]:
    return {
        "samples": (_SAMPLE, _PROBABILITY, _VALUE),
        "parametric": (_FAMILY, _MEAN, _SD, _ZERO, _RATE, _SIZES),
        "history": (_VALUE,),
    }.get(kind, ())


def _quantiles(section: DemandSection, text: TextTable, keys: Sequence[Column], context: Context) -> DemandRows | None:
    if "level" in text.columns and "value" in text.columns:
        schema = TableSchema("demand", "demand", (), (*keys, _LEVEL, replace(_VALUE, rule="any"), NOTE))
        return _pivoted(DemandRows(section, typed(text, schema, context), np.zeros(0), np.zeros((0, 0))), keys, context)
    for name in point_forecasts(text.columns):
        del text.columns[name]
    named = levels_of(text.columns)
    return quantile_rows(section, typed(text, _quantile_schema(named, keys), context), named, keys, context)


def levels_of(names: Iterable[str]) -> dict[str, float]:
    """The quantile columns among ``names`` and their levels."""
    return {name: level for name in names if (level := level_of(name)) is not None}


def _quantile_schema(named: Iterable[str], keys: Sequence[Column]) -> TableSchema:
    columns = [Column(name, "number", "quantile", rule="any") for name in named]
    return TableSchema("demand", "demand", (), (*keys, *columns, NOTE))


def quantile_rows(
    section: DemandSection, table: TypedTable, named: dict[str, float], keys: Sequence[Column], context: Context
) -> DemandRows | None:
    """A typed table with a column per level as rows of quantiles, crossings mended."""
    if not _levels_ok(section.file, named, context.problems):
        return None
    names = sorted(named, key=lambda name: named[name])
    levels = np.array([named[name] for name in names])
    rows = DemandRows(section, table, levels, np.column_stack([table.numbers[name] for name in names]))
    _all_finite(rows, names, context.problems)
    _repair(rows, names, keys, context.problems)
    return rows


def _all_finite(rows: DemandRows, names: Sequence[str], problems: Problems) -> None:
    """Infinite quantiles are faults of their cells, and 0 from here on."""
    for place, column in zip(*np.nonzero(~np.isfinite(rows.quantiles)), strict=True):
        value, row = rows.quantiles[place, column], rows.table.rows[place]
        if not np.isnan(value):
            fix = "Write a number"
            problems.error(
                "E205",
                rows.table.file,
                "must be finite",
                value=shown(f"{value:g}"),
                fix=fix,
                row=row,
                column=names[column],
            )
        rows.quantiles[place, column] = 0.0


def streamed_rows(
    section: DemandSection, names: Sequence[str], read: Callable[[TableSchema], TypedTable], context: Context
) -> DemandRows | None:
    """A part of a large table with a row per item: ``names`` its columns, ``read`` types it by a schema."""
    keys = (Column("item", "id", "item"), Column("location", "id", "where", default=""))
    if section.kind == "quantiles":
        named = levels_of(names)
        return quantile_rows(section, read(_quantile_schema(named, keys)), named, keys, context)
    table = read(TableSchema("demand", "demand", (), (*keys, *_value_columns(section.kind), NOTE)))
    _check_families(table, context.problems)
    return DemandRows(section, table, np.zeros(0), np.zeros((0, 0)))


def value_names(kind: str, names: Iterable[str]) -> list[str]:
    """Which of the columns ``names`` say what demand may be."""
    if kind == "quantiles":
        return [*levels_of(names)]
    own = {column.name for column in _value_columns(kind)}
    return [name for name in names if name in own]


def _levels_ok(file: str, named: dict[str, float], problems: Problems) -> bool:
    before = len(problems.found)
    for name, level in named.items():
        if not 0 < level < 1:
            problems.error(
                "E201",
                file,
                "a quantile's level must be between 0 and 1",
                row=1,
                column=name,
                fix="Write a level such as p99 or p99.9",
            )
    by_level: dict[float, list[str]] = {}
    for name, level in named.items():
        by_level.setdefault(level, []).append(name)
    for level, names in by_level.items():
        if len(names) > 1:
            problems.error(
                "E233", file, f"columns {', '.join(names)} are all the {level:g} quantile", row=1, fix="Keep one"
            )
    if len(by_level) < 2:
        problems.error(
            "E234",
            file,
            f"needs at least two quantile columns, has {len(by_level)}",
            row=1,
            fix="Name them p10, p50, p90 or 0.1, 0.5, 0.9; or set [demand] kind",
        )
    return len(problems.found) == before


def _pivoted(rows: DemandRows, keys: Sequence[Column], context: Context) -> DemandRows | None:
    """Long format to one row per key with a column per level."""
    table = rows.table
    levels = np.unique(table.numbers["level"])
    texts = list(zip(*(table.texts[column.name] for column in keys)))
    order: dict[tuple[str, ...], int] = {}
    first: list[int] = []
    for position, key in enumerate(texts):
        if order.setdefault(key, len(order)) == len(first):
            first.append(position)
    values = np.full((len(order), len(levels)), np.nan)
    for position, key in enumerate(texts):
        values[order[key], np.searchsorted(levels, table.numbers["level"][position])] = table.numbers["value"][position]
    if len(levels) < 2 or np.isnan(levels).any() or np.isnan(values).any():
        position = first[int(np.isnan(values).any(axis=1).argmax())]
        context.problems.error(
            "E227",
            table.file,
            "some series have not every level",
            row=table.rows[position],
            value=" ".join(texts[position]),
            fix=f"Levels: {', '.join(f'{v:g}' for v in levels)}",
        )
        return None
    chosen = np.array(first)
    kept = TypedTable(table.file, [table.rows[i] for i in first])
    kept.texts = {name: [cells[i] for i in first] for name, cells in table.texts.items()}
    kept.positions = {name: cells[chosen] for name, cells in table.positions.items()}
    kept.present = table.present
    pivoted = DemandRows(rows.section, kept, levels, values)
    _repair(pivoted, [f"{level:g}" for level in levels], keys, context.problems)
    return pivoted


def _repair(rows: DemandRows, names: Sequence[str], keys: Sequence[Column], problems: Problems) -> None:
    """Crossing quantiles: sorted with a counted warning, or refused; negative ones become 0."""
    values, table = rows.quantiles, rows.table
    crossing = (np.diff(values, axis=1) < 0).any(axis=1)
    if crossing.any():
        worst, count = int(crossing.argmax()), int(crossing.sum())
        rule = f"{_crossed(rows, names, keys, worst)}: {count} row{'s' * (count > 1)} cross{'es' * (count == 1)}"
        if rows.section.crossing == "error":
            for place in np.flatnonzero(crossing):
                own = rule if place == worst else _crossed(rows, names, keys, int(place))
                problems.error(
                    "E212", table.file, own, row=table.rows[place], fix='Mend it, or set crossing = "repair"'
                )
        else:
            problems.warning("W212", table.file, f"{rule}, repaired by sorting", row=table.rows[worst])
        values = np.sort(values, axis=1)
    negative = (values < 0).any(axis=1)
    if negative.any():
        first = int(negative.argmax())
        problems.warning(
            "W213", table.file, f"quantiles below 0 in {int(negative.sum())} rows, set to 0", row=table.rows[first]
        )
    rows.quantiles = np.maximum(values, 0.0)


def _crossed(rows: DemandRows, names: Sequence[str], keys: Sequence[Column], place: int) -> str:
    """The first two quantiles of a row that cross, and whose they are."""
    values, texts = rows.quantiles[place], rows.table.texts
    column = int((np.diff(values) < 0).argmax())
    who = " ".join(filter(None, (texts[key.name][place] for key in keys if key.name in texts)))
    return f"{names[column + 1]} = {values[column + 1]:g} < {names[column]} = {values[column]:g} ({who})"


def _check_families(table: TypedTable, problems: Problems) -> None:
    families = [name.strip() or "deterministic" for name in table.texts["distribution"]]
    sd = table.numbers["standard_deviation"]
    if _all_described(families, table.numbers["mean"], sd):
        table.texts["distribution"] = families
        return
    for position, family in enumerate(families):
        row = table.rows[position]
        if family not in DISTRIBUTIONS:
            problems.error(
                "E207",
                table.file,
                f"must be one of {', '.join(DISTRIBUTIONS)}",
                value=shown(family),
                row=row,
                column="distribution",
                fix=did_you_mean(family, DISTRIBUTIONS),
            )
        elif family == "compound_poisson":
            _check_customers(table, position, problems)
        elif np.isnan(table.numbers["mean"][position]):
            problems.error("E215", table.file, "a mean is missing", row=row, column="mean", fix="Write it")
        elif family not in ("deterministic", "poisson") and np.isnan(sd[position]):
            problems.error(
                "E215",
                table.file,
                f"a {family} distribution needs its standard deviation",
                row=row,
                column="standard_deviation",
                fix="Write it, or use deterministic",
            )
    table.texts["distribution"] = families


def _all_described(families: list[str], mean: Array, sd: Array) -> bool:
    """Whether every row is of a family known by its moments, and has them (many rows at once)."""
    kinds = np.array(families)
    known = set(kinds.tolist()) <= set(DISTRIBUTIONS) - {"compound_poisson"}
    spread = ~np.isin(kinds, ("deterministic", "poisson"))
    return known and not np.isnan(mean).any() and not np.isnan(sd[spread]).any()


def _check_customers(table: TypedTable, position: int, problems: Problems) -> None:
    try:
        sizes = sizes_of(table.texts["sizes"][position])
    except ValueError:
        sizes = {}
    if np.isnan(table.numbers["rate"][position]) or not sizes or abs(sum(sizes.values()) - 1.0) > 1e-6:
        problems.error(
            "E215",
            table.file,
            "a compound_poisson distribution needs its rate, and sizes whose chances sum to 1",
            value=shown(table.texts["sizes"][position]),
            row=table.rows[position],
            column="sizes",
            fix="Write sizes like 1:0.6|5:0.4",
        )


def sizes_of(text: str) -> dict[int, float]:
    """Units wanted by a customer and their chances, from ``1:0.6|5:0.4``.

    >>> sizes_of("1:0.6|5:0.4")
    {1: 0.6, 5: 0.4}
    """
    pairs = (part.split(":") for part in text.split("|") if part.strip())
    return {int(units): float(chance) for units, chance in pairs}
