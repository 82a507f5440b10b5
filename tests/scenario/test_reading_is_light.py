"""Checking a scenario of quantiles must not wait for packages that only planning and judging need."""

import subprocess
import sys
from pathlib import Path

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart"
HEAVY = ("scipy.special", "scipy.sparse", "scipy.fft", "scipy.stats", "pandas", "pyarrow", "numba", "highspy")
PROGRAM = f"""
import sys
from capacity_opt.scenario.read import read_scenario
assert read_scenario({str(QUICKSTART)!r}).item_count == 51
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_reading_loads_no_heavy_package():
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
