"""Run a scenario and publish what people read: the one call behind ``capacity-opt run``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from capacity_opt.report.html import write_report
from capacity_opt.report.workbook import write_workbook
from capacity_opt.scenario.run import Progress, RunResult, execute

FILE = "resolved.toml"


def run_scenario(
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
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
    executor: str = "serial",
    workers: int = 0,
) -> RunResult:
    """Run the scenario in folder ``path``: plan, judge, and write a run folder under ``out`` with its report.

    ``set`` patches the scenario (``"fleet.samples=50"``), ``variant`` takes one of its named changes; ``seed``,
    ``solver``, ``time_limit`` (seconds) and ``gap`` (relative) stand in for the scenario's own;
    ``only="backtest"`` leaves every other step out. ``progress`` is told what goes on; once ``stopped()`` is true what
    there is is saved. ``executor`` (``serial``, ``processes``, ``dask``, ``ray``) and ``workers`` (0: one per
    processor): where regions that nothing ties together are planned.
    Same scenario and seed: same bytes, apart from ``timing.json``.

    Raises ``ScenarioError`` (all problems found), ``InfeasibleError``, ``UnboundedError``, ``LimitError``,
    ``SolverError``, ``VerificationError``, ``RunFolderError``; nothing but finished runs is left behind.

    >>> run_scenario("no-such-folder")
    Traceback (most recent call last):
    ...
    capacity_opt.errors.ScenarioError: 1 problem found...
    """
    return execute(
        path,
        out=out,
        set=set,
        variant=variant,
        seed=seed,
        solver=solver,
        time_limit=time_limit,
        gap=gap,
        only=only,
        writers=(publish,),
        progress=progress,
        stopped=stopped,
        executor=executor,
        workers=workers,
    )


def publish(folder: Path) -> None:
    """Write ``report.html`` and ``workbook.xlsx`` into a run folder, unless its scenario's ``[report]`` says no."""
    resolved = folder / FILE
    settings = tomllib.loads(resolved.read_text(encoding="utf-8")) if resolved.is_file() else {}
    wanted = settings.get("report", {})
    if wanted.get("html", True):
        write_report(folder)
    if wanted.get("workbook", True):
        write_workbook(folder)
