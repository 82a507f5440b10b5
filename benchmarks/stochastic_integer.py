"""Whole racks under many samples: decomposition beside the plain extensive program in HiGHS: same gap and time.

    python benchmarks/stochastic_integer.py --parts whole --samples 10     # one line; the page keeps the others
    python benchmarks/stochastic_integer.py --parts ways chance --seed 3

Parts: ``whole`` (the shared generator's formulation, 6 types, 3 zones, 12 periods, 8 classes: 10 samples to 0.1 %
in 45 s, 100 to 0.8 % and 1,000 to 0.3 % in 120 s), ``ways`` (both ways of sizing the same fleet, where ``path="auto"``
changes from one to the other), ``chance`` (whole racks, no shortage in any period in 95 % of 1,000 samples, proven).
Lines go to ``benchmarks/results/stochastic_integer.md`` as they are measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fleet_instances import GENERATOR, fleet, generate, two_stage

import capacity_opt as co
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.kernels import compile_kernels
from capacity_opt.solvers.stochastic.program import extensive_form

RESULTS = Path(__file__).parent / "results" / "stochastic_integer.md"
GOALS = {10: (1e-3, 45.0), 100: (8e-3, 120.0), 1000: (3e-3, 120.0)}
WAYS = ((6, 3, 12, 8, 5), (6, 3, 12, 8, 10), (6, 3, 12, 8, 20), (3, 2, 6, 4, 20), (3, 2, 6, 4, 60), (3, 2, 6, 4, 200))
CHANCE = ((1, 1, 12, 2), (2, 1, 6, 2), (2, 2, 6, 3), (3, 1, 12, 2))
Line = dict[str, Any]


def sized(samples: int, seed: int, types: int, zones: int, periods: int, classes: int) -> Any:
    """The shared generator's instance of other sizes."""
    spec = importlib.util.spec_from_file_location("random_fleet", GENERATOR)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no generator at {GENERATOR}: set CAPACITY_OPT_CASES to the shared cases")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate(types, zones, periods, classes, samples, seed)


def timed(work: Callable[[], Any]) -> tuple[str, float, Any]:
    """Wall clock and CPU as text, the seconds, and the result."""
    started, before = time.perf_counter(), time.process_time()
    result = work()
    seconds = time.perf_counter() - started
    return f"{seconds:.1f} ({time.process_time() - before:.1f})", seconds, result


def of_whole(chosen: argparse.Namespace) -> Iterator[Line]:
    """The generator's own formulation, whole racks."""
    for samples in chosen.samples:
        gap, limit = GOALS[samples]
        program = two_stage(generate(samples, chosen.seed), integer=True)

        def ours(program: Any = program, gap: float = gap, limit: float = limit) -> Any:
            search = start_search(program)
            found = continue_search(search, gap=gap, time_limit=limit)
            return found, [str(check) for check in check_decomposition(search, found, gap) if not check.passed]

        told, _, (found, broken) = timed(ours)
        if broken:
            raise SystemExit(f"{samples} samples: the certificate failed: {broken}")
        line = {
            "instance": f"{samples:,} samples, seed {chosen.seed}",
            "asked": f"{gap:.1%} in {limit:g} s", "ours_s": told,
            "objective": f"{found.objective:.8g}", "bound": f"{found.bound:.8g}", "gap": f"{found.gap:.3%}",
        }  # fmt: skip
        if not chosen.alone:
            lp = extensive_form(program)
            told, _, other = timed(lambda lp=lp, gap=gap, limit=limit: solve(lp, gap=gap, time_limit=limit))
            line |= {"extensive_s": told, "extensive_objective": f"{other.objective:.8g}"}
            line |= {"extensive_bound": f"{other.bound:.8g}", "extensive_gap": f"{other.gap:.3%}"}
        yield line


def of_ways(chosen: argparse.Namespace) -> Iterator[Line]:
    """Both ways for the same fleet: seconds to the gap, or the gap at the limit."""
    for types, zones, periods, classes, samples in WAYS:
        problem = fleet(sized(samples, chosen.seed, types, zones, periods, classes), integer=True)
        line: Line = {"instance": f"{types} x {zones} x {periods} x {classes}, {samples} samples"}
        for path in ("extensive", "decomposition"):
            told, _, plan = timed(
                lambda path=path, problem=problem: co.size_fleet(problem, path=path, gap=5e-3, time_limit=chosen.limit)
            )
            line |= {path: f"{told}, {plan.gap:.2%}"}
        auto = co.size_fleet(problem, gap=0.5, time_limit=chosen.limit)
        yield line | {"columns": f"{columns_of(problem, samples):,}", "auto": auto.remarks[0].split(" ")[1]}


