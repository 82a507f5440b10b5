"""The fleet simulation: by hand, by enumeration, and the rules against the linear program."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from capacity_opt import ArgumentError
from capacity_opt.simulation.arena import build_arena
from capacity_opt.simulation.dispatch import Means, serve, serve_numpy
from capacity_opt.simulation.fleet import simulate_fleet
from tests.simulation.small_fleets import ListedSamples, NormalDemand, fleet, plan


def listed(values, probability=None):
    """Samples x groups with one period and block."""
    values = np.asarray(values, dtype=float)[:, :, None, None]
    return ListedSamples(
        values, np.full(len(values), 1 / len(values)) if probability is None else np.asarray(probability)
    )


def test_newsvendor_fleet_is_judged_exactly_on_all_its_samples():
    problem = fleet(listed([[60], [80], [100], [120], [140]]), penalty=4.0, price=1.0)
    judged = simulate_fleet(plan(problem, racks=120), problem, seed=1)
    assert judged.complete
    assert judged.fill.value[0] == pytest.approx(0.96)
    assert judged.fill.low[0] == judged.fill.high[0]
    assert judged.no_shortage_joint.value[0] == pytest.approx(0.8)
    assert judged.unmet.value[0] == pytest.approx(4)
    assert judged.total_cost.value == pytest.approx(136)
    assert judged.utilization.allocation[0] == pytest.approx(0.8)
    assert judged.shortage_cvar.value[0] == pytest.approx(20)


def test_strict_priority_delivers_less_than_per_class_rows_promise():
    demand = listed([[100, 100]] * 9 + [[100, 200]])
    problem = fleet(demand, classes=("critical", "standard"), fill_rate=[0.95, 0.95])
    for capacity, standard in ((199.5, 0.9045454545454545), (245, 0.95)):
        judged = simulate_fleet(plan(problem, racks=capacity), problem, seed=1)
        np.testing.assert_allclose(judged.fill.value, [1.0, standard])
    verdicts = {v.subject: v.outcome for v in judged.verdicts if v.measure == "fill"}
    assert verdicts == {"critical": "above", "standard": "kept"}
    assert judged.kept
    short = simulate_fleet(plan(problem, racks=199.5), problem, seed=1)
    assert not short.kept
    assert "standard: fill 95% was promised, 90.5% judged: not kept." in [v.sentence for v in short.verdicts]


def test_lots_lead_time_and_planned_retirement_by_hand():
    demand = ListedSamples(np.array([90.0, 120, 130, 170]).reshape(1, 1, 4, 1), np.ones(1))
    problem = fleet(
        demand, capacity=[[10.0]], periods=4, lot=4, lead_time=2, penalty=8.0, price=100.0, opex=10.0,
        initial=np.array([[[10.0, 10, 6, 6]]]),
    )  # fmt: skip
    judged = simulate_fleet(plan(problem, racks=np.array([[[2.0, 0, 0, 0]]])), problem, seed=1)
    assert {name: estimate.value for name, estimate in judged.cost.items() if estimate.value} == {
        "capital": 800.0,
        "opex": 480.0,
        "penalty": 400.0,
    }
    assert judged.fill.value[0] == pytest.approx(0.9019607843137255)
    np.testing.assert_allclose(judged.fill_by_period.value[0], [1, 100 / 120, 1, 140 / 170])
    assert judged.worst_period == (("t3", pytest.approx(140 / 170)),)


def test_flexible_servers_go_to_whom_nothing_else_serves():
    demand = listed([[40, 40], [40, 80], [80, 40], [80, 80]])
    problem = fleet(
        demand, capacity=[[1.0]] * 3, group_class=[0, 0], penalty=40.0,
        price=np.array([12.0, 12, 13]).reshape(3, 1, 1), compatible=[[True, False, True], [False, True, True]],
    )  # fmt: skip
    judged = simulate_fleet(plan(problem, racks=40), problem, seed=1)
    assert judged.total_cost.value == pytest.approx(1880)
    assert judged.fill.value[0] == pytest.approx(11 / 12)


def test_two_resources_fit_where_the_linear_program_just_fits():
    problem = fleet(
        listed([[48, 48]]), capacity=[[8.0, 32], [8, 64]], groups=("web", "db"), group_class=[0, 0],
        usage=[[1, 2], [1, 8]],
    )  # fmt: skip
    judged = simulate_fleet(plan(problem, racks=np.array([9.0, 3]).reshape(2, 1, 1)), problem, seed=1)
    assert judged.fill.value[0] == pytest.approx(1.0)
    np.testing.assert_allclose(judged.utilization.allocation, [1, 1])


def test_a_lost_zone_takes_its_servers_and_moves_pinned_demand():
    class Storm:
        def draw(self, count, *, seed):
            available = np.ones((count, 2, 2))
            available[: count // 2, 0, 1] = 0.0
            return available, np.zeros((count, 1, 2), dtype=np.int64)

    demand = ListedSamples(np.full((1, 1, 2, 1), 10.0), np.ones(1))
    problem = fleet(
        demand, periods=2, zones=("a", "b"), home_zone=0, initial=np.array([[[10.0, 10], [6, 6]]]), disruptions=Storm()
    )
    judged = simulate_fleet(plan(problem), problem, samples=100, seed=3)
    assert not judged.complete
    np.testing.assert_allclose(judged.fill_by_period.value[0], [1.0, 0.8])
    assert judged.fill_while_zone_lost.value[0] == pytest.approx(0.6)


def test_late_delivery_moves_service_but_not_what_is_paid():
    class Late:
        def draw(self, count, *, seed):
            return np.ones((count, 1, 4)), np.ones((count, 1, 1), dtype=np.int64)

    demand = ListedSamples(np.full((1, 1, 4, 1), 10.0), np.ones(1))
    common = {"periods": 4, "lead_time": 1, "price": 12.0, "life": 4.0, "capital": "amortised", "penalty": 0.0}
    racks = np.array([[[10.0, 0, 0, 0]]])
    on_time = fleet(demand, **common)
    late = fleet(demand, **common, disruptions=Late())
    first = simulate_fleet(plan(on_time, racks=racks), on_time, seed=1)
    second = simulate_fleet(plan(late, racks=racks), late, samples=5, seed=1)
    np.testing.assert_allclose(first.fill_by_period.value[0], [0, 1, 1, 1])
    np.testing.assert_allclose(second.fill_by_period.value[0], [0, 0, 1, 1])
    assert first.cost["capital"].value == pytest.approx(10 * 12 * 3 / 4)
    assert second.cost["capital"].value == pytest.approx(10 * 12 * 3 / 4)


def test_annuity_over_the_whole_life_is_worth_the_price_less_salvage():
    demand = ListedSamples(np.ones((1, 1, 6, 1)), np.ones(1))
    problem = fleet(
        demand, periods=6, price=100.0, salvage=10.0, life=5.0, capital="amortised", discount_rate=0.1, lead_time=1
    )
    judged = simulate_fleet(plan(problem, racks=np.array([[[2.0, 0, 0, 0, 0, 0]]])), problem, seed=1)
    assert judged.cost["capital"].value == pytest.approx(2 * (100 - 10 * 1.1**-6))


def test_options_are_bought_cheapest_first_and_only_when_worth_it():
    names, kind = ("committed", "rented"), ("commitment", "on_demand")
    problem = fleet(
        listed([[10.0], [30.0]]), option_names=names, option_kind=kind, option_price=np.array([[2.0], [5.0]]),
        option_limit=np.array([[np.inf], [12.0]]), penalty=6.0,
    )  # fmt: skip
    decided = plan(problem, racks=8, committed=np.array([[4.0], [0]]))
    judged = simulate_fleet(decided, problem, seed=1, dispatch="greedy")
    assert judged.cost["commitment"].value == pytest.approx(8)
    assert judged.cost["on_demand"].value == pytest.approx(5 * 12 / 2)
    assert judged.unmet.value[0] == pytest.approx(6 / 2)
    assert judged.utilization.commitment == pytest.approx((2 + 4) / 8)
    poor = simulate_fleet(decided, problem, seed=1, shortage_worth=4.0)
    assert poor.cost["on_demand"].value == 0


def random_fleet(rng, samples=6):
    kinds, resources, groups, zones = rng.integers(1, 5), rng.integers(1, 3), rng.integers(1, 6), rng.integers(1, 4)
    classes = int(rng.integers(1, groups + 1))
    group_class = np.sort(np.concatenate([np.arange(classes), rng.integers(0, classes, groups - classes)]))
    region = np.sort(np.concatenate([[0], rng.integers(0, min(2, zones), zones - 1)]))
    region = np.unique(region, return_inverse=True)[1]
    regions = region.max() + 1
    compatible = rng.random((groups, kinds)) < 0.6
    compatible[np.arange(groups), rng.integers(0, kinds, groups)] = True
    demand = ListedSamples(rng.gamma(2.0, 5.0, (samples, groups, 2, 2)), np.full(samples, 1 / samples))
    options = {}
    if rng.random() < 0.5:
        options = {
            "option_names": ("rent",), "option_kind": ("on_demand",), "option_price": rng.random((1, 2)),
            "option_limit": rng.random((1, 2)) * 4, "option_type": rng.integers(0, kinds, 1),
            "option_region": rng.integers(0, regions, 1),
        }  # fmt: skip
    problem = fleet(
        demand,
        capacity=rng.uniform(1, 4, (kinds, resources)),
        classes=tuple(f"c{i}" for i in range(classes)),
        group_class=group_class,
        usage=rng.uniform(0.2, 1.5, (groups, resources)),
        periods=2,
        blocks=2,
        zones=tuple(f"z{i}" for i in range(zones)),
        zone_region=region,
        home_region=rng.integers(0, regions, groups),
        compatible=compatible,
        serve_cost=rng.integers(0, 3, (groups, kinds)),
        spill_cost=rng.random((groups, regions)),
        performance=rng.uniform(0.5, 1.5, (groups, kinds)),
        overcommit=rng.uniform(1, 2, (groups, resources)),
        initial=rng.integers(0, 8, (kinds, zones, 2)),
        **options,
    )
    return problem, plan(problem)


@pytest.mark.parametrize("seed", range(12))
def test_compiled_dispatch_and_its_numpy_twin_agree(seed, monkeypatch):
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    problem, _ = random_fleet(rng)
    arena = build_arena(problem)
    demand = np.ascontiguousarray(problem.demand.values)
    means = Means(
        servers=rng.random((len(demand), 2, len(arena.capacity))) * 6,
        budget=rng.random((1, 2, problem.sizes["M"])) * 3,
        lost=np.zeros((1, 2, problem.sizes["Z"]), dtype=bool),
    )
    fast, plain = serve(arena, demand, means), serve_numpy(arena, demand, means)
    for name in ("unmet", "used", "stranded", "bought", "substitution", "spill"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), atol=1e-9, err_msg=name)


def most_by_priority(problem, servers, asked, period):
    """Units served per class, lexicographically most, by a linear program written independently with scipy."""
    groups, types, options = problem.groups, problem.server_types, problem.options
    sizes = problem.sizes
    region = problem.sites.zone_region
    ways = [
        (j, k, g)
        for j, k, g in itertools.product(range(sizes["J"]), range(sizes["K"]), range(sizes["G"]))
        if groups.compatible[j, k]
    ]
    columns = len(ways) + sizes["M"]
    rows, limits = [], []
    for j in range(sizes["J"]):
        rows.append([float(w[0] == j) for w in ways] + [0.0] * sizes["M"])
        limits.append(asked[j])
    for k, g, r in itertools.product(range(sizes["K"]), range(sizes["G"]), range(sizes["R"])):
        load = [
            groups.usage[j, r] / groups.overcommit[j, r] / groups.performance[j, k] if (k, g) == (kk, gg) else 0.0
            for j, kk, gg in ways
        ]
        rented = [
            -types.capacity[k, r] if (options.server_type[m], options.region[m]) == (k, g) else 0.0
            for m in range(sizes["M"])
        ]
        rows.append(load + rented)
        limits.append(types.capacity[k, r] * sum(servers[k, z] for z in range(sizes["Z"]) if region[z] == g))
    bounds = [(0, None)] * len(ways) + [(0, options.limit[m, period]) for m in range(sizes["M"])]
    found = []
    for c in range(sizes["C"]):
        mine = np.array([float(groups.group_class[w[0]] == c) for w in ways] + [0.0] * sizes["M"])
        best = linprog(-mine, A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
        found.append(-best.fun)
        rows.append(list(-mine))
        limits.append(best.fun + 1e-6)
    assert columns == len(bounds)
    return np.array(found)


@pytest.mark.parametrize("seed", range(10))
def test_exact_dispatch_serves_what_an_independent_linear_program_serves(seed):
    problem, decided = random_fleet(np.random.default_rng(100 + seed))
    best = simulate_fleet(decided, problem, seed=1, dispatch="exact", shortage_worth=1e9)
    rules = simulate_fleet(decided, problem, seed=1, shortage_worth=1e9)
    total = np.zeros_like(best.served_by_sample)
    for s, t, b in itertools.product(range(len(total)), range(2), range(2)):
        asked = problem.demand.values[s, :, t, b]
        total[s] += 0.5 * most_by_priority(problem, problem.supply.initial[:, :, t], asked, t)
    np.testing.assert_allclose(best.served_by_sample, total, atol=1e-4)
    assert np.all(rules.served_by_sample[:, 0] <= best.served_by_sample[:, 0] + 1e-4)


def test_rules_lose_little_of_what_strict_priority_allows():
    lost = asked = 0.0
    for seed in range(60):
        problem, decided = random_fleet(np.random.default_rng(500 + seed), samples=3)
        rules = simulate_fleet(decided, problem, seed=1, dispatch="greedy")
        best = simulate_fleet(decided, problem, seed=1, dispatch="exact")
        lost += float((rules.unmet.value - best.unmet.value).sum())
        asked += float(rules.asked_by_sample.sum(axis=1).mean())
    assert 0 <= lost / asked < 0.006


def test_same_seed_gives_the_same_judgement_and_the_optimiser_saw_other_samples():
    problem = fleet(NormalDemand(np.full((1, 3, 1), 100.0)), periods=3)
    decided = plan(problem, racks=np.array([[[120.0, 0, 0]]]))
    first, again, other = (simulate_fleet(decided, problem, samples=500, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.cost_by_sample, again.cost_by_sample)
    np.testing.assert_array_equal(first.fill.low, again.fill.low)
    assert first.fill.value[0] != other.fill.value[0]
    seen, _ = problem.demand.draw(500, seed=1)
    assert not np.isclose(first.asked_by_sample[0, 0], seen[0].sum())


def test_a_plan_of_another_shape_is_refused():
    problem = fleet(listed([[1.0]]))
    other = fleet(listed([[1.0]]), zones=("a", "b"))
    with pytest.raises(ArgumentError, match=r"plan.racks must have shape \(1, 1, 1\)"):
        simulate_fleet(plan(other), problem, seed=1)
