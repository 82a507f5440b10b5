"""``capacity-opt compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common, plain_table

if TYPE_CHECKING:
    from capacity_opt.scenario.compare import Comparison, Delta
    from capacity_opt.scenario.past_runs import PastRun

FAILED = 9
SHOWN = ("total", "cost", "availability", "utilization", "inventory")
MOST_ITEMS = 20
SHARES = ("availability", "utilization")
DEFAULT = ("previous", "latest")


@click.command("compare", short_help="Compare runs.")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@OUT
@click.option(
    "--fail-if", "conditions", multiple=True, metavar="CONDITION", help="Exit 9 where it holds: 'cost > +5%'."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the comparison as a page too.")
@click.option("--all", "everything", is_flag=True, help="Show lines that did not change too.")
@click.option("--no-drivers", is_flag=True, help="Do not solve again to find what moved the cost.")
@common
def command(
    runs: tuple[str, ...],
    out: Path,
    conditions: tuple[str, ...],
    html: Path | None,
    everything: bool,
    no_drivers: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Compare runs with the first one: cost by component, availability, utilization, orders, and what moved the cost.

    A RUN is a folder, a name under --out or its beginning or end, "latest", "previous" or "latest~2". Without any: the
    previous run against the latest; with one: that run against the latest.

    The causes (demand, prices, targets, lead times, ...) are found by solving again, one changed at a time; they sum
    to the difference exactly. A condition of --fail-if speaks of the last run against the first.

    \b
    Examples:
      capacity-opt compare
      capacity-opt compare 20270104T080000Z latest --fail-if 'cost > +5%'
      capacity-opt compare runs/base runs/cheap runs/safe --html compare.html
    """
    from capacity_opt.scenario.compare import compare_runs, exceeded
    from capacity_opt.scenario.past_runs import find_run

    output = Output(as_json, quiet, verbose)
    names = runs if len(runs) > 1 else (*runs, DEFAULT[1]) if runs else DEFAULT
    found = [find_run(name, out) for name in names]
    with output.progress() as tell:
        comparisons = [compare_runs(found[0], run, solve=not no_drivers, tell=tell) for run in found[1:]]
    if html is not None:
        _write_page(comparisons, found, html)
    failed = [condition for condition in conditions if exceeded(comparisons[-1], condition)]
    if as_json:
        output.json({"comparisons": [_json(each) for each in comparisons], "failed": failed})
    else:
        _print(comparisons, everything, output)
        for condition in failed:
            output.note(f"--fail-if {condition}: it does.")
    return FAILED if failed else 0


def _write_page(comparisons: list[Comparison], runs: list[PastRun], page: Path) -> None:
    from capacity_opt.report.compare_page import write_comparison
    from capacity_opt.scenario.run_folder import told_as_run_error

    with told_as_run_error(page):
        write_comparison(comparisons, [run.folder for run in runs], page)


def _json(found: Comparison) -> dict[str, object]:
    names = ("group", "name", "before", "after", "change", "relative")
    return {
        "before": found.before,
        "after": found.after,
        "currency": found.currency,
        "deltas": [{name: getattr(delta, name) for name in names} for delta in found.deltas],
        "waterfall": [{"name": name, "amount": amount} for name, amount in found.waterfall],
        "drivers": [{"name": name, "amount": amount} for name, amount in found.drivers],
        "why_no_drivers": found.why_no_drivers,
        "orders_changed": [vars(order) for order in found.orders],
        "items_changed": [vars(item) for item in found.items],
        "inputs_changed": list(found.inputs_changed),
    }


def _print(comparisons: list[Comparison], everything: bool, output: Output) -> None:
    output.result(f"A  {comparisons[0].before}")
    for letter, found in zip("BCDEFGHIJKLMNOPQRSTUVWXYZ", comparisons):
        output.result(f"{letter}  {found.after}")
    for letter, found in zip("BCDEFGHIJKLMNOPQRSTUVWXYZ", comparisons):
        if len(comparisons) > 1:
            output.result(f"\n=== A to {letter}")
        _print_pair(found, letter, everything, output)


def _print_pair(found: Comparison, letter: str, everything: bool, output: Output) -> None:
    told = "; ".join(found.inputs_changed)
    output.result(f"Changed: {told}" if told else "Inputs, options and seed are the same.")
    for group in SHOWN:
        deltas = [d for d in found.group(group) if everything or group == "total" or d.before != d.after]
        if not deltas:
            continue
        heading = f"{group} ({found.currency})" if group in ("total", "cost") else group
        output.result("")
        for line in plain_table((heading, "A", letter, "change", ""), [_cells(d) for d in deltas], (1, 2, 3, 4)):
            output.result(line)
    _print_orders(found, letter, output)
    _print_items(found, letter, output)
    _print_waterfall(found, letter, output)


def _print_orders(found: Comparison, letter: str, output: Output) -> None:
    if not found.orders:
        return
    rows = [
        [f"{each.server_type} {each.zone} {each.period}", f"{each.before:g}", f"{each.after:g}",
         f"{each.after - each.before:+g}", each.cause]
        for each in found.orders
    ]  # fmt: skip
    output.result("")
    for line in plain_table(("orders, racks", "A", letter, "change", "why"), rows, (1, 2, 3)):
        output.result(line)


def _print_items(found: Comparison, letter: str, output: Output) -> None:
    if not found.items:
        return
    rows = [
        [each.name, *(("-" if v is None else f"{v:,g}") for v in (each.level_before, each.level_after)),
         *(("-" if v is None else f"{v:,.2f}") for v in (each.cost_before, each.cost_after)), each.why]
        for each in found.items[:MOST_ITEMS]
    ]  # fmt: skip
    heads = ("items that changed", "level A", f"level {letter}", "cost A", f"cost {letter}", "why")
    output.result("")
    for line in plain_table(heads, rows, (1, 2, 3, 4)):
        output.result(line)
    if len(found.items) > MOST_ITEMS:
        output.result(f"... and {len(found.items) - MOST_ITEMS:,} more: --json has all")


def _print_waterfall(found: Comparison, letter: str, output: Output) -> None:
    from capacity_opt.scenario.compare import CAUSES, waterfall_text

    ends = {"before": "A", "after": letter}
    by_component = [(ends.get(name, name), amount) for name, amount in found.waterfall]
    by_cause = [(ends.get(name, CAUSES.get(name, name)), amount) for name, amount in found.drivers]
    if by_cause:
        output.result(f"\nWhat moved the cost from A to {letter} ({found.currency})")
    elif by_component:
        output.result(f"\nFrom A's cost to {letter}'s by component ({found.currency})")
    for line in waterfall_text(by_cause or by_component):
        output.result(f"  {line}")
    if found.why_no_drivers and not by_cause:
        output.note(f"Causes were not looked for: {found.why_no_drivers}.")


def _cells(delta: Delta) -> list[str]:
    share = delta.group in SHARES

    def told(value: float | None, sign: str = "") -> str:
        if value is None:
            return "-"
        return f"{100 * value:{sign}.3f}%" if share else f"{value:{sign},.2f}"

    relative = "" if share or delta.relative != delta.relative else f"{delta.relative:+.1%}"
    change = told(delta.change, "+") if delta.change else "0"
    return [delta.name, told(delta.before), told(delta.after), change, relative]
