"""Work on tables too large for memory: Parquet split into buckets of ids, a task per bucket, each writing its own part.

Which bucket an id is in is a fixed hash of its text, so that every table of a series is in the bucket of the same
number, whoever wrote it. A task reads its own file and writes its own file, under a name of its own until it is whole:
nothing is exchanged between tasks, a part that is there is not done again, and a killed run goes on where it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, RunFolderError
from capacity_opt.executor import Executor, SerialExecutor
from capacity_opt.scenario.run_folder import told_as_run_error

Part = Callable[..., Mapping[str, Any]]
Tell = Callable[[str], None]
ABOUT = "_buckets.json"
DONE = "_done.json"
ROWS_AT_ONCE = 1 << 20
ROWS_HELD = 8 * ROWS_AT_ONCE
MOST_BUCKETS = 4096


@dataclass(frozen=True)
class PartsDone:
    """What a run over parts did: ``parts`` in all, ``skipped`` that were there before, and the sums of what the tasks
    told (numbers only)."""

    folder: Path
    parts: int
    skipped: int
    totals: dict[str, float]


def bucket_of(ids: NDArray[np.str_], buckets: int) -> NDArray[np.int64]:
    """(k,) the bucket of each id: the same on every machine and in every version.

    >>> bucket_of(np.array(["a", "b", "a100"]), 8).tolist()
    [0, 7, 5]
    """
    from pandas.util import hash_array

    return np.asarray(hash_array(np.asarray(ids, dtype=object), categorize=False) % np.uint64(buckets), dtype=np.int64)


def write_buckets(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    buckets: int,
    *,
    key: str = "unique_id",
    tell: Tell = lambda _: None,
) -> Path:
    """Split the Parquet file or folder ``source`` by its column ``key`` into ``buckets`` files in the folder ``out``.

    Some eight million rows are in memory at a time. Choose buckets of a few million rows each. Ids are kept as a
    dictionary (a pandas category); every row needs one.
    """
    import pyarrow.dataset as ds

    folder = Path(out)
    if not 1 <= buckets <= MOST_BUCKETS:
        raise ArgumentError(f"buckets must be from 1 to {MOST_BUCKETS}, got {buckets}")
    if folder.exists():
        raise RunFolderError(f"{folder} exists. Name a new folder, or delete it")
    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        dataset = ds.dataset(source, format=ds.ParquetFileFormat(dictionary_columns=[key]))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{source}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    if key not in dataset.schema.names:
        raise ArgumentError(f"key {key!r} is no column of {source}. Have {', '.join(dataset.schema.names[:12])}")
    with told_as_run_error(folder):
        partial.mkdir(parents=True)
        rows = _split(dataset, partial, buckets, key, tell)
        (partial / ABOUT).write_text(json.dumps({"buckets": buckets, "key": key, "rows": rows}), encoding="utf-8")
        partial.rename(folder)
    return folder


def _split(dataset: Any, folder: Path, buckets: int, key: str, tell: Tell) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    coded = pa.field(key, pa.dictionary(pa.int32(), pa.string()))
    schema = pa.schema([coded if field.name == key else field for field in dataset.schema])
    writers = [
        pq.ParquetWriter(folder / part_name(number), schema, compression="zstd", compression_level=1)
        for number in range(buckets)
    ]
    rows, written = 0, 0
    held: list[list[Any]] = [[] for _ in range(buckets)]
    try:
        for batch in dataset.to_batches(batch_size=ROWS_AT_ONCE):
            for number, table in _by_bucket(pa.Table.from_batches([batch]), buckets, key, rows):
                held[number].append(table.cast(schema))
            rows += batch.num_rows
            if rows - written >= ROWS_HELD:
                _write_held(held, writers)
                written = rows
            tell(f"{rows:,} rows split")
        _write_held(held, writers)
    finally:
        for writer in writers:
            writer.close()
    return rows


def _write_held(held: list[list[Any]], writers: list[Any]) -> None:
    """A row group of what each bucket holds: many small ones would be slow to write, and slower to read."""
    import pyarrow as pa

    for writer, tables in zip(writers, held, strict=True):
        if tables:
            writer.write_table(pa.concat_tables(tables).combine_chunks())
            tables.clear()


def _by_bucket(table: Any, buckets: int, key: str, before: int) -> Iterator[tuple[int, Any]]:
    """The rows of each bucket, their ids as codes into the names of that bucket alone."""
    import pyarrow as pa

    names, codes = _coded(table[key], key, before)
    bucket = bucket_of(names, buckets)
    together = np.argsort(bucket, kind="stable")
    rank = np.empty(len(names), dtype=np.int32)
    rank[together] = np.arange(len(names), dtype=np.int32)
    rows = bucket.astype(np.uint16)[codes]
    order = np.argsort(rows, kind="stable")
    table, codes = table.take(pa.array(order)), rank[codes[order]]
    row_ends = np.searchsorted(rows[order], np.arange(buckets + 1))
    name_ends = np.searchsorted(bucket[together], np.arange(buckets + 1))
    column = table.schema.get_field_index(key)
    for number in np.flatnonzero(np.diff(row_ends)):
        here, named = slice(*row_ends[number : number + 2]), slice(*name_ends[number : number + 2])
        ids = pa.DictionaryArray.from_arrays(codes[here] - np.int32(named.start), pa.array(names[together[named]]))
        yield int(number), table.slice(here.start, here.stop - here.start).set_column(column, key, ids)


def _coded(column: Any, key: str, before: int) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """The ids of a column, and which one each row has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        row = before + int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise ArgumentError(f"{key} is blank in {column.null_count} rows, the first is row {row} counted from 0: a row "
                            "without id is in no bucket. Write its id, or leave it out")  # fmt: skip
    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = pc.cast(whole, pa.string()).dictionary_encode()
    names = pc.cast(whole.dictionary, pa.string()).to_numpy(zero_copy_only=False).astype(np.str_)
    return names, whole.indices.to_numpy()


