"""Options that the forecast commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

STATE = click.argument("state", type=click.Path(path_type=Path, file_okay=False))
ENGINE = click.option(
    "--engine", type=click.Choice(["auto", "compiled", "numpy"]), default="auto", show_default=True,
    help="Arithmetic: compiled, or whole NumPy arrays; both give the same numbers.",
)  # fmt: skip


def _levels(ctx: click.Context, parameter: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("must be numbers such as 0.1,0.5,0.9", ctx, parameter) from None


LEVELS = click.option("--levels", metavar="LIST", callback=_levels, help="Quantile levels, such as 0.1,0.5,0.9.")


def _columns(ctx: click.Context, parameter: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or ours not in ("series", "period", "value", "in_stock"):
            raise click.BadParameter(
                f"must be series=, period=, value= or in_stock= and the file's name, got {pair!r}", ctx, parameter
            )
        found[ours] = theirs
    return found


def columns(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--column``."""
    return click.option(
        "--column", "columns", metavar="OURS=THEIRS", multiple=True, callback=_columns,
        help="Name of a column in the file: series, period, value or in_stock (default: unique_id, ds, y, ...).",
    )(command)  # fmt: skip


PERIOD = click.option(
    "--period", default="step", show_default=True, metavar="PERIOD",
    help="Length of a period: hour, day, week, month, 5min ...; step where ds is a number.",
)  # fmt: skip
DUPLICATES = click.option(
    "--duplicates", type=click.Choice(["error", "sum", "mean", "last"]), default="error", show_default=True,
    help="Several rows of one series and period.",
)  # fmt: skip


def TABLE(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--period``, ``--time-zone``, ``--season`` and ``--duplicates`` of a table of history."""
    for option in (
        DUPLICATES,
        click.option("--season", type=click.IntRange(min=0), multiple=True,
                     help="Periods of a season, at most two; 0: none; default: by the period."),
        click.option("--time-zone", default="UTC", show_default=True, help="Zone of the calendar, where ds has times."),
        PERIOD,
    ):  # fmt: skip
        command = option(command)
    return command


def PARTS(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--period``, ``--duplicates``, ``--executor`` and ``--workers`` of work on a folder of buckets."""
    for option in (
        click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True,
                     help="How many at a time; 0: one per processor, or what the cluster has."),
        click.option("--executor", type=click.Choice(["serial", "processes", "dask", "ray"]), default="serial",
                     show_default=True, help="Where the files are worked on."),
        DUPLICATES,
        PERIOD,
    ):  # fmt: skip
        command = option(command)
    return command
