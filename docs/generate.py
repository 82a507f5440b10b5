"""Reference pages that are made from the code: the Python names, the command line, errors and exit codes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

import capacity_opt
from capacity_opt import errors
from capacity_opt.cli import COMMANDS, cli

LAYERS = {
    "demand": "Demand",
    "inventory": "Replenishment",
    "fleet": "Fleet",
    "frontier": "Frontier",
    "simulation": "The judge",
    "forecast": "Forecasts",
    "admission": "Admission and day-to-day decisions",
    "scenario": "Scenarios and runs",
    "report": "Reports",
    "problem": "Problems and plans",
    "solvers": "Solvers",
    "errors": "Errors",
}


def write_reference(folder: Path) -> None:
    """Write ``api.md``, ``cli.md`` and ``errors.md`` into ``folder``, where they differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("api.md", api_page()), ("cli.md", cli_page()), ("errors.md", errors_page())):
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def api_page() -> str:
    """Every public name with its signature and docstring, by layer."""
    by_layer: dict[str, list[str]] = {}
    for name, home in capacity_opt._HOMES.items():
        by_layer.setdefault(home.removeprefix("capacity_opt.").split(".")[0], []).append(name)
    lines = ["# Python names", "", "Everything here is imported from `capacity_opt`; loaded when first used.", ""]
    for layer in (*LAYERS, *(layer for layer in by_layer if layer not in LAYERS)):
        if layer in by_layer:
            lines += [f"## {LAYERS.get(layer, layer)}", "", "```{eval-rst}"]
            for name in sorted(by_layer[layer], key=str.casefold):
                lines += [_directive(name), ""]
            lines += ["```", ""]
    return "\n".join(lines)


def _directive(name: str) -> str:
    thing = getattr(capacity_opt, name)
    if inspect.isclass(thing):
        return f".. autoclass:: capacity_opt.{name}"
    if callable(thing) and inspect.isfunction(inspect.unwrap(thing)):
        return f".. autofunction:: capacity_opt.{name}"
    return f".. autodata:: capacity_opt.{name}"


def cli_page() -> str:
    """The help of every command, as the terminal shows it."""
    lines = ["# The command line", "", *_help("capacity-opt", cli), "", "## Exit codes", "", *_exit_codes(), ""]
    for name in COMMANDS:
        command = import_module(f"capacity_opt.cli.{ {'list': 'list_runs'}.get(name, name) }").command
        lines += [f"## `capacity-opt {name}`", "", *_help(f"capacity-opt {name}", command), ""]
    return "\n".join(lines)


def _help(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name, max_content_width=96, terminal_width=96)
    return ["```text", *command.get_help(context).rstrip().split("\n"), "```"]


def _exit_codes() -> Iterator[str]:
    from capacity_opt.errors import EXIT_CODES

    yield "| code | meaning |"
    yield "|---|---|"
    for code, meaning in EXIT_CODES.items():
        yield f"| {code} | {meaning} |"


def errors_page() -> str:
    """The tree of errors, their exit codes, and the codes of problems in a scenario."""
    from capacity_opt.scenario.problems import CODES

    lines = ["# Errors", "", "What this library raises on purpose; the command line exits with the code.", ""]
    lines += ["```text", *(errors.__doc__ or "").split("::", 1)[1].strip("\n").split("\n"), "```", ""]
    lines += [
        "## Problems in a scenario",
        "",
        "A message has the code, file:row:column, the value, the rule and a fix.",
    ]
    lines += ["`E` stops the run with exit code 3; `W` is a remark.", "", "| code | meaning |", "|---|---|"]
    told = dict.fromkeys(_codes(), "see the message") | CODES
    lines += [f"| {code} | {meaning} |" for code, meaning in sorted(told.items())]
    return "\n".join([*lines, ""])


def _codes() -> Iterator[str]:
    """Every code that the source gives."""
    for path in Path(capacity_opt.__file__).parent.rglob("*.py"):
        yield from re.findall(r'"([EW]2\d\d)"', path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    write_reference(Path(__file__).parent / "reference")
