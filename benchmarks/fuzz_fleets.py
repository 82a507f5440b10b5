"""Random small fleet problems: the array model against the Pyomo book, HiGHS against SCIP or GLOP, planted corruptions
of every plan against the verification. Prints ``N tried, N ok`` and how many corruptions were caught.

    python benchmarks/fuzz_fleets.py --problems 1000 --seed 0
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from capacity_opt.fleet.formulation import build_model  # noqa: E402
from capacity_opt.fleet.outcomes import draw_outcomes  # noqa: E402
from capacity_opt.solvers.linear_program import LinearProgram  # noqa: E402
from capacity_opt.solvers.solution import Solution  # noqa: E402
from capacity_opt.solvers.solve import solve  # noqa: E402
from capacity_opt.solvers.verify import verify  # noqa: E402
from tests.agreement.random_fleets import random_fleet  # noqa: E402
from tests.agreement.test_reference import differences, formulations  # noqa: E402

SHARES = (0.15, 0.3, 0.5)


def faults(seed: int) -> tuple[list[str], int, int]:
    """What is wrong with one problem; how many corruptions were planted and how many were caught."""
    problem, _ = random_fleet(seed, share=SHARES[seed % 3])
    names = list(formulations(problem))
    formulation = names[seed % len(names)]
    found = [f"{seed} {formulation}: {line}" for line in differences(problem, formulation)[:3]]
    lp = build_model(problem, draw_outcomes(problem), formulation).lp
    first = solve(lp, gap=1e-7, time_limit=60.0)
    other = solve(lp, solver="scip" if lp.integer.any() else "glop", gap=1e-7, time_limit=60.0)
    for answer in (first, other):
        checked = verify(lp, answer, gap=1e-6)
        found += [f"{seed} {formulation} {answer.solver}: {check}" for check in checked.failures]
    if first.reason != other.reason or not _same(first.objective, other.objective):
        told = f"highs {first.reason} {first.objective}, {other.solver} {other.reason} {other.objective}"
        found.append(f"{seed} {formulation}: {told}")
    planted, caught = corrupt(lp, first, seed)
    if caught < planted:
        found.append(f"{seed} {formulation}: {planted - caught} of {planted} corruptions passed")
    return found, planted, caught


def corrupt(lp: LinearProgram, answer: Solution, seed: int) -> tuple[int, int]:
    """Change a number that matters, four times over; (planted, caught)."""
    if answer.x is None:
        return 0, 0
    g = np.random.default_rng(seed)
    used = np.flatnonzero((np.abs(answer.x) > 1e-3) & (lp.cost != 0))
    size = float(g.choice([-1, 1])) * float(g.uniform(0.5, 3.0))
    scale = max(1.0, abs(answer.objective))
    wrong = [
        replace(answer, objective=answer.objective + 1e-3 * size * scale),
        replace(answer, bound=answer.objective + 1e-3 * scale),
        replace(answer, x=answer.x[:-1]),
    ]
    if used.size:
        x = answer.x.copy()
        x[g.choice(used)] += size
        wrong.append(replace(answer, x=x))
    return len(wrong), sum(not verify(lp, plan, gap=1e-6).passed for plan in wrong)


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-5, atol=1e-5, equal_nan=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    bad = planted = caught = 0
    for seed in range(asked.seed, asked.seed + asked.problems):
        found, some, noticed = faults(seed)
        bad, planted, caught = bad + bool(found), planted + some, caught + noticed
        for line in found:
            print(line, flush=True)
    print(f"{planted} corruptions planted, {caught} caught")
    print(f"{asked.problems} tried, {asked.problems - bad} ok")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
