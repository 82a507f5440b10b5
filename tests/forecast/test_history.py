"""History: what is cut off, what is held out, and that its views agree."""

import numpy as np
import pytest

import capacity_opt as co

NAN = np.nan
PANEL = np.array([[NAN, 1, NAN, 3, 4], [5, 6, 7, NAN, NAN], [NAN] * 5])


def test_edges_without_observation_are_cut_and_gaps_stay():
    history = co.History(PANEL, first=10)
    assert history.lengths.tolist() == [4, 3, 0]
    assert history.first.tolist()[:2] == [11, 10]
    np.testing.assert_array_equal(history.series(0), [1, NAN, 3, 4])
    np.testing.assert_array_equal(history.panel()[1], [NAN, 5, 6, 7])


def test_holding_out_splits_every_series_at_its_own_end():
    kept, held = co.History(PANEL[:2]).hold_out(3)
    np.testing.assert_array_equal(held, [[NAN, 3, 4], [5, 6, 7]])
    assert kept.lengths.tolist() == [1, 0]
    _, held = co.History([[1.0, 2.0]]).hold_out(3)
    np.testing.assert_array_equal(held, [[1, 2, NAN]])


def test_taking_series_keeps_values_mask_and_names_together():
    history = co.History(PANEL[:2], ids=["a", "b"], in_stock=PANEL[:2] != 3)
    turned = history.take([1, 0, 1])
    assert turned.ids.tolist() == ["b", "a", "b"]
    np.testing.assert_array_equal(turned.series(1), history.series(0))
    assert turned.in_stock is not None
    assert turned.in_stock[turned.values == 3].tolist() == [False]


@pytest.mark.parametrize("offsets", [[1, 3], [0, 2], [0, 3, 2, 3], [0, 1.5, 3]])
def test_offsets_that_do_not_cut_the_values_are_refused(offsets):
    with pytest.raises(co.ArgumentError, match="offsets"):
        co.History([1.0, 2.0, 3.0], offsets)


def test_infinite_history_is_refused_with_the_way_out():
    with pytest.raises(co.ArgumentError, match="Write NaN"):
        co.History([1.0, np.inf])
