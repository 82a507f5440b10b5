"""``capacity-opt certify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.options import SCENARIO, changes
from capacity_opt.cli.output import Output, common, plain_table
from capacity_opt.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_opt.solvers.stochastic.saa import SamplingCertificate

SHOWN = (
    ("samples", "samples of the plan"),
    ("cost", "its true expected cost (RP)"),
    ("lower", "lower bound on the best there is"),
    ("gap", "distance to the best, estimated"),
    ("gap_limit", "distance to the best, at most"),
    ("value_of_stochastic_solution", "what planning for many samples saves (VSS)"),
    ("value_of_perfect_information", "what a perfect forecast would save (EVPI)"),
)


@click.command("certify", short_help="How many samples are enough.")
@SCENARIO
@click.option("--samples", type=click.IntRange(min=2), help="Certify a plan made on so many; default: the scenario's.")
@click.option("--tolerance", metavar="SHARE", help="Instead find how many samples are enough for this, as in 1%.")
@click.option("--replications", type=click.IntRange(min=2), default=30, show_default=True, help="Sampled problems.")
@click.option("--fresh", type=click.IntRange(min=2), default=20_000, show_default=True, help="Unseen samples.")
@click.option("--sampling", type=click.Choice(["random", "antithetic", "sobol"]), help="How samples are drawn.")
@click.option(
    "--executor", type=click.Choice(["serial", "processes", "dask", "ray"]), default="serial", show_default=True,
    help="Where the sampled problems are solved.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Parallel workers; 0: one per processor.")
@click.option("--seed", type=click.IntRange(min=0, max=2_000_000_000), help="Seed of every random draw.")
@changes
@common
def command(
    scenario: Path,
    samples: int | None,
    tolerance: str | None,
    replications: int,
    fresh: int,
    settings: tuple[str, ...],
    variant: str | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
    **how: Any,
) -> int:
    """Say how far a plan made on samples can be from the best plan there is, and how many samples are enough.

    SCENARIO is a folder with a [fleet], or a stochastic program in SMPS form (.smps, .cor, .mps).

    \b
    Examples:
      capacity-opt certify my-plan
      capacity-opt certify my-plan --tolerance 1% --executor processes
      capacity-opt certify storm.cor --samples 200 --sampling sobol
    """
    output = Output(as_json, quiet, verbose)
    counts: dict[str, Any] = {"replications": replications, "fresh": fresh}
    with output.progress() as tell:
        tell(f"certifying {scenario.name}: {replications} sampled problems, {fresh:,} unseen samples")
        found, relaxed = _certificates(scenario, (settings, variant), samples, tolerance, counts | how)
    body = [_numbers(each) for each in found]
    if as_json:
        output.json({"certificates": body, "whole_racks_relaxed": relaxed})
        return 0
    rows = [[told, *(_shown(each[name]) for each in body)] for name, told in SHOWN]
    for line in plain_table(("", *[f"{each.samples}" for each in found]), rows, tuple(range(1, len(found) + 1))):
        output.result(line)
    output.result(_verdict(found, tolerance))
    if relaxed:
        output.result("Whole racks are relaxed in this certificate: it speaks of samples, not of rounding.")
    return 0


def _certificates(
    path: Path, changed: tuple[tuple[str, ...], str | None], samples: int | None, tolerance: str | None, how: Any
) -> tuple[Sequence[SamplingCertificate], bool]:
    """The certificates, and whether whole numbers were relaxed in them."""
    from capacity_opt.cli.smps import SUFFIXES

    share = None
    if tolerance is not None:
        try:
            share = _share(tolerance)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--tolerance") from None
    if path.suffix in SUFFIXES:
        from capacity_opt.scenario.stochastic_run import certify_smps

        return certify_smps(path, set=changed[0], samples=samples, tolerance=share, **how), False
    from capacity_opt.fleet.decomposition.certifying import certify_fleet, samples_enough
    from capacity_opt.scenario.read import read_scenario

    read = read_scenario(path, set=changed[0], variant=changed[1])
    if read.fleet is None:
        raise ArgumentError("only a fleet's plan has samples to certify: this scenario has no [fleet]")
    how = how | {"seed": read.seed if how["seed"] is None else how["seed"]}
    if share is not None:
        return samples_enough(read.fleet, share, **how), read.fleet.integer
    return [certify_fleet(read.fleet, samples=samples or read.fleet.samples, **how)], read.fleet.integer


def _share(text: str) -> float:
    from capacity_opt.scenario.amounts import gap_of

    found: Any = gap_of(text)
    return float(found)


def _numbers(each: SamplingCertificate) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(each, name) for name in ("samples", "replications", "fresh", "confidence", "sample_objective")
    }
    for name in ("cost", "lower", "mean_value_cost", "wait_and_see_cost"):
        interval = getattr(each, name)
        found[name] = [interval.value, interval.low, interval.high]
    for name in (
        "gap", "gap_limit", "relative_gap_limit", "wait_and_see_own", "without_recourse",
        "value_of_stochastic_solution", "value_of_perfect_information", "seconds",
    ):  # fmt: skip
        found[name] = getattr(each, name)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{value[0]:,.6g} [{value[1]:,.6g}, {value[2]:,.6g}]"
    return f"{value:,.6g}"


def _verdict(found: Sequence[SamplingCertificate], tolerance: str | None) -> str:
    last = found[-1]
    proven = f"With {last.confidence:.0%} confidence the plan of {last.samples:,} samples is within"
    told = f"{proven} {last.relative_gap_limit:.3%} of the best there is."
    if last.without_recourse:
        told += f" In {last.without_recourse:.2%} of unseen samples it has no recourse at all."
    if tolerance is None:
        return told
    if last.relative_gap_limit <= _share(tolerance):
        return f"{last.samples:,} samples are enough for {tolerance}. {told}"
    return f"{last.samples:,} samples are not enough for {tolerance}. {told}"
