"""The keys of ``scenario.toml``: strict models with descriptions and units, from which the JSON Schema is made."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from capacity_opt.scenario.amounts import gap_of, seconds_of
from capacity_opt.scenario.section import Section
from capacity_opt.scenario.spec_admission import Admission, Levers
from capacity_opt.scenario.spec_customers import Customers, Recommend
from capacity_opt.scenario.spec_forecast import Forecast
from capacity_opt.scenario.spec_judge import Backtest, Rolling, Simulation
from capacity_opt.scenario.timeline import PeriodUnit

Gap = Annotated[float, BeforeValidator(gap_of), Field(ge=0, lt=1)]
Seconds = Annotated[float, BeforeValidator(seconds_of), Field(gt=0)]
Cell = str | float | int | bool


class Block(Section):
    """A part of every period (peak, shoulder, off-peak)."""

    name: str = Field(description="name of the block, used in the demand table", min_length=1)
    hours: float = Field(default=1.0, gt=0, description="its length; only the share of all blocks matters")


def _known_zone(name: str) -> None:
    from difflib import get_close_matches
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        names = available_timezones()
        if names:  # none where the machine has no such data: then nothing can be said
            near = get_close_matches(name, names, n=1)
            raise ValueError(f"must be an IANA time zone such as {near[0] if near else 'Europe/Berlin'}") from None


class Time(Section):
    """The planning horizon."""

    period: PeriodUnit = Field(default="month", description="length of one period")
    start: dt.date | dt.datetime | None = Field(
        default=None, description="when period 1 begins; without it, periods are numbered from 1"
    )
    periods: int = Field(ge=1, le=20_000, description="how many periods")
    time_zone: str = Field(default="UTC", description="IANA name, for the reader")
    blocks: list[Block] = Field(default_factory=list, description="blocks inside every period; none: one block")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value != "UTC":
            _known_zone(value)
        return value

    @field_validator("start", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                raise ValueError("must be a date YYYY-MM-DD") from None
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            raise ValueError("must be a local date without an offset; time_zone names its zone")
        return value


class Money(Section):
    """Currency and discounting."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="ISO 4217 code")
    discount_rate: float = Field(default=0.0, gt=-1, le=1, description="per year; 0.08 is 8 %")


class Recalibrate(Section):
    """Shift quantiles of another tool by what its earlier forecasts missed (conformal, level by level)."""

    forecasts: str = Field(min_length=1, description="its earlier forecasts, with a cutoff where from several origins")
    actuals: str = Field(min_length=1, description="what then came: unique_id, ds, y")
    model: str | None = Field(default=None, description="which of several models in the file of forecasts")


class Demand(Section):
    """Where demand comes from and how it hangs together."""

    kind: Literal["quantiles", "samples", "parametric", "history"] = Field(description="what the table holds")
    file: str = Field(min_length=1, description="CSV or Parquet table beside scenario.toml")
    autocorrelation: float = Field(
        default=0.0, ge=-1, le=1, description="AR(1) of the Gaussian copula between neighbouring periods"
    )
    cross_correlation: float = Field(
        default=0.0, ge=0, le=1, description="correlation of the Gaussian copula between groups (or items)"
    )
    crossing: Literal["repair", "error"] = Field(
        default="repair", description="crossing quantiles: sort them with a warning, or refuse them"
    )
    integer: bool = Field(default=False, description="demand is a count: whole units only")
    unit: str = Field(default="units", description="name of one unit of demand, for the reader")
    columns: dict[str, str] = Field(default_factory=dict, description="our column name = the file's column name")
    recalibrate: Recalibrate | None = Field(
        default=None, description="kind quantiles: shift them by what earlier forecasts missed of what came"
    )


PolicyName = Literal[
    "base_stock",
    "newsvendor",
    "rq",
    "ss",
    "lost_sales",
    "capped",
    "projected",
    "eoq",
    "wagner_whitin",
    "finite_horizon",
]


class Network(Section):
    """Stages that feed one another, in place of items: stock levels of a whole supply chain."""

    kind: Literal["serial", "guaranteed_service", "two_echelon"] = Field(description="the model of the network")
    file: str = Field(default="network.csv", description="table of stages")
    stockout_cost: float | None = Field(default=None, gt=0, description="serial: per unit backordered and period")
    total_stock: int | None = Field(default=None, ge=0, description="two_echelon: units to allocate")
    depot_time: float | None = Field(default=None, gt=0, description="two_echelon: mean periods until the depot is fed")


