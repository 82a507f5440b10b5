"""Runs a scenario: its steps one after the other, into a run folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from capacity_opt.errors import ArgumentError, Problem, ScenarioError
from capacity_opt.scenario.backtest_step import backtest_facts
from capacity_opt.scenario.load import FILE
from capacity_opt.scenario.placement import placement_facts
from capacity_opt.scenario.read import Scenario, read_scenario
from capacity_opt.scenario.replay import told_worth
from capacity_opt.scenario.resolved import resolved_toml
from capacity_opt.scenario.run_folder import (
    CUTS,
    REQUEST,
    TIMING,
    PartialRun,
    Table,
    Writer,
    table_of,
    told_as_run_error,
)
from capacity_opt.scenario.steps import StepOutcome, Watch, run_steps
from capacity_opt.solvers.stochastic.checkpoint import cuts_kept

Progress = Callable[[str], None]

MANIFEST_VERSION = 1
# Larger tables are not copied into the run folder: their fingerprint in the manifest says which they were.
LARGEST_INPUT = 50_000_000


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the caller chose over the scenario; ``None`` leaves the scenario's own."""

    set: tuple[str, ...] = ()
    variant: str | None = None
    seed: int | None = None
    solver: str | None = None
    time_limit: float | None = None
    gap: float | None = None
    only: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run: its ``folder``, ``manifest``, and the outcomes of its steps (``None`` where not done).

    ``status``: ``"optimal"``, or ``"feasible"`` where a limit stopped the solver; ``kept``: the judge found every
    promise kept (``None``: nothing was promised or judged).
    """

    folder: Path
    scenario: Scenario
    manifest: dict[str, Any]
    outcome: StepOutcome
    seconds: float

    @property
    def status(self) -> str:
        """How the solver ended."""
        return str(self.manifest["status"])

    @property
    def kept(self) -> bool | None:
        """Whether every promise was found kept."""
        return self.outcome.kept

    @property
    def tables(self) -> dict[str, Table]:
        """The result tables by name."""
        return self.outcome.tables


@dataclass
class Clock:
    """Seconds per step."""

    started: float = field(default_factory=time.perf_counter)
    steps: dict[str, float] = field(default_factory=dict)

    def note(self, step: str) -> None:
        """The step that just ended."""
        now = time.perf_counter()
        self.steps[step] = now - self.started - sum(self.steps.values())


def execute(
    path: str | Path,
    *,
    out: str | Path = "runs",
    set: Sequence[str] = (),
    variant: str | None = None,
    seed: int | None = None,
    solver: str | None = None,
    time_limit: float | None = None,
    gap: float | None = None,
    only: str | None = None,
    writers: Sequence[Writer] = (),
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
    executor: str = "serial",
    workers: int = 0,
) -> RunResult:
    """Read the scenario at ``path``, do its steps and write the run folder under ``out``.

    ``set`` and ``variant`` change the scenario; ``seed``, ``solver``, ``time_limit`` (seconds) and ``gap`` stand in for
    the scenario's own. ``only="backtest"`` leaves every other step out. ``writers`` get the folder before it is
    finished and add files to it (report, workbook). ``progress`` is told what goes on; once ``stopped()`` is true
    nothing further is solved and what there is is saved. ``executor`` and ``workers``: where regions that nothing ties
    together are planned; results do not depend on it. Raises the errors of reading and solving; nothing but finished
    runs is left behind.
    """
    options = RunOptions(
        set=tuple(set), variant=variant, seed=seed, solver=solver, time_limit=time_limit, gap=gap, only=only
    )
    begun, clock = dt.datetime.now(dt.UTC), Clock()
    scenario = chosen(read_scenario(path, set=options.set, variant=variant, tell=progress), options)
    clock.note("read")
    partial, identity = _begin(scenario, Path(path), Path(out), options, begun)
    try:
        tell = progress or _silent
        watch = Watch(
            tell=tell, ended=clock.note, stopped=stopped, open_table=partial.open_table, executor=executor,
            workers=workers,
        )  # fmt: skip
        with cuts_kept(partial.path / CUTS):
            outcome = run_steps(scenario, watch)
        manifest = _manifest(scenario, outcome, identity)
        partial.write_json("manifest.json", manifest)
        for table, made in {**outcome.tables, "warnings": _warnings(scenario)}.items():
            partial.write_table(table, made)
        clock.note("write")
        for writer in () if stopped() else writers:
            with told_as_run_error(partial.path):
                writer(partial.path)
        clock.note("report")
        seconds = time.perf_counter() - clock.started
        partial.write_json(TIMING, {"started": begun.isoformat(), "seconds": seconds, "steps": clock.steps})
        folder = partial.finish()
    except BaseException:
        partial.discard()
        raise
    return RunResult(folder=folder, scenario=scenario, manifest=manifest, outcome=outcome, seconds=seconds)


def _silent(message: str) -> None:
    """Say nothing."""


def _begin(
    scenario: Scenario, path: Path, out: Path, options: RunOptions, begun: dt.datetime
) -> tuple[PartialRun, dict[str, Any]]:
    """The folder of a run with what it is made from: the request, the resolved scenario and its tables."""
    resolved = resolved_toml(scenario)
    identity = identity_of(scenario)
    partial = PartialRun(out, begun, f"{_slug(scenario.name)}-{_hash(identity)[:8]}")
    request = {"scenario": str(path.resolve()), "out": str(out.resolve()), **vars(options), "process": os.getpid()}
    partial.write_json(REQUEST, request)
    partial.write_text("resolved.toml", resolved)
    partial.write_text(f"inputs/{FILE}", resolved_toml(scenario, local=True))
    for name, source in scenario.files.items():
        if name != FILE and source.stat().st_size <= LARGEST_INPUT:
            partial.copy(f"inputs/{name}", source)
    return partial, identity


def chosen(scenario: Scenario, options: RunOptions) -> Scenario:
    """The scenario with the caller's seed, solver, time limit and gap in the place of its own."""
    spec = scenario.spec
    _check_solver(options.solver)
    if options.only is not None:
        scenario = _alone(scenario, options.only)
    if spec.fleet is not None:
        own = {key: value for key in ("solver", "time_limit", "gap") if (value := getattr(options, key)) is not None}
        spec = spec.model_copy(update={"fleet": spec.fleet.model_copy(update=own)})
    if options.seed is not None:
        spec = spec.model_copy(update={"seed": options.seed})
    return replace(scenario, spec=spec)


