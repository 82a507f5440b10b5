"""``capacity-opt export``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import SCENARIO, changes
from capacity_opt.cli.output import Output, common
from capacity_opt.errors import ArgumentError, RunFolderError


@click.command("export", short_help="Write the model as a file.")
@SCENARIO
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@changes
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the samples.")
@click.option("--samples", type=click.IntRange(min=1), help="Samples in the model.")
@common
def command(
    scenario: Path,
    file: Path,
    settings: tuple[str, ...],
    variant: str | None,
    seed: int | None,
    samples: int | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Write the fleet model of SCENARIO to FILE, by its ending: .mps or .lp (all samples in one program, for any
    solver), or .smps (core, time and stoch file, for solvers of stochastic programs and for capacity-opt run).

    \b
    Examples:
      capacity-opt export my-plan model.mps --samples 20
      capacity-opt export my-plan model.smps --samples 1000
    """
    from capacity_opt.fleet.decomposition.exporting import LISTING, export_smps
    from capacity_opt.fleet.reference.export import export_model
    from capacity_opt.scenario.read import read_scenario

    output = Output(as_json, quiet, verbose)
    read = read_scenario(scenario, set=settings, variant=variant)
    if read.fleet is None or read.spec.fleet is None:
        raise ArgumentError("only the fleet model can be exported: this scenario has no [fleet]")
    own_seed = read.seed if seed is None else seed
    try:
        if file.suffix == LISTING:
            export_smps(read.fleet, file, samples=samples, seed=own_seed)
        else:
            formulation = read.spec.fleet.formulation
            export_model(read.fleet, file, formulation=formulation, samples=samples, seed=own_seed)
    except OSError as error:
        raise RunFolderError(f"{file} cannot be written: {error.strerror}") from error
    if as_json:
        output.json({"file": str(file), "bytes": file.stat().st_size})
    else:
        output.result(f"{file} ({file.stat().st_size:,} bytes)")
    return 0
