"""Joint sample paths: their totals, what moves together, whole units, seeds."""

import numpy as np
import pytest
from scipy import stats

import capacity_opt as co


@pytest.fixture(scope="module")
def panel():
    """Ten series, the first six led by one random walk."""
    rng = np.random.default_rng(5)
    common = np.cumsum(rng.normal(0, 3, 120))
    own = np.cumsum(rng.normal(0, 1.5, (10, 120)), axis=1)
    lead = np.where(np.arange(10)[:, None] < 6, common, 0.0)
    return co.History(np.maximum(200 + lead + own + rng.normal(0, 2, (10, 120)), 0.0))


def test_series_that_share_a_cause_are_drawn_together_and_others_are_not(panel):
    paths = co.forecast_paths(panel, 4, season=0).sample(2000, seed=7)
    tied = np.corrcoef(paths.sum(axis=2).T)
    among = tied[:6, :6][np.triu_indices(6, 1)]
    assert among.min() > 0.4
    assert np.abs(tied[6:, :6]).max() < 0.35
    noise = co.History(np.random.default_rng(6).gamma(4.0, 5.0, (12, 90)))
    alone = co.forecast_paths(noise, 2, season=0)
    assert alone.dependence.loadings.shape == (12, 0)


def test_totals_along_paths_are_spread_as_the_direct_forecast_of_totals(panel):
    joint = co.forecast_paths(panel, 5, season=0)
    drawn = np.sort(joint.sample(4000, seed=1).sum(axis=2), axis=0)
    for level in (0.05, 0.5, 0.95):
        told = joint.totals.at(level)[:, -1]
        np.testing.assert_allclose(np.quantile(drawn, level, axis=0), told, rtol=0.01)
    assert np.all(joint.dependence.serial > 0.3)  # what surprises a random walk stays


def test_paths_are_whole_where_history_is_and_the_same_for_one_seed():
    history = co.History(np.random.default_rng(8).poisson(0.6, (40, 60)))
    joint = co.forecast_paths(history, 3)
    paths = joint.sample(300, seed=4)
    assert joint.integer
    assert np.array_equal(paths, np.rint(paths))
    assert paths.min() >= 0
    assert np.array_equal(paths, joint.sample(300, seed=4))
    assert not np.array_equal(paths, joint.sample(300, seed=5))
    assert paths.mean() == pytest.approx(0.6, rel=0.15)
    assert joint.over_lead_time(100, seed=1).over(3).shape == (40,)


def test_totals_of_intermittent_demand_are_covered():
    rng = np.random.default_rng(9)
    shape = rng.gamma(1.0, 1.0, 400)
    demand = rng.poisson(shape[:, None], (400, 60)) * (rng.random((400, 60)) < 0.4)
    kept, held = co.History(demand).hold_out(4)
    totals = co.forecast_totals(kept, 4, levels=[0.5, 0.8, 0.9, 0.95])
    came = np.cumsum(held, axis=1)
    score = co.score_forecast(totals, came)
    assert np.all(score.below <= np.array([0.5, 0.8, 0.9, 0.95]) + 0.02)
    assert np.all(score.upto >= np.array([0.5, 0.8, 0.9, 0.95]) - 0.02)
    assert stats.spearmanr(totals.at(0.9)[:, -1], shape).statistic > 0.85


def test_unknown_ways_are_refused_by_name():
    history = co.History(np.ones((3, 20)))
    with pytest.raises(co.ArgumentError, match="methods must be some of direct, moments, blocks"):
        co.forecast_totals(history, 2, methods=["magic"])
    with pytest.raises(co.ArgumentError, match=r"GB\. Draw fewer"):
        co.forecast_paths(history, 2).sample(10**9, seed=1)
