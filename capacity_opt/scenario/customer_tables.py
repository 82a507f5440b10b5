"""``[customers]``: accounts and deals, read into lumps of demand over the fleet's groups and periods, or over items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.lumpy import LumpyPaths, Paths
from capacity_opt.scenario.fleet_demand import Axes, Groups
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import ANY_PERIOD, CLASS, NOTE, Column, TableSchema
from capacity_opt.scenario.typed import ALL, Context, TypedTable, typed

Array = NDArray[np.float64]

OF_CLASS = replace(CLASS, default="", meaning="demand class of the fleet it asks for; blank where it wants an item")
REGION = Column("region", "id", "home region; blank where there is one", default="", of="regions")
ITEM = Column("item", "text", "stocked item it asks for, in place of class and region", default="")
LOCATION = Column("location", "text", "where the item is stocked; blank where that is one place", default="")
SIZE = Column("size", "number", "mean demand, if it is there", rule="positive", unit="demand units")
SPREAD = Column("size_cv", "number", "standard deviation / mean of the size", default=0.0)

ACCOUNTS = TableSchema("accounts", "named customers who are there now; a row per class and region, or item", (), (
    Column("account", "id", "account", example="acme"),
    OF_CLASS,
    REGION,
    ITEM,
    LOCATION,
    SIZE,
    SPREAD,
    Column("leave_probability", "number", "chance per period that it leaves for good", default=0.0, rule="share"),
    Column("growth", "number", "growth per period, 0.02 is 2 %", default=0.0, rule="any"),
    Column("in_base", "flag", "the demand table still contains it: it is taken out there first", default=False),
    NOTE,
))  # fmt: skip

DEALS = TableSchema("deals", "deals and launches that may come; a row per class and region, or item", (), (
    Column("deal", "id", "deal; its rows are won or lost together", example="acme-migration"),
    OF_CLASS,
    REGION,
    ITEM,
    LOCATION,
    SIZE,
    SPREAD,
    Column("win_probability", "number", "chance that it comes", rule="share"),
    replace(ANY_PERIOD, name="start", meaning="period in which it begins if nothing slips; blank: the first"),
    Column("slip", "text", "chances of beginning 0, 1, 2 ... periods late, 0.6|0.3|0.1", default="1"),
    Column("ramp", "duration", "time of linear growth to its full size", default=0.0),
    NOTE,
))  # fmt: skip

CLOSED_DEALS = TableSchema("closed_deals", "past deals: how likely they were said to be, and what became of them", (), (
    Column("deal", "text", "deal", default=""),
    Column("win_probability", "number", "chance that was stated while it was open", rule="share"),
    Column("won", "flag", "whether it came"),
    NOTE,
))  # fmt: skip

CUSTOMER_TABLES = (ACCOUNTS, DEALS, CLOSED_DEALS)


@dataclass(frozen=True)
class ClosedDeals:
    """Past deals (n,): the ``stated`` win probability, and ``won`` 0 or 1."""

    stated: Array
    won: Array


@dataclass(frozen=True)
class CustomerDemand:
    """``lumps`` over the fleet's groups and periods; ``is_deal`` (L,); ``taken_out`` (J, T) what leaves the base."""

    lumps: Lumps
    is_deal: NDArray[np.bool_]
    taken_out: Array

    def added_to(self, base: Paths) -> LumpyPaths:
        """The joint demand of everybody."""
        return LumpyPaths(base, self.lumps, taken_out=self.taken_out)


def read_customers(source: Source, context: Context, axes: Axes, groups: Groups) -> CustomerDemand | None:
    """The lumps of ``[customers]``; ``None`` without the section, or with faults (which are noted)."""
    section, problems = source.spec.customers, context.problems
    if section is None:
        return None
    if section.accounts is None and section.deals is None:
        problems.error("E240", "scenario.toml", "[customers] names no table", fix="Add accounts or deals")
        return None
    ids = {
        "classes": {name: c for c, name in enumerate(axes.classes)},
        "regions": {name: g for g, name in enumerate(axes.regions)},
    }
    known = replace(context, ids=ids)
    parts, deal, out = [], [], np.zeros((len(groups.names), len(axes.periods)))
    for schema, table in tables_of(source, known, (ACCOUNTS, DEALS)):
        wants_item = np.array([bool(name) for name in table.texts["item"]])
        _check_places(table, wants_item, source.spec.inventory is not None, problems)
        table = rows_of(table, ~wants_item)
        place = _groups_of(table, axes, groups, problems)
        if problems.failed or not len(table):
            continue
        lumps = lumps_of(schema, table, place, out, problems)
        if lumps is not None:
            parts.append(lumps)
            deal += [schema is DEALS] * len(lumps.names)
    return None if problems.failed or not parts else CustomerDemand(Lumps.joined(parts), np.array(deal), out)


