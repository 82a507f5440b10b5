"""Bounds on bins against brute force, and packings that are packings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capacity_opt as co


def fewest(items, capacity):
    """The fewest bins by exhaustive search."""
    best = len(items)

    def place(i, bins):
        nonlocal best
        if len(bins) >= best:
            return
        if i == len(items):
            best = len(bins)
            return
        for j in range(len(bins)):
            if bins[j] >= items[i]:
                place(i + 1, [*bins[:j], bins[j] - items[i], *bins[j + 1 :]])
        place(i + 1, [*bins, capacity - items[i]])

    place(0, [])
    return best


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_bounds_hold(items):
    told = co.bound_bins(items, capacity=20)
    truth = fewest(sorted(items, reverse=True), 20)
    assert told.volume_bound <= told.lower <= truth <= told.upper
    assert told.upper == min(told.first_fit_decreasing, told.best_fit_decreasing, told.minimum_bin_slack)
    load = np.bincount(told.bin_of_item, weights=items, minlength=told.upper)
    assert len(load) == told.upper
    assert np.all(load <= 20)


def test_several_resources():
    rng = np.random.default_rng(1)
    items = rng.uniform(0.05, 0.5, (200, 3)) * [32, 128, 10]
    told = co.bound_bins(items, capacity=[32, 128, 10])
    load = np.zeros((told.upper, 3))
    np.add.at(load, told.bin_of_item, items)
    assert np.all(load <= np.array([32, 128, 10]) + 1e-6)
    assert told.lower <= told.upper
    np.testing.assert_allclose(told.stranded, 1 - items.sum(axis=0) / (told.upper * np.array([32, 128, 10])))


def test_same_answer_every_time():
    items = np.random.default_rng(2).integers(20, 101, 120)
    assert (
        co.bound_bins(items, capacity=150).bin_of_item.tolist()
        == co.bound_bins(items, capacity=150).bin_of_item.tolist()
    )


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="items must fit a bin: 1 do not, at position 1"):
        co.bound_bins([1, 12], capacity=10)
    assert co.bound_bins([], capacity=1).upper == 0
