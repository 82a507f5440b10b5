"""Items with a fault in their rows left out of the plan and told, where ``[inventory] on_fault`` asks for it.

A row at fault takes its item with it: a plan for half of an item's data would be a guess. Faults that are no row's (a
column missing, a wrong key, a table that cannot be read) end the reading as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from capacity_opt.errors import Problem
from capacity_opt.scenario.inventory_tables import Aside, Inventory, read_inventory
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.tables import TextTable
from capacity_opt.scenario.typed import Context

TOLD = 10
HEADER = 1
STRANGER = "E208"
Key = tuple[str, str]


def read_items(source: Source, context: Context) -> Inventory | None:
    """The items of ``[inventory]``; those at fault are set aside where ``on_fault`` says so."""
    section = source.spec.inventory
    assert section is not None
    if section.on_fault == "error":
        return read_inventory(source, context)
    demand = section.demand or source.spec.demand
    files = [file for file in (section.items, demand and demand.file, section.lead_times) if file]
    aside: dict[Key, list[Problem]] = {}
    dropped: dict[str, set[int]] = {file: set() for file in files}
    while True:
        trial = Problems()
        attempt = replace(source, problems=trial, tables_read={}, dropped=dropped)
        made = read_inventory(attempt, replace(context, problems=trial))
        if not trial.failed:
            context.problems.found += trial.found
            return None if made is None else _told(made, aside, section.items, context.problems)
        faulty = _faulty(trial, attempt.tables_read, files)
        if faulty is None or not _drop(dropped, attempt.tables_read, {*aside, *faulty}, section.items):
            context.problems.found += [*(fault for told in aside.values() for fault in told), *trial.found]
            return None
        for key, faults in faulty.items():
            follows = [fault.code == STRANGER and key[0] in {name for name, _ in aside} for fault in faults]
            if not all(follows):
                aside.setdefault(key, []).extend(faults)


def _faulty(trial: Problems, tables: dict[str, TextTable], files: Iterable[str]) -> dict[Key, list[Problem]] | None:
    """The faults of each item; ``None`` where one is not about an item's row."""
    found: dict[Key, list[Problem]] = {}
    keys = {file: dict(zip(table.rows, keys_of(table), strict=True)) for file, table in tables.items() if file in files}
    for problem in trial.found:
        if problem.severity != "error":
            continue
        key = keys.get(problem.file, {}).get(problem.row or 0, ("", ""))
        if (problem.row or 0) <= HEADER or not key[0]:
            return None
        found.setdefault(key, []).append(problem)
    return found


def _drop(dropped: dict[str, set[int]], tables: dict[str, TextTable], faulty: set[Key], items: str) -> bool:
    """Add the rows of the items at fault to those ``dropped``; whether that left some items and changed anything."""
    new = 0
    for file, table in tables.items():
        if file in dropped:
            rows = {row for row, key in zip(table.rows, keys_of(table), strict=True) if concerns(key, faulty)}
            new += len(rows - dropped[file])
            dropped[file] |= rows
            if file == items and len(rows) == len(table):
                return False
    return new > 0


def _told(made: Inventory, aside: dict[Key, list[Problem]], file: str, problems: Problems) -> Inventory:
    """The items that are left, with those set aside; a warning for each of the first ten faults, then the count."""
    rows = tuple(Aside(*key, fault) for key, faults in aside.items() for fault in dict.fromkeys(faults))
    for row in rows[:TOLD]:
        fault = row.fault
        rule = f"{row.name} set aside: {fault.code} {fault.rule}"
        problems.warning("W246", fault.file, rule, value=fault.value, fix=fault.fix, row=fault.row, column=fault.column)
    if len(rows) > TOLD:
        rule = f"{len(aside):,} items set aside for {len(rows):,} faults; all are in the run's inventory_set_aside"
        problems.warning("W247", file, rule)
    return replace(made, aside=rows)


def keys_of(table: TextTable) -> list[Key]:
    """Item and location of every row of a table, blank where it does not say."""
    blank = [""] * len(table)
    names, places = table.columns.get("item", blank), table.columns.get("location", blank)
    return [(name.strip(), place.strip()) for name, place in zip(names, places, strict=True)]


def concerns(key: Key, faulty: set[Key]) -> bool:
    """Whether a row of that key is about a faulty one; a faulty row without location speaks for every location."""
    return key in faulty or (key[0], "") in faulty