def tables_of(
    source: Source, context: Context, schemas: tuple[TableSchema, TableSchema]
) -> Iterator[tuple[TableSchema, TypedTable]]:
    """The tables that ``[customers]`` names, typed as ``schemas`` (of accounts, of deals) say."""
    section = source.spec.customers
    assert section is not None
    for original, schema, file in zip((ACCOUNTS, DEALS), schemas, (section.accounts, section.deals)):
        text = None if file is None else source.table(file, [column.name for column in schema.columns], schema.name)
        if text is not None:
            table = typed(text, schema, context)
            past = read_closed_deals(source, context) if section.calibrate and original is DEALS else None
            if past is not None and not context.problems.failed:
                from capacity_opt.customers.win_probability import calibrate_win_probability

                calibrated = calibrate_win_probability(past.stated, past.won)
                table.numbers["win_probability"] = calibrated.probability(table.numbers["win_probability"])
            yield original, table


def read_closed_deals(source: Source, context: Context) -> ClosedDeals | None:
    """The past deals of ``[customers]``; ``None`` where it names none, or with faults (noted)."""
    section = source.spec.customers
    if section is None or section.closed_deals is None:
        if section is not None and section.calibrate:
            context.problems.error("E240", "scenario.toml", "[customers] calibrate needs closed_deals",
                                   fix="Name the table of past deals")  # fmt: skip
        return None
    names = [column.name for column in CLOSED_DEALS.columns]
    text = source.table(section.closed_deals, names, CLOSED_DEALS.name)
    table = None if text is None else typed(text, CLOSED_DEALS, context)
    if table is None or context.problems.failed or not len(table):
        return None
    won = np.array([1.0 if each else 0.0 for each in table.flags["won"]])
    return ClosedDeals(table.numbers["win_probability"], won)


def rows_of(table: TypedTable, kept: NDArray[np.bool_]) -> TypedTable:
    """Some rows of a table."""
    at = np.flatnonzero(kept)
    return TypedTable(
        file=table.file,
        rows=[table.rows[i] for i in at],
        numbers={name: values[at] for name, values in table.numbers.items()},
        texts={name: [values[i] for i in at] for name, values in table.texts.items()},
        positions={name: values[at] for name, values in table.positions.items()},
        lists={name: [values[i] for i in at] for name, values in table.lists.items()},
        flags={name: [values[i] for i in at] for name, values in table.flags.items()},
        present=table.present,
    )


def lumps_of(
    schema: TableSchema, table: TypedTable, place: NDArray[np.int64], out: Array, problems: Problems
) -> Lumps | None:
    """The lumps of a table whose rows are about groups ``place``; ``out`` (J, T) gets what leaves the base."""
    if schema is ACCOUNTS:
        return _accounts(table, place, out)
    return _deals(table, place, out.shape, problems)


def _check_places(table: TypedTable, wants_item: NDArray[np.bool_], stocked: bool, problems: Problems) -> None:
    for row, item in enumerate(wants_item.tolist()):
        named = bool(table.texts["class"][row])
        if item == named or (item and not stocked):
            problems.error(
                "E237",
                table.file,
                "must name a class or, with [inventory], an item",
                row=table.rows[row],
                column="item" if item else "class",
                fix="Write the one it asks for, and leave the other blank",
            )


