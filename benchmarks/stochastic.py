"""Two-stage programs by decomposition against their extensive form in HiGHS, in one run; ratios printed and kept.

    python benchmarks/stochastic.py                        # every part; table to benchmarks/results/stochastic.md
    python benchmarks/stochastic.py --parts fleet public --seed 3 --limit 60

Parts: ``fleet`` (the shared generator's instance: 100 to 20,000 samples), ``plan`` (the same fleet from problem to
plan, also with a zone lost), ``whole`` (whole racks), ``frontier`` (40 points, 1,000 samples), ``certificate`` (30 x
200, 20,000 fresh samples), ``public`` (every instance of the shared cases against its known value). Peers get the same
program, gap and time limit; one that reaches it is shown with ``>``. Times are wall clock, certificates included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fleet_instances import SHARED, fleet, generate, two_stage

import capacity_opt as co
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.kernels import compile_kernels
from capacity_opt.solvers.stochastic.program import extensive_form

RESULTS = Path(__file__).parent / "results" / "stochastic.md"
PEERS = ("simplex", "ipm", "hipo")
MOST_PEER_SAMPLES = 1000
KNOWN = {10: 123576.129077, 100: 110289.491075}
Line = dict[str, Any]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of wall clock, and the result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def megabytes() -> int:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def line(part: str, name: str, seconds: float, found: Any, **more: Any) -> Line:
    """One line of the table; ``found`` has an objective and a gap."""
    return {
        "part": part,
        "instance": name,
        "ours_s": round(seconds, 2),
        "objective": f"{found.objective:.10g}",
        "gap": f"{found.gap:.1e}",
        "memory_mb": megabytes(),
        **more,
    }


def peers(program: Any, gap: float, limit: float) -> Line:
    """The extensive form in HiGHS by each method: seconds, or ``>`` the limit; ``-`` where it is not installed."""
    lp, found = extensive_form(program), {}
    for method in PEERS:
        try:
            seconds, answer = timed(
                lambda method=method: solve(lp, gap=gap, time_limit=limit, options={"solver": method})
            )
        except co.ArgumentError:
            found[method] = "-"
            continue
        found[method] = f"{seconds:.1f}" if answer.reason == "optimal" else f">{limit:g}"
    return found


def ratio(ours: float, told: Line) -> Line:
    """How many times as long the fastest peer takes."""
    known = [float(text.strip(">")) for text in told.values() if text != "-"]
    mark = ">" if told and all(text.startswith(">") or text == "-" for text in told.values()) else ""
    return told | ({"best_peer_over_ours": f"{mark}{min(known) / ours:.1f}"} if known else {})


def of_fleet(chosen: argparse.Namespace) -> Iterator[Line]:
    """The generator's program by the solver alone, certificate included."""
    for samples in (100, 1000, 5000, 20_000):
        gap = 1e-4 if samples >= 20_000 else 1e-6
        program = two_stage(generate(samples, chosen.seed))

        def ours(program: Any = program, gap: float = gap) -> Any:
            search = start_search(program)
            found = continue_search(search, gap=gap, time_limit=chosen.limit)
            broken = [str(check) for check in check_decomposition(search, found, gap) if not check.passed]
            return found, broken

        seconds, (found, broken) = timed(ours)
        if broken:
            raise SystemExit(f"{samples} samples: the certificate failed: {broken}")
        if chosen.seed == 1 and samples in KNOWN and abs(found.objective / KNOWN[samples] - 1) > 2 * gap:
            raise SystemExit(f"{samples} samples: {found.objective}, known {KNOWN[samples]}")
        against = peers(program, gap, chosen.limit) if samples <= MOST_PEER_SAMPLES else {}
        yield line("fleet", f"{samples:,} samples", seconds, found, **ratio(seconds, against))


def of_plan(chosen: argparse.Namespace) -> Iterator[Line]:
    """From a fleet problem to its plan with every check; then with all zones in one region, and one of them lost."""
    for name, share, samples in (("plan", 0.0, 5000), ("one region", 1e-12, 1000), ("a zone lost", 0.5, 1000)):
        problem = fleet(generate(samples, chosen.seed), protected=share)
        seconds, plan = timed(lambda problem=problem: co.size_fleet(problem, gap=1e-6, time_limit=chosen.limit))
        yield line("plan", f"{name}, {samples:,} samples", seconds, plan)


