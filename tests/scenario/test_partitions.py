"""Tables in buckets: whole series, the same answer whoever computes, resumed where it was."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity_opt.cli import main
from capacity_opt.errors import ArgumentError, PartError, RunFolderError
from capacity_opt.scenario.forecast_parts import forecast_partitions
from capacity_opt.scenario.partitions import bucket_of, map_partitions, parts_of, write_buckets

SERIES, STEPS = 60, 40


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    names = np.char.add("sku", np.arange(SERIES).astype(str))
    table = pd.DataFrame({"unique_id": np.repeat(names, STEPS), "ds": np.tile(np.arange(STEPS), SERIES),
                          "y": rng.poisson(8, SERIES * STEPS).astype(float)})  # fmt: skip
    table.sample(frac=1, random_state=0).to_parquet(folder / "history.parquet", row_group_size=500, index=False)
    return folder, write_buckets(folder / "history.parquet", folder / "buckets", 5), table


def all_rows(folder):
    rows = pd.concat([pd.read_parquet(path) for path in parts_of(folder)])
    return rows.sort_values(["unique_id", "horizon"]).reset_index(drop=True)


def test_buckets_hold_every_row_once_and_each_series_whole(folders):
    _, buckets, table = folders
    parts = [pd.read_parquet(path) for path in parts_of(buckets)]
    back = pd.concat(parts).sort_values(["unique_id", "ds"]).reset_index(drop=True)
    whole = table.sort_values(["unique_id", "ds"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(back, whole, check_dtype=False)
    for number, part in enumerate(parts):
        assert (bucket_of(part["unique_id"].to_numpy(), 5) == number).all()


@pytest.mark.parametrize("kind", ["int64", "category", "string"])
def test_a_table_split_in_small_bites_keeps_every_row_whatever_its_ids_are(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("capacity_opt.scenario.partitions.ROWS_AT_ONCE", 100)
    monkeypatch.setattr("capacity_opt.scenario.partitions.ROWS_HELD", 250)
    table = pd.DataFrame({"ds": np.arange(1000) // 40, "unique_id": np.arange(1000) % 40, "y": np.arange(1000.0)})
    names = table["unique_id"].astype(str)
    table["unique_id"] = table["unique_id"] if kind == "int64" else names.astype(kind)
    table.to_parquet(tmp_path / "history.parquet", row_group_size=300, index=False)
    parts = [pd.read_parquet(path) for path in parts_of(write_buckets(tmp_path / "history.parquet", tmp_path / "b", 3))]
    for number, part in enumerate(parts):
        assert (bucket_of(part["unique_id"].to_numpy(), 3) == number).all()
    back = pd.concat(parts).sort_values("y")
    assert back["unique_id"].astype(str).tolist() == names.tolist()
    np.testing.assert_array_equal(back[["ds", "y"]], table[["ds", "y"]])


def test_a_row_without_id_is_in_no_bucket(tmp_path):
    pd.DataFrame({"unique_id": ["a", None], "ds": [0, 0], "y": 1.0}).to_parquet(tmp_path / "history.parquet")
    with pytest.raises(ArgumentError, match="blank in 1 rows, the first is row 1 "):
        write_buckets(tmp_path / "history.parquet", tmp_path / "b", 3)


def test_processes_write_the_parts_that_serial_work_writes(folders, tmp_path):
    """Dask and Ray keep the executors' contract in tests/test_executor.py; benchmarks/forecast_scale.py compares their
    parts."""
    _, buckets, _ = folders
    alone = forecast_partitions(buckets, tmp_path / "serial", horizon=3, levels=[0.1, 0.5, 0.9], model="stream")
    spread = forecast_partitions(
        buckets,
        tmp_path / "processes",
        horizon=3,
        levels=[0.1, 0.5, 0.9],
        executor="processes",
        workers=1,
        model="stream",
    )
    assert spread.totals == alone.totals == {"series": SERIES, "observations": SERIES * STEPS, "rows": 3 * SERIES}
    pd.testing.assert_frame_equal(all_rows(tmp_path / "processes"), all_rows(tmp_path / "serial"))


def half(source: Path, target: Path, *, broken: bool) -> dict[str, int]:
    """Fails in one bucket after having written half of it."""
    pd.read_parquet(source).head(1).to_parquet(target)
    if broken and source.name == "bucket-00003.parquet":
        raise OSError("gone")
    return {"rows": 1}


def test_a_run_that_broke_leaves_no_torn_part_and_goes_on_where_it_was(folders, tmp_path):
    _, buckets, _ = folders
    with pytest.raises(PartError, match=r"bucket-00003.parquet: OSError: gone"):
        map_partitions(half, buckets, tmp_path / "out", options={"broken": True})
    there = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert there == ["_done.json", *(f"bucket-0000{number}.parquet" for number in range(3))]
    with pytest.raises(RunFolderError, match="other options"):
        map_partitions(half, buckets, tmp_path / "out", options={"broken": False})
    calls = []

    done = map_partitions(_counted(calls), buckets, tmp_path / "new", options={})
    again = map_partitions(_counted(calls), buckets, tmp_path / "new", options={})
    assert (done.skipped, again.skipped, len(calls)) == (0, 5, 5)


def _counted(calls):
    def task(source, target):
        calls.append(source)
        target.write_bytes(source.read_bytes())
        return {"rows": 1}

    return task


def test_the_commands_from_a_table_to_parts(folders, tmp_path, capsys):
    folder, _, _ = folders
    for arguments in (
        ["bucket", folder / "history.parquet", "--out", tmp_path / "b", "--buckets", 3],
        [
            "batch",
            tmp_path / "b",
            "--out",
            tmp_path / "q",
            "--horizon",
            2,
            "--levels",
            "0.5,0.9",
            "--model",
            "stream",
            "--json",
        ],
    ):
        with pytest.raises(SystemExit) as stop:
            main(["forecast", *map(str, arguments)])
        assert not stop.value.code
    told = capsys.readouterr().out
    assert json.loads(told[told.index("{") :])["totals"]["rows"] == 2 * SERIES
    assert len(all_rows(tmp_path / "q")) == 2 * SERIES


def test_the_combination_of_the_batch_engine_is_the_default(folders, tmp_path):
    _, buckets, _ = folders
    forecast_partitions(buckets, tmp_path / "q", horizon=2, levels=[0.1, 0.9])
    rows = all_rows(tmp_path / "q")
    assert len(rows) == 2 * SERIES
    assert (rows["p10"] < 8).mean() > 0.9
    assert (rows["p90"] > 8).mean() > 0.9


def test_wrong_requests_say_what_to_do(folders, tmp_path):
    folder, buckets, _ = folders
    with pytest.raises(RunFolderError, match="exists"):
        write_buckets(folder / "history.parquet", buckets, 5)
    with pytest.raises(ArgumentError, match="'sku' is no column"):
        write_buckets(folder / "history.parquet", tmp_path / "x", 5, key="sku")
    with pytest.raises(RunFolderError, match="forecast bucket"):
        forecast_partitions(tmp_path / "none", tmp_path / "y", horizon=1)
    with pytest.raises(ArgumentError, match="model must be one of"):
        forecast_partitions(buckets, tmp_path / "y", horizon=1, model="oracle")
