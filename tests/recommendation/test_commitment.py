"""Commitments: best of all levels, laws and observed hours agree."""

import numpy as np
import pytest

import capacity_opt as co


@pytest.mark.parametrize("discount", [0.05, 0.28, 0.6])
def test_no_other_level_costs_less(discount):
    hours = np.random.default_rng(1).gamma(5, 4, 500)
    told = co.optimize_commitment(hours, discount=discount)
    cost = [q * (1 - discount) + np.maximum(hours - q, 0).mean() for q in np.append(hours, 0.0)]
    assert float(told.cost) == pytest.approx(min(cost))
    assert float(told.saving) == pytest.approx(hours.mean() - min(cost))
    assert 0 < told.coverage < 1
    assert 1 - discount < told.utilization <= 1


def test_a_law_and_its_sample_agree():
    law = co.Gamma([20.0, 8.0], [9.0, 2.0])
    told = co.optimize_commitment(law, discount=[0.3, 0.5])
    drawn = law.sample(200_000, rng=np.random.default_rng(3))
    for i, discount in enumerate([0.3, 0.5]):
        seen = co.optimize_commitment(drawn[:, i], discount=discount)
        assert float(seen.units) == pytest.approx(told.units[i], rel=0.02)
        assert float(seen.cost) == pytest.approx(told.cost[i], rel=0.01)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="usage must be observed hours"):
        co.optimize_commitment([[1.0]], discount=0.1)
    with pytest.raises(co.ArgumentError, match=r"discount must be in \(0, 1\), got 28.*0.28"):
        co.optimize_commitment([1.0], discount=28)
