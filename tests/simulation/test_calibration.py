"""The target moves until the judged lower bound meets the promise."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, BaseStock, Estimate, Item, simulate
from capacity_opt.demand.counts import Poisson
from capacity_opt.simulation.calibration import calibrate


def optimistic(factor):
    def judge(asked):
        short = factor * (1 - np.asarray(asked))
        return Estimate(value=1 - short, low=1 - 1.05 * short, high=1 - 0.95 * short, replications=100)

    return judge


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7, 6.0])
def test_the_plan_found_meets_the_target_and_not_much_more(factor):
    found = calibrate(lambda asked: asked, optimistic(factor), 0.98)
    judged = optimistic(factor)(found.plan)
    assert found.met
    assert judged.low >= 0.98 - 1e-9
    assert factor < 0.9 or judged.low <= 0.98 + 0.1 * 0.02 + 1e-9


def test_classes_move_on_their_own_and_those_without_a_promise_stay():
    factors = np.array([1.0, 3.0, 2.0])
    found = calibrate(lambda asked: asked, optimistic(factors), [0.999, 0.98, np.nan])
    assert found.met
    assert np.isnan(found.asked[2])
    assert found.asked[1] > 0.993
    np.testing.assert_array_less([0.999, 0.98], np.asarray(optimistic(factors)(found.plan).low)[:2] + 1e-9)


def test_a_step_function_is_closed_in_on():
    """Whole servers: what is judged jumps."""

    def judge(asked):
        short = np.ceil((1 - asked) * 300) / 200
        return Estimate(value=1 - short, low=1 - short, high=1 - short, replications=100)

    found = calibrate(lambda asked: asked, judge, 0.98, rounds=12)
    assert found.met
    assert judge(found.plan).low == pytest.approx(0.98)


def test_what_cannot_be_met_is_said():
    def judge(asked):
        return Estimate(value=0.9, low=0.89, high=0.91, replications=10)

    found = calibrate(lambda asked: asked, judge, 0.98, rounds=4)
    assert not found.met
    assert len(found.steps) == 4


def test_a_percentage_is_refused():
    with pytest.raises(ArgumentError, match="0.98"):
        calibrate(lambda asked: asked, optimistic(1.0), 98)


def test_a_real_plan_from_few_samples_is_made_honest():
    """Base stock chosen on 60 observed demands promises too much; calibration buys what is missing."""
    seen = np.sort(np.random.default_rng(3).poisson(20.0, 60).astype(float))
    item = Item(holding_cost=1, stockout_cost=9)

    def replan(asked):
        levels = np.arange(20.0, 60.0)
        fill = np.array([np.minimum(seen, s).sum() / seen.sum() for s in levels])
        return BaseStock(base_stock_level=levels[np.searchsorted(fill, float(asked))])

    def judge(policy):
        return simulate(policy, Poisson(mean=20.0), item, seed=1).fill_rate

    found = calibrate(replan, judge, 0.99)
    assert judge(found.plan).low >= 0.99
