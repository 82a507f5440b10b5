"""Critical levels against an exact decision process, targets and floors, and the chain against other methods."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

import capacity_opt as co
from capacity_opt.admission.markov_chain import build_chain


def optimal_revenue(capacity, rate, holding, size, price):
    """Policy iteration on every combination of requests: the revenue of the best of all policies."""
    states = [()]
    for s in size:
        states = [
            (*state, n)
            for state in states
            for n in range((capacity - sum(a * b for a, b in zip(state, size, strict=False))) // s + 1)
        ]
    place = {state: i for i, state in enumerate(states)}
    earn = np.array([sum(n * s * p for n, s, p in zip(state, size, price, strict=True)) for state in states])
    moves = [[place.get(tuple(np.add(state, e)), -1) for e in np.eye(len(size), dtype=int)] for state in states]
    admit = np.array(moves) >= 0
    for _ in range(100):
        rows, columns, values = [], [], []
        for i, state in enumerate(states):
            for k in range(len(size)):
                if admit[i, k]:
                    rows += [i, i]
                    columns += [moves[i][k], i]
                    values += [rate[k], -rate[k]]
                if state[k]:
                    low = place[tuple(np.subtract(state, np.eye(len(size), dtype=int)[k]))]
                    rows += [i, i]
                    columns += [low, i]
                    values += [state[k] / holding[k], -state[k] / holding[k]]
        q = sparse.csc_array((values, (rows, columns)), shape=(len(states), len(states)))
        # Unknowns: the gain in place of the value of the empty state, which is 0.
        system = sparse.hstack([sparse.csc_array(-np.ones((len(states), 1))), q[:, 1:]]).tocsc()
        answer = spsolve(system, -earn)
        worth = np.concatenate([[0.0], answer[1:]])
        better = np.array([[m >= 0 and worth[m] >= worth[i] - 1e-9 for m in moves[i]] for i in range(len(states))])
        if np.array_equal(better, admit):
            break
        admit = better
    return float(answer[0])


def random_pool(seed):
    rng = np.random.default_rng(seed)
    capacity, classes = int(rng.integers(10, 28)), int(rng.integers(2, 4))
    size = rng.choice([1, 2, 3, 4, 6], classes)
    holding = rng.choice([0.5, 1.0, 2.0, 4.0], classes) if seed % 2 else np.ones(classes)
    load = rng.dirichlet(np.ones(classes)) * capacity * rng.uniform(0.7, 1.8) / size
    return capacity, load / holding, holding, size, rng.uniform(0.5, 4.0, classes)


def test_the_oracle_reproduces_a_published_optimum():
    assert optimal_revenue(20, [14.0, 10.0], [1.0, 1.0], [1, 1], [2.0, 1.0]) == pytest.approx(29.540027229, abs=2e-5)


def test_tuned_levels_are_close_to_the_best_of_all_policies():
    shares = []
    for seed in range(12):
        capacity, rate, holding, size, price = random_pool(seed)
        told = co.tune_critical_levels(capacity, arrival_rate=rate, holding_time=holding, size=size, price=price)
        best = optimal_revenue(capacity, rate.tolist(), holding.tolist(), size.tolist(), price.tolist())
        assert told.judged == "chain"
        assert told.first_come_revenue <= told.revenue * (1 + 1e-9)
        assert told.revenue <= best * (1 + 1e-7)
        assert best <= told.upper_bound * (1 + 1e-9)
        shares.append(told.revenue / best)
    assert np.mean(shares) >= 0.995
    assert min(shares) >= 0.979


def test_the_chain_agrees_with_the_product_form_and_with_simulation():
    rate, holding, size = np.array([6.0, 2.0]), np.array([1.0, 2.0]), np.array([1, 3])
    chain = build_chain(15, rate, holding, size, most_states=10_000)
    free = chain.blocking(np.array([0, 0]))
    np.testing.assert_allclose(free, co.multirate_loss(15, load=rate * holding, size=size).blocking, rtol=1e-10)
    held = chain.blocking(np.array([2, 1]))
    told = co.simulate_admission(
        15, arrival_rate=rate, holding_time=holding, size=size, reservation=[2, 1], seed=8, requests=50_000
    )
    assert np.all(told.covers(held))


@pytest.mark.parametrize("share", [0.05, 1.0, 8.0])
def test_the_chain_keeps_its_accuracy_at_any_load(share):
    rng = np.random.default_rng(2)
    for _ in range(6):
        capacity, size, holding = int(rng.integers(20, 90)), rng.choice([1, 4, 8, 16], 2), 10 ** rng.uniform(-2, 2, 2)
        load = share * capacity / 2 / size
        chain = build_chain(capacity, load / holding, holding, size, most_states=5_000)
        exact = co.multirate_loss(capacity, load=load, size=size).blocking
        np.testing.assert_allclose(chain.blocking(np.array([0, 0])), exact, rtol=1e-8, atol=1e-12)


def test_no_control_needed_is_said():
    calm = co.tune_critical_levels(100, arrival_rate=[10, 10], holding_time=1, size=[1, 2], price=[2, 1])
    assert not calm.control_needed
    assert calm.reservation.tolist() == [0, 0]
    assert calm.reason.startswith("no control needed")
    assert calm.revenue == calm.first_come_revenue


def test_blocking_targets_protect_the_large_class():
    given = {"arrival_rate": [40, 3], "holding_time": 1.0, "size": [1, 8]}
    free = co.tune_critical_levels(64, **given)
    assert free.first_come_blocking[1] > 0.1
    told = co.tune_critical_levels(64, **given, max_blocking=[0.3, 0.15])
    assert told.met
    assert told.control_needed
    assert np.all(told.blocking <= [0.3 + 1e-9, 0.15 + 1e-9])


def test_floor_limits_what_revenue_may_shut_out():
    given = {"arrival_rate": [20, 20], "holding_time": 1.0, "size": [1, 1], "price": [10, 1]}
    free, fair = co.tune_critical_levels(20, **given), co.tune_critical_levels(20, **given, floor=[0, 0.3])
    assert 1 - free.blocking[1] < 0.3 <= 1 - fair.blocking[1] + 1e-9
    assert free.revenue > fair.revenue >= fair.first_come_revenue


def test_targets_out_of_reach_are_told():
    told = co.tune_critical_levels(10, arrival_rate=[20, 20], holding_time=1, size=[1, 1], max_blocking=[0.1, 0.1])
    assert not told.met
    assert told.worst_excess > 0.3
    assert "over its target" in told.reason


def test_pools_of_some_thousand_states_are_judged_exactly():
    size, holding = np.array([1, 2, 4]), np.array([1.0, 1.5, 2.0])
    told = co.tune_critical_levels(
        60, arrival_rate=1.2 * 60 / 3 / size / holding, holding_time=holding, size=size, price=[1, 1.5, 2]
    )
    assert told.judged == "chain"
    assert told.revenue >= told.first_come_revenue


def test_large_pools_are_tuned_by_the_recursion():
    size = np.array([1, 4, 16])
    told = co.tune_critical_levels(
        2000, arrival_rate=1.2 * 2000 / 3 / size, holding_time=1, size=size, price=[1, 1.5, 2.5]
    )
    assert told.judged == "recursion"
    assert told.first_come_revenue < told.revenue <= told.upper_bound
    assert "approximation" in told.reason


def test_a_class_that_never_fits_or_never_asks_is_harmless():
    told = co.tune_critical_levels(
        8, arrival_rate=[6, 1, 0, 6], holding_time=[1, 1, 1, 2], size=[1, 12, 2, 1], price=[1, 9, 1, 3]
    )
    assert told.blocking[1] == 1
    assert np.isfinite(told.revenue)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="holding_time must be > 0"):
        co.tune_critical_levels(5, arrival_rate=[1], holding_time=[0], size=[1])
    with pytest.raises(co.ArgumentError, match="do not broadcast"):
        co.tune_critical_levels(5, arrival_rate=[1, 2], holding_time=[1, 1, 1], size=[1])
