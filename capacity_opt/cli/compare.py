"""``capacity-opt compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common, plain_table

if TYPE_CHECKING:
    from capacity_opt.scenario.compare import Comparison, Delta

FAILED = 9
SHOWN = ("total", "cost", "availability", "utilization", "orders", "inventory")
SHARES = ("availability", "utilization")


@click.command("compare", short_help="Compare two runs.")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@OUT
@click.option(
    "--fail-if", "conditions", multiple=True, metavar="CONDITION", help="Exit 9 where it holds: 'cost > +5%'."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the comparison as a page too.")
@click.option("--all", "everything", is_flag=True, help="Show lines that did not change too.")
@common
def command(
    before: str,
    after: str,
    out: Path,
    conditions: tuple[str, ...],
    html: Path | None,
    everything: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Compare RUN_B with RUN_A: cost by component, availability, utilization, orders, and a waterfall of the cost.

    \b
    Examples:
      capacity-opt compare latest 20270104T080000Z
      capacity-opt compare runs/base runs/new --html compare.html --fail-if 'cost > +5%'
    """
    from capacity_opt.scenario.compare import compare_runs, exceeded
    from capacity_opt.scenario.past_runs import find_run

    output = Output(as_json, quiet, verbose)
    runs = find_run(before, out), find_run(after, out)
    found = compare_runs(*runs)
    if html is not None:
        _write_page(runs[0].folder, runs[1].folder, html)
    failed = [condition for condition in conditions if exceeded(found, condition)]
    if as_json:
        output.json(_json(found, failed))
    else:
        _print(found, everything, output)
        for condition in failed:
            output.note(f"--fail-if {condition}: it does.")
    return FAILED if failed else 0


def _write_page(before: Path, after: Path, page: Path) -> None:
    from capacity_opt.report.compare_page import write_comparison
    from capacity_opt.scenario.run_folder import told_as_run_error

    with told_as_run_error(page):
        write_comparison(before, after, page)


def _json(found: Comparison, failed: list[str]) -> dict[str, object]:
    deltas = [
        {
            "group": d.group,
            "name": d.name,
            "before": d.before,
            "after": d.after,
            "change": d.change,
            "relative": d.relative,
        }
        for d in found.deltas
    ]
    return {
        "before": found.before,
        "after": found.after,
        "currency": found.currency,
        "deltas": deltas,
        "waterfall": [{"name": name, "amount": amount} for name, amount in found.waterfall],
        "inputs_changed": list(found.inputs_changed),
        "failed": failed,
    }


def _print(found: Comparison, everything: bool, output: Output) -> None:
    from capacity_opt.scenario.compare import waterfall_text

    output.result(f"A  {found.before}")
    output.result(f"B  {found.after}")
    if found.inputs_changed:
        output.result(f"Changed: {'; '.join(found.inputs_changed)}")
    for group in SHOWN:
        deltas = [d for d in found.group(group) if everything or group == "total" or d.before != d.after]
        if not deltas:
            continue
        heading = f"{group} ({found.currency})" if group in ("total", "cost") else group
        output.result("")
        for line in plain_table((heading, "A", "B", "change", ""), [_cells(d) for d in deltas], (1, 2, 3, 4)):
            output.result(line)
    lines = waterfall_text(found)
    if lines:
        output.result("")
        output.result(f"From A's cost to B's ({found.currency})")
        for line in lines:
            output.result(f"  {line}")


def _cells(delta: Delta) -> list[str]:
    share = delta.group in SHARES

    def told(value: float | None, sign: str = "") -> str:
        if value is None:
            return "-"
        return f"{100 * value:{sign}.3f}%" if share else f"{value:{sign},.2f}"

    relative = "" if share or delta.relative != delta.relative else f"{delta.relative:+.1%}"
    change = told(delta.change, "+") if delta.change else "0"
    return [delta.name, told(delta.before), told(delta.after), change, relative]
