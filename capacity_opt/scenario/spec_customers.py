"""The keys of ``[customers]`` and ``[recommend]``."""

from __future__ import annotations

from pydantic import Field

from capacity_opt.scenario.section import Section


class Customers(Section):
    """Large customers one by one, on top of everybody else's demand."""

    accounts: str | None = Field(default=None, description="table of named accounts that are there now and may leave")
    deals: str | None = Field(default=None, description="table of deals and launches that may come")
    closed_deals: str | None = Field(
        default=None, description="table of past deals, what was said of them and whether they were won"
    )
    calibrate: bool = Field(
        default=False, description="map the deals' win probabilities to what closed_deals with such a one came to"
    )
    idle_cost: float | None = Field(
        default=None,
        gt=0,
        description="money per demand unit and period of idle capacity, to weigh deals; default: the cheapest server's",
    )


class Recommend(Section):
    """What to steer, commit and right-size. Each kind is done where its tables are named."""

    hourly_usage: str | None = Field(default=None, description="table of usage by pool and hour, for commitments")
    commitment_rates: str = Field(default="commitment_rates.csv", description="table of prices and discounts by pool")
    commitment_window: int = Field(
        default=672, ge=24, description="hours at the end of hourly_usage that stand for the hours to come"
    )
    held_out: int = Field(
        default=168, ge=0, description="hours at the end of hourly_usage kept back, on which commitments are tried"
    )
    traces: str | None = Field(default=None, description="table of usage by workload and hour, for right-sizing")
    instances: str = Field(default="instances.csv", description="table of instances or server types to choose from")
    throttle: float = Field(
        default=0.01, ge=0, lt=1, description="largest share of hours in which a workload may be short of a resource"
    )
    steerable: str | None = Field(default=None, description="table of customers who may be steered elsewhere")
    affinity: str | None = Field(
        default=None,
        description="table of what they may be offered and the chances that they take it; none: every other region",
    )
    idle_quantile: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="share of outcomes in which an offer need not fit into the capacity that the played plan leaves",
    )
