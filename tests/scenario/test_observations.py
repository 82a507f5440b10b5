"""Long tables of observations become histories: against pandas, and with rows that must be told."""

import numpy as np
import pandas as pd
import pytest

from capacity_opt.errors import ScenarioError
from capacity_opt.forecast.history import PeriodCalendar
from capacity_opt.scenario.observations import observations_of
from capacity_opt.scenario.problems import Problems

STEPS = PeriodCalendar()
RULES = {"sum": lambda y: y.sum(), "mean": lambda y: y.mean(), "last": lambda y: y.iloc[-1]}


def history_of(folder, table, rule="error"):
    table.to_csv(folder / "rows.csv", index=False)
    problems = Problems()
    made = observations_of(folder / "rows.csv", STEPS, problems).history(problems, duplicates=rule)
    problems.raise_if_any()
    return made


@pytest.mark.parametrize("rule", RULES)
def test_rows_in_any_order_with_gaps_and_repeats_equal_what_pandas_makes_of_them(tmp_path, rule):
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "unique_id": rng.choice([f"s{i}" for i in range(12)], 300),
            "ds": rng.integers(5, 60, 300),
            "y": rng.integers(0, 9, 300).astype(float),
            "in_stock": rng.random(300) < 0.8,
        }
    )
    history = history_of(tmp_path, table, rule)
    groups = table.groupby(["unique_id", "ds"])
    wanted = groups["y"].agg(RULES[rule])
    assert list(history.ids) == sorted(table["unique_id"].unique())
    for i, name in enumerate(history.ids):
        series = wanted[name]
        cells = slice(history.offsets[i], history.offsets[i + 1])
        span = range(series.index.min(), series.index.max() + 1)
        assert history.first[i] == span.start
        np.testing.assert_array_equal(history.values[cells], series.reindex(span).to_numpy())
        stock = groups["in_stock"].all()[name].astype(float).reindex(span).fillna(1.0)
        np.testing.assert_array_equal(history.in_stock[cells], stock == 1.0)


def test_all_blank_ids_and_periods_are_told_at_once_by_row(tmp_path):
    table = pd.DataFrame({"unique_id": ["a", None, "b", None], "ds": ["0", "1", None, "3"], "y": 1.0})
    with pytest.raises(ScenarioError) as caught:
        history_of(tmp_path, table)
    told = str(caught.value)
    assert all(place in told for place in ("rows.csv:3:unique_id", "rows.csv:5:unique_id", "rows.csv:4:ds"))


def test_seconds_since_1970_are_not_taken_for_periods(tmp_path):
    table = pd.DataFrame({"unique_id": "a", "ds": 1_700_000_000 + 86_400 * np.arange(1_000), "y": 1.0})
    with pytest.raises(ScenarioError, match="reach over 86,313,601 periods"):
        history_of(tmp_path, table)