class Inventory(Section):
    """Replenishment of items, or of a network of stages."""

    items: str = Field(default="items.csv", description="table of items")
    demand: Demand | None = Field(default=None, description="demand of the items; default: the [demand] section")
    network: Network | None = Field(default=None, description="a network of stages instead of items")
    policy: PolicyName = Field(default="base_stock", description="policy of the items that name none themselves")
    lead_times: str | None = Field(default=None, description="table of random lead times")
    budget: float | None = Field(
        default=None, gt=0, description="money that the stock of all items may bind at most (unit_cost x level)"
    )
    aggregate_fill_rate: float | None = Field(
        default=None, gt=0, lt=1, description="one fill rate over all items together, at least holding cost"
    )
    order_budget: float | None = Field(
        default=None, gt=0, description="money for the orders placed now (unit_cost x order), all items together"
    )
    review_period: float = Field(default=1.0, ge=0, description="periods between reviews, where items give none")
    carrying_rate: float | None = Field(
        default=None,
        ge=0,
        description="holding cost per year as a share of unit_cost, where items give no holding_cost",
    )
    stockout_cost: float | None = Field(default=None, ge=0, description="where items give no target of their own")
    fill_rate: float | None = Field(default=None, gt=0, lt=1, description="where items give no target of their own")
    cycle_service_level: float | None = Field(
        default=None, gt=0, lt=1, description="where items give no target of their own"
    )
    ready_rate: float | None = Field(default=None, gt=0, lt=1, description="where items give no target of their own")
    no_stockout: float | None = Field(default=None, gt=0, lt=1, description="where items give no target of their own")
    gamma: float | None = Field(default=None, gt=0, lt=1, description="where items give no target of their own")
    on_fault: Literal["error", "set_aside"] = Field(
        default="error",
        description="a row with a fault: stop, or leave its item out, say so and plan the others",
    )
    chunk_items: int | None = Field(
        default=None,
        ge=1,
        description="Parquet items: read, solve and write so many at a time; by itself from 200,000 rows on",
    )


class Placement(Section):
    """Where ordered servers stand: in racks of which type, in which row (optional; needs OR-tools)."""

    rack_types: str = Field(default="rack_types.csv", description="table of racks that can be put up")
    rows: str = Field(default="rows.csv", description="table of rows of rack positions")
    whole_racks: bool = Field(
        default=True, description="an order's lot stands in one rack of its own; false: server by server, types mixed"
    )
    largest_row_share: float = Field(
        default=1.0, gt=0, le=1, description="most of a zone's servers of a type in one row, as a share, rounded up"
    )
    time_limit: Seconds = Field(default=60.0, description='longest search: seconds, or text like "5m"')


class Fleet(Section):
    """Sizing of a fleet of servers."""

    resources: list[str] = Field(
        default_factory=lambda: ["vcpu", "memory_gib"],
        min_length=1,
        description="resource columns of server_types.csv (per server) and classes.csv (per unit of demand)",
    )
    demand: Demand | None = Field(default=None, description="demand of the fleet; default: the [demand] section")
    formulation: Literal["deterministic", "two_stage", "chance", "cvar"] = Field(
        default="two_stage", description="how uncertainty is treated"
    )
    samples: int = Field(
        default=100, ge=1, le=10_000_000, description="demand paths drawn (given samples are taken as they are)"
    )
    sampling: Literal["random", "antithetic", "sobol"] = Field(
        default="random",
        description="how the optimiser's demand paths are drawn: independently, in pairs of opposites, or spread "
        "evenly (scrambled Sobol points) through the copula; judges always draw independently",
    )
    reduce_to: int | None = Field(
        default=None, ge=1, le=5000,
        description="keep so many of the samples, chosen to stand for all (Kantorovich distance is reported)",
    )  # fmt: skip
    integer: bool = Field(default=True, description="whole racks")
    calibrate: bool = Field(
        default=False,
        description="raise the optimiser's targets until a judge finds the promises kept on fresh samples",
    )
    gap: Gap = Field(default=1e-3, description='relative gap at which to stop: 0.001 or "0.1%"')
    time_limit: Seconds | None = Field(default=None, description='longest solve: seconds, or text like "5m"')
    solver: str | None = Field(default=None, description="solver to use; default: chosen by the model")
    capital: Literal["amortised", "cash"] = Field(
        default="amortised",
        description="charge an annuity per period of service in the horizon, or the price when paid",
    )
    server_types: str = Field(default="server_types.csv", description="table")
    zones: str = Field(default="zones.csv", description="table")
    classes: str = Field(default="classes.csv", description="table")
    initial_stock: str | None = Field(default=None, description="table")
    placed_orders: str | None = Field(default=None, description="table")
    supply: str | None = Field(default=None, description="table")
    limits: str | None = Field(default=None, description="table")
    budgets: str | None = Field(default=None, description="table")
    options: str | None = Field(default=None, description="table")
    option_prices: str | None = Field(default=None, description="table")
    compatibility: str | None = Field(default=None, description="table")
    spill: str | None = Field(default=None, description="table")
    protection: str | None = Field(default=None, description="table")
    coverage: str | None = Field(default=None, description="table")
    last_plan: str | None = Field(default=None, description="table")
    outages: str | None = Field(default=None, description="table")
    delays: str | None = Field(default=None, description="table")
    option_availability: str | None = Field(default=None, description="table")
    minimum_change: float = Field(
        default=0.0, ge=0, le=1, description="an order of last_plan stays, or changes by at least this share"
    )
    recourse_from: int | str | None = Field(
        default=None, description="orders from this period on are decided knowing the sample (number or date)"
    )
    utilization_floor: dict[str, float] = Field(
        default_factory=dict, description="least expected share of owned capacity in use, by resource"
    )
    first_order: int | str | None = Field(
        default=None,
        description="first period in which this plan may order (number or date): the frozen window ends there",
    )
    shortage_allowed: bool = Field(default=True, description="whether demand may go unmet, where a class does not say")
    fill_rule: Literal["cumulative", "per_class"] = Field(
        default="cumulative", description="fill promise over all classes at least as critical, or of the class alone"
    )
    no_shortage_scope: Literal["period", "joint"] = Field(
        default="period", description="no_shortage_probability holds in each period, or over all of them together"
    )
    protected_quantile: float = Field(
        default=1.0, gt=0, le=1, description="share of the samples in which the loss of a zone must be survived"
    )
    overcommit: dict[str, float] = Field(default_factory=dict, description="sold per physical unit, by resource; 1")
    capex_budget: float | None = Field(default=None, ge=0, description="cash for orders, per period")
    cumulative_budget: float | None = Field(default=None, ge=0, description="cash for orders, whole horizon")
    opex_budget: float | None = Field(default=None, ge=0, description="running cost, per period")
    risk_weight: float = Field(default=0.0, ge=0, le=1, description="weight of CVaR in the objective")
    risk_level: float = Field(default=0.95, gt=0, lt=1, description="CVaR of the worst 1 - level share of outcomes")
    placement: Placement | None = Field(default=None, description="place the ordered servers in racks and rows")


