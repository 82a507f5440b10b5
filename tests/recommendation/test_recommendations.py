"""Steering, stacked commitments, right-sizing and affinity: against enumeration, bounds and public data."""

import importlib.util
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text("utf-8"))["cases"]
}


def customers(seed, n=300, m=6):
    """Customers who like a few options, most of them the same ones; idle capacity elsewhere."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(1.0, 0.8, n)
    liking = rng.beta(2, 5, (n, m)) + np.linspace(0.4, 0.0, m)
    margin = rng.uniform(0.5, 1.5, m)
    idle = rng.dirichlet(np.linspace(1, 3, m)) * size.sum() * 0.8
    return size, np.clip(liking, 0, 1), margin, idle


def test_steering_never_overloads_and_beats_greedy():
    ratio = []
    for seed in range(20):
        given = customers(seed)
        ours, greedy = co.steer(*given, seed=seed), co.steer(*given, ranking="none")
        for told in (ours, greedy):
            assert np.all(told.load <= told.idle + 1e-9)
            assert told.value <= told.bound * (1 + 1e-9)
        assert ours.value >= greedy.value
        ratio.append(ours.share_of_bound)
    assert np.mean(ratio) > 0.87


def test_steering_refuses_only_what_does_not_fit():
    size, affinity, margin, idle = customers(3)
    told = co.steer(size, affinity, margin, idle, ranking="given", price=np.full(6, 1e6))
    left = idle.copy()
    for i, option in enumerate(told.option):
        if option < 0:
            assert np.all(size[i] > left - 1e-9)
        else:
            left[option] -= size[i]


def test_stacked_commitments_equal_the_grid_optimum():
    rng = np.random.default_rng(4)
    usage = rng.integers(0, 12, (2, 3, 40)).astype(float) + np.array([0, 3, 6])[None, :, None]
    told = co.optimize_commitment_stack(usage, long_discount=0.5, short_discount=0.3, probability=[0.3, 0.7])
    best = np.inf
    for long in range(19):
        short = np.zeros((2, 3))
        for s, y in product(range(2), range(3)):
            cost = [units * 0.7 + np.maximum(usage[s, y] - long - units, 0).mean() for units in range(19)]
            short[s, y] = int(np.argmin(cost))
        found = co.measure_commitment_stack(
            usage, long, short, long_discount=0.5, short_discount=0.3, probability=[0.3, 0.7]
        )
        best = min(best, found.cost)
    assert told.cost == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("case", ["commit_100_1_0.28", "commit_20_10_0.28"])
def test_one_term_is_the_newsvendor_of_committed_use(case):
    p, expected = CASES[case]["inputs"], CASES[case]["expected"]
    told = co.optimize_commitment_stack(p["hourly_use"], long_discount=p["discount"], short_discount=0.0)
    assert told.long_units == expected["commit"]
    assert told.cost == pytest.approx(expected["cost"])


def test_measures_hold_their_identity():
    usage = np.random.default_rng(5).gamma(4, 5, (1, 1, 500))
    told = co.optimize_commitment_stack(usage, long_discount=0.4, short_discount=0.2)
    # effective savings rate = coverage x (1 - rate ratio / utilization), for one term
    assert np.all(told.short_units == 0)
    assert told.effective_savings_rate == pytest.approx(told.coverage * (1 - 0.6 / told.utilization))


def test_forecast_commitments_beat_the_look_back_rule_on_drifting_usage():
    rng = np.random.default_rng(6)
    hours = np.arange(24 * 7 * 12)
    daily = 10 + 4 * np.sin(2 * np.pi * hours / 24)
    saved = []
    for drift in (-0.3, 0.3, 0.6):
        path = daily * (1 + drift * hours / len(hours)) + rng.normal(0, 0.5, len(hours))
        past, future = path[: len(path) // 2], np.maximum(path[len(path) // 2 :], 0)
        growth = past[-672:].mean() / past[-1344:-672].mean()
        weeks = np.arange(1, 7)
        expected = np.concatenate([past[-168:] * growth ** (week / 4) for week in weeks])
        ours = co.optimize_commitment_stack(expected, long_discount=0.28, short_discount=0.0).long_units
        rule = co.lookback_commitment(past, discount=0.28)
        cost = [
            co.measure_commitment_stack(future, units, 0, long_discount=0.28, short_discount=0.0).cost
            for units in (ours, rule)
        ]
        saved.append(cost[1] - cost[0])
    assert min(saved) > -1e-3
    assert sum(saved) > 0


def test_right_size_takes_the_cheapest_that_fits():
    rng = np.random.default_rng(7)
    usage = rng.gamma(4, 1, (5, 480, 2)) * np.array([1.0, 3.0])
    capacity, price = rng.uniform(5, 60, (12, 2)), rng.uniform(1, 9, 12)
    told = co.right_size(usage, capacity, price, tolerance=0.02)
    for w in range(5):
        fit = [o for o in range(12) if np.mean(np.any(usage[w] > capacity[o], axis=1)) <= 0.02]
        assert told.option[w] == (min(fit, key=lambda o: price[o]) if fit else -1)
        if fit:
            assert told.throttle[w] <= told.throttle_high[w]
            curve = told.curve(w, price)
            assert np.all(np.diff(price[curve]) >= 0)
            assert np.all(np.diff(told.throttle_by_option[w, curve]) < 0)


def test_nothing_fits_a_workload_that_is_too_large():
    told = co.right_size([[100.0, 100.0]], [1.0, 2.0], [1.0, 2.0])
    assert told.option.tolist() == [-1]
    assert np.isnan(told.price[0])


def test_affinity_solves_its_own_equations():
    rng = np.random.default_rng(8)
    usage = (rng.random((60, 9)) < 0.3).astype(float)
    weights = co.fit_affinity(usage, ridge=2.0).weights
    # stationarity of ||X - XB||^2 + ridge ||B||^2 off the diagonal
    gradient = usage.T @ (usage @ weights - usage) + 2.0 * weights
    assert np.abs(gradient[~np.eye(9, dtype=bool)]).max() < 1e-9
    assert np.all(np.diag(weights) == 0)


def test_published_ranking_quality_where_the_data_is_installed():
    found = importlib.util.find_spec("recbole")
    if found is None or found.origin is None:
        pytest.skip("the package recbole, whose ML-100k sample this test reads, is not installed")
    path = Path(found.origin).parent / "dataset_example" / "ml-100k" / "ml-100k.inter"
    rows = np.loadtxt(path, skiprows=1)
    _, who = np.unique(rows[:, 0], return_inverse=True)
    _, what = np.unique(rows[:, 1], return_inverse=True)
    train, test = np.zeros((who.max() + 1, what.max() + 1)), np.zeros((who.max() + 1, what.max() + 1))
    for user in range(who.max() + 1):
        mine = np.flatnonzero(who == user)
        mine = mine[np.argsort(rows[mine, 3], kind="stable")]
        cut = len(mine) - max(1, round(0.2 * len(mine)))
        train[user, what[mine[:cut]]] = 1
        test[user, what[mine[cut:]]] = 1
    quality = co.measure_ranking(co.fit_affinity(train, ridge=300).score(train), test, known=train)
    expected, tolerance = CASES["ease_ml100k"]["expected"], CASES["ease_ml100k"]["tolerance"]["abs"]
    assert quality.ndcg == pytest.approx(expected["ndcg10"], abs=tolerance)
    assert quality.recall == pytest.approx(expected["recall10"], abs=tolerance)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: co.steer([1], [[0.5]], [1], [1], ranking="given"), "needs price"),
        (lambda: co.steer([1], [[0.5, 0.5]], [1], [1]), "affinity must have shape"),
        (lambda: co.steer([1], [[50]], [1], [1]), "affinity"),
        (lambda: co.optimize_commitment_stack([1.0], long_discount=28, short_discount=0), "long_discount"),
        (lambda: co.right_size([[1.0]], [[1.0, 2.0]], [1.0]), "resources"),
        (lambda: co.fit_affinity([1.0]), "customers, items"),
    ],
)
def test_wrong_arguments_are_named(make, said):
    with pytest.raises(co.ArgumentError, match=said):
        make()
