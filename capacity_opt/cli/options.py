"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

DEFAULT_OUT = Path("runs")

SCENARIO = click.argument("scenario", type=click.Path(path_type=Path))
OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_OUT, show_default=True,
    envvar="CAPACITY_OPT_OUT", help="Folder of runs.",
)  # fmt: skip


def _amount(convert: str) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    def callback(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        from capacity_opt.scenario import amounts

        try:
            return float(getattr(amounts, convert)(value))
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from None

    return callback


def changes(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--set`` and ``--variant``."""
    for option in (
        click.option("--variant", metavar="NAME", help="A named variant of the scenario."),
        click.option(
            "--set", "settings", metavar="PATH=VALUE", multiple=True, help="Change a key or a table; repeatable."
        ),
    ):
        command = option(command)
    return command


def solving(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--seed``, ``--solver``, ``--time-limit``, ``--gap``."""
    for option in (
        click.option("--gap", metavar="SHARE", callback=_amount("gap_of"), help="Stop at this gap: 0.001 or 0.1%."),
        click.option(
            "--time-limit", metavar="TIME", callback=_amount("seconds_of"), help="Longest solve: 90s, 5m, 1h."
        ),
        click.option("--solver", metavar="NAME", help="Solver of the fleet model."),
        click.option("--seed", type=click.IntRange(min=0, max=2_000_000_000), help="Seed of every random draw."),
    ):
        command = option(command)
    return command
