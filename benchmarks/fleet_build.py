"""How long it takes to build one fleet model as arrays, in Pyomo, in OR-tools' model builder and in linopy.

    python benchmarks/fleet_build.py                 # about 1e6 nonzeros, best of 3, table to benchmarks/results/
    python benchmarks/fleet_build.py --samples 20    # a quick look

The model is the two-stage one: racks, stock, served and unmet demand; stock balance, demand, capacity, power and fill
rate. Every peer must come to the same numbers of rows, columns and nonzeros, and on a small instance to the same
optimum, or the benchmark stops. linopy lives in its own environment, made under the temporary folder on first use.

What is timed: from the problem's arrays to the finished model object (for linopy and Pyomo without turning it into a
matrix, which is reported apart: a solver needs it too).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes
from capacity_opt.problem.fleet import (
    DemandGroups,
    Finance,
    FleetProblem,
    ServerTypes,
    ServiceTargets,
    Sites,
    Supply,
)
from capacity_opt.solvers.solve import solve

HERE = Path(__file__).parent
K, Z, T, C, R = 6, 3, 12, 8, 2


class Paths:
    """Log-normal demand around a growing mean."""

    def draw(self, count: int, *, seed: int) -> tuple[Any, Any]:
        g = np.random.default_rng(seed)
        mean = np.linspace(200, 500, T) * np.linspace(1.5, 0.5, C)[:, None]
        return (mean * g.lognormal(0, 0.3, (count, C, T)))[..., None], np.full(count, 1 / count)


def benchmark_problem() -> FleetProblem:
    """6 server types, 3 zones of one region, 12 periods, 8 classes, 2 resources; racks of 8; leads of 1 to 3."""
    g = np.random.default_rng(0)
    shape, none = (K, Z, T), np.full((Z, T), np.inf)
    ones = np.ones((C, K))
    return FleetProblem(
        name="benchmark",
        periods=tuple(f"2027-{t + 1:02d}" for t in range(T)),
        resources=("vcpu", "memory"),
        server_types=ServerTypes(
            names=tuple(f"type{k}" for k in range(K)),
            capacity=g.uniform(50, 200, (K, R)),
            lot=np.full(K, 8),
            power_kw=g.uniform(0.3, 0.9, K),
            rack_units=np.full(K, 2.0),
            life=np.full(K, np.inf),
            failure_rate=np.full(K, 0.01),
        ),
        sites=Sites(
            regions=("r",),
            zones=tuple(f"z{z}" for z in range(Z)),
            zone_region=np.zeros(Z, dtype=int),
            power_limit=np.full((Z, T), 5000.0),
            rack_unit_limit=none,
        ),
        supply=Supply(
            price=g.uniform(5000, 9000, shape),
            opex=g.uniform(50, 90, shape),
            lead_time=g.integers(1, 4, (K, Z)),
            order_limit=np.full(shape, 200.0),
            order_minimum=np.zeros(shape),
            placed=np.zeros(shape),
            initial=np.full(shape, 20.0),
            first_order=0,
            retirable=np.zeros((K, Z), dtype=bool),
            retirement_cost=np.zeros(K),
            salvage=np.zeros(K),
        ),
        groups=DemandGroups(
            names=tuple(f"class{c}" for c in range(C)),
            classes=tuple(f"class{c}" for c in range(C)),
            group_class=np.arange(C),
            home_region=np.zeros(C, dtype=int),
            home_zone=np.full(C, -1),
            usage=g.uniform(1, 4, (C, R)),
            performance=g.choice([0.9, 1.0, 1.2], (C, K)),
            compatible=np.ones((C, K), dtype=bool),
            serve_cost=0.1 * ones,
            allowed_region=np.ones((C, 1), dtype=bool),
            spill_cost=np.zeros((C, 1)),
            overcommit=np.ones((C, R)),
        ),
        service=ServiceTargets(
            penalty=np.linspace(90, 20, C),
            shortage_allowed=np.ones(C, dtype=bool),
            fill_rate=np.linspace(0.99, 0.9, C),
            no_shortage_probability=np.full(C, np.nan),
            shortage_cvar_level=np.full(C, np.nan),
            shortage_cvar_limit=np.full(C, np.nan),
            protected_share=np.full((C, Z), np.nan),
        ),
        finance=Finance(
            currency="USD",
            discount_rate=0.0,
            capital="cash",
            capex_budget=np.full(T, np.inf),
            cumulative_budget=np.full(T, np.inf),
            opex_budget=np.full(T, np.inf),
        ),
        demand=Paths(),
        integer=False,
    )


def peer_data(problem: FleetProblem, outcomes: Outcomes) -> dict[str, Any]:
    """The plain arrays that the peers' models are written from."""
    from capacity_opt.fleet.frame import Frame

    frame, supply = Frame(problem, outcomes), problem.supply
    share = np.tril(np.ones((C, C)))
    asked = np.einsum("s,sjtb->j", outcomes.probability, outcomes.values)
    return {
        "capacity": problem.server_types.capacity,
        "lot": problem.server_types.lot.astype(float),
        "kw": problem.server_types.power_kw,
        "power": problem.sites.power_limit,
        "survival": frame.survival[0],
        "orderable": frame.orderable,
        "order_limit": supply.order_limit,
        "rack_cost": supply.price * problem.server_types.lot[:, None, None],
        "opex": supply.opex,
        "owned": supply.initial,
        "need": frame.need,
        "serve_cost": problem.groups.serve_cost,
        "penalty": problem.service.penalty,
        "counted": share,
        "allowed": (1 - problem.service.fill_rate) * asked,
        "demand": outcomes.values[..., 0],
        "probability": outcomes.probability,
    }