def columns_of(problem: FleetProblem, samples: int) -> int:
    """Recourse columns of all samples, as the choice counts them."""
    from capacity_opt.fleet.decomposition.sizing import recourse_columns

    return samples * recourse_columns(problem)


def of_chance(chosen: argparse.Namespace) -> Iterator[Line]:
    """No shortage of any class in any period in 95 % of 1,000 samples; serving costs nothing."""
    for sizes in CHANCE:
        problem = promised(fleet(sized(1000, chosen.seed, *sizes), integer=True))

        def ours(problem: FleetProblem = problem) -> Any:
            try:
                return co.size_fleet(problem, formulation="chance", gap=1e-4, time_limit=chosen.limit)
            except co.LimitError:
                return None

        told, _, plan = timed(ours)
        line: Line = {"instance": f"{sizes[0]} types, {sizes[1]} zones, {sizes[2]} periods, {sizes[3]} classes"}
        if plan is None:
            yield line | {"ours_s": told, "gap": "no plan"}
            continue
        kept = float(plan.availability.no_shortage_joint.min())
        yield line | {
            "ours_s": told, "objective": f"{plan.objective:.8g}", "gap": f"{plan.gap:.1e}", "status": plan.status,
            "kept": f"{kept:.1%}",
        }  # fmt: skip


def promised(problem: FleetProblem) -> FleetProblem:
    """The fleet with nothing but the promise: no budget or power limit, nothing to wait for, service free."""
    sizes, groups, service = problem.sizes, problem.groups, problem.service
    promise = np.where(np.arange(sizes["C"]) == sizes["C"] - 1, 0.95, np.nan)
    free = np.full(sizes["T"], np.inf)
    return replace(
        problem,
        sites=replace(problem.sites, power_limit=np.full((sizes["Z"], sizes["T"]), np.inf)),
        supply=replace(problem.supply, lead_time=np.zeros_like(problem.supply.lead_time)),
        finance=replace(problem.finance, cumulative_budget=free),
        groups=replace(groups, serve_cost=np.zeros_like(groups.serve_cost)),
        service=replace(
            service,
            penalty=np.zeros_like(service.penalty),
            no_shortage_probability=promise,
            no_shortage_scope="joint",
        ),
    )


PARTS = {"whole": of_whole, "ways": of_ways, "chance": of_chance}
TITLES = {
    "whole": "Whole racks: seconds of wall clock (of CPU), gap reached",
    "ways": "Both ways to size the same fleet to 0.5 %: seconds of wall clock (of CPU), gap reached",
    "chance": "Joint chance constraint, 1,000 samples, 5 %, whole racks",
}


def keep(part: str, line: Line, machine: str) -> None:
    """Put a line into the page, in the place of an earlier one of the same instance."""
    store = RESULTS.with_suffix(".json")
    known = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    known.setdefault(part, {})[line["instance"]] = line | {"machine": machine}
    RESULTS.parent.mkdir(exist_ok=True)
    store.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    text = [
        "# Whole racks under many samples",
        "",
        "Made by `python benchmarks/stochastic_integer.py`, line by line.",
        "",
    ]
    for name, lines in known.items():
        columns = list(dict.fromkeys(column for each in lines.values() for column in each))
        text += [f"## {TITLES[name]}", "", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
        text += ["| " + " | ".join(str(each.get(column, "")) for column in columns) + " |" for each in lines.values()]
        text.append("")
    RESULTS.write_text("\n".join(text), encoding="utf-8")


def main() -> None:
    """Run, print and keep the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--samples", nargs="+", type=int, choices=list(GOALS), default=list(GOALS), help="of `whole`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per solve of `ways` and `chance`")
    parser.add_argument("--alone", action="store_true", help="without the extensive program beside `whole`")
    chosen = parser.parse_args()
    compile_kernels()
    for part in chosen.parts:
        for line in PARTS[part](chosen):
            machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
            keep(part, line, machine)
            print(json.dumps(line | {"machine": machine}), flush=True)


if __name__ == "__main__":
    main()
