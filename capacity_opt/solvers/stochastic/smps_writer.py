"""Writes stochastic programs in SMPS form, and single programs in MPS form, so that other solvers can take them.

Names are ours (``X0``, ``Y0_3``, ``R0_1``): every solver reads names of at most eight characters without blanks; free
format keeps longer ones apart too. Numbers are written so that they read back to the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import TwoStageProgram, extensive_form

Array = NDArray[np.float64]

NOW, LATER = "NOW", "LATER"


def write_smps(program: TwoStageProgram, stem: str | Path) -> tuple[Path, Path, Path]:
    """Write ``stem.cor``, ``stem.tim`` and ``stem.sto``; the paths.

    The recourse of every group becomes rows and columns of the second stage; samples become scenarios that change
    right-hand sides. Raises :class:`~capacity_opt.errors.ArgumentError` where the program has rows of expectations
    (SMPS has no way to say them), or groups that do not all have the same samples.
    """
    _refuse(program)
    one, probability = _first_sample(program), program.groups[0][1].probability
    lp, first, rows = extensive_form(one), program.first.columns, program.first.rows
    names = _names(lp, first, rows)
    paths = tuple(Path(f"{stem}{suffix}") for suffix in (".cor", ".tim", ".sto"))
    title = Path(stem).name or "program"
    paths[0].write_text("\n".join(_mps_lines(lp, title, *names)) + "\n", encoding="utf-8")
    stages = [f"    {names[1][0]} {names[0][0]} {NOW}", f"    {names[1][first]} {names[0][rows]} {LATER}"]
    paths[1].write_text("\n".join([f"TIME {title}", "PERIODS LP", *stages, "ENDATA"]) + "\n", encoding="utf-8")
    scenarios = _scenario_lines(program, names[0][rows:], probability)
    paths[2].write_text("\n".join([f"STOCH {title}", "SCENARIOS DISCRETE", *scenarios, "ENDATA"]) + "\n", "utf-8")
    return paths[0], paths[1], paths[2]


def write_mps(lp: LinearProgram, path: str | Path) -> Path:
    """Write one program in free MPS form to ``path``.

    >>> import tempfile
    >>> from capacity_opt.solvers.stochastic.mps import read_mps
    >>> one = np.ones(1)
    >>> lp = LinearProgram(cost=one, matrix=sparse.csr_array([[2.0]]), row_lower=one, row_upper=np.inf * one,
    ...                    column_lower=0 * one, column_upper=9 * one, integer=one > 0)
    >>> read_mps(write_mps(lp, tempfile.mkdtemp() + "/one.mps")).lp.column_upper
    array([9.])
    """
    path = Path(path)
    names = _names(lp, lp.columns, lp.rows)
    path.write_text("\n".join(_mps_lines(lp, path.stem or "program", *names)) + "\n", encoding="utf-8")
    return path


def _refuse(program: TwoStageProgram) -> None:
    if len(program.rows_of_expectations.lower):
        raise ArgumentError(
            "rows of expectations (fill rates, expected budgets) cannot be written in SMPS form. "
            "Write the extensive form: write_mps(extensive_form(program), path)"
        )
    counts = {group.probability.tobytes() for _, group in program.groups}
    if len(counts) != 1 or any(group.samples is not None for _, group in program.groups):
        raise ArgumentError("all groups must have the same samples to be written as scenarios")
    if program.first.rows == 0:
        raise ArgumentError("a time file names the first row of every stage: the first stage needs a row")


def _first_sample(program: TwoStageProgram) -> TwoStageProgram:
    """The program of the first sample alone, with probability 1."""
    families = tuple(
        replace(
            family,
            groups=tuple(replace(group, values=group.values[:1], probability=np.ones(1)) for group in family.groups),
        )
        for family in program.families
    )
    return replace(program, families=families)


def _names(lp: LinearProgram, first: int, rows: int) -> tuple[list[str], list[str]]:
    """Row and column names."""
    own = [f"R{i}" if i < rows else f"S{i - rows}" for i in range(lp.rows)]
    return own, [f"X{j}" if j < first else f"Y{j - first}" for j in range(lp.columns)]


def _mps_lines(lp: LinearProgram, title: str, rows: list[str], columns: list[str]) -> Iterator[str]:
    above, below = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    senses = np.where(lp.row_lower == lp.row_upper, "E", np.where(above, "L", np.where(below, "G", "N")))
    yield from (f"NAME {title}", "ROWS", " N COST")
    yield from (f" {sense} {name}" for sense, name in zip(senses, rows))
    yield "COLUMNS"
    yield from _column_lines(lp, rows, columns)
    yield "RHS"
    if lp.offset:
        yield f"    RHS COST {-lp.offset!r}"
    right = np.where(senses == "G", lp.row_lower, lp.row_upper)
    yield from (f"    RHS {rows[i]} {float(right[i])!r}" for i in np.flatnonzero((right != 0) & (senses != "N")))
    ranged = np.flatnonzero((senses == "L") & np.isfinite(lp.row_lower))
    if len(ranged):
        yield "RANGES"
        yield from (f"    RNG {rows[i]} {float(lp.row_upper[i] - lp.row_lower[i])!r}" for i in ranged)
    yield "BOUNDS"
    for j, name in enumerate(columns):
        yield from _bound_lines(name, float(lp.column_lower[j]), float(lp.column_upper[j]), bool(lp.integer[j]))
    yield "ENDATA"


def _column_lines(lp: LinearProgram, rows: list[str], columns: list[str]) -> Iterator[str]:
    matrix, whole = sparse.csc_array(lp.matrix), False
    for j, name in enumerate(columns):
        if bool(lp.integer[j]) != whole:
            whole = not whole
            yield f"    M{j} 'MARKER' '{'INTORG' if whole else 'INTEND'}'"
        yield f"    {name} COST {float(lp.cost[j])!r}"
        for at in range(matrix.indptr[j], matrix.indptr[j + 1]):
            yield f"    {name} {rows[matrix.indices[at]]} {float(matrix.data[at])!r}"
    if whole:
        yield "    MEND 'MARKER' 'INTEND'"


def _bound_lines(name: str, lower: float, upper: float, whole: bool) -> Iterator[str]:
    if lower == upper:
        yield f" FX BND {name} {lower!r}"
        return
    if lower == -np.inf:
        yield f" MI BND {name}"
    elif lower != 0.0 or whole:
        yield f" LO BND {name} {lower!r}"
    if np.isfinite(upper):
        yield f" UP BND {name} {upper!r}"
    elif whole:
        yield f" PL BND {name}"


def _scenario_lines(program: TwoStageProgram, rows: list[str], probability: Array) -> Iterator[str]:
    """Every scenario's right-hand sides, as finite bounds of the rows say them."""
    parts, start = [], 0
    for family, group in program.groups:
        # the one that is finite, the upper one first, as in the core file
        shift = np.where(np.isfinite(family.slack_lower), family.slack_lower, family.slack_upper)[family.random_rows]
        parts.append((start, family.random_rows, group.base[family.random_rows] + group.values - shift))
        start += len(family.matrix)
    for s, chance in enumerate(probability):
        yield f" SC S{s} ROOT {float(chance)!r} {LATER}"
        for start, random_rows, right in parts:
            yield from (f"    RHS {rows[start + r]} {float(v)!r}" for r, v in zip(random_rows, right[s]))
