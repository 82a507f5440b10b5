"""A fleet problem small enough to check by hand, for examples and first steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _OnePath:
    values: Array

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:  # noqa: ARG002
        return self.values, np.ones(1)


def example_problem() -> FleetProblem:
    """One server type in racks of four, ordered two months ahead, four months of known demand, some old servers
    leaving in March. The best plan orders two racks in January and costs 1,680.

    >>> example_problem().periods
    ('2027-01', '2027-02', '2027-03', '2027-04')
    """
    one = np.ones((1, 1))
    return FleetProblem(
        name="example",
        periods=("2027-01", "2027-02", "2027-03", "2027-04"),
        resources=("vcpu",),
        server_types=ServerTypes(
            names=("standard",),
            capacity=np.array([[10.0]]),
            lot=np.array([4]),
            power_kw=np.zeros(1),
            rack_units=np.zeros(1),
            life=np.array([np.inf]),
            failure_rate=np.zeros(1),
        ),
        sites=Sites(
            regions=("eu-west",),
            zones=("eu-west-a",),
            zone_region=np.array([0]),
            power_limit=np.full((1, 4), np.inf),
            rack_unit_limit=np.full((1, 4), np.inf),
        ),
        supply=_supply(),
        groups=DemandGroups(
            names=("web",),
            classes=("web",),
            group_class=np.array([0]),
            home_region=np.array([0]),
            home_zone=np.array([-1]),
            usage=one,
            performance=one,
            compatible=one > 0,
            serve_cost=np.zeros((1, 1)),
            allowed_region=one > 0,
            spill_cost=np.zeros((1, 1)),
            overcommit=one,
        ),
        service=_service(),
        finance=Finance(
            currency="USD",
            discount_rate=0.0,
            capital="cash",
            capex_budget=np.full(4, np.inf),
            cumulative_budget=np.full(4, np.inf),
            opex_budget=np.full(4, np.inf),
        ),
        demand=_OnePath(np.array([90.0, 120.0, 130.0, 170.0]).reshape(1, 1, 4, 1)),
    )


def commitment_problem() -> FleetProblem:
    """The same months asking for 8, 4, 4 and 2 servers, none of them owned: on-demand at 10 a month, or committed for
    all four at 5. The best plan commits to 4, since more than half of the months use that many.

    >>> commitment_problem().options.kind
    ('on_demand', 'commitment')
    """
    base = example_problem()
    none = np.zeros((1, 1, 4))
    return replace(
        base,
        supply=replace(base.supply, order_limit=none, initial=none),
        service=replace(base.service, shortage_allowed=np.array([False])),
        demand=_OnePath(np.array([80.0, 40.0, 40.0, 20.0]).reshape(1, 1, 4, 1)),
        options=PurchaseOptions(
            names=("on-demand", "commitment"),
            kind=("on_demand", "commitment"),
            server_type=np.zeros(2, dtype=np.int64),
            region=np.zeros(2, dtype=np.int64),
            price=np.array([[10.0] * 4, [5.0] * 4]),
            limit=np.full((2, 4), np.inf),
            term=np.array([1, 4]),
            availability=np.ones(2),
        ),
    )


def _supply() -> Supply:
    """Servers at 100 and 10 a month, two months ahead; ten old ones, four of which leave in March."""
    none = np.zeros((1, 1, 4))
    return Supply(
        price=none + 100.0,
        opex=none + 10.0,
        lead_time=np.array([[2]]),
        order_limit=none + np.inf,
        order_minimum=none,
        placed=none,
        initial=np.array([[[10.0, 10.0, 6.0, 6.0]]]),
        first_order=0,
        retirable=np.zeros((1, 1), dtype=bool),
        retirement_cost=np.zeros(1),
        salvage=np.zeros(1),
    )


def _service() -> ServiceTargets:
    """Unmet demand costs 8 a unit and month; nothing is promised."""
    return ServiceTargets(
        penalty=np.array([8.0]),
        shortage_allowed=np.array([True]),
        fill_rate=np.array([np.nan]),
        no_shortage_probability=np.array([np.nan]),
        shortage_cvar_level=np.array([np.nan]),
        shortage_cvar_limit=np.array([np.nan]),
        protected_share=np.array([[np.nan]]),
    )
