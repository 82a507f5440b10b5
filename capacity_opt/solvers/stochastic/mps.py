"""Reads a linear or mixed-integer program in MPS form, its fields split by white space or, where names hold blanks, by
the fixed columns of the original format."""

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
    """A program with names in file order: ``lp`` minimises (``sense`` -1: the file maximises the negative); ``rows``
    excludes the objective, named ``objective``; ``free_rows``: it and other rows without sense, and before which row
    each stands; ``right`` (rows,) the right-hand sides as the file gives them, also of ranges."""

    lp: LinearProgram
    objective: str
    rows: dict[str, int]
    columns: dict[str, int]
    right: np.ndarray[tuple[int], np.dtype[np.float64]]
    free_rows: dict[str, int] = field(default_factory=dict)
    sense: int = 1


@dataclass
class _Draft:
    objective: str = ""
    senses: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    integer: list[bool] = field(default_factory=list)
    free_rows: dict[str, int] = field(default_factory=dict)
    entries: dict[tuple[int, int], float] = field(default_factory=dict)
    cost: dict[int, float] = field(default_factory=dict)
    rhs: dict[int, float] = field(default_factory=dict)
    ranges: dict[int, float] = field(default_factory=dict)
    lower: dict[int, float] = field(default_factory=dict)
    upper: dict[int, float] = field(default_factory=dict)
    offset: float = 0.0
    in_integers: bool = False
    sense: int = 1


FIXED = ((1, 3), (4, 12), (14, 22), (24, 36), (39, 47), (49, 61))
"""Columns of the six fields of the fixed format."""


def fixed_fields(line: str) -> list[str]:
    """The fields of a data line by columns, empty ones left out."""
    fields = (line[start:end].strip() for start, end in FIXED)
    return [text for text in fields if text]


def sections(path: Path) -> Iterator[tuple[int, str, list[str], str]]:
    """(line number, section, fields, line) of every data line; a section's own line comes with its header words."""
    section = ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("*"):
                continue
            words = line.split()
            if _is_header(line, words, section):
                section = words[0].upper()
                yield number, section, ["", *words], line
            else:
                yield number, section, words, line


def _is_header(line: str, words: list[str], section: str) -> bool:
    """Headers start in the first column, or in the second where a file is careless; a set may be called RHS, too."""
    indent, keyword = len(line) - len(line.lstrip()), words[0].upper()
    if keyword in {"RHS", "BOUNDS", "RANGES"} and len(words) > 2:
        return False
    return indent <= 1 and (keyword in KEYWORDS or (indent == 0 and section not in HANDLERS))


def read_mps(path: str | Path) -> NamedProgram:
    """Read the core file at ``path``. Raises :class:`~capacity_opt.errors.ScenarioError` naming the line at fault."""
    path = Path(path)
    draft = _Draft()
    for number, section, words, line in sections(path):
        if words[0] == "":
            if section == "OBJSENSE" and len(words) > 2:
                draft.sense = -1 if words[2].upper().startswith("MAX") else 1
            continue
        if section == "OBJSENSE":
            draft.sense = -1 if words[0].upper().startswith("MAX") else 1
        if section not in HANDLERS:
            continue
        if not _read(draft, section, words) and not _read(draft, section, fixed_fields(line)):
            raise _fault(path, number, words, f"not a valid line of section {section}", "See the MPS format")
    if not draft.columns:
        raise ScenarioError([Problem(code="E301", file=path.name, rule="has no COLUMNS", fix="Is it an MPS file?")])
    return _assemble(draft)


def _read(draft: _Draft, section: str, words: list[str]) -> bool:
    try:
        HANDLERS[section](draft, words)
    except (KeyError, ValueError, IndexError):
        return False
    return True


def _fault(path: Path, number: int, words: list[str], rule: str, fix: str) -> ScenarioError:
    return ScenarioError([Problem(code="E301", file=path.name, row=number, rule=rule, value=" ".join(words), fix=fix)])


