"""Small fleets for the tests of the judge, with everything that does not matter switched off."""

from dataclasses import dataclass

import numpy as np

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
from capacity_opt.problem.plan import ClassAvailability, FleetPlan, Utilization


@dataclass(frozen=True)
class ListedSamples:
    """All samples there are."""

    values: np.ndarray
    probability: np.ndarray

    def draw(self, count, *, seed):
        return self.values, self.probability


@dataclass(frozen=True)
class NormalDemand:
    """Independent normal demand, floored at 0; mean (J, T, B)."""

    mean: np.ndarray
    spread: float = 0.2

    def draw(self, count, *, seed):
        noise = np.random.default_rng(seed).normal(size=(count, *self.mean.shape))
        return np.maximum(self.mean * (1 + self.spread * noise), 0.0), np.full(count, 1 / count)


def fleet(
    demand,
    *,
    capacity=((1.0,),),
    classes=("c",),
    group_class=None,
    groups=None,
    usage=None,
    periods=1,
    zones=("z1",),
    zone_region=None,
    blocks=1,
    **changes,
):
    """A problem from what matters; ``changes`` overrides any field of any part by its name."""
    capacity = np.asarray(capacity, dtype=float)
    kinds, resources = capacity.shape
    group_class = np.arange(len(classes)) if group_class is None else np.asarray(group_class)
    j, c, z, t = len(group_class), len(classes), len(zones), periods
    zone_region = np.zeros(z, dtype=np.int64) if zone_region is None else np.asarray(zone_region)
    g = int(zone_region.max()) + 1
    m = len(changes.get("option_names", ()))

    def pick(name, default):
        value = changes.pop(name, default)
        return np.broadcast_to(np.asarray(value), np.shape(default)).astype(default.dtype)

    types = ServerTypes(
        names=tuple(f"k{i}" for i in range(kinds)),
        capacity=capacity,
        lot=pick("lot", np.ones(kinds, dtype=np.int64)),
        power_kw=np.zeros(kinds),
        rack_units=np.zeros(kinds),
        life=pick("life", np.full(kinds, np.inf)),
        failure_rate=pick("failure_rate", np.zeros(kinds)),
    )
    sites = Sites(
        regions=tuple(f"r{i}" for i in range(g)),
        zones=tuple(zones),
        zone_region=zone_region,
        power_limit=np.full((z, t), np.inf),
        rack_unit_limit=np.full((z, t), np.inf),
    )
    kzt = (kinds, z, t)
    supply = Supply(
        price=pick("price", np.zeros(kzt)),
        opex=pick("opex", np.zeros(kzt)),
        lead_time=pick("lead_time", np.zeros((kinds, z), dtype=np.int64)),
        order_limit=np.full(kzt, np.inf),
        order_minimum=np.zeros(kzt),
        placed=pick("placed", np.zeros(kzt)),
        initial=pick("initial", np.zeros(kzt)),
        first_order=0,
        retirable=np.zeros((kinds, z), dtype=bool),
        retirement_cost=pick("retirement_cost", np.zeros(kinds)),
        salvage=pick("salvage", np.zeros(kinds)),
    )
    part = DemandGroups(
        names=tuple(groups or (f"g{i}" for i in range(j))),
        classes=tuple(classes),
        group_class=group_class,
        home_region=pick("home_region", np.zeros(j, dtype=np.int64)),
        home_zone=pick("home_zone", np.full(j, -1)),
        usage=np.ones((j, resources)) if usage is None else np.asarray(usage, dtype=float),
        performance=pick("performance", np.ones((j, kinds))),
        compatible=pick("compatible", np.ones((j, kinds), dtype=bool)).astype(bool),
        serve_cost=pick("serve_cost", np.zeros((j, kinds))),
        allowed_region=pick("allowed_region", np.ones((j, g), dtype=bool)).astype(bool),
        spill_cost=pick("spill_cost", np.zeros((j, g))),
        overcommit=pick("overcommit", np.ones((j, resources))),
    )
    none = np.full(c, np.nan)
    service = ServiceTargets(
        penalty=pick("penalty", np.full(j, 1000.0)),
        shortage_allowed=np.ones(j, dtype=bool),
        fill_rate=pick("fill_rate", none),
        no_shortage_probability=pick("no_shortage_probability", none),
        shortage_cvar_level=pick("shortage_cvar_level", none),
        shortage_cvar_limit=none,
        protected_share=pick("protected_share", np.full((c, z), np.nan)),
    )
    finance = Finance(
        currency="USD",
        discount_rate=float(changes.pop("discount_rate", 0.0)),
        capital=changes.pop("capital", "cash"),
        capex_budget=np.full(t, np.inf),
        cumulative_budget=np.full(t, np.inf),
        opex_budget=np.full(t, np.inf),
    )
    options = PurchaseOptions()
    if m:
        options = PurchaseOptions(
            names=changes.pop("option_names"),
            kind=changes.pop("option_kind"),
            server_type=np.asarray(changes.pop("option_type", np.zeros(m, dtype=np.int64))),
            region=np.asarray(changes.pop("option_region", np.zeros(m, dtype=np.int64))),
            price=pick("option_price", np.zeros((m, t))),
            limit=pick("option_limit", np.full((m, t), np.inf)),
            term=pick("option_term", np.ones(m, dtype=np.int64)),
            availability=pick("option_availability", np.ones(m)),
        )
    disruptions = changes.pop("disruptions", None)
    assert not changes, f"unknown: {sorted(changes)}"
    return FleetProblem(
        name="small",
        periods=tuple(f"t{i}" for i in range(t)),
        resources=tuple(f"res{i}" for i in range(resources)),
        server_types=types,
        sites=sites,
        supply=supply,
        groups=part,
        service=service,
        finance=finance,
        demand=demand,
        options=options,
        blocks=tuple(f"b{i}" for i in range(blocks)),
        block_share=np.full(blocks, 1 / blocks),
        disruptions=disruptions,
    )


def plan(problem, *, racks=0.0, retired=0.0, committed=0.0):
    """A plan from its decisions alone; what it promises is nonsense on purpose: the judge must not use it."""
    sizes = problem.sizes
    kzt, c = (sizes["K"], sizes["Z"], sizes["T"]), sizes["C"]
    wrong = np.full(sizes["R"], np.nan)
    return FleetPlan(
        formulation="given",
        status="feasible",
        objective=-1.0,
        bound=-1.0,
        gap=0.0,
        racks=np.broadcast_to(np.asarray(racks, dtype=float), kzt).copy(),
        retired=np.broadcast_to(np.asarray(retired, dtype=float), kzt).copy(),
        stock=np.full(kzt, -1.0),
        committed=np.broadcast_to(np.asarray(committed, dtype=float), (sizes["M"], sizes["T"])).copy(),
        orders=(),
        cost={},
        availability=ClassAvailability(
            classes=problem.groups.classes,
            fill=np.full(c, 0.5),
            no_shortage_per_period=np.full(c, 0.5),
            no_shortage_joint=np.full(c, 0.5),
        ),
        utilization=Utilization(
            resources=problem.resources,
            allocation=wrong,
            physical=wrong,
            stranded=wrong,
            allocation_without_buffer=wrong,
        ),
    )
