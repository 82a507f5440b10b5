import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.errors import ArgumentError

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])


@pytest.mark.parametrize("true", [co.Normal(100, 30), co.Gamma(100, 50), co.LogNormal(100, 40), co.Gamma(20, 20)])
@pytest.mark.parametrize(
    ("levels", "mean_within", "variance_within"),
    [(LEVELS, 0.04, 0.2), (LEVELS[[1, 3, 4, 5, 7]], 0.06, 0.3), (LEVELS[[2, 4, 6]], 0.1, 0.5)],
)
def test_moments_are_near_those_of_the_distribution_behind_the_quantiles(true, levels, mean_within, variance_within):
    # Straight lines between few quantiles of a skewed demand lie above the true quantile function.
    demand = co.QuantileDemand(levels, true.quantile(levels))
    assert demand.mean == pytest.approx(float(true.mean), rel=mean_within)
    assert demand.variance == pytest.approx(float(true.variance), rel=variance_within)


@pytest.mark.parametrize(("tail", "worst"), [("exponential", 0.01), ("linear", 0.05), ("clamp", 0.09)])
@pytest.mark.parametrize("true", [co.Normal(100, 30), co.Gamma(100, 50)])
def test_the_exponential_tail_costs_least_beyond_the_levels(tail, worst, true):
    costs = {"stockout_cost": 199, "holding_cost": 1}
    order = co.optimize_newsvendor(co.QuantileDemand(LEVELS, true.quantile(LEVELS), tail=tail), **costs).order_quantity
    best = co.optimize_newsvendor(true, **costs).expected_cost
    told = co.evaluate_newsvendor(order, true, **costs).expected_cost
    assert told <= best * (1 + worst)
    if tail == "clamp":
        assert order == true.quantile(0.99)


def test_crossings_are_counted_and_named():
    values = [[1, 2, 3], [3, 2, 1], [1, 5, 4]]
    demand = co.QuantileDemand([0.1, 0.5, 0.9], values)
    assert demand.crossings == 3
    np.testing.assert_array_equal(demand.crossing_items, [1, 2])
    with pytest.raises(ArgumentError, match=r"3 do, in 2 items \(positions 1, 2\)"):
        co.QuantileDemand([0.1, 0.5, 0.9], values, crossing="error")


def test_negative_quantiles_become_nothing_and_are_counted():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [-5, 2, 9])
    assert demand.floored == 1
    assert demand.quantile(0.05) == 0


def test_zero_mass_is_kept_exactly():
    demand = co.QuantileDemand([0.5, 0.9, 0.95], [0, 4, 6], zero_mass=0.7)
    assert demand.cdf(0) == pytest.approx(0.7)
    assert demand.quantile(0.69) == 0
    assert demand.quantile(0.8) == pytest.approx(2)
    assert demand.quantile(0.9) == 4


def test_whole_quantiles_are_their_own_answer_for_counts():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [3, 5, 9], integer=True)
    np.testing.assert_array_equal(demand.quantile([0.1, 0.5, 0.9, 0.75]), [3, 5, 9, 8])


@pytest.mark.parametrize("tail", ["exponential", "linear", "clamp"])
def test_the_second_loss_is_the_integral_of_the_loss(tail):
    demand = co.QuantileDemand([0.1, 0.5, 0.9, 0.99], [[1, 4, 9, 20], [0, 0, 3, 5]], zero_mass=[0, 0.6], tail=tail)
    for low, high in [(-3.0, 2.0), (0.0, 4.0), (3.0, 30.0)]:
        points = np.linspace(low, high, 4001)
        loss = np.stack([demand.loss(np.full(2, point)) for point in points])
        between = demand.second_loss(np.full(2, low)) - demand.second_loss(np.full(2, high))
        np.testing.assert_allclose(between, np.trapezoid(loss, points, axis=0), rtol=1e-5)


def test_levels_covered():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [3, 5, 9])
    np.testing.assert_array_equal(demand.covers([0.05, 0.1, 0.9, 0.95]), [False, True, True, False])


def test_an_item_without_demand_needs_nothing():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [[0, 0, 0], [1, 2, 3]])
    best = co.optimize_newsvendor(demand, stockout_cost=99, holding_cost=1)
    assert best.order_quantity[0] == 0
    assert best.expected_cost[0] == 0
    assert best.fill_rate[0] == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: co.QuantileDemand([0.5, 0.1], [1, 2]), "levels must be one-dimensional and strictly increasing"),
        (lambda: co.QuantileDemand([10, 50, 90], [1, 2, 3]), r"levels must be in \(0, 1\).*For a percentage write 0.1"),
        (lambda: co.QuantileDemand([0.5], [1]), "at least two levels"),
        (lambda: co.QuantileDemand([0.1, 0.9], [1, 2, 3]), "one column per level"),
        (
            lambda: co.QuantileDemand([0.1, 0.9], [[1, 2], [1, np.nan]]),
            r"values must be finite, got nan at position \(1, 1\)",
        ),
        (lambda: co.QuantileDemand([0.1, 0.9], [1, 2], tail="fat"), "tail must be one of"),
        (lambda: co.QuantileDemand([0.1, 0.9], [1, 2], crossing="shrug"), "crossing must be"),
        (lambda: co.QuantileDemand([0.1, 0.9], [1, 2], zero_mass=0.95), "last level - zero_mass must be >= 0"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
