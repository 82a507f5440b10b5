"""Models of customer activity: published values, simulation, and the data of an installed package where it is there."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import capacity_opt as co
from capacity_opt.customers.bg_bb import BGBB, fit_bg_bb
from capacity_opt.customers.bg_nbd import BGNBD, fit_bg_nbd
from capacity_opt.customers.gamma_gamma import GammaGamma, fit_gamma_gamma
from capacity_opt.customers.pareto_nbd import ParetoNBD, _log_parts, fit_pareto_nbd
from capacity_opt.customers.purchase_forecast import forecast_purchases
from capacity_opt.customers.purchases import PurchaseHistory

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text("utf-8"))["cases"]
}


def data(name):
    """A data set of the `lifetimes` wheel (MIT); nothing of it is kept here."""
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        pytest.skip("the package lifetimes, whose data this test reads, is not installed")
    return Path(found.origin).parent / "datasets" / name


def test_published_conditional_expectation():
    case = CASES["bgnbd_conditional"]
    p = case["inputs"]
    r, alpha, a, b = p["params"]
    told = BGNBD(r=r, alpha=alpha, a=a, b=b).expected_purchases(p["x"], p["t_x"], p["T"], horizon=p["t"])
    assert float(told) == pytest.approx(case["own_value"]["expected"], abs=1e-9)


def test_published_probabilities_of_counts():
    case = CASES["bgnbd_pmf_zero"]
    r, alpha, a, b = case["inputs"]["params"]
    counts, times = zip(*case["inputs"]["cases"])
    told = BGNBD(r=r, alpha=alpha, a=a, b=b).probability_of(counts, times)
    assert told == pytest.approx(case["expected"]["pmf"], abs=case["tolerance"]["abs"])


def test_counts_have_probability_one_and_the_expected_mean():
    model = BGNBD(r=0.8, alpha=3.0, a=1.4, b=2.0)
    mass = model.probability_of(np.arange(400), 20.0)
    assert mass.sum() == pytest.approx(1.0, abs=1e-6)
    assert mass @ np.arange(400) == pytest.approx(float(model.expected_from_start(20.0)), rel=1e-4)


def test_published_chance_of_being_alive():
    case = CASES["pnbd_palive"]
    p = case["inputs"]
    r, alpha, s, beta = p["params"]
    told = ParetoNBD(r=r, alpha=alpha, s=s, beta=beta).alive_probability(p["x"], p["t_x"], p["T"])
    assert float(told) == pytest.approx(case["own_value"]["p_alive"], abs=1e-9)


def test_published_spend():
    case = CASES["gg_conditional_spend"]
    p = case["inputs"]
    purchases, means = zip(*p["frequency_monetary"])
    told = GammaGamma(p=p["p"], q=p["q"], scale=p["gamma"]).expected_spend(purchases, means)
    assert told == pytest.approx(case["own_value"]["expected"], abs=1e-9)


def test_published_fits_where_the_data_is_installed():
    rows = np.genfromtxt(data("cdnow_customers_summary.csv"), delimiter=",", skip_header=1)
    told = fit_bg_nbd(PurchaseHistory(rows[:, 1], rows[:, 2], rows[:, 3]))
    expected = CASES["bgnbd_cdnow_fit"]["expected"]
    for name in ("r", "alpha", "a", "b", "log_likelihood"):
        assert getattr(told, name) == pytest.approx(expected[name], abs=0.005)
    rows = np.genfromtxt(data("donations.csv"), delimiter=",", skip_header=1)
    gifts = fit_bg_bb(PurchaseHistory(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]))
    for name, value in CASES["bgbb_donations_fit"]["expected"].items():
        assert getattr(gifts, name) == pytest.approx(value, abs=0.01)


def simulated(rng, rate, leaves, age):
    """One BG/NBD customer's repeat purchases."""
    clock, times = 0.0, []
    while True:
        clock += rng.exponential(1 / rate)
        if clock > age:
            return times
        times.append(clock)
        if rng.random() < leaves:
            return times


@pytest.fixture(scope="module")
def customers():
    """1,500 customers of a BG/NBD population, followed for 30 weeks and then 20 more."""
    rng = np.random.default_rng(8)
    rates, leaves = rng.gamma(0.9, 1 / 3.0, 1_500), rng.beta(0.9, 2.5, 1_500)
    log = [(who, t) for who in range(1_500) for t in (0.0, *simulated(rng, rates[who], leaves[who], 50.0))]
    who, when = np.array(log).T
    return who.astype(int), when


def test_fitting_finds_what_was_simulated(customers):
    who, when = customers
    history = PurchaseHistory.from_purchases(who, when, end=30.0)
    model = fit_bg_nbd(history)
    truth = BGNBD(r=0.9, alpha=3.0, a=0.9, b=2.5)
    # parameters trade off along a ridge: what they say of purchases is what counts
    times = np.array([5.0, 20.0, 50.0])
    assert model.expected_from_start(times) == pytest.approx(truth.expected_from_start(times), rel=0.06)
    ahead = model.expected_purchases(history.repeats, history.last, history.age, horizon=20.0).sum()
    assert ahead == pytest.approx(np.sum((when > 30) & (when <= 50)), rel=0.1)
    dropped = model.alive_probability([5, 5], [6.0, 29.0], 30.0)
    assert dropped[0] < 0.2 < 0.8 < dropped[1]


