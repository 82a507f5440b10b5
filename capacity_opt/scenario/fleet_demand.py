"""The fleet's demand: which groups there are, and the joint distribution of what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import CopulaPaths, GivenSamples
from capacity_opt.errors import ArgumentError
from capacity_opt.scenario.demand_rows import DemandRows
from capacity_opt.scenario.families import marginals_of
from capacity_opt.scenario.load import FILE
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.typed import ALL, one_or_all

if TYPE_CHECKING:
    from capacity_opt.scenario.forecast_joint import DrawnGroups, HistoryForecast

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Demand groups in order: class, home region and zone (-1: any) by position; ``of_row`` the group of each row."""

    names: tuple[str, ...]
    group_class: IntArray
    home_region: IntArray
    home_zone: IntArray
    of_row: IntArray


@dataclass(frozen=True)
class Axes:
    """What the demand's keys may be: names of classes, regions, zones, periods and blocks; each zone's region."""

    classes: Sequence[str]
    regions: Sequence[str]
    zones: Sequence[str]
    zone_region: IntArray
    periods: Sequence[str]
    blocks: Sequence[str]


def groups_of(rows: DemandRows, axes: Axes, problems: Problems) -> Groups:
    """The groups that the table's rows name, most critical class first."""
    table = rows.table
    classes, zones = table.positions["class"], table.positions["zone"]
    regions = table.positions["region"].copy()
    from_zone = (regions == ALL) & (zones != ALL)
    regions[from_zone] = axes.zone_region[zones[from_zone]]
    if len(axes.regions) == 1:
        regions[regions == ALL] = 0
    for position in np.flatnonzero(regions == ALL)[:1]:
        problems.error(
            "E215",
            table.file,
            "the home region is not given",
            row=table.rows[position],
            column="region",
            fix=f"Write one of {', '.join(axes.regions)}",
        )
    for position in np.flatnonzero((zones != ALL) & (regions != axes.zone_region[zones])):
        problems.error(
            "E208",
            table.file,
            f"zone {axes.zones[zones[position]]} is not in that region",
            value=shown(table.texts["region"][position]),
            row=table.rows[position],
            column="zone",
            fix=f"Its region is {axes.regions[axes.zone_region[zones[position]]]}",
        )
    of_keys = list(zip(classes.tolist(), regions.tolist(), zones.tolist()))
    known = sorted(set(of_keys))
    place = {key: j for j, key in enumerate(known)}
    keys = np.array(known, dtype=np.int64).reshape(-1, 3)
    of_row = np.array([place[key] for key in of_keys], dtype=np.int64)
    names = tuple(
        "/".join(filter(None, (axes.classes[c], axes.regions[g], axes.zones[z] if z != ALL else "")))
        for c, g, z in known
    )
    return Groups(names, keys[:, 0], keys[:, 1], keys[:, 2], of_row)


def fleet_demand(
    rows: DemandRows, groups: Groups, axes: Axes, problems: Problems
) -> GivenSamples | CopulaPaths | DrawnGroups | None:
    """The joint distribution of demand, ``None`` where rows are missing or doubled (noted)."""
    if rows.section.kind == "history":
        return _from_history(rows, groups, axes, problems)
    if rows.section.kind == "samples":
        return _from_samples(rows, groups, axes, problems)
    places = _places(rows, groups, axes, np.arange(len(rows.table)), problems)
    if places is None:
        return None
    if rows.forecast is not None:
        return _from_forecast(rows.forecast, places, len(axes.periods))
    marginals = marginals_of(rows, places.ravel(), problems)
    if marginals is None:
        return None
    try:
        return CopulaPaths(
            replace(marginals, floor=True),
            places.shape,
            period_correlation=rows.section.autocorrelation,
            group_correlation=rows.section.cross_correlation,
        )
    except ArgumentError as error:
        problems.error("E240", FILE, str(error), column="demand.cross_correlation")
        return None


