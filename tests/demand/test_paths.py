import numpy as np
import pytest
from scipy import stats

import capacity_opt as co
from capacity_opt.errors import ArgumentError

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]
TABLE = np.array([[[50, 80, 100, 120, 150], [55, 90, 110, 130, 160]], [[5, 8, 10, 12, 15], [1, 2, 3, 5, 9]]], float)


@pytest.mark.parametrize("sampling", ["random", "antithetic", "sobol"])
def test_marginals_are_those_given(sampling):
    paths = co.CopulaPaths.from_quantiles(
        LEVELS, TABLE, period_correlation=0.6, group_correlation=0.4, sampling=sampling
    )
    values, probability = paths.draw(20_000, seed=1)
    assert values.shape == (20_000, 2, 2, 1)
    assert probability.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.quantile(values[..., 0], LEVELS, axis=0), np.moveaxis(TABLE, -1, 0), rtol=0.05)


def test_dependence_over_periods_and_groups_is_that_asked_for():
    demand = co.Normal(np.full(6, 100.0), 10.0)
    paths = co.CopulaPaths(demand, (2, 3), period_correlation=0.6, group_correlation=0.4)
    values = paths.draw(100_000, seed=1)[0][..., 0]
    told = np.corrcoef(values.reshape(len(values), -1).T)
    np.testing.assert_allclose(told[0, :3], [1, 0.6, 0.36], atol=0.02)
    np.testing.assert_allclose(told[0, 3:], [0.4, 0.24, 0.144], atol=0.02)


def test_each_group_may_have_its_own_period_correlation():
    paths = co.CopulaPaths(co.Normal(np.full(6, 100.0), 10.0), (2, 3), period_correlation=[0.9, 0.0])
    values = paths.draw(50_000, seed=1)[0][..., 0]
    assert np.corrcoef(values[:, 0, 0], values[:, 0, 2])[0, 1] == pytest.approx(0.81, abs=0.02)
    assert np.corrcoef(values[:, 1, 0], values[:, 1, 1])[0, 1] == pytest.approx(0.0, abs=0.02)


def test_blocks_of_one_period_rise_and_fall_together():
    table = np.stack([TABLE, 2 * TABLE], axis=2)
    values = co.CopulaPaths.from_quantiles(LEVELS, table).draw(1000, seed=1)[0]
    np.testing.assert_allclose(values[..., 1], 2 * values[..., 0], rtol=1e-9)


def test_antithetic_pairs_mirror_each_other():
    values = co.CopulaPaths(co.Normal([100.0, 50.0], 10.0), (1, 2), sampling="antithetic").draw(1001, seed=1)[0]
    np.testing.assert_allclose(values[0] + values[501], 2 * np.array([[[100.0], [50.0]]]), rtol=1e-12)


def test_sobol_points_are_spread_better_than_random_ones():
    errors = {}
    for sampling in ("random", "sobol"):
        paths = co.CopulaPaths(co.Normal(np.full(4, 100.0), 30.0), (2, 2), sampling=sampling)
        errors[sampling] = max(abs(paths.draw(1024, seed=s)[0].sum(axis=(1, 2, 3)).mean() - 400) for s in range(5))
    assert errors["sobol"] < 0.2 * errors["random"]


def test_equal_seeds_give_equal_bits_and_others_do_not():
    paths = co.CopulaPaths.from_quantiles(LEVELS, TABLE, period_correlation=0.5)
    np.testing.assert_array_equal(paths.draw(100, seed=4)[0], paths.draw(100, seed=4)[0])
    assert not np.array_equal(paths.draw(100, seed=4)[0], paths.draw(100, seed=5)[0])


def test_uniform_levels_pass_a_kolmogorov_test():
    values = co.CopulaPaths(co.Uniform([0.0, 0.0], 1.0), (1, 2), period_correlation=0.8).draw(5000, seed=2)[0]
    assert stats.kstest(values[:, 0, 1, 0], "uniform").pvalue > 0.001


def test_given_samples_and_fixed_demand_ignore_count_and_seed():
    values, chance = co.GivenSamples([[[5.0]], [[9.0]]], [0.25, 0.75]).draw(7, seed=0)
    np.testing.assert_array_equal(values[:, 0, 0, 0], [5, 9])
    np.testing.assert_array_equal(chance, [0.25, 0.75])
    assert co.FixedDemand([[5.0, 6.0]]).draw(7, seed=0)[0].shape == (1, 1, 2, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: co.CopulaPaths(co.Normal([1.0, 2], 1), (1, 3)), "one item per cell"),
        (lambda: co.CopulaPaths(co.Normal([1.0, 2], 1), (1, 2), sampling="magic"), "sampling must be one of"),
        (lambda: co.CopulaPaths(co.Normal([1.0, 2], 1), (2, 1), group_correlation=[[1, 0.5], [0.2, 1]]), "symmetric"),
        (lambda: co.CopulaPaths(co.Normal(np.ones(3), 1), (3, 1), group_correlation=-0.9), "contradict each other"),
        (lambda: co.CopulaPaths.from_quantiles([0.1, 0.9], [[1, 2]]), "must have shape"),
        (lambda: co.GivenSamples([[[5.0]], [[9.0]]], [0.5, 0.47]), "probability must sum to 1, got 0.97"),
        (lambda: co.GivenSamples([[[5.0]], [[9.0]]], [1.0]), "same length"),
        (lambda: co.FixedDemand([5.0, -1.0]), "values must be >= 0"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