def of_whole(chosen: argparse.Namespace) -> Iterator[Line]:
    """Whole racks."""
    for samples, gap in ((10, 1e-3), (100, 8e-3), (1000, 3e-3)):
        problem = fleet(generate(samples, chosen.seed), integer=True)
        limit = min(chosen.limit, 120.0)
        seconds, plan = timed(
            lambda p=problem, g=gap, t=limit: co.size_fleet(p, gap=g, time_limit=t, path="decomposition")
        )
        yield line("whole racks", f"{samples:,} samples to {gap:.1%}", seconds, plan, bound=f"{plan.bound:.8g}")


def of_frontier(chosen: argparse.Namespace) -> Iterator[Line]:
    """40 fill rates on 1,000 samples."""
    problem = fleet(generate(1000, chosen.seed))
    least = float(co.size_fleet(problem, gap=1e-4).availability.fill.min())
    values = np.linspace(0.5 * least, least, 40)
    seconds, curve = timed(lambda: co.frontier(problem, values=list(values), judge_samples=0, time_limit=chosen.limit))
    solved = [point for point in curve.points if point.plan is not None]
    yield line("frontier", f"{len(solved)} of 40 points, 1,000 samples", seconds, solved[-1].plan)


def of_certificate(chosen: argparse.Namespace) -> Iterator[Line]:
    """How good are 200 samples?"""
    problem = fleet(generate(5000, chosen.seed))
    seconds, found = timed(lambda: co.certify_fleet(problem, samples=200, replications=30, fresh=20_000))
    told = {"part": "certificate", "instance": "30 x 200, 20,000 fresh", "ours_s": round(seconds, 2)}
    yield told | {"objective": f"{found.cost.value:.8g}", "gap": f"<= {found.relative_gap_limit:.2e} at 95 %"}


def of_public(chosen: argparse.Namespace) -> Iterator[Line]:
    """Every shared instance with a known optimum, and how far from it our answer is."""
    folder = SHARED / "cases" / "stochastic"
    for case in json.loads((folder / "cases.json").read_text(encoding="utf-8"))["cases"]:
        if case["recomputed"] is None:
            continue
        files = case["files"]
        program = co.read_smps(folder / files["cor"], time=folder / files["tim"], stoch=folder / files["sto"])
        seconds, found = timed(lambda program=program: co.solve_stochastic(program, gap=1e-6, time_limit=chosen.limit))
        against: Line = {}
        if found.path == "decomposition" and program.outcomes <= MOST_PEER_SAMPLES:
            taken, other = timed(
                lambda program=program: co.solve_stochastic(
                    program, path="extensive", gap=1e-6, time_limit=chosen.limit
                )
            )
            against = {"simplex": f"{taken:.1f}" if other.reason == "optimal" else f">{chosen.limit:g}"}
        off = abs(found.objective - case["optimal"]) / max(1e-9, abs(case["optimal"]))
        yield line("public", case["id"], seconds, found, off=f"{off:.1e}", path=found.path, **ratio(seconds, against))


PARTS = {
    "fleet": of_fleet,
    "plan": of_plan,
    "whole": of_whole,
    "frontier": of_frontier,
    "certificate": of_certificate,
    "public": of_public,
}
COLUMNS = (
    "part", "instance", "ours_s", *PEERS, "best_peer_over_ours", "objective", "bound", "gap", "off", "path",
    "memory_mb",
)  # fmt: skip


def table(lines: list[Line], command: str) -> str:
    """The lines as a Markdown page."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    rows = [COLUMNS, ["---"] * len(COLUMNS), *([str(each.get(name, "")) for name in COLUMNS] for each in lines)]
    head = ["# Two-stage programs: decomposition and extensive form", "", f"`{command}`; {machine}.", ""]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def main() -> None:
    """Run, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds per solve, ours and peers'")
    chosen = parser.parse_args()
    compile_kernels()
    lines = []
    for part in chosen.parts:
        for each in PARTS[part](chosen):
            lines.append(each)
            print(json.dumps(each), flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    command = f"python benchmarks/stochastic.py --parts {' '.join(chosen.parts)} --seed {chosen.seed}"
    RESULTS.write_text(table(lines, f"{command} --limit {chosen.limit:g}"), encoding="utf-8")


if __name__ == "__main__":
    main()
