"""Reads the stoch file of a program in SMPS form: INDEP, BLOCKS and SCENARIOS, with REPLACE, ADD and MULTIPLY."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from capacity_opt.errors import Problem, ScenarioError
from capacity_opt.solvers.stochastic.distributions import (
    CONTINUOUS,
    COST,
    LOWER,
    MATRIX,
    RHS,
    UPPER,
    Block,
    Element,
    Law,
    TreeScenario,
)
from capacity_opt.solvers.stochastic.mps import NamedProgram, amount, fixed_fields, pairs, sections

ROOT = "ROOT"
SECTIONS = ("INDEP", "BLOCKS", "SCENARIOS")
MODES = ("REPLACE", "ADD", "MULTIPLY")
BOUNDS = {"LO": (LOWER,), "UP": (UPPER,), "FX": (LOWER, UPPER)}


def core_value(core: NamedProgram, element: Element) -> float:
    """What the core file says for a random element."""
    lp = core.lp
    if element.kind == COST:
        return float(lp.cost[element.column])
    if element.kind == MATRIX:
        return float(lp.matrix[element.row, element.column])
    if element.kind in (LOWER, UPPER):
        return float((lp.column_lower if element.kind == LOWER else lp.column_upper)[element.column])
    return float(core.right[element.row])


class StochReader:
    """Collects the stoch file's distributions."""

    def __init__(self, path: Path, core: NamedProgram, stages: list[str]) -> None:
        self.path, self.core = path, core
        self.stage_of = {name: i for i, name in enumerate(stages)}
        self.scenarios: list[TreeScenario] = []
        self._independent: dict[Element, list[tuple[float, float]]] = {}
        self._laws: dict[Element, Law] = {}
        self._stage: dict[Element, int] = {}
        self._draws: dict[str, list[tuple[float, dict[Element, float]]]] = {}
        self._block_stage: dict[str, int] = {}
        self._open: dict[Element, float] = {}
        self._numbers: dict[str, int] = {}
        self._law, self._mode = "DISCRETE", "REPLACE"

    def read(self) -> None:
        """Read the file, once."""
        for number, section, words, line in sections(self.path):
            if words[0] == "":
                self._header(number, section, [word.upper() for word in words[1:]])
            elif not self._line(section, words) and not self._line(section, fixed_fields(line)):
                raise fault(self.path, number, words, f"not a valid line of section {section}")
        if self.scenarios and (self._independent or self._laws or self._draws):
            raise fault(self.path, 1, [], "mixes SCENARIOS with INDEP or BLOCKS")

    def _header(self, number: int, section: str, words: list[str]) -> None:
        if section in {"STOCH", "NAME", "ENDATA"}:
            return
        told = f"only {', '.join(SECTIONS)} are read, with DISCRETE, {', '.join(CONTINUOUS)} and {', '.join(MODES)}"
        if section not in SECTIONS:
            raise fault(self.path, number, words, told)
        self._law, self._mode = "DISCRETE", "REPLACE"
        for word in words[1:]:
            if word in MODES:
                self._mode = word
            elif word == "DISCRETE" or (word in CONTINUOUS and section == "INDEP"):
                self._law = word
            else:
                raise fault(self.path, number, words, told)

    def _line(self, section: str, words: list[str]) -> bool:
        try:
            if section == "INDEP":
                self._independent_line(words)
            elif words[0].upper() in ("BL", "SC"):
                (self._open_block if section == "BLOCKS" else self._open_scenario)(words)
            else:
                self._change(words)
        except (KeyError, ValueError, IndexError):
            return False
        return True

    def _independent_line(self, words: list[str]) -> None:
        """column row value [period] probability, or of a law: column row first [period] second."""
        elements, rest = self._named(words)
        first, second = amount(rest[0]), amount(rest[-1])
        if len(rest) < 2:
            raise ValueError
        for element in elements:
            if len(rest) > 2:
                self._stage[element] = self.stage_of.get(rest[1], len(self.stage_of) - 1)
            if self._law == "DISCRETE":
                self._independent.setdefault(element, []).append((self._modified(element, first), second))
            else:
                self._laws[element] = self._law_of(element, first, second)

    def _law_of(self, element: Element, first: float, second: float) -> Law:
        core = core_value(self.core, element)
        scale = core if self._mode == "MULTIPLY" else self._sense(element)
        shift = core if self._mode == "ADD" else 0.0
        return Law(kind=self._law, first=first, second=second, scale=scale, shift=shift)

    def _open_block(self, words: list[str]) -> None:
        self._open = {}
        self._draws.setdefault(words[1], []).append((amount(words[-1]), self._open))
        self._block_stage.setdefault(words[1], self.stage_of.get(words[2], len(self.stage_of) - 1))

    def _open_scenario(self, words: list[str]) -> None:
        parent = words[2].strip("'\"")
        branch = self.stage_of[words[4]] if len(words) > 4 else 1
        self._open = {}
        self.scenarios.append(
            TreeScenario(
                name=words[1],
                parent=-1 if parent.upper() == ROOT and parent not in self._numbers else self._numbers[parent],
                branch=branch,
                probability=amount(words[3]),
                changes=self._open,
            )
        )
        self._numbers[words[1]] = len(self.scenarios) - 1

    def _change(self, words: list[str]) -> None:
        if words[0].upper() in BOUNDS and words[0] not in self.core.columns:
            elements, rest = self._named(words)
            self._open.update({element: self._modified(element, amount(rest[0])) for element in elements})
            return
        for row, value in pairs(words[1:]):
            for element in self._elements(words[0], row):
                self._open[element] = self._modified(element, value)

    def _named(self, words: list[str]) -> tuple[list[Element], list[str]]:
        """The elements that a line begins by naming, and what follows."""
        if words[0].upper() in BOUNDS and words[0] not in self.core.columns:
            column = self.core.columns[words[2]]
            return [Element(kind, -1, column) for kind in BOUNDS[words[0].upper()]], words[3:]
        return self._elements(words[0], words[1]), words[2:]

    def _elements(self, column: str, row: str) -> list[Element]:
        if row == self.core.objective:
            return [Element(COST, -1, self.core.columns[column])]
        if row in self.core.free_rows:
            return []
        if column in self.core.columns:
            return [Element(MATRIX, self.core.rows[row], self.core.columns[column])]
        return [Element(RHS, self.core.rows[row], -1)]

    def _sense(self, element: Element) -> float:
        return float(self.core.sense) if element.kind == COST else 1.0

    def _modified(self, element: Element, value: float) -> float:
        if self._mode == "MULTIPLY":
            return value * core_value(self.core, element)
        return self._sense(element) * value + (core_value(self.core, element) if self._mode == "ADD" else 0.0)

    def blocks(self) -> list[Block]:
        """Independent elements as blocks of one, then the blocks proper."""
        last, nothing = len(self.stage_of) - 1, np.zeros(0)
        found = [
            Block(
                stage=self._stage.get(element, last),
                elements=(element,),
                outcomes=np.array([[value] for value, _ in draws]),
                probability=np.array([probability for _, probability in draws]),
            )
            for element, draws in self._independent.items()
        ]
        found += [
            Block(
                stage=self._stage.get(element, last),
                elements=(element,),
                outcomes=np.zeros((0, 1)),
                probability=nothing,
                law=law,
            )
            for element, law in self._laws.items()
        ]
        return found + [self._block(name, draws) for name, draws in self._draws.items()]

    def _block(self, name: str, draws: list[tuple[float, dict[Element, float]]]) -> Block:
        """Later outcomes of a block may leave out what is as in its first; what that leaves out is as in the core."""
        elements = sorted({element for _, changes in draws for element in changes})
        first = draws[0][1]
        base = {element: first.get(element, core_value(self.core, element)) for element in elements}
        outcomes = [[changes.get(element, base[element]) for element in elements] for _, changes in draws]
        return Block(
            stage=self._block_stage[name],
            elements=tuple(elements),
            outcomes=np.array(outcomes),
            probability=np.array([probability for probability, _ in draws]),
        )


def fault(path: Path, number: int, words: list[str], rule: str) -> ScenarioError:
    """The error that names a line."""
    value = " ".join(words).strip()
    return ScenarioError([Problem(code="E304", file=path.name, row=number, rule=rule, value=value)])