def _groups_of(table: TypedTable, axes: Axes, groups: Groups, problems: Problems) -> NDArray[np.int64]:
    """(rows,) the group each row's demand belongs to: its class at its home region."""
    place = np.full(len(table), -1, dtype=np.int64)
    for row in range(len(table)):
        c, g = int(table.positions["class"][row]), int(table.positions["region"][row])
        g = 0 if g == ALL and len(axes.regions) == 1 else g
        found = np.flatnonzero((groups.group_class == c) & (groups.home_region == g) & (groups.home_zone == ALL))
        if len(found) == 1:
            place[row] = found[0]
            continue
        problems.error(
            "E208",
            table.file,
            "no such class and region in the demand table",
            value=shown("/".join(filter(None, (table.texts["class"][row], table.texts["region"][row])))),
            row=table.rows[row],
            column="region",
            fix=f"Have {', '.join(groups.names[:10])}; add it to the demand table, with 0 if nobody else asks there",
        )
    return place


def _sizes(names: list[str], table: TypedTable, key: str, place: NDArray[np.int64], count: int) -> Array:
    size = np.zeros((len(names), count))
    for row, name in enumerate(table.texts[key]):
        size[names.index(name), place[row]] += table.numbers["size"][row]
    return size


def _first_rows(table: TypedTable, key: str, names: list[str]) -> NDArray[np.intp]:
    return np.array([table.texts[key].index(name) for name in names])


def _accounts(table: TypedTable, place: NDArray[np.int64], out: Array) -> Lumps:
    names = list(dict.fromkeys(table.texts["account"]))
    at = _first_rows(table, "account", names)
    numbers = table.numbers
    for row, inside in enumerate(table.flags["in_base"]):
        if inside:
            out[place[row]] += numbers["size"][row] * (1.0 + numbers["growth"][row]) ** np.arange(out.shape[1])
    return Lumps.accounts(
        _sizes(names, table, "account", place, len(out)),
        leave_probability=numbers["leave_probability"][at],
        growth=numbers["growth"][at],
        spread=numbers["size_cv"][at],
        periods=out.shape[1],
        names=names,
    )


def _deals(table: TypedTable, place: NDArray[np.int64], shape: tuple[int, ...], problems: Problems) -> Lumps | None:
    names = list(dict.fromkeys(table.texts["deal"]))
    at = _first_rows(table, "deal", names)
    _check_alike(table, problems)
    slips = [_slip(table, int(row), problems) for row in at]
    if problems.failed:
        return None
    late = np.zeros((len(names), max(map(len, slips))))
    for deal, chances in enumerate(slips):
        late[deal, : len(chances)] = chances
    start = np.where(table.positions["start"][at] == ALL, 0, table.positions["start"][at])
    return Lumps.deals(
        _sizes(names, table, "deal", place, shape[0]),
        table.numbers["win_probability"][at],
        spread=table.numbers["size_cv"][at],
        start=start,
        slip=late,
        ramp=np.ceil(table.numbers["ramp"][at] - 1e-9),
        periods=shape[1],
        names=names,
    )


def _check_alike(table: TypedTable, problems: Problems) -> None:
    """Rows of one deal are won together: they must say the same of it."""
    for column in ("win_probability", "size_cv", "ramp", "start", "slip"):
        values = table.texts[column] if column in ("slip", "start") else table.numbers[column].tolist()
        first: dict[str, object] = {}
        for row, name in enumerate(table.texts["deal"]):
            if first.setdefault(name, values[row]) != values[row]:
                problems.error(
                    "E210",
                    table.file,
                    f"rows of deal {shown(name)} differ in {column}",
                    value=shown(str(values[row])),
                    row=table.rows[row],
                    column=column,
                    fix=f"Write {first[name]} as in its first row, or name it as a deal of its own",
                )


def _slip(table: TypedTable, row: int, problems: Problems) -> Array:
    text = table.texts["slip"][row]
    try:
        chances = np.array([float(part) for part in text.split("|")])
    except ValueError:
        chances = np.array([np.nan])
    if not (np.all(chances >= 0) and abs(chances.sum() - 1.0) <= 1e-6):
        problems.error(
            "E237",
            table.file,
            "must be chances that sum to 1, separated by |",
            value=shown(text),
            row=table.rows[row],
            column="slip",
            fix="Write 0.6|0.3|0.1: on time, one period late, two",
        )
        return np.array([1.0])
    return np.asarray(chances / chances.sum())
