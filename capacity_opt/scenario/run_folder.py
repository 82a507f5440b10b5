"""A run folder, written so that a kill, a crash or a full disk leaves nothing torn.

Everything goes to a hidden ``.partial-…`` folder beside the final name, is flushed to the disk, and the folder is
renamed as a whole. A folder without that prefix is therefore always complete.
"""

from __future__ import annotations

import csv
import datetime as dt
import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.errors import RunFolderError

PARTIAL = ".partial-"
REQUEST = "request.json"
CUTS = "cuts"
"""What long searches save of themselves while a run is on."""
TIMING = "timing.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Writer = Callable[[Path], None]


@dataclass
class Table:
    """One tidy table: column name to values (all of one length), kept in order."""

    columns: dict[str, Sequence[Any] | np.ndarray[Any, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """A table from rows, with these columns even where there is no row."""
    return Table({name: [row[name] for row in rows] for name in columns})


class PartialRun:
    """A run being written in ``out``; :meth:`finish` makes it real, :meth:`discard` takes it away."""

    def __init__(self, out: Path, begun: dt.datetime, name: str) -> None:
        with told_as_run_error(out):
            out.mkdir(parents=True, exist_ok=True)
            self.final, self.path = self._claim(out, begun, name)
            (self.path / "results").mkdir()

    @staticmethod
    def _claim(out: Path, begun: dt.datetime, name: str) -> tuple[Path, Path]:
        """The first free second, so that names sort as the runs began: a run that begins in the same second as another
        one is called a second later."""
        while True:
            stamp = f"{begun:%Y%m%dT%H%M%SZ}"
            final, path = out / f"{stamp}-{name}", out / f"{PARTIAL}{stamp}-{name}"
            begun += dt.timedelta(seconds=1)
            if any(out.glob(f"{stamp}-*")) or any(out.glob(f"{PARTIAL}{stamp}-*")):
                continue
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return final, path

    def write_text(self, name: str, text: str) -> None:
        """Write a text file (UTF-8, unix line ends)."""
        path = self.path / name
        with told_as_run_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with told_as_run_error(path), path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)

    def copy(self, name: str, source: Path) -> None:
        """Copy a file into the folder."""
        path = self.path / name
        with told_as_run_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)

    def write_json(self, name: str, value: object) -> None:
        """Write JSON with sorted keys; NaN and infinities become null, as JSON has none."""
        self.write_text(name, json.dumps(plain(value), indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def write_table(self, name: str, table: Table) -> None:
        """Write ``results/<name>.parquet`` and ``.csv``; in CSV, text that a spreadsheet would run gets a quote."""
        save_table(self.path / "results", name, table)

    def open_table(self, name: str) -> TableStream:
        """A table too large to hold: written part by part, as Parquet alone."""
        return TableStream(self.path / "results" / f"{name}.parquet")

    def finish(self) -> Path:
        """Flush everything and give the folder its name."""
        with told_as_run_error(self.path):
            request = self.path / REQUEST
            request.unlink(missing_ok=True)
            flush_folder(self.path)
            self.path.rename(self.final)
            flush(self.final.parent)
        return self.final

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.path, ignore_errors=True)


def save_table(folder: Path, name: str, table: Table) -> None:
    """Write ``<name>.parquet`` and ``.csv`` into ``folder``; in CSV, text that a spreadsheet would run gets a quote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = pa.table({column: _arrow(values) for column, values in table.columns.items()})
    with told_as_run_error(folder):
        pq.write_table(made, folder / f"{name}.parquet", compression="zstd")
        (folder / f"{name}.csv").write_text(_csv(table), encoding="utf-8", newline="\n")


class TableStream:
    """A Parquet table written part by part; every part has the same columns, of the same kinds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: Any = None

    def write(self, columns: Mapping[str, Any]) -> None:
        """Add rows; NaN and NaT become blank."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        part = pa.table({name: _native(values) for name, values in columns.items()})
        with told_as_run_error(self.path):
            if self._file is None:
                self._file = pq.ParquetWriter(self.path, part.schema, compression="zstd")
            self._file.write_table(part)

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            with told_as_run_error(self.path):
                self._file.close()


def _native(values: Any) -> Any:
    """A column in Arrow, its kind taken from the array and not from its values."""
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[D]"), pa.date32())
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return pa.array(values, from_pandas=True)
    return pa.array(values if isinstance(values, list) else values.tolist(), pa.string())


@contextmanager
def told_as_run_error(path: Path) -> Iterator[None]:
    """Turn a failing disk into the error that says so."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        fix = (
            "Free space, or choose another folder with --out"
            if full
            else "Check the folder, or choose another with --out"
        )
        raise RunFolderError(f"{path} cannot be written: {error.strerror or error}. {fix}") from error


def flush_folder(folder: Path) -> None:
    """Flush a folder and all that is in it to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        flush(path)
    flush(folder)


def flush(path: Path) -> None:
    """Flush one file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _arrow(values: Sequence[Any] | np.ndarray[Any, Any]) -> Any:
    import pyarrow as pa

    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[D]"), pa.date32())
    listed = values.tolist() if isinstance(values, np.ndarray) else [_scalar(value) for value in values]
    kinds = {type(value) for value in listed if value is not None}
    if kinds <= {bool} and kinds:
        return pa.array(listed, pa.bool_())
    if kinds <= {int} and kinds:
        return pa.array(listed, pa.int64())
    if kinds <= {int, float} and kinds:
        return pa.array([None if value is None else float(value) for value in listed], pa.float64())
    return pa.array([None if value is None else str(value) for value in listed], pa.string())


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in zip(*table.columns.values()):
        writer.writerow([_cell(_scalar(value)) for value in row])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "" if value != value else repr(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def plain(value: object) -> object:
    """A value as JSON can say it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
