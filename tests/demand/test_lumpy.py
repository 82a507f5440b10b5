"""Deals and accounts: exact marginals against simulation and enumeration, joint draws, the published mixture."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.lumpy import LumpyPaths, lumpy_demand, spectrum

CASES = json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text(encoding="utf-8"))["cases"]
LEVELS = np.array([0.05, 0.5, 0.9, 0.99, 0.999])


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["family"] == "big_deal_mixture"], ids=lambda c: c["id"]
)
def test_published_mixture(case):
    p = case["inputs"]
    chances, sizes = zip(*p["deals"])
    spread = float(np.sqrt(np.expm1(p["size_lognormal_sigma"] ** 2)))
    law = lumpy_demand(co.Normal(p["base_mean"], p["base_sd"]), Lumps.deals(sizes, chances, spread=spread))
    for level, value in case["expected"]["quantiles"].items():
        assert float(law.quantile(float(level))) == pytest.approx(value, abs=case["tolerance"]["abs"])


def test_quantiles_of_fifty_deals_agree_with_simulation():
    rng = np.random.default_rng(5)
    deals = Lumps.deals(rng.lognormal(6, 1, 50), rng.uniform(0.05, 0.9, 50), spread=rng.uniform(0, 0.5, 50))
    base = co.Gamma(10_000, 600)
    drawn = base.sample(100_000, rng=rng) + deals.draw(100_000, rng=rng)[:, 0, 0]
    law = lumpy_demand(base, deals)
    # 0.2 %, and what 100,000 draws leave open at the far quantile
    assert law.quantile(LEVELS) == pytest.approx(np.quantile(drawn, LEVELS), rel=6e-3)
    assert law.quantile(LEVELS[1:4]) == pytest.approx(np.quantile(drawn, LEVELS[1:4]), rel=3e-3)
    assert float(law.mean) == pytest.approx(10_000 + deals.mean.item(), rel=1e-5)
    assert float(law.variance) == pytest.approx(600**2 + deals.variance.item(), rel=1e-3)
    assert float(law.loss(14_000.0)) == pytest.approx(np.maximum(drawn - 14_000, 0).mean(), rel=0.02)


def test_certain_sizes_are_enumerated():
    sizes, chances = [8.0, 16.0, 32.0], [0.25, 0.5, 0.9]
    law = lumpy_demand(co.Deterministic(100.0), Lumps.deals(sizes, chances), points=4096)
    for won in product([0, 1], repeat=3):
        total = 100 + np.dot(won, sizes)
        exact = sum(
            np.prod([c if w else 1 - c for c, w in zip(chances, outcome)])
            for outcome in product([0, 1], repeat=3)
            if 100 + np.dot(outcome, sizes) <= total
        )
        assert float(law.cdf(total + 1.0)) == pytest.approx(exact, abs=1e-9)


def test_a_deal_slips_and_ramps():
    deal = Lumps.deals([90.0], [0.5], start=1, slip=[0.7, 0.3], ramp=2, periods=4, names=["big"])
    # begins in period 1 (70 %) or 2 (30 %) and grows by a third per period
    assert deal.mean[0] == pytest.approx([0, 0.5 * 0.7 * 30, 0.5 * (0.7 * 60 + 0.3 * 30), 0.5 * (0.7 * 90 + 0.3 * 60)])


def test_an_account_leaves_for_good():
    account = Lumps.accounts([50.0], leave_probability=0.2, growth=0.1, periods=3)
    drawn = account.draw(20_000, rng=np.random.default_rng(0))[:, 0]
    assert account.mean[0] == pytest.approx([50 * 0.8 ** (t + 1) * 1.1**t for t in range(3)])
    assert drawn.mean(axis=0) == pytest.approx(account.mean[0], rel=0.02)
    assert np.all((drawn[:, 1:] == 0) | (drawn[:, :-1] > 0))


def test_one_deal_hits_all_its_groups_together():
    deal = Lumps.deals([[10.0, 30.0]], [0.5], spread=0.4, periods=2)
    values, chance = LumpyPaths(co.FixedDemand(np.full((2, 2), 100.0)), deal).draw(2_000, seed=1)
    first, second = values[:, 0, 0, 0] - 100, values[:, 1, 1, 0] - 100
    assert second == pytest.approx(3 * first)
    assert chance.sum() == pytest.approx(1.0)
    assert 0.4 < (first > 0).mean() < 0.6
    again, _ = LumpyPaths(co.FixedDemand(np.full((2, 2), 100.0)), deal).draw(2_000, seed=1)
    assert np.array_equal(values, again)


def test_given_samples_meet_several_outcomes():
    base = co.GivenSamples([[[5.0]], [[9.0]]], [0.25, 0.75])
    values, chance = LumpyPaths(base, Lumps.deals([1.0], [0.5])).draw(1_000, seed=2)
    assert len(values) == 1_000
    assert chance @ values[:, 0, 0, 0] == pytest.approx(0.25 * 5 + 0.75 * 9 + 0.5, abs=0.06)


def test_leaving_one_out_needs_no_division():
    deals = Lumps.deals([100.0, 40.0], [0.5, 0.5])
    made = spectrum(co.Normal(1000, 50), deals, group=0, period=0, points=2048)
    without = made.demand(made.others()[0])
    assert float(without.mean) == pytest.approx(1020, rel=1e-6)


def test_joined_lumps_keep_their_own_courses():
    both = Lumps.joined([Lumps.deals([10], [0.5], periods=2), Lumps.accounts([20], leave_probability=0.5, periods=2)])
    assert both.mean[0] == pytest.approx([5 + 10, 5 + 5])
    assert both.take([1]).names == ("lump 1",)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Lumps.deals([10], [50]), "win_probability"),
        (lambda: Lumps.deals([-1], [0.5]), "size"),
        (lambda: Lumps.deals([1], [0.5], slip=[0.5, 0.2]), "slip must sum to 1"),
        (lambda: Lumps.joined([]), "at least one"),
        (lambda: lumpy_demand(co.Normal([1, 2], 1), Lumps.deals([1], [0.5])), "one item"),
        (lambda: lumpy_demand(co.Normal(1, 1), Lumps.deals([1], [0.5]), period=3), "period"),
    ],
)
def test_wrong_arguments_are_named(make, said):
    with pytest.raises(co.ArgumentError, match=said):
        make()
