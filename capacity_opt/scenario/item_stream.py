"""Items of a large Parquet file, a chunk at a time: the same rules and the same errors as for a small table.

Memory holds one chunk, so the demand must come in the items' order: in columns of the same file, or in a second
Parquet file with a row per item. What needs all items at once (budgets, overrides of rows) is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario import schema
from capacity_opt.scenario.demand_rows import streamed_rows, value_names
from capacity_opt.scenario.families import marginals_of
from capacity_opt.scenario.inventory_tables import BY_PERIOD, Inventory, inventory_of
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.quantile_columns import point_forecasts
from capacity_opt.scenario.spec import Demand
from capacity_opt.scenario.typed import Context, TypedTable
from capacity_opt.scenario.typed_arrow import typed_arrow

if TYPE_CHECKING:
    import pyarrow as pa

STREAM_FROM = 200_000
USUAL_CHUNK = 250_000
# Reading stops once so many faults are known.
ENOUGH = 1_000
FIRST_ROW = 2
KEYS = ("item", "location")


@dataclass(frozen=True, kw_only=True)
class ItemStream:
    """``count`` items in ``items`` with their demand in ``demand`` (the same path where one file has both)."""

    source: Source
    context: Context
    items: Path
    demand: Path
    section: Demand
    count: int
    chunk: int

    def chunks(self, problems: Problems) -> Iterator[Inventory | None]:
        """The items, chunk by chunk; ``None`` for a chunk with faults, which are noted in ``problems``."""
        context, first = replace(self.context, problems=problems), FIRST_ROW
        source = replace(self.source, problems=problems)
        for part, told in _side_by_side(self.items, self.demand, self.chunk):
            before = len(problems.found)
            made = self._inventory(source, part, told, first, context)
            first += part.num_rows
            failed = any(problem.severity == "error" for problem in problems.found[before:])
            yield None if failed else made

    def _inventory(
        self, source: Source, part: pa.Table, told: pa.Table, first: int, context: Context
    ) -> Inventory | None:
        if self.items == self.demand:
            part, told = self._apart(part)
        section = source.spec.inventory
        assert section is not None
        items = typed_arrow(part, schema.ITEMS, section.items, first, context)
        told = told.drop_columns(_unread(self.section, told))
        rows = streamed_rows(
            self.section,
            told.column_names,
            lambda table: typed_arrow(told, table, self.section.file, first, context),
            context,
        )
        if rows is None or context.problems.failed or not _aligned(items, rows.table, context.problems):
            return None
        each = np.arange(len(items))
        demand = marginals_of(rows, each, context.problems)
        return None if demand is None else inventory_of(source, items, demand, rows, each, context)

    def _apart(self, both: pa.Table) -> tuple[pa.Table, pa.Table]:
        """The items' columns and the demand's, of a file that has both."""
        values = value_names(self.section.kind, both.column_names)
        values += _unread(self.section, both)
        keys = [name for name in KEYS if name in both.column_names]
        return both.drop_columns(values), both.select([*keys, *values])


def read_stream(source: Source, context: Context, tell: Callable[[str], None] | None = None) -> ItemStream | None:
    """The items as a stream, every row checked; ``None`` where the table is small, or unusable (noted)."""
    if source.spec.inventory is not None and source.spec.inventory.on_fault == "set_aside":
        rule, fix = "on_fault = set_aside takes items that are read whole", "Mend the rows, or split the table"
        context.problems.error("E240", FILE, rule, fix=fix, row=source.toml.line(("inventory", "on_fault")))
        return None
    stream = _opened(source, context)
    if stream is None or context.problems.failed:
        return None
    seen, done = [], 0
    for inventory in stream.chunks(context.problems):
        if inventory is not None:
            seen.append(_hashes(inventory))
            done += len(inventory.names)
        if len(context.problems.found) >= ENOUGH:
            return None
        if tell is not None:
            tell(f"reading {stream.items.name}: {done:,} of {stream.count:,} items")
    if context.problems.errors:
        return None
    _note_doubled(np.concatenate(seen), stream, context.problems)
    return stream


def streams(source: Source) -> bool:
    """Whether the scenario's items are read as a stream: Parquet, and many or asked for."""
    section = source.spec.inventory
    if section is None or section.network is not None or not section.items.lower().endswith(".parquet"):
        return False
    path = source.locate(section.items)
    if path is None or not path.is_file():
        return False
    if section.chunk_items is not None:
        return True
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows) >= STREAM_FROM
    except (OSError, ValueError):
        return False


