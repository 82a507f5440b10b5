"""The same scenario for every combination of some settings, resumable: what has a finished run is not run again."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capacity_opt.errors import ArgumentError, CapacityError
from capacity_opt.executor import Executor, executor_named
from capacity_opt.scenario.past_runs import PastRun, past_runs
from capacity_opt.scenario.read import read_scenario
from capacity_opt.scenario.run import RunOptions, chosen, execute, identity_of

_AXIS = re.compile(r"(?P<path>.+?)(?P<sign>\*?=)(?P<values>[^=]+)", re.S)


@dataclass(frozen=True)
class SweepPoint:
    """One combination: its ``values`` at ``paths``, and the run that answers it (or why there is none)."""

    paths: tuple[str, ...]
    values: tuple[str, ...]
    run: str
    objective: float | None
    told: str
    exit_code: int


def axes_of(grid: Sequence[str]) -> list[tuple[str, list[str]]]:
    """``["a.b=1,2"]`` as paths with their sign and values.

    >>> axes_of(["fleet.gap=1%,2%", "server_types.price*=1,1.1"])
    [('fleet.gap=', ['1%', '2%']), ('server_types.price*=', ['1', '1.1'])]
    """
    axes = []
    for text in grid:
        cut = text.rfind("]") + 1
        found = _AXIS.fullmatch(text[cut:])
        if not found:
            raise ArgumentError(f"an axis is PATH=A,B,C, got {text!r}")
        axes.append((f"{text[:cut]}{found['path']}{found['sign']}", [v.strip() for v in found["values"].split(",")]))
    return axes


def sweep(
    path: Path,
    grid: Sequence[str],
    *,
    out: Path,
    settings: Sequence[str] = (),
    executor: Executor | str = "serial",
    workers: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> list[SweepPoint]:
    """Run every combination of ``grid`` (the last axis moves fastest), each where ``executor`` says.

    Runs are written to ``out`` by whoever computes them, so workers elsewhere must see the same folders. A combination
    that has a finished run there is not run again: a sweep that was killed is simply started again.
    """
    axes = axes_of(grid)
    paths = tuple(name.rstrip("*=") for name, _ in axes)
    combinations = list(itertools.product(*(values for _, values in axes)))
    done = {_key(run.manifest): run for run in past_runs(out)}
    tasks: list[Task] = [
        (path.resolve(), out.resolve(),
         (*settings, *(f"{name}{value}" for (name, _), value in zip(axes, values))), options, paths, values)
        for values in combinations
    ]  # fmt: skip
    points = [_known(task, done) for task in tasks]
    run = executor_named(executor, workers) if isinstance(executor, str) else executor
    waiting = [place for place, point in enumerate(points) if point is None]
    told = len(points) - len(waiting)
    found = run.map(_point, [tasks[place] for place in waiting], label=_label)
    for place, point in zip(waiting, found):
        points[place] = point
        told += 1
        tell(f"sweep: {told} of {len(points)}")
    return [point for point in points if point is not None]


Task = tuple[Path, Path, tuple[str, ...], dict[str, Any], tuple[str, ...], tuple[str, ...]]


def _key(manifest: Any) -> str:
    names = ("tool", "libraries", "inputs", "resolved", "seed")
    return json.dumps({name: manifest.get(name) for name in names}, sort_keys=True)


def _known(task: Task, done: dict[str, PastRun]) -> SweepPoint | None:
    """The finished run of a combination, if there is one."""
    path, _, settings, options, paths, values = task
    if not done:
        return None
    wanted = dict(options)
    try:
        scenario = chosen(read_scenario(path, set=settings, variant=wanted.pop("variant", None)), RunOptions(**wanted))
    except CapacityError:
        return None
    run = done.get(_key(identity_of(scenario)))
    return None if run is None else _of_run(run, paths, values)


def _label(task: Task) -> str:
    return ", ".join(f"{path}={value}" for path, value in zip(task[4], task[5]))


def _point(task: Task) -> SweepPoint:
    path, out, settings, options, paths, values = task
    try:
        result = execute(path, out=out, set=settings, **options)
    except CapacityError as error:
        return SweepPoint(paths, values, "", None, str(error).splitlines()[0], error.exit_code)
    return _of_run(PastRun(result.folder), paths, values)


def _of_run(run: PastRun, paths: tuple[str, ...], values: tuple[str, ...]) -> SweepPoint:
    kept = run.manifest.get("promises_kept")
    told = f"{run.manifest['status']}{', promise not kept' if kept is False else ''}"
    code = 6 if run.manifest["status"] != "optimal" else 0
    return SweepPoint(paths, values, run.folder.name, run.manifest.get("objective"), told, code)
