"""Forecasts of other tools come in as they are, and every fault is told by its row."""

import json

import numpy as np
import pandas as pd
import pytest

from capacity_opt.errors import ScenarioError
from capacity_opt.scenario.external_forecast import read_forecast, recalibrate_forecast
from capacity_opt.scenario.forecast_row_report import write_row_report

DAYS = pd.date_range("2027-01-04", periods=2, freq="D")
LEVELS = [0.05, 0.5, 0.95]
CUBE = np.array([[[1.0, 2.0, 4.0], [2.0, 3.0, 5.0]], [[10.0, 20.0, 40.0], [20.0, 30.0, 50.0]]])


def frame(series="unique_id", moment="ds"):
    return pd.DataFrame({series: ["a", "a", "b", "b"], moment: [*DAYS, *DAYS]})


def wide(names, **keys):
    return frame(**keys).assign(**dict(zip(names, CUBE.reshape(4, 3).T)))


def long(level="level"):
    parts = [frame().assign(**{level: value, "value": CUBE.reshape(4, 3)[:, k]}) for k, value in enumerate(LEVELS)]
    return pd.concat(parts)


FORMS = {
    "nixtla intervals": wide(["ETS-lo-90", "ETS-median", "ETS-hi-90"]).rename(columns={"ETS-median": "median"}),
    "nixtla quantiles": wide(["ETS-q-5", "ETS-q-50", "ETS-q-95"]).assign(ETS=0.0),
    "autogluon, chronos": wide(["0.05", "0.5", "0.95"], series="item_id", moment="timestamp").assign(mean=3.0),
    "percent": wide(["p5", "p50", "p95"]),
    "long": long(),
    "long, chronos": long("quantile").rename(columns={"value": "predictions"}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_tools_shape_gives_the_same_forecast(form, suffix, tmp_path):
    table, path = FORMS[form].sample(frac=1, random_state=1), tmp_path / f"f{suffix}"
    model = "ETS" if form == "nixtla quantiles" else None
    if form == "nixtla intervals":
        table = table.rename(columns=lambda name: name.removeprefix("ETS-"))
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path, index=False)
    made = read_forecast(path, period="day", model=model).forecast
    order = np.argsort(made.ids)
    np.testing.assert_allclose(made.levels, LEVELS)
    np.testing.assert_array_equal(made.values[order], CUBE)
    assert made.calendar.start == np.datetime64("2027-01-04")


def test_gluonts_lines_of_quantiles_and_samples(tmp_path):
    path = tmp_path / "f.jsonl"
    lines = [{"item_id": name, "start": "2027-01-04", "freq": "D",
              "quantiles": {str(level): list(cube[:, k]) for k, level in enumerate(LEVELS)}}
             for name, cube in zip("ab", CUBE)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
    np.testing.assert_array_equal(read_forecast(path, period="day").forecast.values, CUBE)
    draws = np.random.default_rng(0).normal(50, 10, (400, 2))
    path.write_text(json.dumps({"item_id": "a", "samples": draws.tolist()}))
    made = read_forecast(path, sample_levels=[0.1, 0.9]).forecast
    np.testing.assert_allclose(made.values[0], np.quantile(draws, [0.1, 0.9], axis=0).T)


def broken(change, **options):
    def build(path):
        table = wide(["p5", "p50", "p95"])
        table["cutoff"] = pd.Timestamp("2027-01-03")
        change(table).to_csv(path, index=False)
        return read_forecast(path, period="day", **options)

    return build


def put(column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[1, column] = value
        return table

    return change


def same(table):
    return table


FAULTS = {
    "unknown id": (broken(same, ids=["a"]), "f.csv:4 = 'b'"),
    "missing id": (broken(same, ids=["a", "b", "c"]), "1 series have no forecast: 'c'"),
    "gap": (broken(lambda t: t.drop(index=2)), "series 'b' has no forecast 1 periods ahead"),
    "short": (broken(same, horizon=3), "no forecast 3 periods ahead"),
    "twice": (broken(lambda t: pd.concat([t, t.iloc[:1]])), "f.csv:6: series 'a' has"),
    "not finite": (broken(put("p50", np.inf)), "f.csv:3:p50 = inf"),
    "blank": (broken(put("p50", np.nan)), "f.csv:3:p50 = nan"),
    "level": (broken(same, service_level=0.99), "0.99 is outside the levels 0.05 to 0.95"),
    "leakage": (broken(same, first_demand="2027-01-03"), "leakage"),
    "origin after": (broken(put("cutoff", "2027-01-08")), "f.csv:3:cutoff"),
    "date": (broken(put("ds", "4/1/27")), "is not a date"),
    "two models": (broken(lambda t: t.rename(columns={"p5": "A-lo-90", "p50": "B-lo-90"})), "--model"),
    "point": (broken(lambda t: t[["unique_id", "ds", "p50"]]), "at least two quantile columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_name_file_row_and_fix(name, tmp_path):
    build, told = FAULTS[name]
    with pytest.raises(ScenarioError) as error:
        build(tmp_path / "f.csv")
    assert told in str(error.value)
    assert all(problem.fix for problem in error.value.problems)


def test_a_named_tail_rule_lets_a_level_outside_pass(tmp_path):
    assert broken(same, service_level=0.99, tail="exponential")(tmp_path / "f.csv").forecast.count == 2


def test_crossing_is_repaired_and_flat_quantiles_are_remarked(tmp_path):
    crossed = broken(put("p50", 9.0))(tmp_path / "f.csv")
    assert crossed.forecast.crossings == 1
    assert any("crossing quantiles" in str(problem) and problem.row == 3 for problem in crossed.warnings)
    flat = broken(lambda t: t.assign(p5=t.p50, p95=t.p50))(tmp_path / "f.csv")
    assert any("same value at every level" in str(problem) for problem in flat.warnings)


def test_recalibration_on_past_windows_mends_coverage(tmp_path):
    rng = np.random.default_rng(0)
    starts = pd.date_range("2027-01-01", periods=60, freq="D")
    past = pd.DataFrame([("a", day + pd.Timedelta(days=1), day, 9.0, 10.0, 11.0) for day in starts],
                        columns=["unique_id", "ds", "cutoff", "p10", "p50", "p90"])  # fmt: skip
    past.to_csv(tmp_path / "past.csv", index=False)
    past[["unique_id", "ds"]].assign(y=rng.normal(12, 5, 60)).to_csv(tmp_path / "actual.csv", index=False)
    now = past.tail(1).assign(ds=pd.Timestamp("2027-04-01"), cutoff=pd.Timestamp("2027-03-31"))
    now.to_csv(tmp_path / "now.csv", index=False)
    found = read_forecast(tmp_path / "now.csv", period="day")
    mended = recalibrate_forecast(found, tmp_path / "past.csv", tmp_path / "actual.csv", period="day")
    low, middle, high = mended.forecast.values[0, 0]
    assert mended.recalibration.scores == 60
    assert low == pytest.approx(12 - 1.28 * 5, abs=1.8)
    assert middle == pytest.approx(12, abs=1.5)
    assert high == pytest.approx(12 + 1.28 * 5, abs=1.8)


def test_every_faulty_row_is_written(tmp_path):
    rows = [("a", 5, 4, 1, 2, 3), ("a", 6, 4, 3, 2, 4), ("b", 5, 4, 2, 2, 2), ("b", 6, 4, -1, 2, 3),
            ("c", 5, 5, 1, np.nan, 3)]  # fmt: skip
    table = pd.DataFrame(rows * 20, columns=["unique_id", "ds", "cutoff", "p10", "p50", "p90"])
    table.to_csv(tmp_path / "f.csv", index=False)
    told = write_row_report(tmp_path / "f.csv", tmp_path / "rows.csv", ids=["a", "b"])
    assert told == {
        "not finite": 20, "crossing, sorted": 20, "same at every level": 20, "below 0": 20,
        "origin not before its period": 20, "unknown id": 20,
    }  # fmt: skip
    written = pd.read_csv(tmp_path / "rows.csv")
    assert len(written) == 120
    assert written[written["fault"] == "crossing, sorted"]["row"].tolist()[:2] == [3, 8]


def spoiled(name, value):
    def change(table):
        table[name] = table[name].astype(object)
        table.loc[2, name] = value
        return table

    return change


PLANTED = {
    "text": (wide(["p5", "p50", "p95"]), spoiled("p95", "12,5"), "f.csv:4:p95 = '12,5': is not a number"),
    "blank": (wide(["p5", "p50", "p95"]), spoiled("p95", None), "f.csv:4:p95 = nan: quantiles must be finite"),
    "blank id": (wide(["p5", "p50", "p95"]), spoiled("unique_id", None), "f.csv:4:unique_id: is blank"),
    "no date": (wide(["p5", "p50", "p95"]), spoiled("ds", "2027-02-30"), "f.csv:4:ds = '2027-02-30': is not a date"),
    "level": (long().reset_index(drop=True), spoiled("level", 90), "f.csv:4:level = '90.0': a quantile's level"),
    "long text": (long().reset_index(drop=True), spoiled("value", "x"), "f.csv:4:value = 'x': is not a number"),
    "sample": (
        pd.DataFrame({"unique_id": "a", "ds": np.repeat(DAYS, 3), "sample": [0, 1, 2] * 2, "value": 1.0}),
        spoiled("value", np.inf), "f.csv:4:value = inf: samples must be finite",
    ),
    "semicolons": (wide(["p5", "p50", "p95"]), None, "separated by semicolons"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_spoiled_cell_is_told_with_its_column(name, tmp_path):
    table, change, told = PLANTED[name]
    table.copy().pipe(change or (lambda same: same)).to_csv(tmp_path / "f.csv", index=False, sep=",;"[change is None])
    with pytest.raises(ScenarioError) as caught:
        read_forecast(tmp_path / "f.csv", period="day")
    assert told in str(caught.value)


def test_lines_of_json_with_old_names_of_periods_and_without_ids(tmp_path):
    path, body = tmp_path / "f.jsonl", {"quantiles": {"0.1": [1, 2], "0.9": [3, 4]}}
    for freq, start, period in (
        ("H", "2027-01-04 05:00", "hour"),
        ("M", "2027-02", "month"),
        ("15T", "2027-01-04", "15min"),
    ):
        path.write_text(json.dumps({"item_id": "a", "start": start, "freq": freq, **body}))
        made = read_forecast(path, period=period).forecast
        assert made.calendar.start == np.datetime64(pd.Timestamp(start))
        assert made.horizon == 2
    path.write_text(json.dumps(body) + "\n[1]\n" + json.dumps({"item_id": "b"}))
    with pytest.raises(ScenarioError) as caught:
        read_forecast(path)
    for told in (
        "f.jsonl:1: is no forecast: no item_id",
        "f.jsonl:2: ",
        "f.jsonl:3: is no forecast: series 'b' has neither",
    ):
        assert told in str(caught.value)


def test_times_of_a_zone_an_index_of_two_and_a_late_start(tmp_path):
    table = wide(["0.05", "0.5", "0.95"], series="item_id", moment="timestamp")
    table["timestamp"] = table["timestamp"].dt.tz_localize("Europe/Berlin")
    table.set_index(["item_id", "timestamp"]).to_parquet(tmp_path / "f.parquet")  # as AutoGluon writes it
    made = read_forecast(tmp_path / "f.parquet", period="day", time_zone="Europe/Berlin").forecast
    assert made.calendar.start == np.datetime64("2027-01-04")
    with pytest.raises(ScenarioError, match="begins 3 periods after the first demand decided on"):
        read_forecast(tmp_path / "f.parquet", period="day", time_zone="Europe/Berlin", first_demand="2027-01-01")
