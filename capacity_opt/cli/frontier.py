"""``capacity-opt frontier``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capacity_opt.cli.options import SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common, plain_table
from capacity_opt.errors import ArgumentError

if TYPE_CHECKING:
    from capacity_opt.frontier import Frontier


@click.command("frontier", short_help="Cost over a target.")
@SCENARIO
@click.option("--over", metavar="TARGET", help="The target that moves; default: as [frontier] says, else fill_rate.")
@click.option("--values", metavar="A,B,C", help="Its values.")
@click.option("--tolerance", metavar="SHARE", help="Add values until the curve is known to this, as in 1%.")
@changes
@solving
@common
def command(
    scenario: Path,
    over: str | None,
    values: str | None,
    tolerance: str | None,
    settings: tuple[str, ...],
    variant: str | None,
    seed: int | None,
    solver: str | None,
    time_limit: float | None,
    gap: float | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """The cost of every value of a target, with what the next step costs and what a judge finds.

    \b
    Examples:
      capacity-opt frontier my-plan
      capacity-opt frontier my-plan --over fill_rate --values 0.9,0.95,0.99
      capacity-opt frontier my-plan --values 0.9,0.99 --tolerance 1%
    """
    from capacity_opt.scenario.read import read_scenario
    from capacity_opt.scenario.run import RunOptions, chosen
    from capacity_opt.scenario.spec_judge import Simulation
    from capacity_opt.scenario.steps import curve_of

    output = Output(as_json, quiet, verbose)
    wanted = [*settings]
    if over is not None:
        wanted.append(f'frontier.over="{over}"')
    if values is not None:
        wanted.append(f"frontier.values=[{_numbers(values)}]")
    if tolerance is not None:
        wanted.append(f"frontier.tolerance={tolerance}")
    if not any(text.startswith("frontier.") for text in wanted):
        wanted += _usual(scenario, tuple(settings), variant)
    options = RunOptions(seed=seed, solver=solver, time_limit=time_limit, gap=gap)
    read = chosen(read_scenario(scenario, set=wanted, variant=variant), options)
    if read.fleet is None:
        raise ArgumentError("a frontier needs a scenario with [fleet]")
    with output.progress() as tell:
        tell(f"frontier over {read.spec.frontier.over if read.spec.frontier else over}")
        curve = curve_of(read, read.simulation or Simulation())
    _tell(curve, read.currency, output, refined=read.frontier is not None and read.frontier.tolerance is not None)
    return 0


def _usual(scenario: Path, settings: tuple[str, ...], variant: str | None) -> list[str]:
    """The usual target where the scenario has no section of its own."""
    from capacity_opt.scenario.read import read_scenario

    has_section = read_scenario(scenario, set=settings, variant=variant).spec.frontier is not None
    return [] if has_section else ['frontier.over="fill_rate"']


def _numbers(text: str) -> str:
    try:
        return ", ".join(repr(float(part)) for part in text.split(","))
    except ValueError:
        raise ArgumentError(f"--values must be numbers separated by commas, got {text!r}") from None


def _tell(curve: Frontier, currency: str, output: Output, *, refined: bool) -> None:
    if output.as_json:
        from capacity_opt.scenario.fleet_results import frontier_table

        output.json({"currency": currency, "points": frontier_table(curve).columns, "uncertainty": curve.uncertainty})
        return
    rows = [
        [
            f"{point.target:g}",
            _number(point.cost, ",.2f"),
            _number(point.marginal_cost, ",.2f"),
            _number(point.promised, ".4%"),
            ""
            if point.judged is None
            else f"{point.judged.value:.4%} ({point.judged.low:.4%} to {point.judged.high:.4%})",
            " ".join(mark for mark in ("knee", "current", "dominated") if getattr(point, mark)) or point.status,
        ]
        for point in curve.points
    ]
    headers = (curve.over, f"cost {currency}", "one more", "promised", "judged", "")
    for line in plain_table(headers, rows, (0, 1, 2, 3)):
        output.result(line)
    if refined:
        output.result(f"Between its points the curve is known to {curve.uncertainty:.2%} of its least cost.")


def _number(value: float, form: str) -> str:
    return "-" if value != value else format(value, form)
