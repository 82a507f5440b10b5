"""Lead-time totals: the average of ways is about as good as the best, at any scale, and whole where demand is."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.forecast.total_ways import WAYS, Way, totals_by
from capacity_opt.forecast.total_weights import learned_weights, prior_weights

LEVELS = np.array([0.5, 0.9, 0.95])


def pinball(told, came):
    gap = came[:, None] - told
    return np.maximum(LEVELS * gap, (LEVELS - 1.0) * gap).mean(axis=0)


@pytest.fixture(scope="module")
def parts():
    """Intermittent demand of very different sizes, some of it dead, some that never asked for anything."""
    rng = np.random.default_rng(12)
    size = rng.gamma(0.7, 2.0, 160)
    demand = rng.poisson(size[:, None], (160, 50)) * (rng.random((160, 50)) < 0.35)
    demand[:20, 20:] = 0
    demand[20:24] = 0
    return demand.astype(float)


def test_no_way_alone_is_much_better_than_the_average_on_what_came(parts):
    kept, held = co.History(parts).hold_out(3)
    came = held.sum(axis=1)
    ours = pinball(co.forecast_totals(kept, 3, levels=LEVELS, season=0).values[:, -1], came)
    alone = {name: pinball(made[:, -1], came) for name, made in totals_by(kept, 3, LEVELS, 0, WAYS).items()}
    assert set(alone) == {way.name for way in WAYS}
    assert np.all(ours <= 1.12 * np.min(list(alone.values()), axis=0))
    assert np.all(ours <= np.mean(list(alone.values()), axis=0))


def test_totals_of_dead_and_silent_series_stay_within_what_was_ever_seen(parts):
    told = co.forecast_totals(co.History(parts), 3, season=0)
    assert np.all(told.values[20:24] <= 2.0)  # nothing was ever asked for
    assert np.all(told.values[:, -1] <= 3.0 * parts.max() + 10.0)
    assert np.all(np.diff(told.values, axis=1) >= 0)
    assert np.array_equal(told.values, np.rint(told.values))  # whole units
    assert sum(float(v) for k, v in told.provenance.items() if k.startswith("weight_")) == pytest.approx(1, abs=0.03)


def test_plain_ways_do_not_depend_on_the_unit(parts):
    plain = [way for way in WAYS if way.kind != "direct"]
    pieces, grams = (totals_by(co.History(parts * unit), 2, LEVELS, 0, plain) for unit in (1.0, 1000.0))
    for name, made in pieces.items():
        np.testing.assert_allclose(grams[name], 1000.0 * made, rtol=1e-9, atol=1e-12, err_msg=name)


def test_demand_that_may_be_negative_and_very_short_series_are_told_too():
    rng = np.random.default_rng(3)
    rows = np.full((6, 40), np.nan)
    rows[:, -30:] = rng.normal(-1.0, 4.0, (6, 30))
    rows[4:] = np.nan
    rows[4:, -2:] = [[3.0, 5.0], [0.0, 2.0]]
    told = co.forecast_totals(co.History(rows), 4, levels=LEVELS, season=0)
    assert np.all(np.isfinite(told.values))
    assert np.all(told.values[:4, -1, 0] < 2.0)
    assert np.all(told.values[4:] >= 0)


def test_weights_find_the_better_way_at_each_level_and_believe_the_first_without_evidence():
    rng = np.random.default_rng(5)
    truth = rng.normal(50.0, 10.0, 4000)
    quantiles = 50.0 + 10.0 * np.array([0.0, 1.2816, 1.6449])
    told = np.stack([np.full((4000, 3), [50.0, 40.0, 40.0]), np.tile(quantiles, (4000, 1))], axis=1)
    found = learned_weights(told, truth, np.full(4000, 50.0), LEVELS)
    np.testing.assert_allclose(found.sum(axis=0), 1.0)
    assert np.all(found[1, 1:] > 0.85)
    few = learned_weights(told[:10], truth[:10], np.full(10, 50.0), LEVELS)
    np.testing.assert_allclose(few[:, 0], prior_weights(2))
    assert Way("blocks", 0.95).name == "blocks_0.95"


def test_a_random_lead_time_mixes_the_totals(parts):
    totals = co.forecast_totals(co.History(parts), 4, season=0).over_lead_time(integer=True)
    mixed = co.lead_time_demand(totals, {1: 0.25, 3: 0.75}, review_period=1)
    at = np.full(len(parts), 4.0)
    by_hand = 0.25 * totals.over(2).cdf(at) + 0.75 * totals.over(4).cdf(at)
    np.testing.assert_allclose(mixed.cdf(at), by_hand, rtol=1e-12)


def test_recalibration_leaves_forecasts_of_nothing_alone():
    rng = np.random.default_rng(0)
    values = np.tile([9.0, 10.0, 11.0], (200, 1, 1))
    values[:40] = 0.0
    actual = np.where(np.arange(200)[:, None] < 40, 1.0, rng.normal(10, 4, (200, 1)))
    past = co.QuantileForecast([0.1, 0.5, 0.9], values)
    told = co.learn_recalibration(past, actual).apply(past).values
    assert np.all(told[:40] == 0)
    assert np.all((told[40:, 0, 2] > 12) & (told[40:, 0, 2] < 18))


def test_a_few_totals_show_which_way_is_hopeless_and_leave_the_others_as_believed():
    rng = np.random.default_rng(0)
    came, levels = rng.normal(100, 5, 16), np.array([0.5, 0.9])
    good, hopeless = np.array([100.0, 106.4]), np.array([160.0, 190.0])
    told = np.tile(np.stack([good, good, hopeless]), (16, 1, 1))
    np.testing.assert_allclose(learned_weights(told, came, came, levels).T, [[2 / 3, 1 / 3, 0.0]] * 2, atol=0.01)
