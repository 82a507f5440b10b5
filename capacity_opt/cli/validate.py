"""``capacity-opt validate``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import SCENARIO, changes
from capacity_opt.cli.output import Output, common, problem_json


@click.command("validate", short_help="Check a scenario.")
@SCENARIO
@changes
@common
def command(
    scenario: Path, settings: tuple[str, ...], variant: str | None, as_json: bool, quiet: bool, verbose: int
) -> int:
    """Check the scenario in folder SCENARIO without solving it: every problem at once, with place, rule, value and fix.

    \b
    Examples:
      capacity-opt validate my-plan
      capacity-opt validate my-plan --variant late_racks --json
    """
    from capacity_opt.scenario.read import read_scenario

    output = Output(as_json, quiet, verbose)
    read = read_scenario(scenario, set=settings, variant=variant)
    sizes = {} if read.fleet is None else dict(read.fleet.sizes)
    items = read.item_count
    if as_json:
        warnings = [problem_json(problem) for problem in read.warnings]
        output.json({"name": read.name, "valid": True, "sizes": sizes, "items": items, "warnings": warnings})
        return 0
    output.warn(read.warnings)
    output.result(f"{scenario} is valid: {summary(sizes, items)}.")
    output.note(f"Next: capacity-opt run {scenario}")
    return 0


def summary(sizes: dict[str, int], items: int) -> str:
    """The sizes in words."""
    words = {"K": "server type", "Z": "zone", "G": "region", "T": "period", "C": "demand class", "J": "demand group"}
    told = [f"{sizes[key]} {word}{plural(sizes[key], word)}" for key, word in words.items() if key in sizes]
    if items:
        told.append(f"{items:,} item{'s' if items != 1 else ''}")
    return ", ".join(told)


def plural(count: int, word: str) -> str:
    """The ending of a word after a number."""
    return "" if count == 1 else "es" if word.endswith("s") else "s"
