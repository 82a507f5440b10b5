"""Forecasts weighed in money."""

import numpy as np
import pytest
from scipy import stats

from capacity_opt import ArgumentError, Item
from capacity_opt.simulation.backtest import backtest_quantiles

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 0.95])


def history(items=40, periods=60):
    means = np.random.default_rng(0).uniform(5, 40, items)
    return means, np.random.default_rng(1).poisson(means[:, None], (items, periods)).astype(float)


def quantiles(means, span, factor=1.0):
    rows = stats.poisson.ppf(LEVELS, span * means[:, None] * factor)
    return np.repeat(rows[:, None, :], 60, axis=1)


def test_the_true_distribution_is_cheapest_and_calibrated():
    means, asked = history()
    item = Item(holding_cost=1, stockout_cost=4, lead_time=2)
    models = {"low": quantiles(means, 3, 0.8), "true": quantiles(means, 3), "high": quantiles(means, 3, 1.25)}
    found = backtest_quantiles(models, LEVELS, asked, item, initial_stock=3 * means)
    names = [score.name for score in found.scores]
    assert names[0] == "true"
    best = found.scores[0]
    np.testing.assert_allclose(best.coverage, LEVELS, atol=0.08)
    assert best.pinball == min(score.pinball for score in found.scores)
    assert abs(best.bias) < 1
    assert {s.name: s.bias > 5 for s in found.scores if s.name != "true"} == {"low": False, "high": True}
    assert all(score.dearer.low > 0 for score in found.scores[1:])
    assert best.cost == pytest.approx(best.holding + best.stockout + best.ordering)


def test_cheapest_need_not_be_the_sharpest():
    """A model that is wrong where nothing is decided has a worse pinball loss and the same cost."""
    means, asked = history()
    item = Item(holding_cost=1, stockout_cost=9)
    true = quantiles(means, 1)
    spoilt = true.copy()
    spoilt[..., :3] *= 0.3
    found = backtest_quantiles({"true": true, "spoilt": spoilt}, LEVELS, asked, item, order_level=0.95)
    by_name = {score.name: score for score in found.scores}
    assert by_name["spoilt"].cost == pytest.approx(by_name["true"].cost)
    assert by_name["spoilt"].pinball > by_name["true"].pinball


def test_censored_periods_are_flagged_and_left_out_of_accuracy():
    means, asked = history()
    censored = np.zeros_like(asked, dtype=bool)
    censored[:, ::2] = True
    wild = asked.copy()
    wild[:, ::2] = 0.0
    item = Item(holding_cost=1, stockout_cost=9)
    found = backtest_quantiles({"true": quantiles(means, 1)}, LEVELS, wild, item, censored=censored, lost_sales=True)
    assert found.censored_share == 0.5
    np.testing.assert_allclose(found.scores[0].coverage, LEVELS, atol=0.08)


def test_a_ratio_outside_the_levels_is_counted():
    means, asked = history()
    item = Item(holding_cost=1, stockout_cost=999)
    found = backtest_quantiles({"true": quantiles(means, 1)}, LEVELS, asked, item)
    assert found.outside == {"true": 1.0}


def test_forecasts_of_another_shape_are_named():
    _, asked = history()
    with pytest.raises(ArgumentError, match=r"forecasts\['naive'\] must have shape \(40, 60, 6\)"):
        backtest_quantiles({"naive": np.ones((40, 60, 2))}, LEVELS, asked, Item(holding_cost=1, stockout_cost=9))
