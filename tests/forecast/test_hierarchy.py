"""Forecasts that add up: in every sample path, by every method; minimum trace against its textbook formula."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.forecast.dependence import surprises
from capacity_opt.forecast.minimum_trace import minimum_trace, shrunk_covariance

METHODS = ("mint", "mixed", "bottom_up", "top_down")
IDS = [f"c{i}" for i in range(8)]
KEYS = {"region": ["east"] * 5 + ["west"] * 3, "service": ["db", "db", "web", "web", "web", "db", "web", "web"]}


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(3)
    size = np.array([400.0, 30, 20, 15, 10, 250, 8, 5])
    common = np.cumsum(rng.normal(0, 0.02, 96))
    return co.History(size[:, None] * np.exp(common + rng.normal(0, 0.15, (8, 96))), ids=IDS)


@pytest.fixture(scope="module")
def tree():
    return co.Hierarchy.of(IDS, KEYS)


def test_nodes_are_named_by_their_path(tree):
    assert tree.names.tolist() == [
        "total", "east", "west", "east/db", "east/web", "west/db", "west/web", *IDS,
    ]  # fmt: skip
    assert tree.summing[:7].sum(axis=1).tolist() == [8, 5, 3, 2, 3, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_every_path_adds_up_and_is_centred_where_history_is(history, tree, method):
    made = co.forecast_hierarchy(history, 3, tree, method=method, season=0)
    sums = tree.sums(made.sample(800, seed=7))
    np.testing.assert_allclose(sums[:, 0], sums[:, 1] + sums[:, 2], rtol=1e-9)
    np.testing.assert_allclose(sums[:, 1], sums[:, 3] + sums[:, 4], rtol=1e-9)
    assert sums.min() >= 0
    recent = tree.summing @ history.panel()[:, -12:].mean(axis=1)
    np.testing.assert_allclose(np.median(sums[:, :, 0], axis=0), recent, rtol=0.3)
    told = made.quantiles([0.1, 0.9], seed=7)
    assert told.ids.tolist() == tree.names.tolist()
    assert np.all(told.values[:, :, 1] > told.values[:, :, 0])


def test_whole_histories_give_whole_paths_that_add_up(tree):
    counts = co.History(np.random.default_rng(4).poisson(2.0, (8, 60)), ids=IDS)
    for method in METHODS:
        paths = co.forecast_hierarchy(counts, 2, tree, method=method, season=0).sample(100, seed=1)
        assert np.array_equal(paths, np.rint(paths)), method


def test_minimum_trace_is_the_textbook_projection(history, tree):
    made = co.forecast_hierarchy(history, 2, tree, method="mint", season=0)
    nodes = co.History(tree.summing @ history.panel())
    summing = tree.summing.toarray()
    inverse = np.linalg.inv(_shrunk_as_published(surprises(nodes, 0)))
    expected = np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse)
    np.testing.assert_allclose(made.reconcile(np.eye(15)), expected, atol=1e-6)
    np.testing.assert_allclose(made.reconcile(summing), np.eye(8), atol=1e-9)  # coherent forecasts stay


def _shrunk_as_published(errors):
    """Schaefer and Strimmer's table pair by pair (errors around 0), which ours never makes."""
    unit = np.nan_to_num(errors / np.sqrt(np.nanmean(errors**2, axis=1, keepdims=True)))
    times = int((~np.isnan(errors)).any(axis=0).sum())
    products = unit[:, None] * unit[None]
    table, off = products.sum(axis=2) / times, ~np.eye(len(unit), dtype=bool)
    noise = ((products**2).sum(axis=2) / times - table**2) / (times - 1)
    shrink = np.clip(noise[off].sum() / (table[off] ** 2).sum(), 0.02, 1)
    size = np.sqrt(np.nanmean(errors**2, axis=1))
    return np.where(off, (1 - shrink) * table, 1.0) * np.outer(size, size)


def test_minimum_trace_takes_more_nodes_than_a_table_of_nodes_by_nodes_allows():
    rng = np.random.default_rng(5)
    count = 20_000
    region, service = rng.integers(0, 40, count).astype(str), rng.integers(0, 500, count).astype(str)
    tree = co.Hierarchy.of(np.arange(count).astype(str), {"region": region, "service": service})
    errors = tree.summing @ rng.normal(0, 1, (count, 60))
    fit = minimum_trace(shrunk_covariance(errors), tree.summing)
    series = rng.uniform(0, 9, (count, 2))
    np.testing.assert_allclose(fit(tree.summing @ series), series, atol=1e-6)
    assert len(tree.names) > 30_000


def test_named_series_go_alone_and_the_tail_keeps_its_own_spread(history, tree):
    named = co.forecast_hierarchy(history, 2, tree, method="mixed", named=["c0", "c5"], season=0)
    assert (named.apply["alone"] > 0).tolist() == [i in (0, 5) for i in range(8)]
    alone = co.forecast_hierarchy(history, 2, tree, method="bottom_up", season=0)
    paths, single = named.sample(2000, seed=1), alone.sample(2000, seed=1)
    ratio = paths[:, 2:5].std(axis=0) / single[:, 2:5].std(axis=0)
    assert ratio.min() > 0.5
    assert ratio.max() < 1.8
    with pytest.raises(co.ArgumentError, match="named series are not in the history: nobody"):
        co.forecast_hierarchy(history, 2, tree, method="mixed", named=["nobody"])
