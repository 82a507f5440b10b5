"""What ``capacity-opt simulate`` found, kept in the run's folder beside what the run itself said.

``simulations/<seed>-<samples>/`` (``-greedy`` or ``-exact`` after it where dispatch was not the usual one) is written
aside, flushed and renamed, as runs are; the same judgement made again takes its place. Nothing else in the folder
changes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.scenario.fleet_results import availability, availability_by_period, utilization
from capacity_opt.scenario.judging import bad_paths
from capacity_opt.scenario.replay import Replay
from capacity_opt.scenario.run_folder import PARTIAL, Table, flush, flush_folder, plain, save_table, table_of
from capacity_opt.scenario.run_folder import told_as_run_error as told
from capacity_opt.simulation.judgement import FleetJudgement

FOLDER = "simulations"
USUAL = "optimal"
VERDICT = ("subject", "measure", "target", "promised", "value", "low", "high", "outcome", "sentence")


def simulation_tables(replay: Replay) -> dict[str, Table]:
    """The judge's tables of a run, of this judgement: columns as in ``results/``."""
    problem, found = replay.problem, replay.found
    return {
        "availability": availability(problem, replay.plan, found),
        "availability_by_period": availability_by_period(problem, found, _promised(replay)),
        "bad_paths": bad_paths(problem, replay.plan, found, replay.simulation, found.seed),
        "judged_cost": _cost(found, problem.finance.currency),
        "utilization": utilization(found.utilization),
    }


def judgement_json(found: FleetJudgement) -> dict[str, Any]:
    """How it was judged and what came of it."""
    total = found.total_cost
    return {
        "samples": found.samples,
        "seed": found.seed,
        "dispatch": found.dispatch,
        "kept": found.kept,
        "verdicts": [{name: getattr(verdict, name) for name in VERDICT} for verdict in found.verdicts],
        "cost": {"value": total.value, "low": total.low, "high": total.high},
    }


def write_simulation(replay: Replay) -> Path:
    """Write ``judgement.json`` and the tables; the folder they are in."""
    found = replay.found
    way = "" if found.dispatch == USUAL else f"-{found.dispatch}"
    home, name = replay.run.folder / FOLDER, f"{found.seed}-{replay.simulation.samples}{way}"
    partial = home / f"{PARTIAL}{name}-{os.getpid()}"
    try:
        with told(home):
            partial.mkdir(parents=True)
            text = json.dumps(plain(judgement_json(found)), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            (partial / "judgement.json").write_text(text, encoding="utf-8", newline="\n")
        for table, content in simulation_tables(replay).items():
            save_table(partial, table, content)
        with told(home):
            flush_folder(partial)
            _put(partial, home / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return home / name


def _put(partial: Path, final: Path) -> None:
    """Give the folder its name; one that has it already goes aside first."""
    aside = partial.with_name(f"{partial.name}-before")
    if final.exists():
        final.rename(aside)
    partial.rename(final)
    flush(final.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _promised(replay: Replay) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(C, T) fill that the run promised; NaN where it has no such table."""
    kept: Mapping[tuple[str, str], float] = {
        (row["class"], row["period"]): row["promised_fill"] for row in replay.run.rows("availability_by_period")
    }
    found = replay.found
    values = [[kept.get((name, period)) for period in found.periods] for name in found.classes]
    return np.array(values, dtype=np.float64)


def _cost(found: FleetJudgement, currency: str) -> Table:
    """Present value by component as judged, and in all."""
    columns = ("component", "judged", "judged_low", "judged_high", "BillingCurrency")
    estimates = {**found.cost, "total": found.total_cost}
    rows = [
        dict(zip(columns, (name, float(each.value), float(each.low), float(each.high), currency), strict=True))
        for name, each in estimates.items()
    ]
    return table_of(rows, columns)
