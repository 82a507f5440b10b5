"""Cuts and the best point of a long search, kept in a file, so that a killed run goes on where it was.

Whoever runs something says where (:func:`cuts_kept`), and where a run before it may have left off
(:func:`cuts_left_in`); every search under way in between saves itself there now and then, each program under its own
fingerprint. A file is written beside and renamed: a kill leaves the last whole one. A search that goes on from saved
cuts ends within the same gap, not necessarily at the same one of several plans that close.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.solvers.stochastic.oracle import Evaluation
from capacity_opt.solvers.stochastic.program import TwoStageProgram

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search

Array = NDArray[np.float64]

EVERY_SECONDS = 10.0

_here: ContextVar[Path | None] = ContextVar("cuts_kept", default=None)
_before: ContextVar[Path | None] = ContextVar("cuts_left_in", default=None)


@contextmanager
def cuts_kept(folder: Path) -> Iterator[None]:
    """Searches within save themselves in ``folder``, which is removed at a good end."""
    token = _here.set(folder)
    try:
        yield
    finally:
        _here.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cuts_left_in(folder: Path) -> Iterator[None]:
    """Searches within go on from what a killed run left in ``folder``, where that is of the same program."""
    token = _before.set(folder)
    try:
        yield
    finally:
        _before.reset(token)


def fingerprint(program: TwoStageProgram) -> str:
    """The same for the same numbers, samples included."""
    told = hashlib.blake2b(digest_size=16)
    first, coupling = program.first, program.rows_of_expectations
    parts: list[Any] = [first.cost, first.matrix.indices, first.matrix.data, first.row_lower, first.row_upper]
    parts += [first.column_lower, first.column_upper, first.integer, coupling.matrix.data, coupling.lower]
    parts += [coupling.upper, np.array([(risk.column, risk.level) for risk in program.risks])]
    for family in program.families:
        parts += [family.matrix, family.cost, family.lower, family.upper, family.slack_lower, family.slack_upper]
        for group in family.groups:
            parts += [group.technology.indices, group.technology.data, group.base, group.values, group.probability]
            parts += [np.array([group.weight]), *(each for each in (group.counted, group.at_risk) if each is not None)]
    for part in parts:
        told.update(np.ascontiguousarray(part).tobytes())
    return told.hexdigest()


@dataclass
class Saving:
    """Saves one search to ``path`` now and then; ``whole``: the best whole-number first stage so far."""

    path: Path
    last: float = field(default_factory=time.perf_counter)
    whole: Array | None = None

    def tick(self, search: Search) -> None:
        """Save, if it is time."""
        if time.perf_counter() - self.last >= EVERY_SECONDS:
            self.save(search)

    def keep(self, search: Search, x: Array) -> None:
        """Know a better whole-number point, and save if it is time."""
        self.whole = x
        self.tick(search)

    def save(self, search: Search) -> None:
        """Write everything that the search stands on, once there is something; what cannot be written is left out (a
        full disk ends no run)."""
        if not search.points:
            return
        beside = self.path.with_suffix(".writing")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                np.savez(file, **_state(search, self.whole))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError:
            beside.unlink(missing_ok=True)
        self.last = time.perf_counter()


def saving_of(search: Search) -> Saving | None:
    """How a search that begins is to be saved (``None``: not at all), after going on from where one before it was."""
    here, before = _here.get(), _before.get()
    if here is None and before is None:
        return None
    name = f"{fingerprint(search.program)}.npz"
    if before is not None and (before / name).is_file() and not search.points:
        _go_on(search, before / name)
    return None if here is None else Saving(here / name)


def _go_on(search: Search, path: Path) -> None:
    try:
        with np.load(path, allow_pickle=False) as file:
            state = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return
    for risk, density in zip(state["risk_of"], state["risk_density"]):
        search.add_risk_rows([int(risk)], density[None])
    search.dear, search.dearer = state["dear"], float(state["dearer"])
    search.iteration = int(state["iteration"])
    search.master.restore(
        sparse.csr_array((state["data"], state["index"], state["starts"]), shape=tuple(state["shape"])),
        state["levels"],
        list(zip(state["of"].tolist(), np.split(state["rates"], state["ends"]))),
        state["freed"],
    )
    none = np.zeros((len(search.oracle.groups), 0))
    for point, prices in zip(state["points"], state["prices"]):
        kept = Evaluation(
            point=point,
            prices=prices,
            own_cost=True,
            values=[],
            cost=none[:, 0:0],
            added=none,
            places=[],
            at_risk=[],
        )
        search.points.append(kept)
    search.costs, search.activities = state["costs"].tolist(), list(state["activities"])
    search.totals = list(state["totals"])
    if len(state["whole"]):
        search.starts.append(state["whole"])


def _state(search: Search, whole: Array | None) -> dict[str, Any]:
    """The search as arrays."""
    matrix, levels, origins, freed = search.master.kept()
    risks, begun = search.oracle.risks, len(search.program.risks)
    rates = [rate for _, rate in origins]
    points = search.points
    return {
        "data": matrix.data, "index": matrix.indices, "starts": matrix.indptr, "shape": np.array(matrix.shape),
        "levels": levels, "freed": freed,
        "of": np.array([group for group, _ in origins], dtype=np.int64),
        "rates": np.concatenate(rates) if rates else np.zeros(0),
        "ends": np.cumsum([len(rate) for rate in rates])[:-1] if rates else np.zeros(0, dtype=np.int64),
        "risk_of": risks.of[begun:], "risk_density": risks.density[begun:],
        "dear": search.dear, "dearer": np.array(search.dearer), "iteration": np.array(search.iteration),
        "points": np.array([each.point for each in points]),
        "prices": np.array([search.oracle.padded(each.prices) for each in points]),
        "costs": np.array(search.costs), "activities": np.array(search.activities),
        "totals": np.array(search.totals),
        "whole": np.zeros(0) if whole is None else whole,
    }  # fmt: skip
