"""A store on disk: old state or new, never in between."""

import fcntl

import numpy as np
import pytest

from capacity_opt.errors import ArgumentError, RunFolderError
from capacity_opt.forecast.history import History
from capacity_opt.forecast.stream import store as stores
from capacity_opt.forecast.stream.layout import BLOCK
from capacity_opt.forecast.stream.state import StreamState
from capacity_opt.forecast.stream.store import StreamStore

IDS = np.char.add("s", np.arange(BLOCK + 500).astype(str))


@pytest.fixture
def store(tmp_path):
    state = StreamState.start(IDS)
    state.update(np.full(len(IDS), 5.0), period=0)
    return StreamStore.create(tmp_path / "state", state)


def test_updates_by_id_equal_those_in_memory_and_survive_reopening(store):
    memory = store.load()
    rows = np.array([3, BLOCK + 7, 17])
    store.update(IDS[rows], [1.0, 2.0, 3.0], period=1)
    memory.update_some(rows, [1.0, 2.0, 3.0], period=1)
    again = StreamStore(store.path)
    np.testing.assert_array_equal(again.load().records.view(np.int32), memory.records.view(np.int32))
    np.testing.assert_array_equal(again.forecast(3, ids=IDS[rows]).values, memory.forecast(3, series=rows).values)
    assert again.version.number == 2
    assert not again.verify()


def test_only_touched_blocks_are_written_and_old_ones_removed(store):
    first = dict(enumerate(store.version.blocks))
    store.update([2], [1.0], period=1)
    assert store.version.blocks[1] == first[1]
    assert store.version.blocks[0] != first[0]
    store.update([2], [1.0], period=2)
    assert not (store.path / "blocks" / first[0][0]).exists()
    assert len(list((store.path / "versions").iterdir())) == 2


@pytest.mark.parametrize("step", ["_write_block", "_commit", "_clean"])
def test_a_failure_at_any_step_leaves_the_old_state_or_the_new(store, step, monkeypatch):
    before = store.load().records.copy()
    real = getattr(stores, step)

    def fail(*arguments):
        if step == "_clean":
            real(*arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores, step, fail)
    with pytest.raises(RunFolderError, match="No space left"):
        store.update([1, BLOCK + 1], [9.0, 9.0], period=1)
    monkeypatch.undo()
    again = StreamStore(store.path)
    told = again.update([1, BLOCK + 1], [9.0, 9.0], period=1)
    assert (told.used, told.repeated) == ((0, 2) if step == "_clean" else (2, 0))
    changed = (again.load().records.view(np.int32) != before.view(np.int32)).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [1, BLOCK + 1]


def test_a_second_writer_is_refused(store):
    with open(store.path / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunFolderError, match="another process"):
            store.update([1], [9.0], period=1)


def test_new_series_are_added_across_blocks_and_unknown_ones_refused(store):
    with pytest.raises(ArgumentError, match="'new1'"):
        store.update(["new1"], [1.0], period=1)
    more = np.char.add("new", np.arange(BLOCK).astype(str))
    store.add(more)
    assert store.count == len(IDS) + BLOCK
    store.update(["new1", f"new{BLOCK - 1}"], [1.0, 2.0], period=1)
    np.testing.assert_allclose(store.forecast(1, ids=["new1", f"new{BLOCK - 1}"]).at(0.5)[:, 0], [1.0, 2.0])
    with pytest.raises(ArgumentError, match="must be new"):
        store.add(["new1"])


def test_a_damaged_block_is_found(store):
    path = store.path / "blocks" / store.version.blocks[1][0]
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert store.verify() == [path.name]


def test_a_folder_that_is_no_store_says_how_to_make_one(tmp_path):
    with pytest.raises(RunFolderError, match="forecast init"):
        StreamStore(tmp_path)
    (tmp_path / "x").write_text("mine")
    with pytest.raises(RunFolderError, match="not empty"):
        StreamStore.create(tmp_path, StreamState.from_history(History([[1.0, 2.0]])))
