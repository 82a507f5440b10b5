"""Scores by hand: pinball, coverage of counts on an edge, scaled errors."""

import numpy as np
import pytest

import capacity_opt as co

LEVELS = [0.025, 0.1, 0.5, 0.9, 0.975]


def test_scores_agree_with_the_formulas_worked_out():
    forecast = co.QuantileForecast(LEVELS, [[[2.0, 4.0, 6.0, 8.0, 10.0]] * 2])
    history = co.History([[1.0, 3.0, 2.0, 5.0]])
    score = co.score_forecast(forecast, [[7.0, 12.0]], history=history)
    np.testing.assert_allclose(score.pinball[2], 0.5 * (1 + 6) / 2)
    assert score.mase == pytest.approx(((1 + 6) / 2) / 2)
    assert score.msis == pytest.approx((8 + (8 + 40 * 2)) / 2 / 2)
    assert score.bias == pytest.approx(-7 / 19)
    assert score.coverage[0.8] == 0.5


def test_counts_on_an_edge_are_given_the_benefit_and_missing_actuals_count_not_at_all():
    forecast = co.QuantileForecast([0.1, 0.9], [[[0.0, 0.0], [0.0, 2.0], [0.0, 2.0]]])
    score = co.score_forecast(forecast, [[0.0, 0.0, np.nan]])
    assert (score.below.tolist(), score.upto.tolist()) == ([0.0, 0.5], [1.0, 1.0])
    assert score.coverage[0.8] == pytest.approx(0.8)
    missed = co.score_forecast(forecast, [[5.0, 5.0, 5.0]])
    assert missed.coverage[0.8] == 0.0


def test_the_worst_series_come_first():
    forecast = co.QuantileForecast([0.5], np.zeros((3, 1, 1)))
    assert co.score_forecast(forecast, [[1.0], [9.0], [4.0]]).worst.tolist() == [1, 2, 0]
