import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.parametric import Gamma, LogNormal, Normal
from capacity_opt.inventory.grid import GridPmf, convolve, grid_over


@pytest.mark.parametrize("demand", [Poisson(3.0), NegativeBinomial(3.0, 7.0), Pmf([0.3, 0.2, 0.5])])
def test_sums_of_counts_have_the_right_moments_and_agree_with_repeated_addition(demand):
    over = grid_over(demand, 3, 1.0)
    one = grid_over(demand, 1, 1.0)
    added = one.plus(one).plus(one)
    assert over.mean == pytest.approx(3 * float(demand.mean), rel=1e-10)
    size = min(len(over.mass), len(added.mass))
    assert over.start == added.start == 0
    assert np.allclose(over.mass[:size], added.mass[:size], atol=1e-13)


@pytest.mark.parametrize("demand", [Normal(10.0, 2.0), Gamma(10.0, 4.0), LogNormal(10.0, 4.0)])
def test_continuous_demand_keeps_mean_and_variance_on_the_grid(demand):
    over = grid_over(demand, 2, 0.05)
    points = (over.start + np.arange(len(over.mass))) * over.width
    assert over.mean == pytest.approx(2 * float(demand.mean), rel=1e-6)
    assert over.mass @ points**2 - over.mean**2 == pytest.approx(2 * float(demand.variance), rel=1e-3)


def test_quantiles_are_the_smallest_value_that_reaches_the_level():
    pmf = GridPmf(2, np.array([0.5, 0.3, 0.2]), 1.0)
    assert [pmf.quantile(level) for level in (0.1, 0.5, 0.51, 0.8, 0.81, 0.999)] == [2, 2, 3, 3, 4, 4]


def test_long_convolutions_by_fft_agree_with_direct_ones():
    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.ones(4000)), rng.dirichlet(np.ones(3000))
    assert np.allclose(convolve(one, other), np.convolve(one, other), atol=1e-15)


def test_too_fine_a_grid_is_refused():
    with pytest.raises(ArgumentError, match="grid points, at most"):
        grid_over(Normal(100.0, 30.0), 1, 1e-7)
