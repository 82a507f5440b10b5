"""``capacity-opt forecast hierarchy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from capacity_opt.cli.forecast_options import LEVELS, TABLE, columns
from capacity_opt.cli.output import Output, common
from capacity_opt.forecast.library_names import LIBRARY_MODELS


def _named(ctx: click.Context, parameter: click.Parameter, text: str) -> float | list[str]:
    try:
        share = float(text)
    except ValueError:
        return [part.strip() for part in text.split(",") if part.strip()]
    if not 0 <= share <= 1:
        raise click.BadParameter("a share must be from 0 to 1; name ids otherwise", ctx, parameter)
    return share


def _models(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [text.rpartition("=")[::2] for text in given]
    for _, name in pairs:
        if name not in LIBRARY_MODELS:
            raise click.BadParameter(f"must be one of {', '.join(LIBRARY_MODELS)}, got {name!r}", ctx, parameter)
    return [(node or "*", name) for node, name in pairs]


@click.command("hierarchy", short_help="Forecast customers, services and regions so that all sums match.")
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--by", multiple=True, metavar="COLUMN",
              help="Key above the series, coarse to fine; none: the total alone is above them.")  # fmt: skip
@click.option("--horizon", type=click.IntRange(min=1, max=512), required=True, help="Periods ahead.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="Quantiles of every node: Parquet or CSV.")  # fmt: skip
@click.option("--paths", type=click.Path(path_type=Path, dir_okay=False), help="Sample paths of the series: Parquet.")
@click.option("--count", type=click.IntRange(min=10), default=1000, show_default=True, help="Sample paths.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sample paths.")
@click.option("--method", type=click.Choice([
                  "mint", "mixed", "bottom_up", "top_down",
                  "MinTrace", "MinTrace_ols", "MinTrace_wls_struct", "MinTrace_wls_var", "MinTrace_mint_cov",
              ]), default="mint", show_default=True, metavar="METHOD",
              help="How forecasts are made to add up: mint, mixed, bottom_up, top_down; or by hierarchicalforecast: "
              "MinTrace, MinTrace_ols, MinTrace_wls_struct, MinTrace_wls_var, MinTrace_mint_cov.")  # fmt: skip
@click.option("--named", default="0.8", show_default=True, callback=_named, metavar="SHARE|IDS",
              help="mixed: series forecast alone, by the share of demand they make up, or id,id,...")  # fmt: skip
@click.option("--model", "models", multiple=True, callback=_models, metavar="[NODE=]NAME",
              help="A library's model for every node, or for one: AutoETS, east=AutoTheta, ...")  # fmt: skip
@click.option("--total", is_flag=True, help="Of the running total over periods 1 to h, not of each period.")
@LEVELS
@TABLE
@columns
@common
def command(
    history: Path, out: Path, columns: dict[str, str], as_json: bool, quiet: bool, verbose: int, **options: Any
) -> int:
    """Forecast the table HISTORY and every sum of its series that --by names; paths add up exactly.

    \b
    Examples:
      capacity-opt forecast hierarchy usage.parquet --by region --by service --horizon 12 --period month \\
          --out quantiles.parquet --paths paths.parquet
      capacity-opt forecast hierarchy usage.csv --by region --horizon 4 --method mixed --named 0.9 --out q.csv
      capacity-opt forecast hierarchy usage.csv --by region --horizon 4 --method MinTrace --model AutoETS --out q.csv
    """
    from capacity_opt.scenario.forecast_tree import forecast_tree
    from capacity_opt.scenario.spec_forecast import LibraryModel

    output = Output(as_json, quiet, verbose)
    options["season"] = options["season"] or None
    options["models"] = [LibraryModel.model_validate({"series": [node], "model": name})
                         for node, name in options["models"]]  # fmt: skip
    with output.progress() as tell:
        told, warnings = forecast_tree(
            history, options.pop("by"), options.pop("horizon"), out=out, columns=columns,
            cumulative=options.pop("total"), tell=tell, **options,
        )  # fmt: skip
    output.warn(warnings)
    if output.as_json:
        output.json({"out": str(out), **told})
    else:
        output.result(
            f"{out}: {told['rows']:,} rows, {told['nodes']:,} nodes over {told['series']:,} series, {told['method']}"
        )
    return 0
