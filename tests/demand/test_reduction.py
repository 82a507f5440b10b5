"""Kept samples are at the least Kantorovich distance that brute force finds, and a plan on them says so."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.demand.reduction import reduce_samples
from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.example import example_problem
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.size import size_fleet


def drawn(seed):
    rng = np.random.default_rng(seed)
    samples = int(rng.integers(4, 10))
    chance = rng.random(samples)
    return rng.normal(size=(samples, 2, 2)), chance / chance.sum(), int(rng.integers(1, samples))


def apart(values):
    flat = values.reshape(len(values), -1)
    return np.linalg.norm(flat[:, None] - flat[None], axis=2)


@pytest.mark.parametrize("seed", range(25))
def test_forward_selection_is_greedy_and_swaps_reach_what_brute_force_finds(seed):
    values, chance, count = drawn(seed)
    distance = apart(values)
    every = [chance @ distance[:, list(kept)].min(axis=1) for kept in combinations(range(len(chance)), count)]
    forward = reduce_samples(values, chance, count=count, method="forward")
    found = reduce_samples(values, chance, count=count)
    assert found.distance == pytest.approx(min(every), abs=1e-9)
    assert forward.distance >= found.distance - 1e-12
    chosen = []
    for _ in range(count):
        left = [chance @ distance[:, [*chosen, i]].min(axis=1) for i in range(len(chance))]
        chosen.append(int(np.argmin(left)))
    assert forward.kept.tolist() == sorted(chosen)


def test_the_distance_is_the_least_cost_of_moving_one_distribution_into_the_other():
    values, chance, _ = drawn(3)
    found = reduce_samples(values, chance, count=3)
    cost = apart(values)[:, found.kept]
    rows = np.kron(np.eye(len(chance)), np.ones(3))
    columns = np.kron(np.ones(len(chance)), np.eye(3))
    moved = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([chance, found.probability]))
    assert found.distance == pytest.approx(moved.fun, abs=1e-9)
    assert found.probability.sum() == pytest.approx(1.0)
    assert 0.0 < found.relative_distance < 1.0


def test_all_samples_lose_nothing_and_faults_are_named():
    values, chance, _ = drawn(4)
    whole = reduce_samples(values, chance, count=len(chance))
    assert whole.distance == 0.0
    assert whole.probability.tolist() == pytest.approx(chance.tolist())
    with pytest.raises(ArgumentError, match="at most the number of samples"):
        reduce_samples(values, count=len(chance) + 1)
    with pytest.raises(ArgumentError, match="medoids or forward"):
        reduce_samples(values, count=1, method="best")


def test_a_plan_on_kept_samples_tells_how_far_they_are_from_all():
    problem = example_problem()
    one = problem.demand.draw(1, seed=0)[0][0]
    factors = np.linspace(0.5, 1.2, 30)
    problem = replace(problem, demand=GivenSamples(factors[:, None, None, None] * one), reduce_to=4)
    outcomes = draw_outcomes(problem)
    assert outcomes.count == 4
    assert outcomes.probability.sum() == pytest.approx(1.0)
    plan = size_fleet(problem, time_limit=20)
    assert any("4 of 30 drawn stand for all; Kantorovich distance" in remark for remark in plan.remarks)