def _opened(source: Source, context: Context) -> ItemStream | None:
    import pyarrow.parquet as pq

    section, problems = source.spec.inventory, context.problems
    assert section is not None
    told = section.demand or source.spec.demand
    if told is None:
        problems.error("E240", FILE, "[inventory] needs demand", fix="Add [inventory.demand] with kind and file")
        return None
    items, demand = source.locate(section.items), source.locate(told.file)
    if items is None or demand is None:
        return None
    for name, path in ((section.items, items), (told.file, demand)):
        if not path.is_file():
            problems.error("E236", name, "no such file", fix="Put the table beside scenario.toml")
        elif path.suffix.lower() != ".parquet":
            problems.error("E240", name, "many items need their demand in Parquet too", fix="Write it as Parquet")
        source.read_files[name] = path
    _note_unfit(source, told, problems)
    if problems.failed:
        return None
    count = int(pq.read_metadata(items).num_rows)
    if pq.read_metadata(demand).num_rows != count:
        rule = f"has {pq.read_metadata(demand).num_rows:,} rows, {section.items} has {count:,}"
        problems.error(
            "E227", told.file, rule, fix="With this many items both tables need a row per item, in one order"
        )
    if count == 0:
        problems.error("E235", section.items, "has no data rows", fix="Write the table again")
    return ItemStream(
        source=source,
        context=context,
        items=items,
        demand=demand,
        section=told,
        count=count,
        chunk=section.chunk_items or USUAL_CHUNK,
    )


def _note_unfit(source: Source, told: Demand, problems: Problems) -> None:
    """What a stream of items cannot do."""
    section = source.spec.inventory
    assert section is not None
    unfit = {
        name: name
        for name in ("budget", "aggregate_fill_rate", "order_budget", "lead_times")
        if getattr(section, name) is not None
    }
    if section.policy in BY_PERIOD:
        unfit["policy"] = f'policy = "{section.policy}"'
    if told.kind not in ("quantiles", "parametric"):
        unfit["kind"] = f'demand of kind "{told.kind}"'
    if told.columns:
        unfit["columns"] = "[demand] columns (rename them in the file)"
    for what in unfit.values():
        rule = f"{what} needs all items at once, but {section.items} is worked on in chunks"
        problems.error("E240", FILE, rule, fix="Split the scenario, or leave it out")
    for patch in source.patches:
        if patch.table in ("items", "item_demand", section.items, told.file, Path(section.items).stem):
            problems.error(
                "E241", patch.place, f"{section.items} is too large for overrides of rows", fix="Change the file"
            )


def _unread(section: Demand, table: pa.Table) -> list[str]:
    """Point forecasts beside quantiles."""
    if section.kind != "quantiles":
        return []
    return [name for name in point_forecasts(table.column_names) if name in table.column_names]


def _side_by_side(items: Path, demand: Path, chunk: int) -> Iterator[tuple[Any, Any]]:
    """The same rows of both files, ``chunk`` at a time."""
    if items == demand:
        for part in _parts(items, chunk):
            yield part, part
    else:
        yield from zip(_parts(items, chunk), _parts(demand, chunk), strict=True)


def _parts(path: Path, chunk: int) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    held: list[Any] = []
    rows = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=min(chunk, 1 << 16)):
            held.append(batch)
            rows += batch.num_rows
            while rows >= chunk:
                table = pa.Table.from_batches(held)
                yield table.slice(0, chunk)
                held, rows = table.slice(chunk).to_batches(), rows - chunk
    if rows:
        yield pa.Table.from_batches(held)


def _aligned(items: TypedTable, demand: TypedTable, problems: Problems) -> bool:
    """Whether row by row both tables speak of the same item; a demand without location speaks for any."""
    for name in KEYS:
        ours, theirs = np.array(items.texts[name], dtype=object), np.array(demand.texts[name], dtype=object)
        apart = np.flatnonzero((ours != theirs) & (theirs != "") if name == "location" else ours != theirs)
        if len(apart):
            row = int(apart[0])
            problems.error(
                "E227",
                demand.file,
                f"has {name} {shown(str(theirs[row]))} where {items.file} has {shown(str(ours[row]))}",
                row=demand.rows[row],
                column=name,
                fix="With this many items both tables list them in the same order: sort both, or use one file",
            )
            return False
    return True


def _hashes(inventory: Inventory) -> NDArray[np.uint64]:
    import pandas as pd

    name = pd.util.hash_array(np.array(inventory.names, dtype=object), categorize=False)
    place = pd.util.hash_array(np.array(inventory.locations, dtype=object), categorize=True)
    found: NDArray[np.uint64] = name * np.uint64(0x9E3779B97F4A7C15) + place
    return found


def _note_doubled(hashes: NDArray[np.uint64], stream: ItemStream, problems: Problems) -> None:
    order = np.argsort(hashes, kind="stable")
    again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    section = stream.source.spec.inventory
    assert section is not None
    for place in again[:ENOUGH].tolist():
        first, second = int(order[place]) + FIRST_ROW, int(order[place + 1]) + FIRST_ROW
        problems.error(
            "E210", section.items, f"rows {first} and {second} name the same item", row=second, fix="Keep one"
        )
