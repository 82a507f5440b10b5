"""Reads stochastic programs in SMPS form: a core file, a time file and a stoch file.

Source of the format: Birge, Dempster, Gassmann, Gunn, King & Wallace (1987); Gassmann & Schweitzer (2001). INDEP with
discrete, uniform, normal and lognormal numbers, BLOCKS and SCENARIOS with discrete ones; REPLACE, ADD and MULTIPLY;
implicit and explicit time files. LINTR, SUB, MVNORMAL and network sections are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import Problem, ScenarioError
from capacity_opt.solvers.stochastic.distributions import Block, Element, TreeScenario
from capacity_opt.solvers.stochastic.mps import NamedProgram, fixed_fields, read_mps, sections
from capacity_opt.solvers.stochastic.stoch_file import StochReader, core_value, fault

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

CORE_SUFFIXES = (".cor", ".core", ".mps")
TIME_SUFFIXES = (".tim", ".time")
STOCH_SUFFIXES = (".sto", ".stoch")


@dataclass(frozen=True, kw_only=True)
class StochasticProgram:
    """A stochastic program as read. ``row_stage`` and ``column_stage`` count from 0; randomness is either independent
    ``blocks`` or a list of ``scenarios`` of a tree."""

    name: str
    core: NamedProgram
    stages: tuple[str, ...]
    row_stage: IntArray
    column_stage: IntArray
    blocks: tuple[Block, ...] = ()
    scenarios: tuple[TreeScenario, ...] = ()

    @property
    def outcomes(self) -> float:
        """How many joint outcomes there are (a float: products overflow integers quickly); inf with continuous laws."""
        if self.scenarios:
            return float(len(self.scenarios))
        return float(np.prod([block.count for block in self.blocks]))

    def core_value(self, element: Element) -> float:
        """What the core file says for a random element."""
        return core_value(self.core, element)

    def changes_of(self, scenario: TreeScenario) -> dict[Element, float]:
        """All that a scenario changes in the core, what it inherits from its parents included."""
        inherited = {} if scenario.parent < 0 else self.changes_of(self.scenarios[scenario.parent])
        return {**inherited, **scenario.changes}


def read_smps(
    path: str | Path, *, time: str | Path | None = None, stoch: str | Path | None = None
) -> StochasticProgram:
    """Read the instance whose core, time and stoch files share a stem (``path`` with or without a suffix), or whose
    other files are named. Raises :class:`~capacity_opt.errors.ScenarioError` naming file and line."""
    path = Path(path)
    core_path = path if path.suffix in CORE_SUFFIXES else _beside(path, CORE_SUFFIXES)
    time_path = Path(time) if time else _beside(path, TIME_SUFFIXES)
    stoch_path = Path(stoch) if stoch else _beside(path, STOCH_SUFFIXES)
    core = read_mps(core_path)
    stages, row_stage, column_stage = _read_time(time_path, core)
    reader = StochReader(stoch_path, core, stages)
    reader.read()
    return StochasticProgram(
        name=stoch_path.stem,
        core=core,
        stages=tuple(stages),
        row_stage=row_stage,
        column_stage=column_stage,
        blocks=tuple(reader.blocks()),
        scenarios=tuple(reader.scenarios),
    )


def _beside(path: Path, suffixes: tuple[str, ...]) -> Path:
    stem = path.with_suffix("") if path.suffix else path
    for suffix in suffixes:
        if stem.with_suffix(suffix).exists():
            return stem.with_suffix(suffix)
    wanted = " or ".join(f"{stem.name}{suffix}" for suffix in suffixes)
    raise ScenarioError([Problem(code="E302", file=path.name, rule=f"no {wanted} beside it", fix="Name the file")])


class _Times:
    """What a time file says: the first column and row of every stage, or the stage of every column and row."""

    def __init__(self, core: NamedProgram) -> None:
        self.core = core
        self.stages: list[str] = []
        self.first_row: list[int] = []
        self.first_column: list[int] = []
        self.of_row: dict[int, int] = {}
        self.of_column: dict[int, int] = {}

    def line(self, section: str, words: list[str]) -> bool:
        """Take in a line; whether it could be understood."""
        core = self.core
        if section == "PERIODS" and len(words) >= 3:
            row = core.rows.get(words[1], core.free_rows.get(words[1]))
            if words[0] not in core.columns or row is None:
                return False
            self.stages.append(words[2])
            self.first_column.append(core.columns[words[0]])
            self.first_row.append(row)
        elif section == "PERIODS":
            self.stages.append(words[0])
        elif section in ("ROWS", "COLUMNS") and len(words) >= 2:
            if words[1] not in self.stages:
                self.stages.append(words[1])
            names, found = (core.rows, self.of_row) if section == "ROWS" else (core.columns, self.of_column)
            if words[0] not in names:
                return section == "ROWS" and words[0] in core.free_rows
            found[names[words[0]]] = self.stages.index(words[1])
        return True

    def arrays(self) -> tuple[IntArray, IntArray]:
        """The stage of every row and column."""
        rows, columns = self.core.lp.rows, self.core.lp.columns
        if self.of_row or self.of_column:
            return _filled(self.of_row, rows), _filled(self.of_column, columns)
        self.first_row[0] = self.first_column[0] = 0
        row_stage = np.searchsorted(np.array(self.first_row), np.arange(rows), side="right") - 1
        return row_stage, np.searchsorted(np.array(self.first_column), np.arange(columns), side="right") - 1


def _filled(stages: dict[int, int], count: int) -> IntArray:
    """Stages as an array; what is not named belongs to the first."""
    found = np.zeros(count, dtype=np.int64)
    found[list(stages)] = list(stages.values())
    return found


def _read_time(path: Path, core: NamedProgram) -> tuple[list[str], IntArray, IntArray]:
    times = _Times(core)
    for number, section, words, line in sections(path):
        if words[0] == "" or section not in ("PERIODS", "ROWS", "COLUMNS"):
            continue
        if not times.line(section, words) and not times.line(section, fixed_fields(line)):
            raise fault(path, number, words, "names a column or row that the core file does not have")
    if not times.stages or not (times.first_row or times.of_row or times.of_column):
        raise ScenarioError([Problem(code="E303", file=path.name, rule="has no PERIODS", fix="See the SMPS format")])
    rows, columns = times.arrays()
    return times.stages, rows, columns
