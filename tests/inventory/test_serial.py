import itertools

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.parametric import Deterministic, Gamma, LogNormal, Normal
from capacity_opt.inventory.serial import bound_serial, evaluate_serial, optimize_serial
from capacity_opt.problem.network import SerialSystem
from capacity_opt.problem.policies import EchelonBaseStock


def levels(*values):
    return EchelonBaseStock(echelon_base_stock_level=values)


def test_one_stage_is_the_newsvendor():
    system = SerialSystem(echelon_holding_cost=[2], lead_time=[3], stockout_cost=18)
    for demand, over in [
        (Poisson(4.0), Poisson(12.0)),
        (Normal(10.0, 3.0), Normal(30.0, 3 * 3**0.5)),
        (NegativeBinomial(4.0, 9.0), NegativeBinomial(12.0, 27.0)),
    ]:
        best = optimize_serial(system, demand)
        level = over.quantile(0.9)
        assert best.echelon_base_stock_level[0] == pytest.approx(level, abs=1e-3)
        cost = 2 * (level - over.mean + over.loss(level)) + 18 * over.loss(level)
        assert best.expected_cost == pytest.approx(cost, rel=1e-5)


def test_best_levels_beat_every_other_and_lie_within_their_bounds():
    """The forward evaluation of all levels nearby against the backward recursion that chose them."""
    rng = np.random.default_rng(1)
    for _ in range(4):
        system = SerialSystem(
            echelon_holding_cost=rng.uniform(0.2, 3, 2),
            lead_time=rng.uniform(0.1, 2, 2),
            stockout_cost=rng.uniform(2, 40),
        )
        demand = NegativeBinomial(2.0, rng.uniform(2.0, 8.0))
        best = optimize_serial(system, demand)
        every = [
            evaluate_serial(levels(*near), system, demand).expected_cost
            for near in itertools.product(*(range(int(s) - 3, int(s) + 4) for s in best.echelon_base_stock_level))
        ]
        assert best.expected_cost <= min(every) * (1 + 1e-10)
        bounds = bound_serial(system, demand)
        assert np.all((bounds.low <= best.echelon_base_stock_level) & (best.echelon_base_stock_level <= bounds.high))


def test_cost_agrees_with_a_simulation_that_follows_every_unit():
    system = SerialSystem(echelon_holding_cost=[3, 2, 1], lead_time=[1, 0.5, 2], stockout_cost=20)
    given = evaluate_serial(levels(7, 10, 19), system, Poisson(4.0))
    values = np.array([followed(system, [7, 3, 9], 4.0, seed) for seed in range(20)])
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    exact = [given.expected_cost, given.expected_backorders, given.ready_rate, *given.expected_on_hand]
    assert np.all(np.abs(values.mean(axis=0) - exact) < 4 * error)


def followed(system, local, rate, seed, count=60_000):
    """The n-th demand takes at every stage the unit ordered ``local`` demands before it, as soon as both are there."""
    time = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))
    usable = count - sum(local)
    asked, on_hand = time, []
    for stage in (2, 1, 0):
        arrived = asked + system.lead_time[stage]
        ahead = np.concatenate([np.full(local[stage], -np.inf), arrived])[:count]
        on_hand.append(rate * np.maximum(time[local[stage] :] - arrived[: count - local[stage]], 0)[:usable].mean())
        asked = np.maximum(time, ahead)
    on_hand = on_hand[::-1]
    backorders = rate * (asked - time).mean()
    moving = rate * np.asarray(system.lead_time)
    inventory = [sum(on_hand[: j + 1]) + moving[:j].sum() - backorders for j in range(3)]
    h = np.asarray(system.echelon_holding_cost)
    cost = h @ inventory + (system.stockout_cost + h.sum()) * backorders
    return [cost, backorders, np.mean(asked == time), *on_hand]


def test_periodic_review_adds_a_period_to_the_first_lead_time():
    """Costs at the end of periods: IN_j of the upstream stages is then lower by one period's demand."""
    h, p, mean = np.array([3.0, 2.0, 1.0]), 20.0, 4.0
    system = SerialSystem(echelon_holding_cost=h, lead_time=[1 + 1, 1, 2], stockout_cost=p)
    model = evaluate_serial(levels(13, 18, 26), system, Poisson(mean)).expected_cost - (h[1:] * mean).sum()
    values = reviewed_each_period([13, 18, 26], [1, 1, 2], h, p, Poisson(mean))
    assert abs(values.mean() - model) < 4 * values.std(ddof=1) / np.sqrt(len(values))