def _alone(scenario: Scenario, step: str) -> Scenario:
    """The scenario with one step only."""
    if step != "backtest":
        raise ArgumentError(f"only must be 'backtest', got {step!r}")
    if scenario.backtest is None:
        fix = "Add it: history, forecasts, holding_cost, stockout_cost (docs/howto/backtest_forecasts.md)"
        raise ScenarioError([Problem("E240", FILE, "has no [backtest] section", fix=fix)])
    return replace(scenario, fleet=None, room=None, inventory=None, network=None)


def _check_solver(name: str | None) -> None:
    """A solver named by the caller is the caller's fault, not the scenario's."""
    if name is None:
        return
    from capacity_opt.solvers.solve import BACKENDS

    if name not in BACKENDS:
        raise ArgumentError(f"solver must be one of {', '.join(sorted(BACKENDS))}, got {name!r}")


def identity_of(scenario: Scenario) -> dict[str, Any]:
    """Everything that the results depend on."""
    inputs = {name: _fingerprint(path) for name, path in sorted(scenario.files.items())}
    fleet = scenario.spec.fleet
    options: dict[str, Any] = {"set": list(scenario.settings), "variant": scenario.variant}
    if fleet is not None:
        options |= fleet.model_dump(
            include={"formulation", "samples", "gap", "solver", "time_limit", "integer", "capital"}
        )
    return {
        "tool": {"name": "capacity-opt", "version": version_of("capacity-opt")},
        "libraries": versions(),
        "inputs": inputs,
        "resolved": hashlib.sha256(resolved_toml(scenario).encode()).hexdigest(),
        "seed": scenario.seed,
        "options": options,
    }


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of what the results depend on."""
    return {package: version_of(package) for package in ("numpy", "scipy", "highspy", "ortools", "pyarrow", "numba")}


def version_of(package: str) -> str:
    """The version of an installed package, or ``absent``."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _manifest(scenario: Scenario, outcome: StepOutcome, identity: dict[str, Any]) -> dict[str, Any]:
    plan, judged = outcome.plan, outcome.judged
    manifest: dict[str, Any] = {
        "schema_version": MANIFEST_VERSION,
        "name": scenario.name,
        "title": scenario.spec.report.title or scenario.name,
        "description": scenario.spec.description,
        "variant": scenario.variant,
        "currency": scenario.currency,
        **identity,
        "status": plan.status if plan is not None else "feasible" if outcome.stopped else "optimal",
        "stopped_early": outcome.stopped,
        "answer": outcome.answer,
        "promises_kept": outcome.kept,
        "verdicts": [] if judged is None else [verdict.sentence for verdict in judged.verdicts],
    }
    if plan is not None:
        manifest |= {
            "limit": plan.limit,
            "formulation": plan.formulation,
            "solver": plan.solver,
            "objective": plan.objective,
            "bound": plan.bound,
            "gap": plan.gap,
            "facts": dict(plan.facts),
            "remarks": list(plan.remarks),
            "residuals": {check.name: check.value for check in plan.checks},
            "shortage_worth": told_worth(plan, scenario.fleet),
        }
    if scenario.forecasts:
        manifest["forecasts"] = scenario.forecasts
    if outcome.backtest is not None:
        manifest["backtest"] = backtest_facts(outcome.backtest)
    if outcome.placement is not None:
        manifest["placement"] = placement_facts(outcome.placement)
    return manifest


def _warnings(scenario: Scenario) -> Table:
    rows = [{"code": p.code, "place": p.place, "message": p.rule} for p in scenario.warnings]
    return table_of(rows, ("code", "place", "message"))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:40] or "scenario"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
