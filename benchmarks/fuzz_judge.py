"""Random small fleets: the judge against plain loops, the optimiser's cost of a plan against the judge's on the same
samples (outages that last, late deliveries, substitution, spill, spot taken away). Prints ``N tried, N ok``.

    python benchmarks/fuzz_judge.py --fleets 200 --seed 0
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.agreement.test_unseen_fleets import disagreements


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    bad = 0
    for seed in range(asked.seed, asked.seed + asked.fleets):
        found = disagreements(seed)
        bad += bool(found)
        for line in found:
            print(line, flush=True)
    print(f"{asked.fleets} tried, {asked.fleets - bad} ok")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
