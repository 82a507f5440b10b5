"""Erlang's formulas: exact arithmetic, the NumPy twin, limits and errors."""

from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capacity_opt as co
from capacity_opt.admission import erlang_kernel


def exact(load, servers):
    """1/B by the recursion in 40 digits."""
    getcontext().prec = 40
    inverse, a = Decimal(1), Decimal(load)
    for n in range(1, servers + 1):
        inverse = 1 + n / a * inverse
    return float(1 / inverse)


PAIRS = [(0.5, 3), (50, 120), (250, 200), (1e4, 10300), (1e5, 99000), (1e5, 1e5), (1e5, 101000), (1e5, 90000)]
PAIRS += [
    (59, 60),
    (60, 60),
    (61, 60),
    (100, 60),
    (1e9, 60),
    (1000, 61),
    (1e-3, 70),
    (700, 600),
    (760, 600),
    (200, 300),
]


@pytest.mark.parametrize(("load", "servers"), PAIRS)
def test_erlang_b_is_exact_to_rounding(load, servers):
    assert float(co.erlang_b(load, servers)) == pytest.approx(exact(load, int(servers)), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(load=st.floats(1e-2, 5e3), ratio=st.floats(0.3, 3.0))
def test_erlang_b_is_exact_at_random(load, ratio):
    servers = int(load * ratio) + 1
    truth = exact(load, servers)
    assert float(co.erlang_b(load, servers)) == pytest.approx(truth, rel=1e-12, abs=1e-290)


def test_numpy_and_compiled_agree(monkeypatch):
    rng = np.random.default_rng(0)
    load = 10 ** rng.uniform(-3, 5, 4000)
    servers = load * 10 ** rng.uniform(-1, 1, 4000)
    servers[::3] = np.rint(servers[::3])
    fast = co.erlang_b(load, servers)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    slow = co.erlang_b(load, servers)
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-300)


def test_fractional_servers_keep_the_recursion_and_meet_across_methods():
    rng = np.random.default_rng(1)
    servers = np.concatenate([rng.uniform(0.01, 300, 2000), np.linspace(58.5, 61.5, 101)])
    load = servers * rng.uniform(0.3, 3.0, servers.size)
    less, more = co.erlang_b(load, servers), co.erlang_b(load, servers + 1)
    np.testing.assert_allclose(more, load * less / (servers + 1 + load * less), rtol=3e-12)


def test_fractional_servers_match_the_integral():
    from scipy import integrate

    for load, servers in [(2.0, 0.5), (0.01, 0.3), (1e-6, 0.9), (5.0, 3.7)]:
        inverse, _ = integrate.quad(
            lambda s, a=load, c=servers: np.exp(-s) * (1 + s / a) ** c, 0, np.inf, epsabs=0, epsrel=1e-12, limit=400
        )
        assert float(co.erlang_b(load, servers)) == pytest.approx(1 / inverse, rel=1e-11)


def test_edges():
    assert co.erlang_b([0, 0, 5, 1e6], [0, 3, 0, 1]).tolist()[:3] == [1, 0, 1]
    assert float(co.erlang_b(1e-9, 5000)) == 0.0
    assert np.all(np.isfinite(co.erlang_b(np.logspace(-12, 12, 200)[:, None], np.logspace(-3, 6, 100))))


def test_batch_is_scalar_bit_for_bit():
    load, servers = np.array([3.0, 70.2, 900.0]), np.array([5, 71.5, 950])
    batch = co.erlang_b(load, servers)
    assert [float(co.erlang_b(a, c)) for a, c in zip(load, servers, strict=True)] == batch.tolist()


@pytest.mark.parametrize("blocking", [0.3, 0.01, 1e-6])
def test_least_servers_is_least(blocking):
    load = np.array([0.0, 0.01, 1, 30, 5000])
    servers = co.servers_for_blocking(load, blocking)
    assert np.all(co.erlang_b(load, servers) <= blocking)
    assert np.all((servers == 0) | (co.erlang_b(load, np.maximum(servers - 1, 0)) > blocking))


def test_load_for_blocking_inverts():
    servers, target = np.array([0.5, 1, 2, 100, 1e5])[:, None], np.array([1e-9, 0.01, 0.5, 0.999])
    np.testing.assert_allclose(
        co.erlang_b(co.load_for_blocking(servers, target), servers), np.tile(target, (5, 1)), rtol=1e-9
    )


def test_waiting_without_spare_capacity_is_endless():
    told = co.erlang_c([3, 5], [5, 5])
    assert told.wait_probability.tolist()[1] == 1
    assert np.isinf(told.mean_wait[1])
    assert float(told.service_level(0.0)[0]) == pytest.approx(1 - told.wait_probability[0])
    assert float(told.mean_wait[0]) == pytest.approx(told.wait_probability[0] / 2)


def test_engset_becomes_erlang_with_many_sources():
    told = co.engset(10**6, 30, load_per_idle_source=25 / 10**6)
    assert float(told.call_congestion) == pytest.approx(float(co.erlang_b(25, 30)), rel=1e-3)


def test_engset_equals_a_truncated_binomial():
    from scipy.stats import binom

    sources, servers, beta = 40, 12, 0.7
    law = binom(sources, beta / (1 + beta))
    told = co.engset(sources, servers, load_per_idle_source=beta)
    assert float(told.time_congestion) == pytest.approx(law.pmf(servers) / law.cdf(servers), rel=1e-10)


def test_peaked_arrivals_are_blocked_more():
    z = co.batch_peakedness(4, 20)
    assert float(z) == 3.0
    assert co.hayward_blocking(50, 60, peakedness=z) > co.erlang_b(50, 60)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="offered_load must be >= 0"):
        co.erlang_b([-1, 2], 3)
    with pytest.raises(co.ArgumentError, match=r"blocking must be in \(0, 1\), got 5.*0.05"):
        co.servers_for_blocking(3, 5)
    with pytest.raises(co.ArgumentError, match="second_moment"):
        co.batch_peakedness(4, 3)


def test_series_of_the_bell_solves_its_equation():
    slopes = erlang_kernel._slopes()
    z = 0.3
    y = sum(s / (k + 1) * z ** (k + 1) for k, s in enumerate(slopes))
    assert y - np.log1p(y) == pytest.approx(z * z / 2, rel=1e-13)
