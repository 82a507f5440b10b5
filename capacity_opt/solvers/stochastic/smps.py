"""Reads stochastic programs in SMPS form: a core file, a time file and a stoch file with INDEP, BLOCKS or SCENARIOS.

Source of the format: Birge, Dempster, Gassmann, Gunn, King & Wallace (1987); Gassmann & Schweitzer (2001). Discrete
distributions that replace core values are read; ADD, MULTIPLY, LINTR and continuous distributions are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import Problem, ScenarioError
from capacity_opt.solvers.stochastic.mps import NamedProgram, pairs, read_mps, sections

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

RHS, COST, MATRIX = "rhs", "cost", "matrix"
CORE_SUFFIXES = (".cor", ".core", ".mps")
TIME_SUFFIXES = (".tim", ".time")
STOCH_SUFFIXES = (".sto", ".stoch")


@dataclass(frozen=True, order=True)
class Element:
    """One random number of the core: ``kind`` rhs (row), cost (column) or matrix (row, column); -1 where unused."""

    kind: str
    row: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """Elements that move together, independently of other blocks: ``outcomes`` (n, elements), ``probability`` (n,)."""

    stage: int
    elements: tuple[Element, ...]
    outcomes: Array
    probability: Array


@dataclass(frozen=True, kw_only=True)
class TreeScenario:
    """A path of a scenario tree: it differs from ``parent`` (-1: the core) from stage ``branch`` on by ``changes``."""

    name: str
    parent: int
    branch: int
    probability: float
    changes: dict[Element, float]


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
        """How many joint outcomes there are (a float: products overflow integers quickly)."""
        if self.scenarios:
            return float(len(self.scenarios))
        return float(np.prod([float(len(block.probability)) for block in self.blocks]))

    def core_value(self, element: Element) -> float:
        """What the core file says for a random element."""
        lp = self.core.lp
        if element.kind == COST:
            return float(lp.cost[element.column])
        if element.kind == MATRIX:
            return float(lp.matrix[element.row, element.column])
        lower, upper = lp.row_lower[element.row], lp.row_upper[element.row]
        return float(lower if np.isfinite(lower) else upper)


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
    reader = _StochReader(stoch_path, core, stages)
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


def _read_time(path: Path, core: NamedProgram) -> tuple[list[str], IntArray, IntArray]:
    """Stages by first column and row, as in an implicit time file."""
    stages: list[str] = []
    first_row, first_column = [], []
    for number, section, words in sections(path):
        if section != "PERIODS" or words[0] == "" or len(words) < 3:
            continue
        if words[0] not in core.columns or (words[1] not in core.rows and words[1] not in core.free_rows):
            raise _fault(path, number, words, "names a column or row that the core file does not have")
        stages.append(words[2])
        first_column.append(core.columns[words[0]])
        first_row.append(core.rows.get(words[1], 0))
    if not stages:
        raise ScenarioError([Problem(code="E303", file=path.name, rule="has no PERIODS", fix="See the SMPS format")])
    first_row[0], first_column[0] = 0, 0
    rows = np.searchsorted(np.array(first_row), np.arange(core.lp.rows), side="right") - 1
    columns = np.searchsorted(np.array(first_column), np.arange(core.lp.columns), side="right") - 1
    return stages, rows, columns


def _fault(path: Path, number: int, words: list[str], rule: str) -> ScenarioError:
    problem = Problem(code="E304", file=path.name, row=number, rule=rule, value=" ".join(words).strip())
    return ScenarioError([problem])


class _StochReader:
    """Collects the stoch file's distributions."""

    def __init__(self, path: Path, core: NamedProgram, stages: list[str]) -> None:
        self.path, self.core = path, core
        self.stage_of = {name: i for i, name in enumerate(stages)}
        self.independent: dict[Element, list[tuple[float, float]]] = {}
        self.independent_stage: dict[Element, int] = {}
        self.block_draws: dict[str, list[tuple[float, dict[Element, float]]]] = {}
        self.block_stage: dict[str, int] = {}
        self.scenarios: list[TreeScenario] = []
        self._open: dict[Element, float] = {}

    def read(self) -> None:
        for number, section, words in sections(self.path):
            if words[0] == "":
                self._header(number, section, words[1:])
                continue
            try:
                self._line(section, words)
            except (KeyError, ValueError, IndexError):
                raise _fault(self.path, number, words, f"not a valid line of section {section}") from None

    def _header(self, number: int, section: str, words: list[str]) -> None:
        if section in {"STOCH", "NAME", "ENDATA", "INDEP", "BLOCKS", "SCENARIOS"}:
            kind = words[1].upper() if len(words) > 1 and section in {"INDEP", "BLOCKS", "SCENARIOS"} else "DISCRETE"
            if kind == "DISCRETE" and "ADD" not in words[2:] and "MULTIPLY" not in words[2:]:
                return
        raise _fault(self.path, number, words, "only INDEP, BLOCKS and SCENARIOS with DISCRETE values are read")

    def _line(self, section: str, words: list[str]) -> None:
        if section == "INDEP":
            element = self._element(words[0], words[1])
            self.independent.setdefault(element, []).append((float(words[2]), float(words[-1])))
            if len(words) > 4:
                self.independent_stage[element] = self.stage_of.get(words[3], len(self.stage_of) - 1)
        elif section == "BLOCKS":
            self._block_line(words)
        elif section == "SCENARIOS":
            self._scenario_line(words)

    def _block_line(self, words: list[str]) -> None:
        if words[0].upper() == "BL":
            self._open = {}
            self.block_draws.setdefault(words[1], []).append((float(words[-1]), self._open))
            self.block_stage.setdefault(words[1], self.stage_of.get(words[2], len(self.stage_of) - 1))
        else:
            self._change(words)

    def _scenario_line(self, words: list[str]) -> None:
        if words[0].upper() == "SC":
            names = {scenario.name: i for i, scenario in enumerate(self.scenarios)}
            self._open = {}
            parent = -1 if words[2].strip("'").upper() == "ROOT" else names[words[2]]
            branch = self.stage_of[words[4]] if len(words) > 4 else 1
            draft = TreeScenario(
                name=words[1], parent=parent, branch=branch, probability=float(words[3]), changes=self._open
            )
            self.scenarios.append(draft)
        else:
            self._change(words)

    def _change(self, words: list[str]) -> None:
        for row, value in pairs(words[1:]):
            self._open[self._element(words[0], row)] = value

    def _element(self, column: str, row: str) -> Element:
        if row == self.core.objective:
            return Element(COST, -1, self.core.columns[column])
        if column in self.core.columns:
            return Element(MATRIX, self.core.rows[row], self.core.columns[column])
        return Element(RHS, self.core.rows[row], -1)

    def blocks(self) -> list[Block]:
        """Independent elements as blocks of one, then the blocks proper."""
        last = len(self.stage_of) - 1
        found = [
            Block(
                stage=self.independent_stage.get(element, last),
                elements=(element,),
                outcomes=np.array([[value] for value, _ in draws]),
                probability=np.array([probability for _, probability in draws]),
            )
            for element, draws in self.independent.items()
        ]
        return found + [self._block(name, draws) for name, draws in self.block_draws.items()]

    def _block(self, name: str, draws: list[tuple[float, dict[Element, float]]]) -> Block:
        """Later outcomes of a block may leave out what is as in its first."""
        elements = sorted({element for _, changes in draws for element in changes})
        first = draws[0][1]
        outcomes = [[changes.get(e, first.get(e, np.nan)) for e in elements] for _, changes in draws]
        return Block(
            stage=self.block_stage[name],
            elements=tuple(elements),
            outcomes=np.array(outcomes),
            probability=np.array([probability for probability, _ in draws]),
        )