def with_arrays(problem: FleetProblem, outcomes: Outcomes, *, small: bool) -> dict[str, float]:
    started = time.perf_counter()
    lp = build_model(problem, outcomes).lp
    seconds = time.perf_counter() - started
    return {"build": seconds, "matrix": 0.0, **size_of(lp), "optimum": optimum_of(lp) if small else float("nan")}


def with_reference(problem: FleetProblem, outcomes: Outcomes, *, small: bool) -> dict[str, float]:
    from capacity_opt.fleet.reference.model import reference_from

    return timed_pyomo(lambda: reference_from(problem, outcomes), small=small)


def with_pyomo(problem: FleetProblem, outcomes: Outcomes, *, small: bool) -> dict[str, float]:
    from benchmarks.peers.fleet_build_pyomo import build

    data = peer_data(problem, outcomes)
    return timed_pyomo(lambda: build(data), small=small)


def timed_pyomo(build: Callable[[], Any], *, small: bool) -> dict[str, float]:
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    from capacity_opt.fleet.reference.standard_form import linear_program_of

    started = time.perf_counter()
    model = build()
    built = time.perf_counter()
    compiled = LinearStandardFormCompiler().write(model, mixed_form=True)
    done = time.perf_counter()
    rows, columns = compiled.A.shape
    sizes = {"rows": rows, "columns": columns, "nonzeros": int(compiled.A.nnz)}
    value = optimum_of(linear_program_of(model)) if small else float("nan")
    return {"build": built - started, "matrix": done - built, **sizes, "optimum": value}


def with_ortools(problem: FleetProblem, outcomes: Outcomes, *, small: bool) -> dict[str, float]:
    from benchmarks.peers.fleet_build_ortools import build

    data = peer_data(problem, outcomes)
    started = time.perf_counter()
    model = build(data)
    seconds = time.perf_counter() - started
    value = float("nan")
    if small:
        from ortools.linear_solver.python import model_builder

        solver = model_builder.Solver("GLOP")
        solver.solve(model)
        value = solver.objective_value
    helper = model.helper
    nonzeros = sum(len(helper.constraint_var_indices(i)) for i in range(model.num_constraints))
    sizes = {"rows": model.num_constraints, "columns": model.num_variables, "nonzeros": nonzeros}
    return {"build": seconds, "matrix": float("nan"), **sizes, "optimum": value}


def with_linopy(problem: FleetProblem, outcomes: Outcomes, *, small: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, **peer_data(problem, outcomes))
        script = HERE / "peers" / "fleet_build_linopy.py"
        command = [str(linopy_python()), str(script), str(path), "solve" if small else "build"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return result


def linopy_python() -> Path:
    """The Python of an environment with linopy, made on first use."""
    folder = Path(tempfile.gettempdir()) / "capacity_opt_bench_linopy"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print("making an environment for linopy ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "linopy", "highspy"], check=True)
        (folder / "ready").touch()
    return python


def size_of(lp: Any) -> dict[str, float]:
    return {"rows": lp.rows, "columns": lp.columns, "nonzeros": int(lp.matrix.nnz)}


def optimum_of(lp: Any) -> float:
    return float(solve(lp).objective)


PEERS: dict[str, Callable[..., dict[str, float]]] = {
    "arrays (capacity_opt)": with_arrays,
    "OR-tools model builder": with_ortools,
    "linopy": with_linopy,
    "Pyomo, written for speed": with_pyomo,
    "Pyomo, the reference to be read": with_reference,
}


def agree(first: dict[str, float], other: dict[str, float], name: str) -> None:
    """Stop unless the peer built the same model."""
    for what in ("rows", "columns", "nonzeros"):
        if first[what] != other[what]:
            raise SystemExit(f"{name} has {other[what]} {what}, the arrays have {first[what]}")
    if not np.isclose(first["optimum"], other["optimum"], rtol=1e-6, equal_nan=True):
        raise SystemExit(f"{name} comes to {other['optimum']}, the arrays to {first['optimum']}")


def measured(samples: int, repeats: int, *, small: bool) -> dict[str, dict[str, float]]:
    problem = benchmark_problem()
    outcomes = draw_outcomes(problem, samples=samples, seed=1)
    found: dict[str, dict[str, float]] = {}
    for name, build in PEERS.items():
        runs = [build(problem, outcomes, small=small) for _ in range(repeats)]
        found[name] = min(runs, key=lambda run: run["build"])
        agree(found["arrays (capacity_opt)"], found[name], name)
        print(f"{name}: {found[name]['build']:.3f} s", file=sys.stderr)
    return found


def table(found: dict[str, dict[str, float]], samples: int, repeats: int) -> str:
    first = found["arrays (capacity_opt)"]
    lines = [
        "# Building the two-stage fleet model",
        "",
        f"{int(first['rows']):,} rows, {int(first['columns']):,} columns, {int(first['nonzeros']):,} nonzeros "
        f"({samples} samples); best of {repeats}; Python {platform.python_version()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f} at the end. Made by `python benchmarks/fleet_build.py`.",
        "",
        "| builder | build, s | to a matrix, s | build, times the arrays |",
        "|---|---|---|---|",
    ]
    for name, run in found.items():
        matrix = "-" if np.isnan(run["matrix"]) else f"{run['matrix']:.2f}"
        lines.append(f"| {name} | {run['build']:.3f} | {matrix} | {run['build'] / first['build']:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=420)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))
    measured(3, 1, small=True)
    found = measured(asked.samples, asked.repeats, small=False)
    text = table(found, asked.samples, asked.repeats)
    print(text)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "fleet_build.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