def reviewed_each_period(level, lead, h, p, demand, paths=400, periods=600, warm_up=50):
    """Each period: arrivals, orders from upstream to downstream, demand, costs."""
    draws = demand.sample(periods * paths, rng=np.random.default_rng(7)).reshape(periods, paths)
    local = np.diff(level, prepend=0)
    stock = [np.full(paths, float(s)) for s in local]
    moving = [[np.zeros(paths) for _ in range(time)] for time in lead]
    backorders, cost = np.zeros(paths), np.zeros(paths)
    for t, wanted in enumerate(draws):
        for j in (2, 1, 0):
            stock[j] = stock[j] + moving[j].pop(0)
        for j in (2, 1, 0):
            echelon = sum(stock[i] + sum(moving[i]) for i in range(j + 1)) - backorders
            asked = np.maximum(level[j] - echelon, 0)
            sent = asked if j == 2 else np.minimum(asked, stock[j + 1])
            if j < 2:
                stock[j + 1] = stock[j + 1] - sent
            moving[j].append(sent)
        need = backorders + wanted
        served = np.minimum(stock[0], need)
        stock[0], backorders = stock[0] - served, need - served
        if t >= warm_up:
            inventory = [sum(stock[: j + 1]) + sum(sum(moving[i]) for i in range(j)) - backorders for j in range(3)]
            cost += sum(h[j] * inventory[j] for j in range(3)) + (p + h.sum()) * backorders
    return cost / (periods - warm_up)


def test_continuous_levels_between_grid_points_change_the_cost_smoothly():
    system = SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1, 1], stockout_cost=30)
    demand = Normal(5.0, 1.0)
    best = optimize_serial(system, demand)
    low, high = best.echelon_base_stock_level
    costs = [evaluate_serial(levels(low + d, high), system, demand).expected_cost for d in np.linspace(-0.01, 0.01, 21)]
    assert min(costs) >= best.expected_cost * (1 - 1e-6)
    assert max(costs) - min(costs) < 1e-2
    fine = [evaluate_serial(levels(low, high + d), system, demand).expected_cost for d in (-0.5, 0.5)]
    assert min(fine) > best.expected_cost


def test_a_level_above_the_one_upstream_changes_nothing():
    system = SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1, 1], stockout_cost=30)
    high = evaluate_serial(levels(20, 12), system, Poisson(3.0))
    assert high.expected_cost == evaluate_serial(levels(12, 12), system, Poisson(3.0)).expected_cost
    assert high.expected_on_hand[1] == pytest.approx(0, abs=1e-12)


def test_general_demand_with_whole_lead_times():
    """A Poisson distribution given as a table gives what the Poisson family gives."""
    system = SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1, 2], stockout_cost=30)
    table = Pmf(Poisson(2.0).mass(np.arange(40)))
    family, tabled = optimize_serial(system, Poisson(2.0)), optimize_serial(system, table)
    assert np.array_equal(family.echelon_base_stock_level, tabled.echelon_base_stock_level)
    assert tabled.expected_cost == pytest.approx(family.expected_cost, rel=1e-10)
    skewed = optimize_serial(system, LogNormal(10.0, 3.0))
    similar = optimize_serial(system, Gamma(10.0, 3.0))
    assert skewed.expected_cost == pytest.approx(similar.expected_cost, rel=0.1)


def test_certain_demand_needs_no_safety_stock():
    system = SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1, 2], stockout_cost=30)
    best = optimize_serial(system, Deterministic(5.0))
    assert best.echelon_base_stock_level == pytest.approx([5.0, 15.0])
    assert best.expected_backorders == pytest.approx(0, abs=1e-12)


def test_bad_input_is_named():
    system = SerialSystem(echelon_holding_cost=[3, 2], lead_time=[1, 0.5], stockout_cost=30)
    with pytest.raises(ArgumentError, match="one item"):
        optimize_serial(system, Poisson([1.0, 2.0]))
    with pytest.raises(ArgumentError, match="lead_time must be whole for Pmf demand, got 0.5"):
        optimize_serial(system, Pmf([0.5, 0.5]))
    with pytest.raises(ArgumentError, match="must have 2 stages, got 1"):
        evaluate_serial(levels(3), system, Poisson(1.0))
    with pytest.raises(ArgumentError, match="echelon_holding_cost must be > 0, got 0 at position 1"):
        SerialSystem(echelon_holding_cost=[3, 0], lead_time=[1, 1], stockout_cost=30)
