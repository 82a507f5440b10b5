"""Random linear and integer programs against every solver and enumeration: prints ``N tried, N ok``.

    python benchmarks/fuzz_solvers.py --programs 1000 --seed 0

Each program is solved by HiGHS under several settings, by the other solvers that take it, and (whole programs) by
enumeration; all must agree, every answer must verify, and a planted corruption of it must not.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import BACKENDS, solve
from capacity_opt.solvers.verify import verify

HIGHS_SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"presolve": "off"},
    {"solver": "ipm"},
    {"simplex_strategy": 4},
    {"presolve": "off", "solver": "simplex", "simplex_scale_strategy": 0},
)


def random_program(seed: int) -> LinearProgram:
    """Whole data; every third program integer, every third mixed; about one in ten infeasible or unbounded."""
    g = np.random.default_rng(seed)
    rows, columns = int(g.integers(1, 7)), int(g.integers(1, 7))
    matrix = g.integers(-4, 7, (rows, columns)) * (g.random((rows, columns)) < 0.8)
    middle = matrix @ g.integers(0, 4, columns)
    kind = g.integers(0, 4, rows)
    room = g.integers(0, 4, (2, rows)) * (kind != 2)
    shift = 100 * (g.random() < 0.05)
    integer = np.zeros(columns, dtype=bool) if seed % 3 == 0 else g.random(columns) < (1.0 if seed % 3 == 1 else 0.5)
    upper = np.where(integer | (g.random(columns) < 0.8), 3.0, np.inf)
    return LinearProgram(
        cost=g.integers(-9, 10, columns) * 10.0 ** g.integers(-4, 5),
        matrix=sparse.csr_array(matrix.astype(float)),
        row_lower=np.where(kind == 0, -np.inf, middle - room[0] + shift),
        row_upper=np.where(kind == 1, np.inf, middle + room[1] + shift),
        column_lower=np.zeros(columns),
        column_upper=upper,
        integer=integer,
        offset=float(g.integers(-5, 6)),
    )


def enumerated(lp: LinearProgram) -> float:
    """The optimum of a bounded whole program; ``inf`` when it is infeasible."""
    ranges = [np.arange(low, high + 1) for low, high in zip(lp.column_lower, lp.column_upper)]
    points = np.array(list(itertools.product(*ranges)))
    activity = points @ lp.matrix.toarray().T
    kept = np.all((activity >= lp.row_lower - 1e-9) & (activity <= lp.row_upper + 1e-9), axis=1)
    return float((points[kept] @ lp.cost).min(initial=np.inf)) + lp.offset


def answers(lp: LinearProgram) -> Iterator[tuple[str, Solution]]:
    """One answer per solver and setting that takes the program."""
    for options in HIGHS_SETTINGS:
        yield f"highs {options}", solve(lp, gap=0.0, time_limit=30.0, options=options)
    for name in ("cp_sat", "glop"):
        if BACKENDS[name].supports(lp) is None:
            yield name, solve(lp, solver=name, gap=0.0, time_limit=30.0)


def faults(seed: int) -> list[str]:
    """What is wrong with the answers to one program; empty when all is well."""
    lp = random_program(seed)
    first: Solution | None = None
    found = []
    for name, answer in answers(lp):
        checked = verify(lp, answer, gap=0.0)
        found += [f"{seed} {name}: {check}" for check in checked.failures]
        first = first or answer
        if answer.reason != first.reason or not _same(answer.objective, first.objective):
            found.append(f"{seed} {name}: {answer.reason} {answer.objective}, first {first.reason} {first.objective}")
        found += _missed(lp, answer, name, seed)
    if first is not None and lp.integer.all():
        best = enumerated(lp)
        if not _same(first.objective if first.has_point else np.inf, best):
            found.append(f"{seed} enumeration: {best}, first {first.reason} {first.objective}")
    return found


def _missed(lp: LinearProgram, answer: Solution, name: str, seed: int) -> list[str]:
    """A corruption that verification did not notice."""
    if answer.x is None or not lp.columns:
        return []
    g = np.random.default_rng(seed)
    x = answer.x.copy()
    x[g.integers(x.size)] += float(g.choice([-1, 1])) * 10 ** g.uniform(-3, 1)
    planted = replace(answer, x=x)
    moved = abs(float(lp.cost @ (x - answer.x))) > 1e-6 * max(1.0, abs(answer.objective))
    if verify(lp, planted, gap=0.0).passed and moved:
        return [f"{seed} {name}: a corrupted point passed"]
    return []


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-6, atol=1e-6, equal_nan=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    bad = 0
    for seed in range(asked.seed, asked.seed + asked.programs):
        found = faults(seed)
        bad += bool(found)
        for line in found:
            print(line)
    print(f"{asked.programs} tried, {asked.programs - bad} ok")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
