"""Demand given what was seen."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, Normal
from capacity_opt.demand.conditional import ConditionalPaths
from capacity_opt.demand.paths import CopulaPaths, GivenSamples


def test_normal_paths_follow_the_conditional_normal():
    base = CopulaPaths(
        Normal(np.full(8, 100.0), np.full(8, 10.0)), (2, 4), period_correlation=0.8, group_correlation=0.5
    )
    seen = np.array([[[105.0], [120.0]], [[95.0], [100.0]]])
    values, probability = ConditionalPaths(base, seen).draw(4000, seed=3)
    np.testing.assert_array_equal(values[:, :, :2], np.broadcast_to(seen, (4000, 2, 2, 1)))
    assert probability.sum() == pytest.approx(1)
    # Equal decay over time in every group: the last value seen of each says all.
    np.testing.assert_allclose(values[:, 0, 2, 0].mean(), 100 + 0.8 * 20, atol=1.0)
    np.testing.assert_allclose(values[:, 1, 3, 0].mean(), 100, atol=1.0)
    np.testing.assert_allclose(values[:, 0, 2, 0].std(), 10 * 0.6, rtol=0.08)


def test_few_given_paths_and_blocks_are_taken():
    rng = np.random.default_rng(0)
    level = rng.gamma(4.0, 25.0, (12, 1, 1, 1))
    given = GivenSamples(level * np.array([1.0, 0.5]) * np.ones((1, 1, 3, 1)))
    high = ConditionalPaths(given, [[[200.0, 100.0]]]).draw(300, seed=1)[0]
    low = ConditionalPaths(given, [[[30.0, 15.0]]]).draw(300, seed=1)[0]
    assert high[:, 0, 2].mean() > 1.2 * low[:, 0, 2].mean()
    np.testing.assert_allclose(high[:, 0, 2, 0], 2 * high[:, 0, 2, 1])


def test_what_was_seen_must_fit():
    with pytest.raises(ArgumentError, match=r"seen must have shape \(1, periods seen, 1\)"):
        ConditionalPaths(GivenSamples(np.ones((3, 1, 2, 1))), np.ones((2, 1, 1)))
    with pytest.raises(ArgumentError, match="nothing of the 2 is left"):
        ConditionalPaths(GivenSamples(np.ones((3, 1, 2, 1))), np.ones((1, 2, 1)))
