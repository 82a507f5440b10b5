"""Two-stage programs by decomposition against their extensive form in HiGHS, in one run; ratios printed and kept.

    python benchmarks/stochastic.py                        # every part; table to benchmarks/results/stochastic.md
    python benchmarks/stochastic.py --parts fleet public --seed 3 --limit 60

Parts: ``fleet`` (the shared generator's instance: 100 to 50,000 samples), ``risk`` (with the CVaR of cost), ``plan``
(the same fleet from problem to plan, also with a zone lost), ``peers`` (HiGHS on the extensive form; mpi-sppy in an
environment of its own), ``whole`` (whole racks), ``frontier`` (40 points, 1,000 samples), ``certificate`` (30 x 200,
20,000 fresh samples), ``public`` and ``large`` (every instance of the shared cases against its known value, beside the
extensive form where that is small). Peers get the same program, gap and time limit; one that reaches it is shown with
``>``. Times are wall clock (``cpu_s``: processor time), certificates included. Every line is measured in a process of
its own, so that its memory is its own; parts run on different days stay in the table, each with its date and the load
at its end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fleet_instances import GENERATOR, SHARED, fleet, generate, two_stage, with_cost_at_risk

import capacity_opt as co
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.kernels import compile_kernels
from capacity_opt.solvers.stochastic.program import extensive_form

RESULTS = Path(__file__).parent / "results" / "stochastic.md"
LINES = Path(__file__).parent / "results" / "stochastic.json"
LARGE = ("stormg2-125", "stormg2-1000", "lands-1e6", "4node-256", "rand0-2000", "env-1200", "assets-large")
FLEET_GOALS = (
    (100, 1e-6, "0.6 s"),
    (1000, 1e-6, "1.2 s"),
    (5000, 1e-6, "3 s"),
    (20_000, 1e-4, "7 s, 350 MB"),
    (50_000, 1e-4, "finish"),
)
MOST_LSHAPED_SAMPLES = 10
EACH = {
    "fleet": [samples for samples, *_ in FLEET_GOALS],
    "risk": [1000, 5000, 20_000],
    "plan": ["plan", "one region", "a zone lost"],
    "whole": [10, 100, 1000],
    "large": list(LARGE),
}
"""What a part measures in processes of their own."""
PEERS = ("simplex", "ipm", "hipo")
MOST_PEER_SAMPLES = 1000
KNOWN = {10: 123576.129077, 100: 110289.491075}
Line = dict[str, Any]
CPU = [0.0]
"""Processor seconds of the last timed work, all threads together: what is left of a time on a busy machine."""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of wall clock, and the result; ``CPU`` keeps the processor's."""
    started, used = time.perf_counter(), time.process_time()
    result = work()
    CPU[:] = [time.process_time() - used]
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
        "cpu_s": round(CPU[0], 2),
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
    known = [float(text.strip(">")) for text in told.values() if text.strip(">").replace(".", "").isdigit()]
    mark = ">" if told and all(text.startswith(">") or text == "-" for text in told.values()) else ""
    return told | ({"best_peer_over_ours": f"{mark}{min(known) / ours:.1f}"} if known else {})


def of_fleet(chosen: argparse.Namespace) -> Iterator[Line]:
    """The generator's program by the solver alone, certificate included."""
    for samples, gap, goal in FLEET_GOALS:
        if chosen.only not in (None, samples):
            continue
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
        yield line("fleet", f"{samples:,} samples", seconds, found, goal=goal)


def of_risk(chosen: argparse.Namespace) -> Iterator[Line]:
    """The same with half the weight on the CVaR of cost."""
    for samples, gap, goal in ((1000, 1e-4, ""), (5000, 1e-4, "2.5 s"), (20_000, 1e-4, "")):
        if chosen.only not in (None, samples):
            continue
        program = with_cost_at_risk(two_stage(generate(samples, chosen.seed)), 0.5, 0.95)

        def ours(program: Any = program, gap: float = gap) -> Any:
            search = start_search(program)
            found = continue_search(search, gap=gap, time_limit=chosen.limit)
            return found, [str(check) for check in check_decomposition(search, found, gap) if not check.passed]

        seconds, (found, broken) = timed(ours)
        if broken:
            raise SystemExit(f"risk, {samples} samples: the certificate failed: {broken}")
        yield line("risk", f"CVaR of cost, {samples:,} samples", seconds, found, goal=goal)


