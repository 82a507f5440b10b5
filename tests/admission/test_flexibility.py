"""Sales of flexible capacity: cuts against programs, chains between nothing and everything."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.admission import flexibility


def test_every_cut_and_a_program_per_sample_agree():
    rng = np.random.default_rng(3)
    links = rng.random((4, 5)) < 0.5
    room, asked = rng.uniform(5, 20, 4), rng.gamma(4, 3, (30, 5))
    cuts = np.concatenate(list(flexibility._smallest_cuts(links, room, asked)))
    programs = np.concatenate(list(flexibility._programs(links, room, asked)))
    np.testing.assert_allclose(cuts, programs, rtol=1e-9)


def test_a_chain_sells_nearly_what_full_flexibility_does():
    demand = co.Poisson(np.full(8, 20.0))
    how = {"capacity": np.full(8, 20.0), "demand": demand, "samples": 4000, "seed": 2}
    alone = co.flexible_sales(np.eye(8), **how).mean
    chain = co.flexible_sales(co.chain_links(8), **how).mean
    full = co.flexible_sales(np.ones((8, 8)), **how).mean
    assert alone < chain <= full
    assert (chain - alone) / (full - alone) > 0.9


def test_shapes_are_checked():
    with pytest.raises(co.ArgumentError, match="one item per class"):
        co.flexible_sales(np.eye(3), capacity=[1, 1, 1], demand=co.Poisson([1.0, 2.0]), seed=1)
