"""A state of streaming forecasts on disk: block files, and a version that says which of them count.

An update writes the blocks it touches under new names, then a version file that lists all blocks with their checksums,
and last replaces ``CURRENT``, each flushed to the disk before the next. A kill at any moment leaves the old state or
the new one, and an update sent again is taken up once: what was seen before is recognised. Readers map the blocks into
memory and may go on while a writer works.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError, RunFolderError
from capacity_opt.forecast.history import PeriodCalendar
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.stream import engine as engines
from capacity_opt.forecast.stream import id_files, outlook
from capacity_opt.forecast.stream.layout import BLOCK, Floats, StreamSettings, fresh, joined
from capacity_opt.forecast.stream.outcomes import counters
from capacity_opt.forecast.stream.state import (
    StreamState,
    StreamUpdate,
    forecast_records,
    in_order,
    latest,
    mask_of,
    observed,
    whole_numbers,
)

IntArray = NDArray[np.int64]
FORMAT = 1
CURRENT, LOCK = "CURRENT", "lock"


@dataclass(frozen=True)
class Version:
    """What one version of a store says: which blocks hold it, and how to read them."""

    number: int
    count: int
    period: int
    settings: StreamSettings
    calendar: PeriodCalendar
    shifts: NDArray[np.float64]
    blocks: tuple[tuple[str, int], ...]
    ids: tuple[str, ...]


class StreamStore:
    """Streaming forecasts kept in the folder ``path``; ``keep`` earlier versions stay readable.

    ``engine`` is ``"auto"``, ``"compiled"`` or ``"numpy"``. Raises :class:`~capacity_opt.RunFolderError` where the
    folder is no store, another writer holds it, or the disk fails; the old state then stands.

    >>> import tempfile
    >>> state = StreamState.start(["a", "b"], StreamSettings(levels=(0.1, 0.5, 0.9)))
    >>> store = StreamStore.create(tempfile.mkdtemp() + "/state", state)
    >>> store.update(["b", "a"], [10.0, 3.0], period=0).used
    2
    >>> store.forecast(horizon=1).at(0.5)
    array([[ 3.],
           [10.]])
    """

    def __init__(self, path: str | os.PathLike[str], *, engine: str = "auto", keep: int = 1) -> None:
        self.path = Path(path)
        self.engine = engine
        self.keep = int(_checks.whole("keep", keep))
        self._ids: NDArray[np.str_] | None = None
        self.version = self._read()

    @classmethod
    def create(cls, path: str | os.PathLike[str], state: StreamState, *, keep: int = 1) -> StreamStore:
        """Write ``state`` into a new folder."""
        folder = Path(path)
        if folder.exists() and any(folder.iterdir()):
            raise RunFolderError(f"{folder} exists and is not empty. Name a new folder, or delete it")
        with _told(folder):
            (folder / "blocks").mkdir(parents=True, exist_ok=True)
            (folder / "versions").mkdir(exist_ok=True)
            names = (id_files.write(folder, 0, state.ids),)
            blocks = tuple(
                _write_block(folder, number, 1, state.records[begin : begin + BLOCK])
                for number, begin in enumerate(range(0, state.count, BLOCK))
            )
            version = Version(1, state.count, state.period, state.settings, state.calendar, state.shifts, blocks, names)
            _commit(folder, version)
        return cls(folder, engine=state.engine, keep=keep)

    @property
    def count(self) -> int:
        """How many series."""
        return self.version.count

    @property
    def ids(self) -> NDArray[np.str_]:
        """(n,) the series' ids, in the order of their records."""
        if self._ids is None:
            with _told(self.path):
                self._ids = id_files.read(self.path, self.version.ids)
        return self._ids

    def positions(self, ids: Sequence[str] | NDArray[np.str_]) -> IntArray:
        """(k,) where the series ``ids`` are, -1 where there is none of that name."""
        return id_files.find(self.ids, ids)

    def update(
        self,
        series: ArrayLike,
        values: ArrayLike,
        *,
        period: ArrayLike,
        in_stock: ArrayLike | None = None,
    ) -> StreamUpdate:
        """Take up observations and commit them as a new version: ``series`` (k,) ids or positions, ``values`` (k,),
        ``period`` one or (k,), ``in_stock`` (k,) or none. Unknown ids are refused: :meth:`add` them first."""
        y = observed(values)
        rows = self._rows(series)
        if rows.shape != y.shape or y.ndim != 1:
            raise ArgumentError(f"series and values must have one shape (k,), got {rows.shape} and {y.shape}")
        periods = np.atleast_1d(whole_numbers("period", period))
        rows, y, stock, periods = in_order(rows, y, mask_of(in_stock, y), periods)
        told = counters()
        with self._writing() as now:
            ends = np.searchsorted(rows, np.arange(0, len(now.blocks) + 1) * BLOCK)
            blocks = list(now.blocks)
            for number in np.flatnonzero(np.diff(ends)):
                part = slice(ends[number], ends[number + 1])
                f = self._block(blocks[number]).copy()
                engines.take_some(
                    f, rows[part] - number * BLOCK, y[part], stock[part],
                    periods[part] if len(periods) > 1 else periods, now.settings, told, self.engine,
                )  # fmt: skip
                blocks[number] = _write_block(self.path, int(number), now.number + 1, f)
            self._next(replace(now, period=latest(now.period, periods, y), blocks=tuple(blocks)))
        return StreamUpdate.of(told)

    def add(self, ids: Sequence[str] | NDArray[np.str_]) -> None:
        """New series at the end, not yet observed."""
        names = np.asarray(ids, dtype=np.str_)
        with self._writing() as now:
            if (self.positions(names) >= 0).any() or len(np.unique(names)) < len(names):
                raise ArgumentError("ids must be new, each once: some are in the store already")
            blocks = list(now.blocks)
            records = fresh(len(names), now.settings)
            room = (-now.count) % BLOCK
            if room and blocks:
                last = np.concatenate([self._block(blocks[-1]), records[:room]])
                blocks[-1] = _write_block(self.path, len(blocks) - 1, now.number + 1, last)
                records = records[room:]
            for begin in range(0, len(records), BLOCK):
                blocks.append(_write_block(self.path, len(blocks), now.number + 1, records[begin : begin + BLOCK]))
            segment = id_files.write(self.path, now.number, names)
            self._next(replace(now, count=now.count + len(names), blocks=tuple(blocks), ids=(*now.ids, segment)))
            self._ids = None

    def forecast(
        self,
        horizon: int,
        *,
        levels: Sequence[float] | None = None,
        cumulative: bool = False,
        ids: Sequence[str] | NDArray[np.str_] | None = None,
    ) -> QuantileForecast:
        """Quantiles of the coming periods, or of their running totals, of all series or of ``ids``."""
        rows = np.arange(self.count) if ids is None else self._rows(ids)
        records = np.empty((len(rows), self.version.settings.width), dtype=np.float32)
        for number in np.unique(rows // BLOCK):
            here = rows // BLOCK == number
            records[here] = self._block(self.version.blocks[number])[rows[here] - number * BLOCK]
        return forecast_records(records, self.ids[rows], self._frame(), horizon, levels, cumulative)

    def forecasts(
        self, horizon: int, *, levels: Sequence[float] | None = None, cumulative: bool = False
    ) -> Iterator[QuantileForecast]:
        """The same block by block, so that a billion series fit in the memory of one block."""
        for number, block in enumerate(self.version.blocks):
            f = self._block(block)
            ids = self.ids[number * BLOCK : number * BLOCK + len(f)]
            yield forecast_records(np.asarray(f), ids, self._frame(), horizon, levels, cumulative)

    def drift(self) -> NDArray[np.int8]:
        """(n,) 1 where demand has lately run above its forecast, -1 below, else 0."""
        parts = [outlook.drift(self._block(block), self.version.settings) for block in self.version.blocks]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)

    def load(self) -> StreamState:
        """All of it in memory."""
        records = joined([self._block(block) for block in self.version.blocks], self.version.settings.width)
        frame = self._frame()
        return replace(frame, ids=self.ids, records=records)

    def verify(self) -> list[str]:
        """The block files whose bytes are not what was written; empty where all is well."""
        bad = []
        for name, checksum in self.version.blocks:
            path = self.path / "blocks" / name
            if not path.is_file() or zlib.crc32(path.read_bytes()) != checksum:
                bad.append(name)
        return bad

    def refresh(self) -> None:
        """Read what another writer has committed since."""
        self.version, self._ids = self._read(), None

    def _frame(self) -> StreamState:
        now = self.version
        nothing = np.zeros((0, now.settings.width), dtype=np.float32)
        return StreamState(
            np.zeros(0, dtype=np.str_), nothing, now.settings, now.calendar, now.period, now.shifts, self.engine
        )

    def _rows(self, series: ArrayLike | Sequence[str]) -> IntArray:
        given = np.asarray(series)
        if given.dtype.kind not in "UOST":
            rows = whole_numbers("series", given)
            if rows.size and int(rows.max()) >= self.count:
                raise ArgumentError(f"series must be positions below {self.count}, got {int(rows.max())}")
            return rows
        rows = self.positions(given.astype(np.str_))
        if (rows < 0).any():
            unknown = given[rows < 0]
            shown = ", ".join(map(repr, map(str, unknown[:5])))
            raise ArgumentError(
                f"series: {len(unknown)} ids are not in the store ({shown}{', ...' if len(unknown) > 5 else ''}). "
                "Add them first"
            )
        return rows

    def _block(self, block: tuple[str, int]) -> Floats:
        shape = (-1, self.version.settings.width)
        with _told(self.path):
            return np.memmap(self.path / "blocks" / block[0], dtype=np.float32, mode="r").reshape(shape)

    @contextmanager
    def _writing(self) -> Iterator[Version]:
        """The current version, held against other writers."""
        with _told(self.path), open(self.path / LOCK, "a", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunFolderError(f"{self.path} is being updated by another process. Try again later") from None
            latest_version = self._read()
            if latest_version.ids != self.version.ids:
                self._ids = None
            self.version = latest_version
            yield self.version

    def _next(self, version: Version) -> None:
        self.version = replace(version, number=version.number + 1)
        _commit(self.path, self.version)
        _clean(self.path, self.version.number, self.keep)

    def _read(self) -> Version:
        try:
            number = (self.path / CURRENT).read_text(encoding="ascii").strip()
            told = json.loads((self.path / "versions" / number).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunFolderError(
                f"{self.path} is no state of streaming forecasts ({error}). Make one: capacity-opt forecast init"
            ) from None
        return _version(told)


def _version(told: dict[str, Any]) -> Version:
    if told["format"] != FORMAT:
        raise RunFolderError(f"the state has format {told['format']}, this version reads {FORMAT}. Start it anew")
    calendar = told["calendar"]
    start = None if calendar["start"] is None else np.datetime64(calendar["start"])
    return Version(
        told["number"],
        told["count"],
        told["period"],
        StreamSettings(**told["settings"]),
        PeriodCalendar(calendar["unit"], calendar["every"], start, calendar["time_zone"]),
        np.array(told["shifts"], dtype=np.float64).reshape(2, -1, len(told["settings"]["levels"])),
        tuple((name, checksum) for name, checksum in told["blocks"]),
        tuple(told["ids"]),
    )


def _commit(folder: Path, version: Version) -> None:
    """Make ``version`` the current one: its file first, the pointer last."""
    calendar = asdict(version.calendar)
    calendar["start"] = None if version.calendar.start is None else str(version.calendar.start)
    body = {
        "format": FORMAT,
        "number": version.number,
        "count": version.count,
        "period": version.period,
        "settings": asdict(version.settings),
        "calendar": calendar,
        "shifts": version.shifts.tolist(),
        "blocks": version.blocks,
        "ids": version.ids,
    }
    sync_folder(folder / "blocks")
    name = f"{version.number:010d}.json"
    _write(folder / "versions" / name, json.dumps(body).encode())
    sync_folder(folder / "versions")
    _write(folder / f"{CURRENT}.new", f"{name}\n".encode())
    os.replace(folder / f"{CURRENT}.new", folder / CURRENT)
    sync_folder(folder)


def _clean(folder: Path, number: int, keep: int) -> None:
    """Remove what only older versions use, and what a killed update left behind."""
    kept, used = [], set()
    for path in sorted((folder / "versions").iterdir()):
        if number - keep <= int(path.stem) <= number:
            kept.append(path.name)
            told = json.loads(path.read_text(encoding="utf-8"))
            used |= {name for name, _ in told["blocks"]}
    for path in (folder / "versions").iterdir():
        if path.name not in kept:
            path.unlink()
    for path in (folder / "blocks").iterdir():
        if path.name not in used:
            path.unlink()


def _write_block(folder: Path, number: int, version: int, records: Floats) -> tuple[str, int]:
    name = f"{number:08d}.{version:010d}"
    data = np.ascontiguousarray(records)
    _write(folder / "blocks" / name, data.data.cast("B"))
    return name, zlib.crc32(data.data)


def _write(path: Path, data: bytes | memoryview) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder's own entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror or error}. The state before stands") from error
