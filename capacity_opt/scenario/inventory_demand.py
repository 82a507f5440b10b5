"""The demand of items from the rows of its table: alike in every period, or period by period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario.demand_rows import DemandRows
from capacity_opt.scenario.families import Marginals, marginals_of
from capacity_opt.scenario.fleet_demand import sample_probabilities
from capacity_opt.scenario.load import FILE
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.typed import Context, TypedTable

IntArray = NDArray[np.int64]


def demand_rows(rows: DemandRows, items: TypedTable) -> IntArray:
    """The row of the demand table that speaks for each item."""
    first = {key: row for row, key in reversed(list(enumerate(_keys(rows.table))))}
    any_location = {name: row for row, (name, place) in reversed(list(enumerate(_keys(rows.table)))) if not place}
    found = [first.get(key, any_location.get(key[0], -1)) for key in _keys(items)]
    return np.array(found, dtype=np.int64)


def _keys(table: TypedTable) -> list[tuple[str, str]]:
    return list(zip(table.texts["item"], table.texts["location"]))


def demand_of_items(rows: DemandRows, items: TypedTable, problems: Problems) -> Marginals | None:
    """Each item's demand in any period; ``None`` where one is missing (noted)."""
    of_item = demand_rows(rows, items)
    for position in np.flatnonzero(of_item < 0):
        told = " ".join(filter(None, (items.texts["item"][position], items.texts["location"][position])))
        problems.error(
            "E227",
            items.file,
            f"no demand for item {shown(told)} in {rows.table.file}",
            fix="Add its row there, or delete this one",
            row=items.rows[position],
            column="item",
        )
    _note_strangers(rows, items, problems)
    if problems.failed:
        return None
    if rows.section.kind in ("history", "samples"):
        return _empirical(rows, items, problems)
    _note_doubled(rows, problems)
    return None if problems.failed else marginals_of(rows, of_item, problems)


def _note_strangers(rows: DemandRows, items: TypedTable, problems: Problems) -> None:
    known = set(_keys(items))
    for row, key in enumerate(_keys(rows.table)):
        if key[1] and key not in known:
            problems.error(
                "E208",
                rows.table.file,
                f"item {shown(key[0])} is not stocked there in {items.file}",
                value=shown(key[1]),
                row=rows.table.rows[row],
                column="location",
                fix="Add the item's row, or delete this one",
            )


def _note_doubled(rows: DemandRows, problems: Problems) -> None:
    seen: dict[tuple[str, str], int] = {}
    for row, key in enumerate(_keys(rows.table)):
        first = seen.setdefault(key, row)
        if first != row:
            told = ", location=".join(filter(None, key))
            problems.error(
                "E210",
                rows.table.file,
                f"rows {rows.table.rows[first]} and {rows.table.rows[row]} both define item={told}",
                row=rows.table.rows[row],
                fix="Keep one",
            )


def _empirical(rows: DemandRows, items: TypedTable, problems: Problems) -> Marginals | None:
    """Past values, or equally likely samples, as each item's distribution of a period."""
    from capacity_opt.demand.empirical import Empirical

    if rows.section.kind == "samples":
        names = list(dict.fromkeys(rows.table.texts["sample"]))
        of_row = np.array([names.index(name) for name in rows.table.texts["sample"]])
        chances = sample_probabilities(rows, names, of_row, problems)
        if chances is None or np.ptp(chances) > 1e-9:
            problems.error(
                "E237", rows.table.file, "samples of items must be equally likely", fix="Leave probability out"
            )
            return None
    values: dict[tuple[str, str], list[float]] = {}
    for key, value in zip(_keys(rows.table), rows.table.numbers["value"].tolist()):
        values.setdefault(key, []).append(value)
    of_item = [values.get(key) or values[(key[0], "")] for key in _keys(items)]
    lengths = np.array([len(found) for found in of_item])
    parts = []
    for length in np.unique(lengths):
        positions = np.flatnonzero(lengths == length)
        parts.append((positions, Empirical([of_item[i] for i in positions])))
    return Marginals(len(of_item), tuple(parts))


def demand_by_period(rows: DemandRows, items: TypedTable, context: Context) -> tuple[Marginals, ...]:
    """The items' demand of every period; empty where one is missing (noted)."""
    problems, names = context.problems, context.timeline.labels
    if rows.section.kind in ("history", "samples"):
        problems.error("E240", FILE, "demand by period takes kind quantiles or parametric", fix="Change [demand] kind")
        return ()
    places = rows.table.positions["period"]
    held = {(*key, int(period)): row for row, (key, period) in enumerate(zip(_keys(rows.table), places, strict=True))}
    chosen = np.empty((len(names), len(items)), dtype=np.int64)
    for line, (name, place) in enumerate(_keys(items)):
        for period, told in enumerate(names):
            found = [held[key] for key in _spoken_for(name, place, period) if key in held]
            if not found:
                problems.error(
                    "E227", rows.table.file, f"no demand for item {shown(name)} in {told}", fix="Add the row"
                )
            chosen[period, line] = found[0] if found else 0
    if problems.failed:
        return ()
    made = [marginals_of(rows, at, problems) for at in chosen]
    return tuple(each for each in made if each is not None) if not problems.failed else ()


def _spoken_for(name: str, place: str, period: int) -> tuple[tuple[str, str, int], ...]:
    """Rows that may speak for an item's period, the most particular first."""
    return (name, place, period), (name, place, -1), (name, "", period), (name, "", -1)
