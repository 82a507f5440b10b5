"""The keys of ``[admission]`` and ``[levers]``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity_opt.scenario.section import Section


class Admission(Section):
    """Who gets in on the day: levels per class, pool and period, from the plan's capacity."""

    requests: str = Field(default="requests.csv", description="table of the kinds of request")
    resource: str | None = Field(
        default=None, description="the resource that is shared out; default: in each pool the scarcest"
    )
    unit: float | None = Field(
        default=None, gt=0, description="resource in one step of the levels; default: the smallest request's"
    )
    loads: int = Field(default=12, ge=1, le=500, description="outcomes of demand over which levels are weighed")
    judge: Literal["worst", "all", "none"] = Field(
        default="worst", description="periods whose levels are played request by request: each pool's fullest, or all"
    )
    judged_requests: int = Field(default=5_000, ge=1000, le=5_000_000, description="least requests per replication")
    replications: int = Field(default=40, ge=2, le=1000, description="replications per played period")
    value_in_plan: bool = Field(
        default=False,
        description="plan with what each pool earns from one more unit on the day, in place of the penalties",
    )
    max_eviction: float = Field(
        default=0.05, gt=0, lt=1, description="chance that the spot units to be sold do not all stay"
    )


class Levers(Section):
    """What would raise utilization at equal availability per class, solved again lever by lever."""

    samples: int = Field(default=50, ge=1, le=100_000, description="demand paths of each solve")
    demand_growth: float | None = Field(
        default=None, gt=-1, description="growth of demand per year, 0.2 is 20 %; default: that of the forecast"
    )
    pooling: bool = Field(default=True, description="demand of one region may be served by another")
    zone_sharing: bool = Field(default=True, description="demand pinned to a zone may be served by its whole region")
    substitution: bool = Field(default=True, description="every class may also use the next server type: a chain")
    overcommit: dict[str, float] = Field(
        default_factory=dict, description="sold per physical unit after the lever, by resource; none: not studied"
    )
    defragmentation: float = Field(
        default=0.0, ge=0, lt=1, description="share of capacity that better placement frees; 0: not studied"
    )
    admission: bool = Field(default=True, description="critical levels in place of first come (needs [admission])")
    spot_price: float = Field(
        default=0.0, ge=0, description="money per demand unit and period of idle capacity sold as spot; 0: not studied"
    )
    spot_eviction: float = Field(default=0.05, gt=0, lt=1, description="chance that the spot units do not all stay")
    forecast_error: float = Field(
        default=0.2, ge=0, le=1, description="share by which the spread of demand around its mean shrinks; 0: none"
    )
    lead_time: int = Field(default=1, ge=0, description="periods by which orders come sooner; 0: not studied")
    curve: list[float] = Field(
        default_factory=lambda: [4.0, 2.0, 1.0, 0.5, 0.25],
        description="the curve's points: unmet demand as a multiple of today's",
    )
