"""Ids of the series of a store: Parquet segments in the order of the records, one more whenever series are added."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write(folder: Path, number: int, ids: NDArray[np.str_]) -> str:
    """Write a segment, flushed to the disk; its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = f"ids.{number:010d}.parquet"
    with open(folder / name, "wb") as file:
        pq.write_table(pa.table({"unique_id": pa.array(ids, type=pa.large_string())}), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    return name


def read(folder: Path, segments: Sequence[str]) -> NDArray[np.str_]:
    """All ids."""
    import pyarrow.parquet as pq

    parts = [pq.read_table(folder / name)["unique_id"].to_numpy().astype(np.str_) for name in segments]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.str_)


def find(known: NDArray[np.str_], wanted: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
    """(k,) the position of each wanted id among the known ones, -1 where there is none.

    >>> find(np.array(["a", "b"]), ["b", "x"])
    array([ 1, -1])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    found = pc.index_in(pa.array(np.asarray(wanted, dtype=np.str_), text), value_set=pa.array(known, text))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
