"""Lead-time quantiles weighed in money: the judge's replay, by hand where it can be; the command and its page."""

import json

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.cli import main


def call(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


@pytest.fixture(scope="module")
def history():
    """Walks whose surprises last: sums of quantiles are not that wrong, independence is."""
    rng = np.random.default_rng(4)
    return co.History(np.maximum(200 + np.cumsum(rng.normal(0, 6, (24, 60)), axis=1), 0.0))


def test_ways_are_ranked_by_what_came_and_paired(history):
    found = co.decision_cost(history, reviews=6, lead_time=3, stockout_cost=9, season=0)
    cost = {score.name: score.cost for score in found.scores}
    assert cost["lead_time_totals"] <= 1.01 * min(cost.values())
    worst = found.scores[-1]
    assert worst.dearer.low > 0
    assert worst.dearer.value == pytest.approx(cost[worst.name] - min(cost.values()))
    held, quantile = (
        history.hold_out(10)[1],
        co.lead_time_quantiles(history.hold_out(10)[0], 1, way="normal", levels=[0.9]),
    )
    alone = co.decision_cost(history, reviews=1, lead_time=0, stockout_cost=9, ways=["normal"])
    known = history.hold_out(1)[0]
    level = co.lead_time_quantiles(known, 1, way="normal", levels=[0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])[:, 5]
    gap = level - history.hold_out(1)[1][:, 0]
    assert alone.scores[0].cost == pytest.approx(np.where(gap > 0, gap, -9 * gap).sum())  # a newsvendor by hand
    assert quantile.shape == (24, 1)
    assert held.shape == (24, 10)


def test_reviews_must_outlast_the_lead_time(history):
    with pytest.raises(co.ArgumentError, match="no order would arrive"):
        co.decision_cost(history, reviews=3, lead_time=3)
    with pytest.raises(co.ArgumentError, match="tune must leave reviews to score"):
        co.decision_cost(history, reviews=5, lead_time=2, tune=3)
    with pytest.raises(co.ArgumentError, match="way must be one of lead_time_totals"):
        co.decision_cost(history, reviews=3, ways=["luck"])


def test_the_command_tells_costs_and_writes_a_page_that_cannot_act(history, tmp_path, capsys):
    file, page = tmp_path / "history.csv", tmp_path / "page.html"
    names = ["<script>alert(1)</script>", *(f"s{i}" for i in range(1, 10))]
    rows = [f"{n},{t},{v:.1f}" for n, row in zip(names, history.panel()[:10]) for t, v in enumerate(row)]
    file.write_text("unique_id,ds,y\n" + "\n".join(rows) + "\n")
    arguments = ("forecast", "backtest", file, "--horizon", 4, "--season", 0, "--lead-time", 2, "--stockout-cost", 9)
    assert call(*arguments, "--report", page, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["way"] for row in told["decision_cost"]} >= {"lead_time_totals", "sum_of_quantiles", "bootstrap"}
    assert all(row["dearer_low"] <= row["dearer"] <= row["dearer_high"] for row in told["decision_cost"])
    text = page.read_text()
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "https://" not in text
    assert all(title in text for title in ("Calibration", "Worst series", "What deciding would have cost"))
