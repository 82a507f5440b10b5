"""The forecast commands as a person uses them."""

import json

import pandas as pd
import pytest

from capacity_opt.cli import main


def call(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code or 0


@pytest.fixture
def folder(tmp_path):
    days = pd.date_range("2027-01-01", periods=40, freq="D")
    rows = [(name, day, 10 * k + i % 3) for k, name in enumerate(["a", "b", "c"], 1) for i, day in enumerate(days)]
    pd.DataFrame(rows, columns=["unique_id", "ds", "y"]).to_parquet(tmp_path / "history.parquet")
    assert (
        call("forecast", "init", tmp_path / "state", "--history", tmp_path / "history.parquet", "--period", "day") == 0
    )
    return tmp_path


def write(folder, text):
    (folder / "new.csv").write_text("unique_id,ds,y\n" + text)
    return folder / "new.csv"


def test_from_history_to_quantiles_by_command(folder, capsys):
    new = write(folder, "b,2027-02-10,21\na,2027-02-10,11\n")
    assert call("forecast", "update", folder / "state", "--observations", new) == 0
    assert "2 used" in capsys.readouterr().out
    assert call("forecast", "update", folder / "state", "--observations", new, "--json") == 0
    assert json.loads(capsys.readouterr().out)["observations"]["repeated"] == 2
    out = folder / "q.parquet"
    assert call("forecast", "emit", folder / "state", "--horizon", "2", "--levels", "0.1,0.5,0.9", "--out", out) == 0
    table = pd.read_parquet(out)
    assert list(table.columns) == ["unique_id", "ds", "horizon", "p10", "p50", "p90"]
    assert table["ds"].iloc[0] == pd.Timestamp("2027-02-11")
    assert table[table.unique_id == "b"]["p50"].between(20, 22).all()


def test_every_fault_of_a_file_is_told_with_its_row(folder, capsys):
    new = write(folder, "zz,2027-02-10,21\na,2097-02-10,11\n")
    assert call("forecast", "update", folder / "state", "--observations", new) == 3
    told = capsys.readouterr().err
    assert "new.csv:2 = 'zz'" in told
    assert "new.csv:3 = " in told
    assert call("forecast", "update", folder / "state", "--observations", write(folder, "a,2027-02-10,-4\n")) == 3
    assert "new.csv:2:y = -4" in capsys.readouterr().err
    assert call("forecast", "update", folder / "state", "--observations", write(folder, "a,2027-02-10,x1\n")) == 3
    assert "new.csv:2:y" in capsys.readouterr().err


def test_new_series_are_taken_up_when_asked(folder, capsys):
    new = write(folder, "zz,2027-02-10,21\n")
    assert call("forecast", "update", folder / "state", "--observations", new, "--new", "add", "--json") == 0
    assert json.loads(capsys.readouterr().out)["series"] == 4


def test_rows_of_one_period_need_a_rule(folder, capsys):
    twice = write(folder, "a,2027-02-10,1\na,2027-02-10,2\na,2027-02-11,3\n")
    arguments = ("forecast", "init", folder / "other", "--history", twice, "--period", "day")
    assert call(*arguments) == 3
    assert "rows 2 and 3" in capsys.readouterr().err
    assert call(*arguments, "--duplicates", "sum") == 0


def test_dates_need_the_length_of_a_period(folder, capsys):
    assert call("forecast", "init", folder / "other", "--history", folder / "history.parquet") == 3
    assert "--period" in capsys.readouterr().err


@pytest.mark.parametrize(("start", "periods"), [("2027-02-10", 3), (None, 3)])
def test_a_scenario_reads_what_emit_writes(folder, start, periods):
    emitted = folder / "demand.csv"
    assert call("forecast", "emit", folder / "state", "--horizon", periods, "--out", emitted) == 0
    begins = f"start = {start}\n" if start else ""
    (folder / "scenario.toml").write_text(
        f'schema_version = 1\nname = "streamed"\n[time]\nperiod = "day"\nperiods = {periods}\n{begins}'
        '[demand]\nkind = "quantiles"\nfile = "demand.csv"\n[inventory]\n'
    )
    (folder / "items.csv").write_text("item,holding_cost,stockout_cost,lead_time_days\na,1,9,1\nb,1,9,1\nc,1,9,1\n")
    assert call("validate", folder) == 0