def part_name(number: int) -> str:
    """The file of a bucket."""
    return f"bucket-{number:05d}.parquet"


def parts_of(source: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder of buckets, or the file itself."""
    path = Path(source).resolve()  # workers may be in another folder
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise RunFolderError(f"{path}: no Parquet file there. Split a table with: capacity-opt forecast bucket")
    return files


def map_partitions(
    function: Part,
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    options: Mapping[str, Any] | None = None,
    tell: Tell = lambda _: None,
) -> PartsDone:
    """``function(part, target, **options)`` for each bucket of ``source``, which writes the file ``target``.

    ``function`` (at the top of a module) returns what it wants summed, such as ``{"rows": 10}``. Parts that are in
    ``out`` already are skipped, so a killed run is simply started again; other options need another folder.
    Raises :class:`~capacity_opt.PartError` naming the part that failed; the finished ones stay.
    """
    files, folder, given = parts_of(source), Path(out).resolve(), dict(options or {})
    begun = time.time()
    _same_work(folder, function, given)
    waiting = [file for file in files if not (folder / file.name).exists()]
    totals: dict[str, float] = {}
    work = ((function, str(file), str(folder / file.name), given) for file in waiting)
    skipped = len(files) - len(waiting)
    for done, told in enumerate((executor or SerialExecutor()).map(_do_part, work, label=_label), skipped + 1):
        for key, value in told.items():
            totals[key] = totals.get(key, 0.0) + value
        tell(f"{done} of {len(files)} parts")
    _forget_torn(folder, begun)
    return PartsDone(Path(out), len(files), skipped, totals)


def _forget_torn(folder: Path, begun: float) -> None:
    """Delete what workers that were killed before had begun to write; every part is whole by now."""
    for torn in folder.glob(".partial-*"):
        with contextlib.suppress(OSError):
            if torn.stat().st_mtime < begun:
                torn.unlink()


def _label(work: tuple[Part, str, str, Mapping[str, Any]]) -> str:
    return Path(work[1]).name


def _do_part(work: tuple[Part, str, str, Mapping[str, Any]]) -> dict[str, float]:
    function, source, target, options = work
    final = Path(target)
    partial = final.with_name(f".partial-{os.getpid()}-{final.name}")
    try:
        told = function(Path(source), partial, **options)
        with told_as_run_error(final), open(partial, "rb") as file:
            os.fsync(file.fileno())
            os.replace(partial, final)
    finally:
        partial.unlink(missing_ok=True)
    return {key: float(value) for key, value in told.items() if isinstance(value, int | float)}


def _same_work(folder: Path, function: Part, options: Mapping[str, Any]) -> None:
    """Refuse to mix parts of different work in one folder."""
    text = json.dumps({"function": f"{function.__module__}.{function.__qualname__}", "options": options},
                      sort_keys=True, default=str)  # fmt: skip
    mark = hashlib.sha256(text.encode()).hexdigest()
    with told_as_run_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / DONE
        if note.exists() and json.loads(note.read_text(encoding="utf-8")).get("sha256") != mark:
            raise RunFolderError(f"{folder} holds parts made with other options. Name a new folder, or delete it")
        note.write_text(json.dumps({"sha256": mark, "work": text}), encoding="utf-8")
