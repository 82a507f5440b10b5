"""``capacity-opt forecast check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.output import Output, common

if TYPE_CHECKING:
    from capacity_opt.scenario.external_forecast import ExternalForecast


@click.command("check", short_help="Check a forecast made elsewhere, recalibrate it, write it in one form.")
@click.argument("forecast", type=click.Path(path_type=Path))
@click.option("--period", default="step", show_default=True, metavar="PERIOD",
              help="Length of a period: hour, day, week, month, 5min ...; step where periods are numbers.")  # fmt: skip
@click.option("--time-zone", default="UTC", show_default=True, help="Zone of the calendar, where times name one.")
@click.option("--model", metavar="NAME", help="Which of several models in the file.")
@click.option("--ids", type=click.Path(path_type=Path), help="Table whose first column names the series planned.")
@click.option("--horizon", type=click.IntRange(min=1), help="Periods that must be there; default: as the longest.")
@click.option("--service-level", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              help="The quantile the plan will ask.")  # fmt: skip
@click.option("--tail", type=click.Choice(["exponential", "linear", "clamp"]),
              help="Rule beyond the last level, where the service level lies outside.")  # fmt: skip
@click.option("--first-demand", metavar="PERIOD", help="First period decided on: later origins are leakage.")
@click.option("--past", type=click.Path(path_type=Path), help="Earlier forecasts of the same tool, to recalibrate on.")
@click.option("--actuals", type=click.Path(path_type=Path), help="What then came: table of unique_id, ds, y.")
@click.option("--rows", type=click.Path(path_type=Path, dir_okay=False),
              help="Write every faulty row as CSV: row, unique_id, ds, fault.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it as Parquet or CSV.")
@common
def command(
    forecast: Path,
    period: str,
    time_zone: str,
    model: str | None,
    ids: Path | None,
    horizon: int | None,
    service_level: float | None,
    tail: str | None,
    first_demand: str | None,
    past: Path | None,
    actuals: Path | None,
    rows: Path | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Read FORECAST as Nixtla, AutoGluon, Chronos, GluonTS or plain tables write it, and tell every fault by row.

    \b
    Examples:
      capacity-opt forecast check chronos.parquet --period hour --service-level 0.99 --out quantiles.parquet
      capacity-opt forecast check nixtla.csv --period day --model AutoETS --past windows.csv --actuals history.csv
    """
    from capacity_opt.scenario.external_forecast import read_forecast, recalibrate_forecast
    from capacity_opt.scenario.stream_files import write_forecasts

    if (past is None) != (actuals is None):
        raise click.UsageError("--past and --actuals go together: earlier forecasts, and what then came.")
    output = Output(as_json, quiet, verbose)
    planned = None if ids is None else _first_column(ids)
    if rows is not None:
        from capacity_opt.scenario.forecast_row_report import write_row_report

        faults = write_row_report(forecast, rows, period=period, time_zone=time_zone, model=model, ids=planned)
        if not as_json:
            told = ", ".join(f"{count:,} {name}" for name, count in faults.items())
            output.result(f"{rows}: {told or 'no faulty rows'}")
    found = read_forecast(
        forecast, period=period, time_zone=time_zone, model=model, ids=planned, horizon=horizon,
        service_level=service_level, tail=tail, first_demand=first_demand,
    )  # fmt: skip
    if past is not None and actuals is not None:
        found = recalibrate_forecast(found, past, actuals, period=period, model=model)
    output.warn(found.warnings)
    if out is not None:
        write_forecasts([found.forecast], out)
    _print(found, forecast, out, output)
    return 0


def _first_column(path: Path) -> list[str]:
    from capacity_opt.scenario.observations import read_arrow
    from capacity_opt.scenario.problems import Problems

    problems = Problems()
    table = read_arrow(path, problems)
    problems.raise_if_any()
    return [str(cell) for cell in table.column(0).to_pylist()]


def _print(found: ExternalForecast, file: Path, out: Path | None, output: Output) -> None:
    made, learned = found.forecast, found.recalibration
    if output.as_json:
        body: dict[str, Any] = {"file": str(file), "out": None if out is None else str(out), "series": made.count,
                "horizon": made.horizon, "levels": made.levels, "crossings": made.crossings,
                "provenance": dict(made.provenance)}  # fmt: skip
        if learned is not None:
            body["recalibration"] = {"actuals": learned.scores, "coverage_before": learned.coverage}
        output.json(body)
        return
    levels = ", ".join(f"{level:g}" for level in made.levels)
    output.result(f"{file}: {made.count:,} forecasts of {made.horizon} periods at levels {levels}")
    if learned is not None:
        pairs = ", ".join(f"{level:g}: {share:.3f}" for level, share in zip(learned.levels, learned.coverage))
        output.result(f"Before recalibration the past forecasts covered ({learned.scores:,} actuals) {pairs}")
    if out is not None:
        output.result(f"{out}: written")
