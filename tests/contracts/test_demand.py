"""One suite over every demand: what optimisers and simulations rely on."""

import numpy as np
import pytest
from scipy import integrate

import capacity_opt as co
from capacity_opt.demand.compound import CompoundPoisson
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.empirical import Empirical
from capacity_opt.demand.lattice import Histogram, Pmf
from capacity_opt.demand.lead_time import lead_time_demand
from capacity_opt.demand.mixture import Mixture, Repeated, Scaled
from capacity_opt.demand.parametric import Deterministic, Gamma, LogNormal, Normal, Uniform
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]
ROWS = np.array([[2, 5, 8, 12, 25], [0, 0, 1, 3, 9], [40, 44, 46, 49, 57]], dtype=float)
PMF = np.array([[0.5, 0.2, 0.2, 0.1, 0.0], [0.1, 0.1, 0.1, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0, 0.0]])
HISTORY = np.array([[1, 4, 2, 8, 5, 7], [0, 0, 3, 0, 1, 0], [10, 12, 11, 9, 10, 10]], dtype=float)

# Each builds the demand of the items asked for: all three as a batch, or one alone.
BUILDERS = {
    "normal": lambda k: Normal(np.array([50.0, 8.0, 100.0])[k], np.array([8.0, 4.0, 30.0])[k]),
    "normal_with_a_point": lambda k: Normal(np.array([50.0, 8.0, 100.0])[k], np.array([8.0, 0.0, 30.0])[k]),
    "gamma": lambda k: Gamma(np.array([50.0, 8.0, 100.0])[k], np.array([8.0, 14.0, 30.0])[k]),
    "lognormal": lambda k: LogNormal(np.array([50.0, 8.0, 100.0])[k], np.array([8.0, 9.0, 30.0])[k]),
    "uniform": lambda k: Uniform(np.array([0.0, 5.0, 10.0])[k], np.array([9.0, 6.0, 100.0])[k]),
    "deterministic": lambda k: Deterministic(np.array([4.0, 7.0, 0.0])[k]),
    "poisson": lambda k: Poisson(np.array([0.05, 6.0, 300.0])[k]),
    "poisson_with_zero": lambda k: Poisson(np.array([0.0, 6.0, 30.0])[k]),
    "negative_binomial": lambda k: NegativeBinomial(np.array([0.3, 6.0, 30.0])[k], np.array([0.9, 20.0, 30.0])[k]),
    "compound_poisson": lambda k: CompoundPoisson(np.array([0.3, 5.0, 2.0])[k], [0.0, 0.5, 0.3, 0.2]),
    "pmf": lambda k: Pmf(PMF[k], start=np.array([0, 3, 1])[k]),
    "histogram": lambda k: Histogram(PMF[k], width=np.array([2.0, 0.5, 1.0])[k], zero_mass=np.array([0.3, 0, 0])[k]),
    "empirical": lambda k: Empirical(HISTORY[k]),
    "empirical_continuous": lambda k: Empirical(HISTORY[k] + 0.25),
    "quantiles": lambda k: QuantileDemand(LEVELS, ROWS[k]),
    "quantiles_linear": lambda k: QuantileDemand(LEVELS, ROWS[k], tail="linear"),
    "quantiles_clamped": lambda k: QuantileDemand(LEVELS, ROWS[k], tail="clamp"),
    "quantiles_zero_mass": lambda k: QuantileDemand(LEVELS, ROWS[k], zero_mass=np.array([0.02, 0.4, 0.9])[k]),
    "quantiles_integer": lambda k: QuantileDemand(LEVELS, ROWS[k], integer=True),
    "quantiles_integer_zero_mass": lambda k: QuantileDemand(LEVELS, ROWS[k], integer=True, zero_mass=0.3),
    "mixture": lambda k: Mixture([Poisson(np.array([1.0, 6, 30])[k]), Poisson(np.array([9.0, 7, 40])[k])], [0.4, 0.6]),
    "mixture_continuous": lambda k: Mixture(
        [Normal(np.array([10.0, 60, 30])[k], 3), Normal(np.array([90.0, 70, 40])[k], 5)], [0.4, 0.6]
    ),
    "scaled": lambda k: Scaled(Gamma(np.array([50.0, 8.0, 100.0])[k], 9.0), np.array([3.0, 1.0, 0.0])[k]),
    "over_lead_time_convolved": lambda k: lead_time_demand(Pmf(PMF[k]), np.array([2, 3, 5])[k]),
    "over_lead_time_correlated": lambda k: lead_time_demand(
        Gamma(np.array([50.0, 8.0, 100.0])[k], np.array([8.0, 14.0, 30.0])[k]), 2, correlation=0.6, points=128
    ),
    "over_lead_time_counts": lambda k: lead_time_demand(
        QuantileDemand(LEVELS, ROWS[k], integer=True), np.array([2, 0, 3])[k]
    ),
    "over_lead_time_each_its_own_correlation": lambda k: lead_time_demand(
        Gamma(np.array([50.0, 8.0, 100.0])[k], 9.0), 2, correlation=np.array([0.0, 0.6, 1.0])[k], points=128
    ),
    "over_random_lead_time": lambda k: lead_time_demand(Poisson(np.array([1.0, 6, 30])[k]), {1: 0.3, 2.5: 0.7}),
}
ITEMS = np.arange(3)


@pytest.fixture(params=BUILDERS, scope="module")
def build(request):
    return BUILDERS[request.param]


@pytest.fixture(scope="module")
def demand(build):
    return build(ITEMS)