def of_peers(chosen: argparse.Namespace) -> Iterator[Line]:
    """HiGHS and mpi-sppy on the same instance."""
    for samples in (10, 100):
        program = two_stage(generate(samples, chosen.seed))
        seconds, found = timed(lambda program=program: continue_search(start_search(program), gap=1e-6))
        against = peers(program, 1e-6, chosen.limit) | sppy(samples, chosen.limit)
        yield line("peers", f"{samples:,} samples", seconds, found, **ratio(seconds, against))


def sppy(samples: int, limit: float) -> Line:
    """mpi-sppy's extensive form and L-shaped method (the latter up to 10 samples): seconds, or ``>`` the limit."""
    script, told = Path(__file__).parent / "peers" / "stochastic_mpisppy.py", {}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "-q", "mpi-sppy", "pyomo", "highspy", "mpi4py", "mpich"]
        if subprocess.run(install, check=False, capture_output=True).returncode:
            return {"sppy_ef": "not installable", "sppy_lshaped": "not installable"}
        for how in ("ef", "lshaped") if samples <= MOST_LSHAPED_SAMPLES else ("ef",):
            asked = [python, str(script), str(GENERATOR), str(samples), how, str(limit)]
            try:
                done = subprocess.run(asked, capture_output=True, text=True, timeout=limit + 30, check=True)
                told[f"sppy_{how}"] = f"{json.loads(done.stdout.splitlines()[-1])['seconds']:.1f}"
            except subprocess.TimeoutExpired:
                told[f"sppy_{how}"] = f">{limit:g}"
    return told


def of_plan(chosen: argparse.Namespace) -> Iterator[Line]:
    """From a fleet problem to its plan with every check; then with all zones in one region, and one of them lost."""
    for name, share, samples in (("plan", 0.0, 5000), ("one region", 1e-12, 1000), ("a zone lost", 0.5, 1000)):
        if chosen.only not in (None, name):
            continue
        problem = fleet(generate(samples, chosen.seed), protected=share)
        seconds, plan = timed(lambda problem=problem: co.size_fleet(problem, gap=1e-6, time_limit=chosen.limit))
        yield line("plan", f"{name}, {samples:,} samples", seconds, plan)


def of_whole(chosen: argparse.Namespace) -> Iterator[Line]:
    """Whole racks."""
    for samples, gap in ((10, 1e-3), (100, 8e-3), (1000, 3e-3)):
        if chosen.only not in (None, samples):
            continue
        problem = fleet(generate(samples, chosen.seed), integer=True)
        limit = min(chosen.limit, 120.0)
        seconds, plan = timed(
            lambda p=problem, g=gap, t=limit: co.size_fleet(p, gap=g, time_limit=t, path="decomposition")
        )
        yield line("whole racks", f"{samples:,} samples to {gap:.1%}", seconds, plan, bound=f"{plan.bound:.8g}")


def of_frontier(chosen: argparse.Namespace) -> Iterator[Line]:
    """40 fill rates on 1,000 samples."""
    problem = fleet(generate(1000, chosen.seed))
    # counted with all more critical classes, no such rate can be promised to every class here
    problem = replace(problem, service=replace(problem.service, fill_rule="per_class"))
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


def of_large(chosen: argparse.Namespace) -> Iterator[Line]:
    """The shared instances of many samples."""
    yield from of_public(chosen, LARGE)


