"""Random fleet problems with every combination of features that the decomposition claims, risks included: the same
cost, a true bound and passed checks by decomposition and by one large program. Prints ``N tried, N ok``.

    python benchmarks/fuzz_decomposition.py --problems 300 --first 0
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from capacity_opt.solvers.stochastic.kernels import compile_kernels  # noqa: E402
from tests.agreement.test_fleet_decomposition import agree, problem_of  # noqa: E402

WHOLE_SECONDS = 15.0
"""For problems with whole racks; one that ends there with an open gap must still bracket the optimum."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    compile_kernels()
    bad = solved = 0
    features: Counter[str] = Counter()
    started = time.perf_counter()
    for seed in range(asked.first, asked.first + asked.problems):
        features.update(problem_of(seed)[1])
        try:
            solved += agree(seed, WHOLE_SECONDS)
        except Exception as error:  # noqa: BLE001 a crash is a finding too, and the others still count
            bad += 1
            print(f"{seed}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(features.items()))
    print(f"features: {counts}")
    print(f"{solved} feasible, the others infeasible both ways; {time.perf_counter() - started:.0f} s")
    print(f"{asked.problems} tried, {asked.problems - bad} ok")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
