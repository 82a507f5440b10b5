"""Multi-rate pools: enumeration, scaling, batches, marginal value."""

import itertools
import math

import numpy as np
import pytest

import capacity_opt as co


def enumerate_pool(capacity, load, size):
    """Blocking and occupancy by summing the product form over every state, in plain Python."""
    occupancy = np.zeros(capacity + 1)
    ranges = [range(capacity // s + 1) for s in size]
    for state in itertools.product(*ranges):
        used = sum(n * s for n, s in zip(state, size, strict=True))
        if used <= capacity:
            occupancy[used] += math.prod(a**n / math.factorial(n) for n, a in zip(state, load, strict=True))
    occupancy /= occupancy.sum()
    return occupancy, np.array([occupancy[capacity - s + 1 :].sum() if s <= capacity else 1.0 for s in size])


@pytest.mark.parametrize("seed", range(6))
def test_recursion_equals_enumeration(seed):
    rng = np.random.default_rng(seed)
    capacity, size, load = int(rng.integers(3, 25)), rng.integers(1, 6, 3), rng.uniform(0.1, 6, 3)
    occupancy, blocking = enumerate_pool(capacity, load, size.tolist())
    pool = co.multirate_loss(capacity, load=load, size=size)
    np.testing.assert_allclose(pool.occupancy, occupancy, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(pool.blocking, blocking, rtol=1e-12, atol=1e-15)
    network = co.network_loss([size], capacity=[capacity], load=load)
    np.testing.assert_allclose(network.blocking, blocking, rtol=1e-12, atol=1e-15)
    assert float(network.mean_used[0]) == pytest.approx(float(pool.mean_used), rel=1e-12)


def test_one_class_is_erlang():
    pool = co.multirate_loss(1000, load=[1000.0], size=[1])
    assert float(pool.blocking[0]) == pytest.approx(float(co.erlang_b(1000, 1000)), rel=1e-11)
    assert pool.exact


@pytest.mark.parametrize("capacity", [10_000, 50_000])
def test_large_pools_stay_finite(capacity):
    rng = np.random.default_rng(3)
    size = rng.integers(1, 65, 20)
    for share in (0.01, 0.9, 1.1, 100.0):
        pool = co.multirate_loss(capacity, load=share * capacity / 20 / size, size=size)
        assert np.all(np.isfinite(pool.occupancy))
        assert float(pool.occupancy.sum()) == pytest.approx(1)
        assert np.all((pool.blocking >= 0) & (pool.blocking <= 1))


def test_numpy_and_compiled_agree(monkeypatch):
    rng = np.random.default_rng(4)
    size = np.array([1, 3, 7, 500])
    load, reservation = rng.uniform(0, 40, (5, 4)), rng.integers(0, 30, (5, 4))
    fast = co.multirate_loss(400, load=load, size=size, reservation=reservation)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    slow = co.multirate_loss(400, load=load, size=size, reservation=reservation)
    np.testing.assert_allclose(fast.occupancy, slow.occupancy, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(fast.blocking, slow.blocking, rtol=1e-10, atol=1e-18)


def test_batch_is_scalar_bit_for_bit():
    levels = np.array([[0, 0], [3, 0], [0, 9]])
    batch = co.multirate_loss(40, load=[20, 5], size=[1, 4], reservation=levels)
    for level, blocking in zip(levels, batch.blocking, strict=True):
        one = co.multirate_loss(40, load=[20, 5], size=[1, 4], reservation=level)
        assert one.blocking.tolist() == blocking.tolist()


def test_equal_sizes_with_reservation_solve_the_birth_death_chain():
    capacity, load, reservation = 12, np.array([7.0, 4.0]), np.array([0, 3])
    weight = [1.0]
    for used in range(1, capacity + 1):
        weight.append(weight[-1] * load[used <= capacity - reservation].sum() / used)
    occupancy = np.array(weight) / sum(weight)
    pool = co.multirate_loss(capacity, load=load, size=[1, 1], reservation=reservation)
    np.testing.assert_allclose(pool.occupancy, occupancy, rtol=1e-13)
    np.testing.assert_allclose(pool.blocking, [occupancy[-1], occupancy[-4:].sum()], rtol=1e-13)
    assert pool.exact
    assert not co.multirate_loss(12, load=load, size=[1, 2], reservation=reservation).exact


def test_mean_used_is_the_mean_of_the_occupancy():
    pool = co.multirate_loss(50, load=[10, 5, 1], size=[1, 4, 8], reservation=[8, 4, 0])
    assert float(pool.mean_used) == pytest.approx(float(pool.occupancy @ np.arange(51)), rel=1e-12)


def test_marginal_value_falls_as_the_pool_grows_and_is_a_difference():
    values = [float(co.multirate_loss(c, load=[20.0], size=[1]).marginal_value(2.0)) for c in range(1, 40)]
    assert np.all(np.diff(values) < 0)
    small, large = (co.multirate_loss(c, load=[20.0], size=[1]).revenue(2.0) for c in (12, 13))
    assert values[11] == pytest.approx(float(large - small))


def test_networks_too_large_to_enumerate_say_what_to_use():
    with pytest.raises(co.LimitError, match="simulate_admission"):
        co.network_loss([[1, 1, 1]], capacity=[400], load=[50, 50, 50], most_states=1000)


def test_reduced_load_is_far_off_in_series():
    exact = co.network_loss([[1]] * 4, capacity=[5] * 4, load=[2])
    rough = co.approximate_network_loss([[1]] * 4, capacity=[5] * 4, load=[2])
    assert float(exact.blocking[0]) == pytest.approx(float(co.erlang_b(2, 5)), rel=1e-12)
    assert rough.blocking[0] > 2.5 * exact.blocking[0]


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="size must be a whole number >= 1"):
        co.multirate_loss(5, load=[1], size=[0.5])
    with pytest.raises(co.ArgumentError, match="load must have 2 values"):
        co.multirate_loss(5, load=[1, 2, 3], size=[1, 2])
    with pytest.raises(co.ArgumentError, match=r"usage must have shape \(pools, classes\)"):
        co.network_loss([1, 2], capacity=[3], load=[1, 1])