def _from_forecast(made: HistoryForecast, places: IntArray, periods: int) -> DrawnGroups:
    """Joint paths of the series behind each group and block; ``places`` (J, T, B) are rows, a row per period each."""
    from capacity_opt.scenario.forecast_joint import DrawnGroups  # imported here: only where there is history

    groups, _, blocks = places.shape
    target = (places[:, 0, :] // periods).reshape(-1)
    members = (target[:, None] == made.row[None, :]).astype(np.float64)
    return DrawnGroups(made.joint, members, (groups, periods, blocks), made.skipped)


def _places(
    rows: DemandRows, groups: Groups, axes: Axes, chosen: NDArray[np.intp], problems: Problems
) -> IntArray | None:
    """(J, T, B) the row of the table that speaks for each group, period and block; blank keys speak for all."""
    table = rows.table
    places = np.full((len(groups.names), len(axes.periods), len(axes.blocks)), -1, dtype=np.int64)
    period, block = table.positions["period"], table.positions["block"]
    doubled = False
    for row in chosen.tolist():
        cells = (int(groups.of_row[row]), one_or_all(period[row]), one_or_all(block[row]))
        there: IntArray = places[cells]
        if np.any(there >= 0):
            first = int(there[there >= 0][0])
            doubled = True
            problems.error(
                "E210",
                table.file,
                f"rows {table.rows[first]} and {table.rows[row]} both give "
                f"{groups.names[groups.of_row[row]]} {_when(table.texts, row)}".rstrip(),
                row=table.rows[row],
                fix="Keep one",
            )
        places[cells] = row
    missing: NDArray[np.bool_] = np.any(places < 0, axis=2)
    for t in np.flatnonzero(missing.any(axis=0)).tolist():
        short = [groups.names[j] for j in np.flatnonzero(missing[:, t])]
        told = ", ".join(short[:10]) + (" ..." if len(short) > 10 else "")
        problems.error(
            "E227",
            table.file,
            f"period {axes.periods[t]} missing for {len(short)} group{'s' * (len(short) > 1)} ({told})",
            fix="Write a row for each, 0 for none",
        )
    return None if doubled or missing.any() else places


def _when(texts: dict[str, list[str]], row: int) -> str:
    return " ".join(filter(None, (texts[name][row] for name in ("period", "block") if name in texts)))


def _from_samples(rows: DemandRows, groups: Groups, axes: Axes, problems: Problems) -> GivenSamples | None:
    table = rows.table
    names = list(dict.fromkeys(table.texts["sample"]))
    of_row = np.array([names.index(name) for name in table.texts["sample"]])
    probability = sample_probabilities(rows, names, of_row, problems)
    values = []
    for sample in range(len(names)):
        places = _places(rows, groups, axes, np.flatnonzero(of_row == sample), problems)
        if places is not None:
            values.append(table.numbers["value"][places])
    if probability is None or len(values) < len(names):
        return None
    return GivenSamples(np.stack(values), probability)


def sample_probabilities(
    rows: DemandRows, names: Sequence[str], of_row: NDArray[np.intp], problems: Problems
) -> Array | None:
    """(samples,) chances; equal where the column is absent. Faults are noted."""
    table = rows.table
    given = table.numbers["probability"]
    if np.isnan(given).all():
        return np.full(len(names), 1.0 / len(names))
    chances = np.full(len(names), np.nan)
    for row, sample in enumerate(of_row.tolist()):
        if np.isnan(chances[sample]):
            chances[sample] = given[row]
        elif not np.isnan(given[row]) and abs(chances[sample] - given[row]) > 1e-12:
            problems.error(
                "E237",
                table.file,
                f"sample {shown(names[sample])} has two probabilities",
                value=f"{chances[sample]:g} and {given[row]:g}",
                row=table.rows[row],
                column="probability",
                fix="Give every row of a sample the same",
            )
            return None
    total = float(np.nansum(chances))
    if np.isnan(chances).any():
        blank = [name for name, chance in zip(names, chances) if np.isnan(chance)]
        problems.error(
            "E215",
            table.file,
            f"no probability for {', '.join(map(shown, blank[:10]))}",
            column="probability",
            fix=f"The others sum to {total:g}; or leave the column out for equal chances",
        )
        return None
    if abs(total - 1) > 1e-6:
        problems.error(
            "E237",
            table.file,
            f"probabilities sum to {total:g} (must be 1)",
            column="probability",
            fix="Missing a sample?" if total < 1 else "A sample too many?",
        )
        return None
    return chances / total


def _from_history(rows: DemandRows, groups: Groups, axes: Axes, problems: Problems) -> GivenSamples | None:
    """Every run of as many consecutive past periods as the horizon has is an equally likely outcome."""
    table = rows.table
    past = sorted(set(table.texts["period"]), key=_past_order)
    count, ahead = len(past), len(axes.periods)
    if count < ahead:
        problems.error(
            "E227", table.file, f"history has {count} periods, the horizon {ahead}", fix="Give a longer history"
        )
        return None
    index = {name: i for i, name in enumerate(past)}
    values = np.full((len(groups.names), count, len(axes.blocks)), np.nan)
    block = table.positions["block"]
    for row in range(len(table)):
        b = one_or_all(block[row])
        values[groups.of_row[row], index[table.texts["period"][row]], b] = table.numbers["value"][row]
    if np.isnan(values).any():
        j, t, _ = (int(i) for i in np.argwhere(np.isnan(values))[0])
        problems.error("E227", table.file, f"period {past[t]} missing for {groups.names[j]}", fix="Write 0 for none")
        return None
    windows = np.stack([values[:, start : start + ahead] for start in range(count - ahead + 1)])
    return GivenSamples(windows, np.full(len(windows), 1.0 / len(windows)))


def _past_order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label
