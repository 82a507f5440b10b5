"""What a plan must be: right, priced, explained, and unmoved by what does not matter."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt import ArgumentError, FleetProblem, InfeasibleError, evaluate_fleet, simulate_fleet, size_fleet
from capacity_opt.fleet.formulation import build, build_model
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.solvers.solve import solve
from tests.fleet_features import GivenDisruptions
from tests.fleet_problems import GivenPaths, LogNormalPaths, make_problem, toy1, toy2, toy3, toy4, toy7, toy8

ALL_TOYS = [toy1(), toy2(), toy2(penalty=0, service={"fill_rate": 0.95}), toy3(1.0), toy4(), toy7(), toy8()]


def rich(**rest) -> FleetProblem:
    """Two regions, two types, three groups, blocks, discounting: enough for the invariances to mean something."""
    rng = np.random.default_rng(5)
    return make_problem(
        types={
            "A": {"capacity": [8, 30], "price": 50, "opex": 2, "lot": 2, "lead_time": 1, "power_kw": 0.4, "life": 5.0},
            "B": {"capacity": [8, 64], "price": 70, "opex": 3, "power_kw": 0.7, "life": 4.0},
        },
        groups={
            "web": {"class": "critical", "usage": [1, 2], "penalty": 30, "home": "r1"},
            "db": {"class": "critical", "usage": [1, 7], "penalty": 40, "home": "r2", "spill_cost": 0.5},
            "batch": {"class": "standard", "usage": [1, 3], "penalty": 9, "home": "r1", "serve_cost": [0.0, 0.2]},
        },
        regions={"r1": ["z1", "z2"], "r2": ["z3"]},
        resources=["vcpu", "memory"],
        demand=rng.uniform(10, 60, (4, 3, 3, 2)),
        probability=[0.1, 0.4, 0.3, 0.2],
        block_share=np.array([0.3, 0.7]),
        finance={"discount_rate": 0.01, "capital": "amortised"},
        service={"fill_rate": [0.97, 0.9]},
        **rest,
    )


@pytest.mark.parametrize("problem", ALL_TOYS)
def test_every_answer_passes_its_own_checks_and_its_costs_add_up(problem):
    plan = size_fleet(problem)
    assert all(check.passed for check in plan.checks), [check for check in plan.checks if not check.passed]
    assert sum(plan.cost.values()) == pytest.approx(plan.objective)
    assert {name: value.sum() for name, value in plan.cost_by_period.items()} == pytest.approx(dict(plan.cost))


def test_same_seed_same_plan():
    problem = rich()
    first, second = size_fleet(problem, seed=3), size_fleet(problem, seed=3)
    assert np.array_equal(first.racks, second.racks)
    assert first.orders == second.orders
    assert first.prices == second.prices


def test_orders_say_when_where_how_much_and_why():
    plan = size_fleet(toy4())
    (order,) = plan.orders
    assert (order.server_type, order.zone, order.order_period, order.arrival_period) == ("S", "z1", "1", "3")
    assert (order.racks, order.servers, order.cost) == (2.0, 8.0, 800.0)
    assert "unmet demand costs 8" in order.reason


def test_reason_names_the_promise_that_pays():
    plan = size_fleet(toy8())
    assert "fill rate 0.95 of standard" in plan.orders[0].reason
    protected = size_fleet(toy3(1.0))
    assert "if z2 is lost: protected share of critical (1), preemptible (1)" in protected.orders[0].reason


def test_evaluate_costs_the_same_plan_the_same():
    problem = rich()
    plan = size_fleet(problem, gap=0)
    again = evaluate_fleet(plan, problem)
    assert again.objective == pytest.approx(plan.objective)
    assert np.allclose(again.stock, plan.stock)


def test_evaluate_refuses_a_plan_of_another_shape_or_too_late():
    plan = size_fleet(toy4())
    with pytest.raises(ArgumentError, match="must have shape"):
        evaluate_fleet(plan, toy2())
    late = replace(plan, racks=np.array([[[0.0, 0.0, 0.0, 1.0]]]))
    with pytest.raises(ArgumentError, match="come too late"):
        evaluate_fleet(late, toy4())


def test_evaluate_says_when_a_plan_cannot_keep_the_promise():
    small = size_fleet(toy2())
    with pytest.raises(InfeasibleError):
        evaluate_fleet(small, toy2(penalty=0, service={"fill_rate": 0.999}))


def test_newsvendor_closed_form():
    """One type at price c and penalty v: the smallest n with P(D <= n) >= 1 - c / v (DESIGN of the model)."""
    rng = np.random.default_rng(11)
    demand = rng.gamma(4.0, 25.0, (499, 1))
    problem = make_problem(types={"S": {"price": 3.0}}, groups={"c": {"penalty": 20.0}}, demand=demand, integer=False)
    plan = size_fleet(problem)
    assert plan.racks.sum() == pytest.approx(np.sort(demand[:, 0])[int(np.ceil(0.85 * 499)) - 1])


def test_lot_of_one_equals_no_lot():
    whole = [size_fleet(toy4(lot=1, integer=True)), size_fleet(toy4(lot=1, integer=True))]
    racks_of_four = size_fleet(toy4())
    assert whole[0].objective <= racks_of_four.objective
    servers = make_problem(
        types={"S": {"capacity": 10, "price": 100, "opex": 10, "lead_time": 2, "initial": [[10, 10, 6, 6]]}},
        groups={"all": {"penalty": 8}},
        demand=[[[90, 120, 130, 170]]],
    )
    assert size_fleet(servers).objective == pytest.approx(whole[0].objective)


def test_amortised_cost_does_not_depend_on_the_horizon():
    def per_period(periods: int) -> tuple[float, float]:
        problem = make_problem(
            types={"S": {"price": 36.0, "life": 36.0}},
            groups={"c": {"shortage_allowed": False}},
            demand=np.full((1, 1, periods), 50.0),
            finance={"capital": "amortised"},
        )
        plan = size_fleet(problem)
        return plan.objective / periods, plan.racks.sum()

    assert per_period(3) == pytest.approx((50.0, 50.0))
    assert per_period(12) == pytest.approx((50.0, 50.0))


def test_cash_with_salvage_returns_what_is_left():
    problem = make_problem(
        types={"S": {"price": 100.0, "salvage": 40.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=np.full((1, 1, 2), 1.0),
        finance={"discount_rate": 0.1},
    )
    assert size_fleet(problem).objective == pytest.approx(100.0 - 40.0 / 1.1**2)


def test_annuity_is_worth_the_price_over_the_whole_life():
    problem = make_problem(
        types={"S": {"price": 100.0, "life": 4.0, "salvage": 10.0, "lead_time": 1}},
        groups={"c": {"penalty": 1e4}},
        demand=np.array([0.0, 1, 1, 1, 1, 0]).reshape(1, 1, 6),
        finance={"discount_rate": 0.05, "capital": "amortised"},
    )
    assert size_fleet(problem).objective == pytest.approx(100.0 - 10.0 / 1.05**5)


def test_endless_life_cannot_be_amortised():
    problem = make_problem(
        types={"S": {"price": 1.0}}, groups={"c": {"penalty": 2}}, demand=[[1]], finance={"capital": "amortised"}
    )
    with pytest.raises(ArgumentError, match="life must be finite"):
        size_fleet(problem)


def test_scaling_money_scales_cost_and_prices_only():
    problem = rich()
    dear = replace(
        problem,
        supply=replace(problem.supply, price=problem.supply.price * 1000, opex=problem.supply.opex * 1000),
        groups=replace(
            problem.groups, serve_cost=problem.groups.serve_cost * 1000, spill_cost=problem.groups.spill_cost * 1000
        ),
        service=replace(problem.service, penalty=problem.service.penalty * 1000),
    )
    assert size_fleet(dear, gap=0).objective == pytest.approx(1000 * size_fleet(problem, gap=0).objective)


def test_scaling_demand_and_capacity_together_changes_nothing():
    problem = rich()
    paths = problem.demand
    scaled = replace(
        problem,
        demand=GivenPaths(paths.values * 64, paths.probability),
        server_types=replace(problem.server_types, capacity=problem.server_types.capacity * 64),
        service=replace(problem.service, penalty=problem.service.penalty / 64),
        groups=replace(
            problem.groups, serve_cost=problem.groups.serve_cost / 64, spill_cost=problem.groups.spill_cost / 64
        ),
    )
    assert size_fleet(scaled, gap=0).objective == pytest.approx(size_fleet(problem, gap=0).objective)


def test_order_of_samples_does_not_matter():
    problem = rich()
    order = [2, 0, 3, 1]
    shuffled = replace(problem, demand=GivenPaths(problem.demand.values[order], problem.demand.probability[order]))
    assert size_fleet(shuffled, gap=0).objective == pytest.approx(size_fleet(problem, gap=0).objective)


def test_an_unused_type_changes_nothing():
    with_it = make_problem(
        types={"S": {"price": 1}, "gold": {"price": 1000}},
        groups={"c": {"penalty": 4}},
        demand=[[60], [80], [100], [120], [140]],
        integer=False,
    )
    assert size_fleet(with_it).objective == pytest.approx(136)


def test_an_unused_zone_changes_nothing():
    with_it = make_problem(
        types={"S": {"price": [[1.0], [50.0]]}},
        groups={"c": {"penalty": 4}},
        regions={"r1": ["z1", "empty"]},
        demand=[[60], [80], [100], [120], [140]],
        integer=False,
    )
    assert size_fleet(with_it).objective == pytest.approx(136)


def test_pooled_rows_find_only_part_of_the_price_of_losing_a_zone():
    """Two classes that fit different types: pooled rows let the wrong type stand in."""
    problem = make_problem(
        types={"plain": {"capacity": 10, "price": 100}, "special": {"capacity": 10, "price": 1000}},
        groups={
            "web": {"compatible": ["plain"], "shortage_allowed": False},
            "ml": {"compatible": ["special"], "shortage_allowed": False},
        },
        regions={"r1": ["z1", "z2", "z3"]},
        demand=[[60, 60]],
        service={"protected_share": 1.0},
    )
    outcomes = draw_outcomes(problem)
    exact = solve(build_model(problem, outcomes).lp, gap=0)
    pooled = solve(build_model(problem, outcomes, failures="pooled").lp, gap=0)
    bare = solve(
        build_model(
            replace(problem, service=replace(problem.service, protected_share=np.full((2, 3), np.nan))), outcomes
        ).lp,
        gap=0,
    )
    assert bare.objective < pooled.objective + 1e-9
    assert pooled.objective < exact.objective - 1e-6
    assert (pooled.objective - bare.objective) < 0.25 * (exact.objective - bare.objective)


def test_per_class_fill_under_delivers_under_strict_priority_and_cumulative_delivers():
    for rule, kept in (("per_class", False), ("cumulative", True)):
        problem = toy8(rule)
        judged = simulate_fleet(size_fleet(problem), problem, samples=2, seed=1)
        assert (judged.fill.value[1] >= 0.95 - 1e-9) == kept


def test_in_sample_promise_falls_on_fresh_samples():
    paths = LogNormalPaths(np.full((1, 6, 1), 100.0), spread=0.3)
    problem = make_problem(
        types={"S": {"price": 1.0}},
        groups={"c": {}},
        demand=paths.draw(1, seed=0)[0],
        service={"fill_rate": 0.98},
        integer=False,
    )
    problem = replace(problem, demand=paths)
    plan = size_fleet(problem, samples=30, seed=5)
    judged = simulate_fleet(plan, problem, samples=5000, seed=99)
    assert plan.availability.fill[0] == pytest.approx(0.98)
    assert judged.fill.high[0] < 0.98


def test_retirement_saves_running_cost():
    problem = make_problem(
        types={
            "S": {
                "opex": 10.0,
                "initial": [[5.0, 5.0, 4.0]],
                "retirable": True,
                "retirement_cost": 2.0,
                "order_limit": 0.0,
            }
        },
        groups={"c": {"penalty": 100.0}},
        demand=[[[3, 3, 2]]],
    )
    plan = size_fleet(problem)
    assert plan.retired[0, 0].tolist() == [2.0, 0.0, 0.0]
    assert plan.stock[0, 0].tolist() == pytest.approx([3.0, 3.0, 2.4])
    assert plan.cost["retirement"] == pytest.approx(4.0)


def test_frozen_window_and_placed_orders():
    problem = make_problem(
        types={"S": {"price": 10.0, "lead_time": 1, "placed": [[2.0, 0.0, 0.0]]}},
        groups={"c": {"penalty": 100.0}},
        demand=[[[0, 5, 5]]],
        supply={"first_order": 1},
    )
    plan = size_fleet(problem)
    assert plan.racks[0, 0].tolist() == [0.0, 3.0, 0.0]
    assert plan.stock[0, 0].tolist() == [0.0, 2.0, 5.0]
    assert plan.cost["capital"] == pytest.approx(50.0)


@pytest.mark.parametrize(("minimum", "racks"), [(0.0, 2.0), (5.0, 5.0)])
def test_order_minimum(minimum, racks):
    problem = make_problem(
        types={"S": {"price": 1.0, "order_minimum": minimum, "order_limit": 8.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=[[2]],
    )
    assert size_fleet(problem).racks.sum() == racks


def test_order_minimum_may_make_buying_nothing_best():
    problem = make_problem(
        types={"S": {"price": 1.0, "order_minimum": 5.0}}, groups={"c": {"penalty": 2.0}}, demand=[[2]]
    )
    assert size_fleet(problem).racks.sum() == 0


def test_never_shrink_and_never_grow():
    falling = {
        "types": {"S": {"price": 5.0, "initial": [[4.0, 1.0]]}},
        "groups": {"c": {"penalty": 1.0}},
        "demand": [[[4, 4]]],
    }
    assert size_fleet(make_problem(**falling, supply={"never_shrink": np.ones((1, 1), bool)})).racks.sum() == 3.0
    assert size_fleet(make_problem(**falling)).racks.sum() == 0.0
    growing = {
        "types": {"S": {"price": 1.0, "initial": [[2.0, 2.0]]}},
        "groups": {"c": {"penalty": 9.0}},
        "demand": [[[2, 4]]],
    }
    assert size_fleet(make_problem(**growing)).racks.sum() == 2.0
    held = size_fleet(make_problem(**growing, supply={"never_grow": np.ones((1, 1), bool)}))
    assert np.all(np.diff(held.stock[0, 0]) <= 0)


def test_commitments_are_paid_used_or_not_and_on_demand_only_when_used():
    options = {
        "names": ["od", "one_year"],
        "kind": ["on_demand", "commitment"],
        "price": [10.0, 6.0],
        "term": [1, 4],
    }
    problem = make_problem(
        types={"S": {"order_limit": 0.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=[[[4, 4, 8, 4]]],
        options=options,
        integer=False,
    )
    plan = size_fleet(problem)
    assert plan.committed[1].tolist() == [4.0, 0.0, 0.0, 0.0]
    assert plan.cost == pytest.approx({"commitment": 96.0, "on_demand": 40.0})
    assert plan.utilization.commitment == pytest.approx(1.0)


def test_effective_savings_rate_identity():
    """ESR = coverage x (1 - rate ratio / utilization) for commitments against on-demand prices."""
    rng = np.random.default_rng(2)
    problem = make_problem(
        types={"S": {"order_limit": 0.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=rng.uniform(5, 15, (1, 1, 1, 24)),
        options={"names": ["od", "c"], "kind": ["on_demand", "commitment"], "price": [10.0, 6.0]},
        integer=False,
    )
    plan = size_fleet(problem)
    usage = problem.demand.values.mean()
    committed = plan.committed[1, 0]
    coverage = plan.utilization.commitment * committed / usage
    saved = 1.0 - plan.objective / (10.0 * usage)
    assert saved == pytest.approx(coverage * (1 - 0.6 / plan.utilization.commitment))


def test_spot_is_there_only_in_some_samples():
    problem = make_problem(
        types={"S": {"price": 20.0}},
        groups={"c": {"shortage_allowed": False}},
        demand=np.full((200, 1, 1), 10.0),
        options={"names": ["spot"], "kind": ["spot"], "price": [1.0], "availability": [0.6]},
        integer=False,
    )
    plan = size_fleet(problem)
    assert plan.racks.sum() == pytest.approx(10.0)


def test_a_commitment_may_cover_a_family():
    problem = make_problem(
        types={"small": {"capacity": 1, "order_limit": 0}, "large": {"capacity": 2, "order_limit": 0}},
        groups={
            "a": {"compatible": ["small"], "shortage_allowed": False},
            "b": {"compatible": ["large"], "shortage_allowed": False},
        },
        demand=[[10, 0], [0, 10]],
        options={"names": ["family"], "kind": ["commitment"], "price": [3.0], "covers": [[1.0, 2.0]]},
        integer=False,
    )
    assert size_fleet(problem).committed.sum() == pytest.approx(10.0)


def test_demand_pinned_to_a_zone_needs_that_zone():
    fields = {
        "types": {"S": {"price": [[1.0], [5.0]]}},
        "regions": {"r1": ["z1", "z2"]},
        "demand": [[10, 10]],
    }
    free = make_problem(groups={"a": {"shortage_allowed": False}, "b": {"shortage_allowed": False}}, **fields)
    pinned = make_problem(
        groups={"a": {"shortage_allowed": False, "zone": "z2"}, "b": {"shortage_allowed": False}}, **fields
    )
    assert size_fleet(free).objective == pytest.approx(20.0)
    assert size_fleet(pinned).objective == pytest.approx(60.0)


def test_spill_serves_from_the_other_region_at_its_cost():
    problem = make_problem(
        types={"S": {"price": [[1.0], [10.0]]}},
        groups={"a": {"home": "r2", "spill_cost": 2.0, "shortage_allowed": False}},
        regions={"r1": ["z1"], "r2": ["z2"]},
        demand=[[10]],
        integer=False,
    )
    plan = size_fleet(problem)
    assert plan.cost == pytest.approx({"capital": 10.0, "spill": 20.0})


def test_overcommit_and_performance_shrink_the_need():
    problem = make_problem(
        types={"S": {"price": 1.0}},
        groups={"a": {"usage": 3.0, "overcommit": 1.5, "performance": 2.0, "shortage_allowed": False}},
        demand=[[10]],
        integer=False,
    )
    assert size_fleet(problem).objective == pytest.approx(10.0)


def test_late_racks_are_covered_for():
    problem = make_problem(
        types={"S": {"price": 1.0}}, groups={"c": {"penalty": 50.0}}, demand=np.full((6, 1, 3), 10.0), integer=False
    )
    late = replace(problem, disruptions=GivenDisruptions(1, 1, 3, outages=False, late=True))
    on_time, delayed = size_fleet(problem), size_fleet(late)
    assert delayed.cost["penalty"] > 0 == on_time.cost.get("penalty", 0.0)
    assert delayed.objective > on_time.objective


def test_zone_outages_are_covered_for():
    problem = make_problem(
        types={"S": {"price": 1.0}},
        groups={"c": {"penalty": 50.0}},
        regions={"r1": ["z1", "z2"]},
        demand=np.full((40, 1, 2), 10.0),
        integer=False,
    )
    risky = replace(problem, disruptions=GivenDisruptions(2, 1, 2, outages=True, late=False))
    assert size_fleet(risky).racks.sum() > size_fleet(problem).racks.sum() + 1


def test_orders_after_the_frozen_window_may_follow_the_sample():
    demand = np.array([[[10.0, 10.0]], [[10.0, 50.0]]])
    here_and_now = make_problem(
        types={"S": {"price": 1.0}}, groups={"c": {"penalty": 1.5}}, demand=demand, integer=False
    )
    recourse = replace(here_and_now, supply=replace(here_and_now.supply, recourse_from=1))
    # In advance a server for the high sample is used with probability 0.5: 0.5 x 1.5 < 1; afterwards 1.5 > 1.
    assert size_fleet(here_and_now).objective == pytest.approx(10 + 0.5 * 40 * 1.5)
    assert size_fleet(recourse).objective == pytest.approx(10 + 0.5 * 40 * 1.0)


def test_stability_keeps_the_last_plan_unless_the_change_is_worth_it():
    from capacity_opt.problem.fleet import Stability

    problem = make_problem(types={"S": {"price": 1.0}}, groups={"c": {"penalty": 3.0}}, demand=[[12]])
    last = np.full((1, 1, 1), 10.0)
    cheap = replace(problem, stability=Stability(last=last, change_cost=np.array([0.5])))
    dear = replace(problem, stability=Stability(last=last, change_cost=np.array([5.0])))
    coarse = replace(problem, stability=Stability(last=last, change_cost=np.array([0.5]), minimum_change=0.5))
    assert size_fleet(cheap).racks.sum() == 12
    assert size_fleet(cheap).cost["stability"] == pytest.approx(1.0)
    assert size_fleet(dear).racks.sum() == 10
    assert size_fleet(coarse).racks.sum() in (10, 15)


def test_mean_cvar_of_cost_buys_more_than_the_mean():
    from capacity_opt.fleet.assemble import conditional_value_at_risk

    problem = toy2(finance={"risk_weight": 0.9, "risk_level": 0.8})
    careful, mean = size_fleet(problem, formulation="cvar"), size_fleet(problem)
    assert mean.racks.sum() == pytest.approx(120)
    assert careful.racks.sum() == pytest.approx(140)
    # Cost at 140 is 140 in every sample.
    assert careful.objective == pytest.approx(140)
    tail = conditional_value_at_risk(np.array([120.0] * 4 + [200.0]), np.full(5, 0.2), 0.8)
    assert 0.1 * 136 + 0.9 * tail > careful.objective


def test_two_stage_ignores_the_risk_weight():
    assert size_fleet(toy2(finance={"risk_weight": 0.9, "risk_level": 0.8})).objective == pytest.approx(136)


@pytest.mark.parametrize(("quantile", "objective"), [(1.0, 200.0), (0.75, 100.0)])
def test_protection_in_a_share_of_the_samples(quantile, objective):
    problem = make_problem(
        types={"S": {"price": 1.0}},
        groups={"c": {"shortage_allowed": True}},
        regions={"r1": ["z1", "z2"]},
        demand=[[50], [50], [50], [100]],
        service={"protected_share": 1.0, "protected_quantile": quantile},
    )
    assert size_fleet(problem, gap=0).objective == pytest.approx(objective)


def test_joint_chance_is_stricter_than_per_period():
    demand = np.array([[[1.0, 0]], [[0, 1.0]], [[0, 0]], [[0, 0]]]) * 10 + 10
    service = {"no_shortage_probability": 0.75}
    fields = {"types": {"S": {"price": 1.0}}, "groups": {"c": {}}, "demand": demand}
    per_period = size_fleet(make_problem(**fields, service=service), formulation="chance", gap=0)
    joint = size_fleet(
        make_problem(**fields, service={**service, "no_shortage_scope": "joint"}), formulation="chance", gap=0
    )
    assert (per_period.racks.sum(), joint.racks.sum()) == (10, 20)


def test_build_gives_the_program_with_its_decoder():
    problem = toy4()
    lp, decode = build(problem, *problem.demand.draw(1, seed=0))
    decision = decode(solve(lp).x)
    assert decision.racks[0, 0, 0].tolist() == [2, 0, 0, 0]
    assert "demand[all,1,all,s0]" in lp.row_names()
    assert "racks[S,z1,1]" in lp.column_names()
    assert len(set(lp.row_names())) == lp.rows
    assert len(set(lp.column_names())) == lp.columns


@pytest.mark.parametrize(
    ("changes", "formulation", "message"),
    [
        ({}, "robust", "formulation must be one of"),
        ({}, "chance", "needs no_shortage_probability"),
        ({}, "cvar", "needs risk_weight"),
    ],
)
def test_formulations_ask_for_their_data(changes, formulation, message):
    with pytest.raises(ArgumentError, match=message):
        size_fleet(toy2(**changes), formulation=formulation)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda p: replace(p, supply=replace(p.supply, price=-p.supply.price)), "price must be >= 0"),
        (lambda p: replace(p, service=replace(p.service, fill_rate=np.array([99.0]))), "For a percentage write 0.99"),
        (
            lambda p: replace(p, supply=replace(p.supply, lead_time=p.supply.lead_time - 5)),
            "lead_time must be a whole number",
        ),
        (
            lambda p: replace(p, server_types=replace(p.server_types, lot=np.array([0]))),
            "lot must be a whole number >= 1",
        ),
        (lambda p: replace(p, demand=GivenPaths(-p.demand.values, p.demand.probability)), "demand must be >= 0"),
        (
            lambda p: replace(p, demand=GivenPaths(p.demand.values[:, :, :1], p.demand.probability)),
            "demand samples must have shape",
        ),
    ],
)
def test_bad_tables_are_refused_by_name(changed, message):
    with pytest.raises(ArgumentError, match=message):
        size_fleet(changed(toy4()))