def grid(demand):
    """Points spread over every item's support, with some below and beyond it, (points, items)."""
    top = np.maximum(demand.quantile(0.9999), 1.0)
    points = np.linspace(-0.2, 1.5, 35)[:, None] * top
    return np.unique(np.concatenate([points, np.rint(points)]), axis=0)


def test_it_is_a_demand(demand):
    assert isinstance(demand, co.Demand)
    assert demand.shape == (3,)


def test_cdf_rises_from_zero_to_one_and_survival_is_the_rest(demand):
    x = np.sort(grid(demand), axis=0)
    cdf, survival = demand.cdf(x), demand.survival(x)
    assert cdf.shape == x.shape
    assert np.all(np.diff(cdf, axis=0) >= -1e-12)
    assert np.all((cdf >= 0) & (cdf <= 1) & (survival >= 0) & (survival <= 1))
    np.testing.assert_allclose(cdf + survival, 1.0, atol=1e-9)
    far = demand.quantile(1 - 1e-12) * 10 + 1000
    np.testing.assert_allclose(demand.survival(far), 0.0, atol=1e-9)


@pytest.mark.parametrize("level", [0.001, 0.05, 0.3, 0.5, 0.6, 0.9, 0.99, 0.9999])
def test_quantile_is_the_smallest_x_that_reaches_the_level(demand, level):
    x = demand.quantile(level)
    assert np.all(demand.cdf(x + 1e-9 * (1 + np.abs(x))) >= level - 1e-9)
    step = 1.0 if demand.discrete else 1e-6 * (1 + np.abs(x))
    assert np.all(demand.cdf(x - step) < level + 1e-12)
    if demand.discrete:
        assert np.all(x == np.rint(x))
        assert np.all(demand.cdf(x) >= level - 1e-9)


def test_loss_is_convex_decreasing_and_never_negative(demand):
    for item in range(3):
        x = np.sort(grid(demand)[:, item])
        loss = demand.take(np.array([item])).loss(x[:, None])[:, 0]
        assert np.all(loss >= 0)
        slopes = np.diff(loss) / np.maximum(np.diff(x), 1e-12)
        wide = np.diff(x) > 1e-9
        assert np.all(slopes[wide] <= 1e-9)
        assert np.all(np.diff(slopes[wide]) >= -1e-7)
        assert np.all(loss >= demand.mean[item] - x - 1e-7 * (1 + demand.mean[item]))


def test_loss_is_the_integral_of_survival(demand):
    low, high = demand.quantile(0.2), demand.quantile(0.97)
    fine = low + (high - low) * np.linspace(0, 1, 40001)[:, None]
    area = integrate.trapezoid(demand.survival(fine), fine, axis=0)
    np.testing.assert_allclose(demand.loss(low) - demand.loss(high), area, rtol=2e-4, atol=1e-9)


def test_below_the_support_the_loss_is_the_mean_less_x(demand):
    x = demand.quantile(1e-9) - 1e3 * np.sqrt(demand.variance) - 1000.0
    np.testing.assert_allclose(demand.loss(x), demand.mean - x, rtol=1e-9)


def test_samples_have_the_mean_and_the_variance(demand):
    draws = demand.sample(200_000, rng=np.random.default_rng(5))
    assert draws.shape == (200_000, 3)
    error = np.sqrt(demand.variance / len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - demand.mean) <= 5 * error + 1e-9)
    squares = (draws - demand.mean) ** 2
    spread = squares.std(axis=0) / np.sqrt(len(draws))
    assert np.all(np.abs(squares.mean(axis=0) - demand.variance) <= 6 * spread + 1e-9 + 1e-3 * demand.variance)
    if demand.discrete:
        assert np.all((draws == np.rint(draws)) & (draws >= 0))


def test_taking_items_changes_no_bit(demand):
    chosen = np.array([2, 0])
    part = demand.take(chosen)
    assert part.shape == (2,)
    np.testing.assert_array_equal(part.quantile(0.83), demand.quantile(0.83)[chosen])
    np.testing.assert_array_equal(part.loss(3.3), demand.loss(3.3)[chosen])
    np.testing.assert_array_equal(part.mean, demand.mean[chosen])


@pytest.mark.parametrize("item", range(3))
def test_one_item_alone_gives_the_same_bits_as_in_a_batch(build, demand, item):
    alone = build(item)
    if alone.discrete != demand.discrete:
        pytest.skip("whether samples are counts is a property of the whole batch")
    assert alone.shape == ()
    for level in (0.01, 0.5, 0.77, 0.999):
        assert np.shape(alone.quantile(level)) == ()
        assert alone.quantile(level) == demand.quantile(level)[item]
    for x in (-1.0, 0.0, 2.0, 7.5, 55.0, 400.0):
        assert alone.cdf(x) == demand.cdf(x)[item]
        assert alone.survival(x) == demand.survival(x)[item]
        assert alone.loss(x) == demand.loss(x)[item]
    assert alone.mean == demand.mean[item]
    assert alone.variance == demand.variance[item]
    assert alone.sample(4, rng=np.random.default_rng(0)).shape == (4,)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.1, float("nan")])
def test_levels_outside_zero_and_one_are_refused(demand, level):
    with pytest.raises(ArgumentError, match=r"level must be in \(0, 1\)"):
        demand.quantile(level)


def test_one_items_demand_can_be_repeated():
    many = Repeated(Poisson(5.0), 4)
    assert many.shape == (4,)
    np.testing.assert_array_equal(many.quantile(0.9), np.full(4, Poisson(5.0).quantile(0.9)))