class Frontier(Section):
    """A cost curve over one target."""

    over: Literal["fill_rate", "no_shortage_probability", "shortage_cvar", "budget", "power", "utilization"] = Field(
        default="fill_rate", description="the target that moves; power: factor on every zone's limit"
    )
    values: list[float] = Field(
        default_factory=lambda: [0.9, 0.95, 0.99, 0.999], min_length=1, description="its values"
    )
    tolerance: Gap | None = Field(
        default=None,
        description="ask for more targets between the values until the curve is known to this share of its cost",
    )
    most_points: int = Field(default=60, ge=2, le=1000, description="with a tolerance: most points in all")
    classes: list[str] | None = Field(
        default=None, description="classes whose target moves; default: those that have one, else all"
    )
    samples: int | None = Field(
        default=None, ge=2, description="fresh samples on which each point is judged; default: as [simulation]"
    )


class Report(Section):
    """What is written for people."""

    title: str | None = Field(default=None, description="heading; default: the name")
    html: bool = Field(default=True, description="write report.html")
    workbook: bool = Field(default=True, description="write workbook.xlsx")
    waterfall: bool = Field(default=False, description="solve again step by step: what each cause adds to the cost")
    tornado: bool = Field(default=False, description="solve again with each assumption lower and higher")
    uncertainty: bool = Field(default=False, description="value of the stochastic solution and of perfect information")
    differences: bool = Field(
        default=False, description="solve again with a period less lead time, one kW more, one point of a promise more"
    )
    alternatives: int = Field(
        default=0,
        ge=0,
        le=20,
        description="how many rejected plans near the best to find, beside plans without something",
    )


class Override(Section):
    """A patch of a table's rows by key."""

    table: str = Field(description="table key (server_types) or file name")
    where: dict[str, Cell] = Field(default_factory=dict, description="column = value; none: every row")
    set: dict[str, Cell] = Field(default_factory=dict, description="column = new value")
    scale: dict[str, float] = Field(default_factory=dict, description="column = factor")
    remove: bool = Field(default=False, description="drop the rows")


class Variant(Section):
    """A named change of the scenario."""

    description: str = Field(default="", description="one sentence")
    set: dict[str, object] = Field(default_factory=dict, description='"section.key" = value')
    overrides: list[Override] = Field(default_factory=list, description="patches of tables")


class Spec(Section):
    """scenario.toml."""

    schema_version: Literal[1] = Field(description="version of this format")
    name: str = Field(min_length=1, description="short name; names the run folder")
    description: str = Field(default="", description="what it is about, one sentence")
    seed: int = Field(default=1, ge=0, le=2_000_000_000, description="of every random draw")
    time: Time
    money: Money = Field(default_factory=Money)
    demand: Demand | None = None
    forecast: Forecast | None = None
    inventory: Inventory | None = None
    fleet: Fleet | None = None
    admission: Admission | None = None
    levers: Levers | None = None
    customers: Customers | None = None
    recommend: Recommend | None = None
    frontier: Frontier | None = None
    simulation: Simulation | None = None
    backtest: Backtest | None = None
    rolling: Rolling | None = None
    report: Report = Field(default_factory=Report)
    overrides: list[Override] = Field(default_factory=list, description="patches of tables")
    variants: dict[str, Variant] = Field(default_factory=dict, description="named changes")