def test_forecast_interval_is_wider_than_chance_and_holds_what_came(customers):
    who, when = customers
    told = forecast_purchases(who, when, end=30.0, horizon=20.0, origins=4)
    came = np.sum((when > 30) & (when <= 50))
    assert told.low <= told.model_low <= told.model_high <= told.high
    assert told.low <= came <= told.high


def test_forecast_says_when_the_log_is_too_short():
    with pytest.raises(co.ArgumentError, match="too short"):
        forecast_purchases([1, 1, 2, 2], [0.0, 1.0, 0.0, 2.0], end=10.0, horizon=5.0, origins=2)


@pytest.mark.parametrize(
    "model", [ParetoNBD(r=0.6, alpha=8.0, s=0.7, beta=12.0), ParetoNBD(r=0.6, alpha=12.0, s=1.0, beta=8.0)]
)
def test_pareto_nbd_agrees_with_simulation(model):
    rng = np.random.default_rng(3)
    count = 400_000
    rate, ends = (
        rng.gamma(model.r, 1 / model.alpha, count),
        rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, count)),
    )
    drawn = rng.poisson(rate * np.minimum(ends, 30.0))
    assert float(model.expected_from_start(30.0)) == pytest.approx(drawn.mean(), rel=0.02)
    silent = drawn == 0
    assert float(model.alive_probability(0, 0, 30.0)) == pytest.approx((ends[silent] > 30).mean(), abs=0.005)
    later = rng.poisson(rate * np.clip(ends - 30.0, 0.0, 10.0))
    assert float(model.expected_purchases(0, 0, 30.0, horizon=10.0)) == pytest.approx(later[silent].mean(), rel=0.05)


def test_pareto_nbd_fit_is_a_maximum(customers):
    who, when = customers
    history = PurchaseHistory.from_purchases(who[:2_000], when[:2_000], end=30.0)
    best = fit_pareto_nbd(history)
    again = fit_pareto_nbd(history.grouped())
    assert best.log_likelihood == pytest.approx(again.log_likelihood, abs=1e-3)
    for name in ("r", "alpha", "s", "beta"):
        for factor in (0.95, 1.05):
            p = {key: getattr(best, key) for key in ("r", "alpha", "s", "beta")}
            p[name] *= factor
            parts = _log_parts(tuple(p.values()), history.repeats, history.last, history.age)
            common = special.gammaln(p["r"] + history.repeats) - special.gammaln(p["r"]) + p["r"] * np.log(p["alpha"])
            assert float((common + np.logaddexp(*parts)).sum()) < best.log_likelihood


def test_bg_bb_agrees_with_simulation():
    rng = np.random.default_rng(4)
    model = BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    count, n, ahead = 300_000, 5, 4
    buys, leaves = rng.beta(1.2, 0.75, count), rng.beta(0.66, 2.8, count)
    there = np.cumprod(rng.random((n + ahead, count)) >= leaves, axis=0).astype(bool)
    bought = there & (rng.random((n + ahead, count)) < buys)
    x = bought[:n].sum(axis=0)
    last = np.where(x > 0, n - np.argmax(bought[:n][::-1], axis=0), 0)
    chosen = (x == 2) & (last == 4)
    assert float(model.alive_probability(2, 4, n)) == pytest.approx(there[n][chosen].mean(), abs=0.02)
    expected = model.expected_purchases(2, 4, n, horizon=ahead)
    assert float(expected) == pytest.approx(bought[n:].sum(axis=0)[chosen].mean(), rel=0.04)
    patterns, weight = np.unique(np.column_stack([x, last]), axis=0, return_counts=True)
    fitted = fit_bg_bb(PurchaseHistory(patterns[:, 0], patterns[:, 1], n, weight))
    assert fitted.alpha / (fitted.alpha + fitted.beta) == pytest.approx(1.2 / 1.95, abs=0.02)


def test_gamma_gamma_finds_what_was_simulated():
    rng = np.random.default_rng(6)
    rate = rng.gamma(4.0, 1 / 15.0, 4_000)
    purchases = rng.integers(1, 9, 4_000)
    mean = rng.gamma(6.0 * purchases, 1 / (rate * purchases))
    told = fit_gamma_gamma(purchases, mean)
    assert float(told.expected_spend(0, 0)) == pytest.approx(6.0 * 15 / 3, rel=0.05)
    truth = GammaGamma(p=6.0, q=4.0, scale=15.0)
    assert told.expected_spend([1, 5], [60.0, 10.0]) == pytest.approx(
        truth.expected_spend([1, 5], [60.0, 10.0]), rel=0.05
    )


def test_histories_are_checked():
    with pytest.raises(co.ArgumentError, match="swapped"):
        PurchaseHistory([1], [9.0], [3.0])
    with pytest.raises(co.ArgumentError, match="without repeat"):
        PurchaseHistory([0], [1.0], [3.0])
    log = PurchaseHistory.from_purchases(["b", "a", "b", "b"], [1.0, 0.0, 4.0, 4.0], end=10.0)
    assert log.repeats.tolist() == [0, 1]
    assert log.last.tolist() == [0, 3]
