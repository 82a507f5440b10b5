"""``capacity-opt sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capacity_opt.cli.options import OUT, SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common, plain_table

if TYPE_CHECKING:
    from capacity_opt.scenario.sweep import SweepPoint


@click.command("sweep", short_help="Run for every combination of settings.")
@SCENARIO
@click.argument("grid", nargs=-1, required=True, metavar="PATH=A,B,C...")
@OUT
@changes
@solving
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with a chart too.")
@click.option("--executor", type=click.Choice(["serial", "processes", "dask", "ray"]), default="serial",
              show_default=True, help="Where the runs are computed.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True,
              help="Runs at the same time; 0: one per processor, or what the cluster has.")  # fmt: skip
@common
def command(
    scenario: Path,
    grid: tuple[str, ...],
    out: Path,
    settings: tuple[str, ...],
    variant: str | None,
    seed: int | None,
    solver: str | None,
    time_limit: float | None,
    gap: float | None,
    html: Path | None,
    executor: str,
    workers: int,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Run SCENARIO for every combination of values; those that have a finished run under --out are not run again.

    \b
    Examples:
      capacity-opt sweep my-plan money.discount_rate=0.05,0.08,0.12
      capacity-opt sweep my-plan 'server_types.price*=0.9,1,1.1' fleet.samples=50,100 --executor processes --html s.html
    """
    from capacity_opt.scenario.sweep import sweep

    output = Output(as_json, quiet, verbose)
    options = {"variant": variant, "seed": seed, "solver": solver, "time_limit": time_limit, "gap": gap}
    with output.progress() as tell:
        points = sweep(
            scenario, grid, out=out, settings=settings, executor=executor, workers=workers, tell=tell, **options
        )
    if html is not None:
        _write_page(points, scenario, html)
    if as_json:
        output.json({"points": [vars(point) for point in points]})
    else:
        rows = [
            [*point.values, "" if point.objective is None else f"{point.objective:,.2f}", point.told, point.run]
            for point in points
        ]
        for line in plain_table((*points[0].paths, "cost", "status", "run"), rows, (len(points[0].paths),)):
            output.result(line)
    return max(point.exit_code for point in points)


def _write_page(points: list[SweepPoint], scenario: Path, page: Path) -> None:
    from capacity_opt.report.sweep_page import write_sweep
    from capacity_opt.scenario.run_folder import told_as_run_error

    with told_as_run_error(page):
        write_sweep(points, page, name=scenario.resolve().name)
