"""Which customers matter, what knowing a deal is worth, whether win probabilities are true, how cohorts grow."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.customers.cohorts import cohort_growth
from capacity_opt.customers.concentration import accounts_to_name, concentration
from capacity_opt.customers.deal_value import account_shock, value_of_knowing
from capacity_opt.customers.win_probability import calibrate_win_probability, measure_reliability, stage_win_rates
from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.lumpy import lumpy_demand

BASE = co.Normal(10_000, 600)
DEALS = Lumps.deals([3000, 1200, 5000, 500, 800], [0.3, 0.6, 0.15, 0.8, 0.5], spread=0.2)


def test_effective_customers():
    assert concentration([1, 1, 1, 1]).effective_customers == pytest.approx(4)
    told = concentration([10, 80, 10])
    assert told.effective_customers == pytest.approx(1 / (0.64 + 0.02))
    assert told.order[0] == 1
    assert told.top_shares == pytest.approx([0.8, 0.9, 1.0])


def test_accounts_to_name_are_the_fewest():
    size = np.array([50.0, 40, 30, 5, 5, 5])
    named = accounts_to_name(size, share=0.8)
    variance = size**2
    assert variance[named].sum() >= 0.8 * variance.sum() > variance[named[:-1]].sum()
    # a certain customer causes no variance, whatever its size
    assert 0 not in accounts_to_name(size, leave_probability=[0, 0.1, 0.1, 0.1, 0.1, 0.1], share=0.9)


def test_value_of_knowing_agrees_with_sampling():
    told = value_of_knowing(BASE, DEALS, stockout_cost=9, holding_cost=1)
    rng = np.random.default_rng(1)
    course, factor = DEALS.course(200_000, rng=rng)
    won = course > 0
    demand = BASE.sample(200_000, rng=rng) + ((won * factor).T @ DEALS.size)[:, 0]

    def best(values):
        quantity = np.quantile(values, 0.9)
        return np.maximum(quantity - values, 0).mean() + 9 * np.maximum(values - quantity, 0).mean()

    assert told.cost == pytest.approx(best(demand), rel=0.01)
    for deal in range(5):
        split = sum(np.mean(won[deal] == side) * best(demand[won[deal] == side]) for side in (False, True))
        assert told.value_of_knowing[deal] == pytest.approx(best(demand) - split, abs=0.01 * told.cost)
    assert told.first[0] == 2
    assert told.value_of_knowing.max() <= told.all_known


def test_planning_on_the_mixture_costs_less_than_on_the_weighted_mean():
    ratio = 0.99
    law = lumpy_demand(BASE, DEALS)
    weighted = BASE.quantile(ratio) + DEALS.mean.item()

    def cost(quantity):
        short = float(law.loss(quantity))
        return (1 - ratio) * (quantity - float(law.mean) + short) + ratio * short

    assert cost(float(law.quantile(ratio))) < 0.6 * cost(float(weighted))


def test_shocks_are_ordered_and_planning_for_them_is_cheaper():
    accounts = Lumps.accounts([2000, 400], leave_probability=0.05)
    told = account_shock(BASE, accounts, stockout_cost=9, holding_cost=1)
    assert np.all(told.leaves_planned <= told.leaves)
    assert np.all(told.doubles_planned <= told.doubles)
    assert told.doubles[0] > told.doubles[1] > told.cost
    # up to 2,000 units idle that were in use with probability 0.95, less the shortages that they no longer cause
    assert 0.7 * 1900 < told.leaves[0] - told.cost < 1900


def test_reliability_and_isotonic_calibration():
    rng = np.random.default_rng(2)
    stated = rng.choice([0.1, 0.3, 0.5, 0.7, 0.9], 4_000)
    truth = stated**2
    won = (rng.random(4_000) < truth).astype(float)
    table = measure_reliability(stated, won)
    assert np.all(table.observed < table.predicted)
    mended = calibrate_win_probability(stated, won)
    assert mended.probability([0.3, 0.9]) == pytest.approx([0.09, 0.81], abs=0.04)
    assert np.all(np.diff(mended.calibrated) >= 0)
    assert measure_reliability(mended.probability(stated), won).brier < table.brier - 0.01
    assert np.all(
        (table.low <= truth[[np.argmax(stated == s) for s in (0.1, 0.3, 0.5, 0.7, 0.9)]]) | (table.low < 0.05)
    )


def test_stages_with_few_deals_are_drawn_to_the_others():
    stage = ["lead"] * 200 + ["quote"] * 200 + ["new"] * 2
    won = [1] * 20 + [0] * 180 + [1] * 60 + [0] * 140 + [1] * 2
    told = stage_win_rates(stage, won)
    rates = dict(zip(told.stages, told.probability))
    assert rates["lead"] == pytest.approx(0.1, abs=0.02)
    assert rates["quote"] == pytest.approx(0.3, abs=0.02)
    assert rates["quote"] < rates["new"] < 0.9
    assert np.all((told.low < told.probability) & (told.probability < told.high))


def test_cohorts_are_completed_by_pooled_factors():
    nan = np.nan
    told = cohort_growth([[100, 120, 150], [200, 240, nan], [400, nan, nan]])
    assert told.factor == pytest.approx([1.2, 1.25])
    assert told.completed[2] == pytest.approx([400, 480, 600])
    assert told.ahead(2, beyond=1.0) == pytest.approx([150 + 300 + 480, 150 + 300 + 600])
    assert told.spread == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: concentration([0, 0]), "not all 0"),
        (lambda: measure_reliability([0.5], [2]), "won"),
        (lambda: measure_reliability([50], [1]), "stated"),
        (lambda: cohort_growth([[np.nan, 1.0]]), "without gaps"),
        (lambda: value_of_knowing(BASE, DEALS, stockout_cost=0, holding_cost=1), "stockout_cost"),
    ],
)
def test_wrong_arguments_are_named(make, said):
    with pytest.raises(co.ArgumentError, match=said):
        make()
