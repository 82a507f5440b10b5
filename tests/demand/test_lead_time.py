import numpy as np
import pytest
from scipy import stats

import capacity_opt as co
from capacity_opt.demand.convolution import transition
from capacity_opt.errors import ArgumentError

GRID = np.arange(60.0)


def test_far_tail_of_a_convolution_keeps_its_relative_accuracy():
    grid = np.arange(400.0)
    row = co.NegativeBinomial(3, 12).mass(grid)
    over = co.lead_time_demand(co.Pmf(row / row.sum()), 4)
    exact = co.NegativeBinomial(15, 60)
    x = np.array([0, 20, 50, 80, 120, 160])  # survival falls from 1 to 1e-16
    np.testing.assert_allclose(over.survival(x), exact.survival(x), rtol=1e-9)
    np.testing.assert_allclose(over.loss(x), exact.loss(x), rtol=1e-9)


@pytest.mark.parametrize("periods", [1, 2, 3, 7])
def test_convolution_of_counts_is_repeated_convolution(periods):
    row = np.array([0.5, 0.0, 0.3, 0.0, 0.0, 0.2])
    by_hand = np.array([1.0])
    for _ in range(periods):
        by_hand = np.convolve(by_hand, row)
    told = co.lead_time_demand(co.Pmf(row, start=2), periods, review_period=0)
    np.testing.assert_allclose(told.mass(np.arange(len(by_hand)) + 2.0 * periods), by_hand, rtol=1e-11, atol=1e-16)


def test_items_with_different_supports_and_lead_times_do_not_disturb_each_other():
    rng = np.random.default_rng(1)
    rows = [np.pad(rng.dirichlet(np.ones(size)), (0, 300 - size)) for size in (2, 17, 120, 300)]
    lead = [0, 5, 2, 1]
    batch = co.lead_time_demand(co.Pmf(rows), lead)
    for item in range(4):
        alone = co.lead_time_demand(co.Pmf(np.trim_zeros(rows[item], "b")), lead[item])
        x = np.arange(0.0, 700, 7)
        np.testing.assert_array_equal(batch.survival(x[:, None])[:, item], alone.survival(x))


def test_no_periods_ask_for_nothing():
    for demand in [co.Poisson(4), co.Gamma(4, 2), co.Pmf([0.5, 0.5]), co.LogNormal(4, 2), co.Normal(4, 1)]:
        over = co.lead_time_demand(demand, 0, review_period=0)
        assert over.mean == 0
        assert over.quantile(0.9) == 0
        assert over.loss(0.0) == 0


def test_a_single_period_is_the_demand_itself():
    demand = co.QuantileDemand([0.1, 0.9], [5, 9])
    assert co.lead_time_demand(demand, 0) is demand


@pytest.mark.parametrize("rho", [-0.4, 0.3, 0.9])
def test_dependent_periods_agree_with_sampled_paths(rho):
    demand = co.Gamma(100, 60)
    over = co.lead_time_demand(demand, 3, correlation=rho)
    paths = co.CopulaPaths(co.Gamma([100.0] * 4, 60), (1, 4), period_correlation=rho, sampling="antithetic")
    sums = paths.draw(200_000, seed=3)[0].sum(axis=(1, 2, 3))
    assert over.mean == pytest.approx(400, rel=1e-6)
    assert over.variance == pytest.approx(sums.var(), rel=0.02)
    np.testing.assert_allclose(over.quantile([0.5, 0.9, 0.99]), np.quantile(sums, [0.5, 0.9, 0.99]), rtol=0.01)


def test_perfect_dependence_sums_the_quantiles():
    for demand in [co.Poisson(4), co.LogNormal(4, 2), co.QuantileDemand([0.1, 0.9], [5, 9], integer=True)]:
        over = co.lead_time_demand(demand, 3, correlation=1.0)
        np.testing.assert_allclose(over.quantile([0.2, 0.5, 0.97]), 4 * demand.quantile([0.2, 0.5, 0.97]))


def test_the_latent_chain_keeps_the_standard_normal():
    edges = np.concatenate([[-np.inf], np.linspace(-4, 4, 41), [np.inf]])
    step, chance = transition(0.7, edges), np.diff(stats.norm.cdf(edges))
    np.testing.assert_allclose(chance @ step, chance, atol=1e-12)
    np.testing.assert_allclose(step.sum(axis=1), 1.0, atol=1e-12)


def test_random_lead_times_per_item():
    lead = co.Pmf([[0.2, 0.8, 0.0], [0.0, 0.5, 0.5]], start=1)
    over = co.lead_time_demand(co.Poisson([3.0, 6.0]), lead)
    for item, (chances, rate) in enumerate([({1: 0.2, 2: 0.8}, 3.0), ({2: 0.5, 3: 0.5}, 6.0)]):
        alone = co.lead_time_demand(co.Poisson(rate), chances)
        np.testing.assert_allclose(over.survival(GRID[:, None])[:, item], alone.survival(GRID), rtol=1e-12)


def test_a_gamma_lead_time_makes_poisson_demand_negative_binomial():
    over = co.lead_time_demand(co.Poisson(6.0), co.Gamma(4.0, 2.0), review_period=0)
    exact = stats.nbinom(4.0, 1 / (1 + 6.0))  # rate 6 times Gamma(shape 4, scale 1)
    np.testing.assert_allclose(over.cdf(GRID), exact.cdf(GRID), rtol=1e-10)


def test_fractions_of_a_period_where_the_family_can_be_divided():
    assert co.lead_time_demand(co.Poisson(4), 0.5, 0).mean == 2
    assert co.lead_time_demand(co.Normal(4, 2), 0.25, 0).variance == pytest.approx(1)
    assert co.lead_time_demand(co.CompoundPoisson(2, {1: 0.5, 2: 0.5}), 0.5, 0).mean == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lead_time": -1}, "lead_time must be >= 0, got -1"),
        ({"lead_time": float("nan")}, "lead_time must be finite"),
        ({"lead_time": 1.5}, "must be whole periods for this demand, got 2.5"),
        ({"lead_time": {1: 0.5, 2: 0.47}}, "probabilities of lead_time must sum to 1, got 0.97"),
        ({"lead_time": {}}, "at least one"),
        ({"lead_time": 1, "correlation": 1.5}, r"correlation must be in \[-1, 1\], got 1.5"),
        ({"lead_time": 1, "correlation": -1}, r"1 \+ correlation must be > 0"),
        ({"lead_time": co.Poisson(3)}, "discrete random lead_time must be a Pmf"),
        ({"lead_time": co.Normal(3, 1), "correlation": 0.5}, "correlation needs a fixed lead_time"),
        ({"lead_time": [1, 2, 3]}, "broadcast"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        co.lead_time_demand(co.LogNormal([4.0, 5.0], 2.0), **arguments)
