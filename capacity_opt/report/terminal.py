"""What a run prints: the tables a planner acts on, in the order of reading, on any terminal or pipe.

Names from the scenario are set as plain text objects, never as markup, with control characters removed: a name like
``[/red]`` or an escape sequence cannot steer or crash the terminal. Colour only repeats what the words say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capacity_opt.report import admission, judging, levers, recommendations, sections, study_tables, tables
from capacity_opt.report.contents import RunContents, read_run
from capacity_opt.report.replenishment import replenished
from capacity_opt.report.tables import Table
from capacity_opt.report.wording import as_number, availability, clean, money

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

MOST_LINES = 15
MOST_RECOMMENDED = 5
HIDDEN = {
    "inventory": {"policy", "explanation"},
    "frontier": {"judged_low", "judged_high", "status"},
    "availability": {"replications"},
    "recommendations": {"rank", "reason", "reversible"},
}


def print_run(folder: str | Path, console: Console, *, lines: int = MOST_LINES) -> None:
    """Print a run folder's tables on ``console``, at most ``lines`` rows of each.

    Raises :class:`~capacity_opt.errors.RunFolderError` where ``folder`` is not a run.
    """
    run = read_run(folder)
    for part in _parts(run, lines):
        console.print(part)
    _print_end(run, console)


def _parts(run: RunContents, lines: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(sections.answer(run), style="bold")
    yield Text(read_line(run), style="dim")
    yield from (Text(f"Solved: {line}", style="dim") for line in solved_lines(run))
    shown = (
        *(tables.inventory(run), tables.orders(run), tables.placement(run), tables.without_place(run)),
        tables.cost_by_component(run),
    )
    for table in shown[:-1]:
        yield from _grid(table, lines)
    yield from _recommended(run, min(lines, MOST_RECOMMENDED))
    yield from _grid(shown[-1], lines)
    yield from _grid(_promises(run), lines)
    yield from _verdict(run)
    for table in (study_tables.commitment_use(run), study_tables.uncertainty(run), study_tables.differences(run)):
        yield from _grid(table, lines)
    later = (admission.pools(run), levers.brief(run), *judging.every(run), tables.warnings(run))
    for table in (tables.utilization(run), tables.frontier(run), *later):
        yield from _grid(table, lines)


def _recommended(run: RunContents, lines: int) -> Iterator[RenderableType]:
    """The recommendations worth most; and why nobody is steered, where that is so."""
    from rich.text import Text

    yield from _grid(recommendations.recommended(run), lines)
    if why := recommendations.why_not_steered(run):
        yield Text(f"{why}.", style="dim")


def _promises(run: RunContents) -> Table:
    """Fill rates, and whatever else has a target; the page and the results have the rest."""
    table = tables.availability(run)
    if len(table) == 0:
        return table
    kept = (table.frame["measure"] == tables.spoken("fill")) | table.frame["target"].notna()
    return replace(table, frame=table.frame[kept])


def read_line(run: RunContents) -> str:
    """One line on what was read: how many of each thing the run's tables speak of."""
    counts = []
    for table, column, one, many in (
        ("inventory", "item", "item line", "item lines"),
        ("backtest", "model", "forecast model", "forecast models"),
        ("stock", "server_type", "server type in use", "server types in use"),
        ("stock", "zone", "zone", "zones"),
        ("demand_fan", "class", "demand class", "demand classes"),
        ("demand_fan", "period", "period", "periods"),
    ):
        if run.has(table):
            column_values = run.table(table)[column]
            stock = replenished(run) if table == "inventory" else None
            size = column_values[column_values != "all"].nunique() if stock is None else stock.items
            counts.append(f"{size:,} {one if size == 1 else many}")
    inputs = run.manifest.get("inputs")
    files = f" from {len(inputs)} files" if isinstance(inputs, dict) and inputs else ""
    return f"Read {', '.join(counts) or 'nothing'}{files}."


def solved_lines(run: RunContents) -> list[str]:
    """How the fleet plan was found and why that way."""
    remarks = run.manifest.get("remarks")
    told = remarks if isinstance(remarks, list) else []
    return [clean(one) for one in told if str(one).startswith(("path:", "regions:", "samples:"))]


def _grid(table: Table, lines: int) -> Iterator[RenderableType]:
    """A table as rich draws it, cut to ``lines``; nothing where it is empty."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    if len(table) == 0:
        return
    keep = [i for i, c in enumerate(table.columns) if c.name not in HIDDEN.get(table.key, ())]
    grid = Grid(title=Text(table.title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for place in keep:
        column = table.columns[place]
        grid.add_column(Text(column.label), justify="right" if column.numeric else "left", overflow="fold")
    for row in table.words(lines):
        grid.add_row(*(Text(row[place], style=_style(row[place])) for place in keep))
    yield grid
    if len(table) > lines:
        yield Text(f"… and {len(table) - lines:,} more in results/{table.key}.csv", style="dim")


def _style(cell: str) -> str:
    return "bold red" if cell == tables.SPOKEN["not_kept"] else ""


def _verdict(run: RunContents) -> Iterator[RenderableType]:
    """A plain sentence for every promise that the judge found not kept."""
    from rich.text import Text

    if not run.has("availability"):
        return
    for row in run.table("availability").to_dict("records"):
        target, judged = as_number(row["target"]), as_number(row["judged"])
        if row["verdict"] == "not_kept" and target is not None and judged is not None:
            yield Text(
                f"NOT kept: {clean(row['class'])}, {tables.spoken(row['measure'])}: {availability(judged)} on fresh "
                f"samples, below its target of {availability(target)}.",
                style="bold red",
            )


def _print_end(run: RunContents, console: Console) -> None:
    from rich.text import Text

    if run.has("checks"):
        passed = run.table("checks")["passed"].astype(bool)
        state = "all hold" if passed.all() else f"{int((~passed).sum())} FAILED: do not use this plan"
        console.print(Text(f"Verification: {len(passed)} checks, {state}."))
    if run.has("cost"):
        total = money(float(run.table("cost")["EffectiveCost"].sum()))
        console.print(Text(f"Total cost, present value: {total} {run.currency}"))
    folder = clean(run.folder)
    console.print(Text(f"Run folder: {folder}"), soft_wrap=True)
    if (run.folder / "report.html").is_file():
        console.print(Text(f"Read next:  {folder}/report.html"), soft_wrap=True)
    else:
        console.print(Text(f"For a page: capacity-opt report {folder}"), soft_wrap=True)
    console.print(Text(f"Try next:   capacity-opt show {folder}"), soft_wrap=True)
