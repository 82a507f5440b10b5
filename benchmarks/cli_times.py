"""How long the command line takes to answer: median of repeated calls, beside an empty Python process.

Run ``python benchmarks/cli_times.py [repeats]``; the table goes to stdout as Markdown. Bytecode is written first, in a
folder of its own, as an installation has it (an environment that forbids it would compile every module anew each time,
which doubles the times).
"""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUICKSTART = str(ROOT / "scenarios" / "quickstart")
START = "from capacity_opt.cli import main; main()"
COMMANDS = {
    "python -c pass (floor)": ["-c", "pass"],
    "--help": ["-c", START, "--help"],
    "run --help": ["-c", START, "run", "--help"],
    "validate scenarios/quickstart": ["-c", START, "validate", QUICKSTART],
    "run --dry-run scenarios/quickstart": ["-c", START, "run", "--dry-run", QUICKSTART],
    "schema": ["-c", START, "schema"],
}
GOALS = {"--help": 150, "validate scenarios/quickstart": 500}


BYTECODE = tempfile.mkdtemp(prefix="bytecode-")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONPYCACHEPREFIX"] = BYTECODE


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT, env=ENVIRONMENT)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, used


def main(repeats: int = 10) -> None:
    """Print the table."""
    print("| command | median ms | least ms | processor ms | goal ms |\n|---|---|---|---|---|")
    atexit.register(shutil.rmtree, BYTECODE, ignore_errors=True)
    for name, arguments in COMMANDS.items():
        seconds(arguments)
        walls, used = zip(*(seconds(arguments) for _ in range(repeats)), strict=True)
        told = (statistics.median(walls), min(walls), statistics.median(used))
        print(f"| `{name}` | " + " | ".join(f"{1000 * value:.0f}" for value in told) + f" | {GOALS.get(name, '')} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
