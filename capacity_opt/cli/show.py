"""``capacity-opt show``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT, changes
from capacity_opt.cli.output import Output, common


@click.command("show", short_help="Show a run or a resolved scenario.")
@click.argument("what", metavar="RUN|SCENARIO")
@OUT
@changes
@click.option("--resolved", is_flag=True, help="The scenario after extends, variants and --set, as TOML.")
@click.option("--provenance", is_flag=True, help="Where every input comes from and what was changed.")
@common
def command(
    what: str,
    out: Path,
    settings: tuple[str, ...],
    variant: str | None,
    resolved: bool,
    provenance: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Show a finished RUN (its folder, name, the beginning or end of its name, or "latest"), or a SCENARIO's keys.

    \b
    Examples:
      capacity-opt show latest
      capacity-opt show my-plan --resolved --provenance --set fleet.gap=1%
    """
    output = Output(as_json, quiet, verbose)
    if (Path(what) / "scenario.toml").is_file() or what.endswith(".toml"):
        return _scenario(Path(what), settings, variant, resolved or not provenance, provenance, output)
    from capacity_opt.scenario.past_runs import find_run

    run = find_run(what, out)
    if resolved:
        output.result((run.folder / "resolved.toml").read_text(encoding="utf-8").rstrip())
    elif as_json:
        output.json({"folder": str(run.folder), "manifest": run.manifest, "timing": run.timing})
    elif provenance:
        for name, value in sorted(dict(run.manifest.get("inputs", {})).items()):
            output.result(f"{name}  sha256 {value}")
    else:
        from capacity_opt.report.terminal import print_run

        print_run(run.folder, output.console())
    return 0


def _scenario(
    path: Path, settings: tuple[str, ...], variant: str | None, resolved: bool, provenance: bool, output: Output
) -> int:
    from capacity_opt.scenario.read import read_scenario
    from capacity_opt.scenario.resolved import resolved_toml

    read = read_scenario(path, set=settings, variant=variant)
    files = {name: str(source) for name, source in read.files.items()}
    changed = [{"by": patch.place, **patch.as_override()} for patch in read.patches]
    if output.as_json:
        output.json({"resolved": read.spec.model_dump(mode="json"), "files": files, "changes": changed})
        return 0
    if resolved:
        output.result(resolved_toml(read).rstrip())
    if provenance:
        output.result("# files")
        for name, source in files.items():
            output.result(f"# {name}  {source}")
        for entry in (*({"by": f"--set {text}"} for text in settings), *changed):
            output.result(f"# changed by {entry['by']}")
    return 0