def _row(draft: _Draft, words: list[str]) -> None:
    sense, name = words[0].upper(), words[1]
    if len(words) != 2:
        raise ValueError
    if sense not in {"N", "E", "L", "G"}:
        raise ValueError
    if sense == "N":
        if not draft.objective:
            draft.objective = name
        draft.free_rows[name] = len(draft.rows)
        return
    draft.rows[name] = len(draft.rows)
    draft.senses.append(sense)


def _column(draft: _Draft, words: list[str]) -> None:
    if len(words) >= 3 and words[1].strip("'").upper() == "MARKER":
        draft.in_integers = words[2].strip("'").upper() == "INTORG"
        return
    name, values = words[0], pairs(words[1:])
    if any(row not in draft.rows and row not in draft.free_rows for row, _ in values):
        raise KeyError
    if name not in draft.columns:
        draft.columns[name] = len(draft.columns)
        draft.integer.append(draft.in_integers)
    column = draft.columns[name]
    for row, value in values:
        if row == draft.objective:
            draft.cost[column] = value
        elif row not in draft.free_rows:
            draft.entries[draft.rows[row], column] = value


def pairs(words: list[str]) -> list[tuple[str, float]]:
    """Name, value, name, value ... as pairs."""
    if len(words) % 2:
        raise ValueError
    return [(words[i], amount(words[i + 1])) for i in range(0, len(words), 2)]


def amount(text: str) -> float:
    """A number, also as Fortran writes it (``1.5D+02``)."""
    try:
        return float(text)
    except ValueError:
        return float(text.upper().replace("D", "E", 1))


def _right_hand_side(draft: _Draft, words: list[str]) -> None:
    for row, value in pairs(words[len(words) % 2 :]):
        if row == draft.objective:
            draft.offset = -value
        elif row not in draft.free_rows:
            draft.rhs[draft.rows[row]] = value


def _range(draft: _Draft, words: list[str]) -> None:
    for row, value in pairs(words[len(words) % 2 :]):
        if row not in draft.free_rows:
            draft.ranges[draft.rows[row]] = value


def _bound(draft: _Draft, words: list[str]) -> None:
    kind = words[0].upper()
    bare = kind in {"FR", "MI", "PL", "BV"}
    named = len(words) >= (3 if bare else 4)
    if kind not in BOUND_KINDS:
        raise ValueError
    column = draft.columns[words[2] if named else words[1]]
    value = 0.0 if bare else amount(words[-1])
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


BOUND_KINDS = {"UP", "LO", "FX", "FR", "MI", "PL", "BV", "UI", "LI"}
HANDLERS = {"ROWS": _row, "COLUMNS": _column, "RHS": _right_hand_side, "RANGES": _range, "BOUNDS": _bound}


def _assemble(draft: _Draft) -> NamedProgram:
    rows, columns = len(draft.rows), len(draft.columns)
    where = np.array(list(draft.entries), dtype=np.int64).reshape(-1, 2)
    data = np.array(list(draft.entries.values()))
    matrix = sparse.csr_array((data, (where[:, 0], where[:, 1])), shape=(rows, columns))
    row_lower, row_upper = _row_bounds(draft)
    upper = _filled(draft.upper, columns, np.inf)
    # as CPLEX and HiGHS read it: between integer markers and without a bound means 0 or 1
    free = [i for i, whole in enumerate(draft.integer) if whole and i not in draft.upper and i not in draft.lower]
    upper[free] = 1.0
    lower = _filled(draft.lower, columns, 0.0)
    lp = LinearProgram(
        cost=draft.sense * _filled(draft.cost, columns, 0.0),
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        column_lower=np.where(lower <= -INFINITE, -np.inf, lower),
        column_upper=np.where(upper >= INFINITE, np.inf, upper),
        integer=np.array(draft.integer, dtype=bool),
        offset=draft.sense * draft.offset,
        row_names=lambda: list(draft.rows),
        column_names=lambda: list(draft.columns),
    )
    return NamedProgram(
        lp=lp,
        objective=draft.objective,
        rows=draft.rows,
        columns=draft.columns,
        right=_filled(draft.rhs, rows, 0.0),
        free_rows=draft.free_rows,
        sense=draft.sense,
    )


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
