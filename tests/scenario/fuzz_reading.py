"""Spoils a good scenario at random and reads it: every answer is a scenario or a list of problems, never a traceback.

python -m tests.scenario.fuzz_reading [COUNT] [SEED]
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import capacity_opt as co
from tests.scenario.small import FILES, write

CELLS = (
    *("", " ", "nan", "inf", "-inf", "1e400", "-1", "0", "99", "1,5", '"1,234"', "#REF!", "12%", "$5", "é", "\x00"),
    *("\x1b[31m", "=1+1", "<script>", "2027-13-45", "2027-01", "46349", "03/04/2027", "yes", "maybe", "|", "a|b", "z1"),
    *("gen9", '"', "'", "9" * 400, "2026-W99", "1e-320", "Total", "\r", "\ufeff"),
)


def spoilt(text: str, rng: random.Random, separator: str) -> str:
    """``text`` with one to three things changed: a cell, a line lost, doubled or moved, a character."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        row = rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind <= 2:
            cells = lines[row].split(separator)
            cells[rng.randrange(len(cells))] = rng.choice(CELLS)
            lines[row] = separator.join(cells)
        elif kind == 3:
            del lines[row]
        elif kind == 4:
            lines.insert(rng.randrange(len(lines) + 1), lines[row])
        else:
            at = rng.randrange(len(lines[row]) + 1)
            lines[row] = lines[row][:at] + rng.choice("\"'=[],.;x0- #{}\n") + lines[row][at + 1 :]
        lines = lines or [""]
    return "\n".join(lines)


def tried(folder: Path, rng: random.Random) -> str | None:
    """Read one spoilt scenario; the name of an error that should not be, else ``None``."""
    write(folder)
    name = rng.choice([*FILES, "scenario.toml"])
    separator = "=" if name.endswith(".toml") else ","
    (folder / name).write_text(spoilt(FILES[name], rng, separator), encoding="utf-8")
    try:
        scenario = co.read_scenario(folder)
        if scenario.fleet is not None:
            scenario.fleet.demand.draw(3, seed=1)
    except co.ScenarioError as error:
        return None if error.problems and all(p.rule and p.file for p in error.problems) else "an empty problem"
    except Exception as error:  # noqa: BLE001 (what is looked for)
        return f"{name}: {type(error).__name__}: {error}"
    return None


def main(count: int, seed: int) -> list[str]:
    """The faults found in ``count`` tries."""
    rng, faults = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            fault = tried(Path(folder), rng)
            if fault is not None:
                faults.append(fault)
    return faults


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = main(number, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for fault in sorted(set(found))[:20]:
        print(fault)
    print(f"{number} tried, {number - len(found)} ok")
    sys.exit(bool(found))
