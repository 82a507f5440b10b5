"""``capacity-opt forecast backtest``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from capacity_opt.cli.forecast_options import LEVELS, TABLE, columns
from capacity_opt.cli.output import Output, common
from capacity_opt.forecast.library_names import LIBRARY_MODELS

MODELS = ("combination", "stream", *LIBRARY_MODELS)


@click.command("backtest", short_help="Hold out the last periods of a history and score the forecasts of them.")
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--horizon", type=click.IntRange(min=1, max=512), required=True, help="Periods held out.")
@click.option("--model", type=click.Choice(MODELS),
              default="combination", show_default=True, help="Built-in, or a library's.")  # fmt: skip
@click.option("--total", is_flag=True, help="Of the running total over periods 1 to h, not of each period.")
@click.option("--stockout-cost", type=click.FloatRange(min=0, min_open=True), metavar="MONEY",
              help="Per unit short and period: also play the decisions.")  # fmt: skip
@click.option("--holding-cost", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              metavar="MONEY", help="Per unit left over and period.")  # fmt: skip
@click.option("--lead-time", type=click.IntRange(min=0), default=1, show_default=True, help="Periods an order takes.")
@click.option("--tune", type=click.IntRange(min=0), default=0, show_default=True,
              help="First periods in which each way's cheapest quantile is chosen; later ones count.")  # fmt: skip
@click.option("--lost-sales", is_flag=True, help="What is short is lost, not owed.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a page: fans, calibration, cost."
)
@LEVELS
@TABLE
@columns
@common
def command(
    history: Path, horizon: int, columns: dict[str, str], report: Path | None, as_json: bool, quiet: bool, verbose: int,
    **options: Any,
) -> int:  # fmt: skip
    """Forecast the last HORIZON periods of the table HISTORY from those before, and say how good the quantiles were.

    With --stockout-cost, an order is placed in each of those periods by several ways to the total over the lead time,
    and the judge says what each would have cost.

    \b
    Examples:
      capacity-opt forecast backtest history.parquet --horizon 12 --period month
      capacity-opt forecast backtest sales.csv --horizon 12 --lead-time 3 --stockout-cost 9 --report backtest.html
    """
    from capacity_opt.scenario.forecast_backtest import DecisionCosts, backtest_history

    output = Output(as_json, quiet, verbose)
    names = ("stockout_cost", "holding_cost", "lead_time", "lost_sales", "tune")
    short, held, lead, lost, tune = (options.pop(name) for name in names)
    options["season"] = options["season"] or None
    with output.progress() as tell:
        tell(f"reading {history}")
        found = backtest_history(
            history, horizon, cumulative=options.pop("total"), columns=columns, tell=tell,
            costs=None if short is None else DecisionCosts(short, held, lead, lost, tune), **options,
        )  # fmt: skip
        if report is not None:
            from capacity_opt.report.forecast_page import write_forecast_page

            write_forecast_page(found, report)
    output.warn(found.warnings)
    _print(found.numbers(), report, output)
    return 0


def _print(told: dict[str, Any], report: Path | None, output: Output) -> None:
    if output.as_json:
        output.json(told | ({} if report is None else {"report": str(report)}))
        return
    costs = told.pop("decision_cost", [])
    width = max(len(name) for name in told)
    for name, value in told.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
        output.result(f"{name.replace('_', ' '):{width}}  {shown}")
    if costs:
        output.result(
            f"\n{'order by':25} {'cost/period':>12} {'dearer by':>10} {'(95 % interval)':>22} {'fill':>7} covered"
        )
    for row in costs:
        low, high = row["dearer_low"], row["dearer_high"]
        interval = f"({low:,.4g} to {high:,.4g})" if row["dearer"] else ""
        name = row["way"].replace("_", " ") + (", tuned" if row["rule"] == "tuned" else "")
        covered = f"{100 * row['covered']:.1f}% at {100 * row['level']:.3g}%"
        output.result(
            f"{name:25} {row['cost']:12,.5g} {row['dearer']:10,.4g} {interval:>22} "
            f"{100 * row['fill_rate']:6.2f}% {covered}"
        )
    if report is not None:
        output.result(f"{report}: written")