def of_public(chosen: argparse.Namespace, names: tuple[str, ...] = ()) -> Iterator[Line]:
    """Every shared instance with a known optimum (``names``: those only, left out otherwise), and how far from it our
    answer is."""
    folder = SHARED / "cases" / "stochastic"
    for case in json.loads((folder / "cases.json").read_text(encoding="utf-8"))["cases"]:
        here = case["id"] in names if names else case["id"] not in LARGE
        if case["recomputed"] is None or not here or chosen.only not in (None, case["id"]):
            continue
        files = case["files"]
        program = co.read_smps(folder / files["cor"], time=folder / files["tim"], stoch=folder / files["sto"])
        seconds, found = timed(lambda program=program: co.solve_stochastic(program, gap=1e-6, time_limit=chosen.limit))
        against: Line = {}
        own = CPU[0]
        if found.path == "decomposition" and program.outcomes <= MOST_PEER_SAMPLES:
            taken, other = timed(
                lambda program=program: co.solve_stochastic(
                    program, path="extensive", gap=1e-6, time_limit=chosen.limit
                )
            )
            against = {"simplex": f"{taken:.1f}" if other.reason == "optimal" else f">{chosen.limit:g}"}
        off = abs(found.objective - case["optimal"]) / max(1e-9, abs(case["optimal"]))
        part, goal = "large" if names else "public", {"stormg2-1000": "25 s", "lands-1e6": "30 s"}.get(case["id"], "")
        told = {"off": f"{off:.1e}", "path": found.path, "goal": goal, "cpu_s": round(own, 2)}
        yield line(part, case["id"], seconds, found, **told, **ratio(seconds, against))


PARTS = {
    "fleet": of_fleet,
    "risk": of_risk,
    "plan": of_plan,
    "peers": of_peers,
    "whole": of_whole,
    "frontier": of_frontier,
    "certificate": of_certificate,
    "public": of_public,
    "large": of_large,
}
COLUMNS = (
    "part", "instance", "ours_s", "cpu_s", "goal", *PEERS, "sppy_ef", "sppy_lshaped", "best_peer_over_ours",
    "objective", "bound", "gap", "off", "path", "memory_mb", "load", "date",
)  # fmt: skip


def table(lines: list[Line]) -> str:
    """The lines as a Markdown page."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    rows = [COLUMNS, ["---"] * len(COLUMNS), *([str(each.get(name, "")) for name in COLUMNS] for each in lines)]
    head = [
        "# Two-stage programs: decomposition and extensive form",
        "",
        f"`python benchmarks/stochastic.py`; {machine}.",
    ]
    return "\n".join([*head, "", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def measured(part: str, only: Any, chosen: argparse.Namespace) -> list[Line]:
    """The lines of (one measurement of) a part, from a process of its own."""
    asked = [sys.executable, __file__, "--inner", part, "--seed", str(chosen.seed), "--limit", str(chosen.limit)]
    done = subprocess.run(
        asked + ([] if only is None else ["--only", json.dumps(only)]), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{part} {only or ''} failed")
    stamp = {"load": f"{os.getloadavg()[0]:.1f}", "date": time.strftime("%Y-%m-%d")}
    return [json.loads(text) | stamp for text in done.stdout.splitlines() if text.startswith("{")]


def keep(lines: list[Line]) -> None:
    """Put lines in the place of those measured before, and write the table."""
    known = json.loads(LINES.read_text(encoding="utf-8")) if LINES.is_file() else []
    fresh = {(each["part"], each["instance"]) for each in lines}
    known = [each for each in known if (each["part"], each["instance"]) not in fresh] + lines
    order = list(PARTS)
    known.sort(key=lambda each: order.index(each["part"].replace("whole racks", "whole")))
    LINES.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    RESULTS.write_text(table(known), encoding="utf-8")


def main() -> None:
    """Run, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds per solve, ours and peers'")
    parser.add_argument("--only", type=json.loads, help="one measurement of a part, as JSON")
    parser.add_argument("--inner", choices=list(PARTS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inner:
        compile_kernels()
        for each in PARTS[chosen.inner](chosen):
            print(json.dumps(each), flush=True)
        return
    for part in chosen.parts:
        for only in EACH.get(part, [None]) if chosen.only is None else [chosen.only]:
            for each in measured(part, only, chosen):
                print(json.dumps(each), flush=True)
                keep([each])


if __name__ == "__main__":
    main()
