"""Regions that nothing ties together are planned apart, anywhere, with the plan of the whole; ties are named."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.errors import InfeasibleError
from capacity_opt.executor import SerialExecutor
from capacity_opt.fleet.size import size_fleet
from capacity_opt.fleet.splitting import split_regions
from capacity_opt.problem.fleet import (
    DemandGroups,
    Finance,
    FleetProblem,
    PurchaseOptions,
    ServerTypes,
    ServiceTargets,
    Sites,
    Supply,
)


def regions_apart(count=3, samples=4, *, fill=np.nan, integer=True):
    """``count`` regions of two zones (the first pinned), two types and two classes, on-demand in every other region."""
    rng = np.random.default_rng(count)
    zones, groups, periods = 2 * count, 3 * count, 3
    home = np.repeat(np.arange(count), 3)
    group_class = np.tile([0, 0, 1], count)
    bought = np.arange(0, count, 2)
    free = np.full((zones, periods), np.inf)
    return FleetProblem(
        name="apart", periods=("p0", "p1", "p2"), resources=("cpu",),
        server_types=ServerTypes(
            names=("small", "large"), capacity=np.array([[8.0], [20.0]]), lot=np.array([1, 2]),
            power_kw=np.ones(2), rack_units=np.zeros(2), life=np.full(2, 10.0), failure_rate=np.zeros(2),
        ),
        sites=Sites(
            regions=tuple(f"r{g}" for g in range(count)), zones=tuple(f"z{z}" for z in range(zones)),
            zone_region=np.repeat(np.arange(count), 2), power_limit=free, rack_unit_limit=free,
        ),
        supply=Supply(
            price=np.array([10.0, 30.0])[:, None, None] * rng.uniform(0.9, 1.1, (2, zones, periods)),
            opex=np.ones((2, zones, periods)), lead_time=np.zeros((2, zones), dtype=np.int64),
            order_limit=np.full((2, zones, periods), 50.0), order_minimum=np.zeros((2, zones, periods)),
            placed=np.zeros((2, zones, periods)), initial=np.ones((2, zones, periods)), first_order=0,
            retirable=np.zeros((2, zones), dtype=bool), retirement_cost=np.zeros(2), salvage=np.zeros(2),
        ),
        groups=DemandGroups(
            names=tuple(f"c{c}/r{g}/{i}" for i, (c, g) in enumerate(zip(group_class, home, strict=True))),
            classes=("critical", "batch"), group_class=group_class, home_region=home,
            home_zone=np.where(np.arange(groups) % 3 == 0, 2 * home, -1),
            usage=np.ones((groups, 1)), performance=np.ones((groups, 2)), compatible=np.ones((groups, 2), dtype=bool),
            serve_cost=np.zeros((groups, 2)), allowed_region=home[:, None] == np.arange(count),
            spill_cost=np.zeros((groups, count)), overcommit=np.ones((groups, 1)),
        ),
        service=ServiceTargets(
            penalty=np.where(group_class == 0, 30.0, 8.0), shortage_allowed=np.ones(groups, dtype=bool),
            fill_rate=np.array([fill, np.nan]), no_shortage_probability=np.full(2, np.nan),
            shortage_cvar_level=np.full(2, np.nan), shortage_cvar_limit=np.full(2, np.nan),
            protected_share=np.zeros((2, zones)),
        ),
        finance=Finance(
            currency="USD", discount_rate=0.0, capital="amortised", capex_budget=np.full(periods, np.inf),
            cumulative_budget=np.full(periods, np.inf), opex_budget=np.full(periods, np.inf),
        ),
        demand=GivenSamples(rng.uniform(5, 40, (samples, groups, periods))),
        options=PurchaseOptions(
            names=tuple(f"on-demand r{g}" for g in bought), kind=("on_demand",) * len(bought),
            server_type=np.zeros(len(bought), dtype=np.int64), region=bought,
            price=np.full((len(bought), periods), 6.0), limit=np.full((len(bought), periods), 2.0),
            term=np.ones(len(bought), dtype=np.int64), availability=np.ones(len(bought)),
        ),
        integer=integer,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["extensive", "decomposition"])
def test_parts_together_are_the_plan_of_the_whole(path):
    problem = regions_apart()
    whole = size_fleet(problem, path=path, gap=1e-7, time_limit=60)
    parts = size_fleet(problem, path=path, gap=1e-7, time_limit=60, executor=SerialExecutor())
    assert parts.objective == pytest.approx(whole.objective, rel=1e-6)
    assert parts.bound <= whole.objective * (1 + 1e-9)
    assert sum(parts.cost.values()) == pytest.approx(parts.objective)
    assert parts.availability.fill == pytest.approx(whole.availability.fill, abs=1e-4)
    assert parts.utilization.allocation == pytest.approx(whole.utilization.allocation, abs=1e-2)
    assert all(check.passed for check in parts.checks)
    assert parts.remarks[0].startswith("regions: 3 independent parts, each planned by itself")
    assert parts.shortage_worth.shape == whole.shortage_worth.shape
    keys = [(order.order_period, order.zone, order.server_type) for order in parts.orders]
    assert sorted(keys, key=lambda key: (key[0], key[1], key[2] == "large")) == keys


def test_where_parts_are_solved_changes_nothing():
    problem = regions_apart()
    one, other = (size_fleet(problem, time_limit=60, executor=run) for run in (SerialExecutor(), "processes"))
    assert np.array_equal(one.racks, other.racks)
    assert one.objective == other.objective
    assert one.orders == other.orders
    assert one.prices == other.prices


def test_what_ties_regions_is_named():
    problem = regions_apart(integer=False)
    assert split_regions(problem, "two_stage").part.tolist() == [0, 1, 2]
    budget = replace(problem, finance=replace(problem.finance, cumulative_budget=np.array([1e6, 1e6, 1e6])))
    assert split_regions(budget, "two_stage").ties == ("one cumulative budget for orders for all regions",)
    allowed = problem.groups.allowed_region.copy()
    allowed[0, 1] = True
    spill = replace(problem, groups=replace(problem.groups, allowed_region=allowed))
    assert split_regions(spill, "two_stage").part.tolist() == [0, 0, 1]
    promised = regions_apart(fill=0.9, integer=False)
    plan = size_fleet(promised, time_limit=60, executor="processes")
    assert plan.remarks[1] == (
        "regions: planned whole, for they are tied: the fill rate of critical holds over several regions together"
    )


def test_a_part_that_cannot_be_is_told_as_it_is():
    problem = regions_apart(integer=False)
    none = np.zeros_like(problem.service.shortage_allowed)
    impossible = replace(
        problem,
        service=replace(problem.service, shortage_allowed=none),
        supply=replace(problem.supply, order_limit=np.zeros_like(problem.supply.order_limit)),
    )
    with pytest.raises(InfeasibleError, match="no plan keeps"):
        size_fleet(impossible, time_limit=60, executor="processes")
