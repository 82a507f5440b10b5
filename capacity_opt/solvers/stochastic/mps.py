"""Reads a linear or mixed-integer program in MPS form (fixed or free columns split by white space)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from capacity_opt.errors import Problem, ScenarioError
from capacity_opt.solvers.linear_program import LinearProgram

INFINITE = 1e30
KEYWORDS = {
    "NAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "OBJSENSE", "ENDATA",
    "TIME", "PERIODS", "STOCH", "INDEP", "BLOCKS", "SCENARIOS",
}  # fmt: skip


@dataclass
class NamedProgram:
    """A program with names in file order: ``lp`` minimises; ``rows`` excludes the objective, named ``objective``."""

    lp: LinearProgram
    objective: str
    rows: dict[str, int]
    columns: dict[str, int]
    free_rows: frozenset[str] = frozenset()


@dataclass
class _Draft:
    objective: str = ""
    senses: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    integer: list[bool] = field(default_factory=list)
    free_rows: set[str] = field(default_factory=set)
    entries: dict[tuple[int, int], float] = field(default_factory=dict)
    cost: dict[int, float] = field(default_factory=dict)
    rhs: dict[int, float] = field(default_factory=dict)
    ranges: dict[int, float] = field(default_factory=dict)
    lower: dict[int, float] = field(default_factory=dict)
    upper: dict[int, float] = field(default_factory=dict)
    offset: float = 0.0
    in_integers: bool = False


def sections(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """(line number, section, fields) of every data line; a section's own line comes with its header words."""
    section = ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("*"):
                continue
            words = line.split()
            indent = len(line) - len(line.lstrip())
            if indent == 0 or (indent == 1 and words[0].upper() in KEYWORDS):
                section = words[0].upper()
                yield number, section, ["", *words]
            else:
                yield number, section, words


def read_mps(path: str | Path) -> NamedProgram:
    """Read the core file at ``path``. Raises :class:`~capacity_opt.errors.ScenarioError` naming the line at fault."""
    path = Path(path)
    draft = _Draft()
    handlers = {
        "ROWS": _row,
        "COLUMNS": _column,
        "RHS": _right_hand_side,
        "RANGES": _range,
        "BOUNDS": _bound,
    }
    for number, section, words in sections(path):
        if words[0] == "" or section not in handlers:
            if words[0] != "" and section in {"OBJSENSE"} and words[0].upper().startswith("MAX"):
                raise _fault(path, number, words, "this reader minimises", "Negate the objective and drop OBJSENSE MAX")
            continue
        try:
            handlers[section](draft, words)
        except (KeyError, ValueError, IndexError):
            raise _fault(path, number, words, f"not a valid line of section {section}", "See the MPS format") from None
    return _assemble(draft)


def _fault(path: Path, number: int, words: list[str], rule: str, fix: str) -> ScenarioError:
    return ScenarioError([Problem(code="E301", file=path.name, row=number, rule=rule, value=" ".join(words), fix=fix)])


def _row(draft: _Draft, words: list[str]) -> None:
    sense, name = words[0].upper(), words[1]
    if sense not in {"N", "E", "L", "G"}:
        raise ValueError
    if sense == "N":
        if not draft.objective:
            draft.objective = name
        draft.free_rows.add(name)
        return
    draft.rows[name] = len(draft.rows)
    draft.senses.append(sense)


def _column(draft: _Draft, words: list[str]) -> None:
    if len(words) >= 3 and words[1].strip("'").upper() == "MARKER":
        draft.in_integers = words[2].strip("'").upper() == "INTORG"
        return
    name = words[0]
    if name not in draft.columns:
        draft.columns[name] = len(draft.columns)
        draft.integer.append(draft.in_integers)
    column = draft.columns[name]
    for row, value in pairs(words[1:]):
        if row == draft.objective:
            draft.cost[column] = value
        elif row not in draft.free_rows:
            draft.entries[draft.rows[row], column] = value


def pairs(words: list[str]) -> list[tuple[str, float]]:
    """Name, value, name, value ... as pairs."""
    if len(words) % 2:
        raise ValueError
    return [(words[i], float(words[i + 1])) for i in range(0, len(words), 2)]


def _right_hand_side(draft: _Draft, words: list[str]) -> None:
    for row, value in pairs(words[len(words) % 2 :]):
        if row == draft.objective:
            draft.offset = -value
        elif row not in draft.free_rows:
            draft.rhs[draft.rows[row]] = value


def _range(draft: _Draft, words: list[str]) -> None:
    for row, value in pairs(words[len(words) % 2 :]):
        draft.ranges[draft.rows[row]] = value


def _bound(draft: _Draft, words: list[str]) -> None:
    kind = words[0].upper()
    bare = kind in {"FR", "MI", "PL", "BV"}
    named = len(words) == (3 if bare else 4)
    column = draft.columns[words[2] if named else words[1]]
    value = 0.0 if bare else float(words[-1])
    if kind in {"UP", "FX", "UI", "BV"}:
        draft.upper[column] = 1.0 if kind == "BV" else value
    if kind in {"LO", "FX", "LI", "BV"}:
        draft.lower[column] = value
    if kind in {"FR", "MI"}:
        draft.lower[column] = -np.inf
    if kind in {"FR", "PL"}:
        draft.upper[column] = np.inf
    if kind in {"UI", "LI", "BV"}:
        draft.integer[column] = True
    if kind == "UP" and value < 0 and column not in draft.lower:
        draft.lower[column] = -np.inf


def _assemble(draft: _Draft) -> NamedProgram:
    rows, columns = len(draft.rows), len(draft.columns)
    where = np.array(list(draft.entries), dtype=np.int64).reshape(-1, 2)
    data = np.array(list(draft.entries.values()))
    matrix = sparse.csr_array((data, (where[:, 0], where[:, 1])), shape=(rows, columns))
    row_lower, row_upper = _row_bounds(draft)
    upper = _filled(draft.upper, columns, np.inf)
    lower = _filled(draft.lower, columns, 0.0)
    lp = LinearProgram(
        cost=_filled(draft.cost, columns, 0.0),
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        column_lower=np.where(lower <= -INFINITE, -np.inf, lower),
        column_upper=np.where(upper >= INFINITE, np.inf, upper),
        integer=np.array(draft.integer, dtype=bool),
        offset=draft.offset,
        row_names=lambda: list(draft.rows),
        column_names=lambda: list(draft.columns),
    )
    named = {"rows": draft.rows, "columns": draft.columns}
    return NamedProgram(lp=lp, objective=draft.objective, free_rows=frozenset(draft.free_rows), **named)


def _filled(values: dict[int, float], length: int, default: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    result = np.full(length, default)
    if values:
        result[list(values)] = list(values.values())
    return result


def _row_bounds(
    draft: _Draft,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    rhs = _filled(draft.rhs, len(draft.rows), 0.0)
    senses = np.array(draft.senses)
    lower = np.where(senses == "L", -np.inf, rhs)
    upper = np.where(senses == "G", np.inf, rhs)
    for row, value in draft.ranges.items():
        if senses[row] == "L":
            lower[row] = rhs[row] - abs(value)
        elif senses[row] == "G":
            upper[row] = rhs[row] + abs(value)
        else:
            lower[row], upper[row] = rhs[row] + min(value, 0.0), rhs[row] + max(value, 0.0)
    return lower, upper
