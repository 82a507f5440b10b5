"""The keys of the judge's sections of ``scenario.toml``: simulation, backtest, rolling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from capacity_opt.forecast.library_names import LibraryName
from capacity_opt.scenario.amounts import seconds_of
from capacity_opt.scenario.section import Section

Seconds = Annotated[float, BeforeValidator(seconds_of), Field(gt=0)]
PolicyOfPlanning = Literal["newsvendor", "safety_factor", "two_stage", "cvar"]
BaselineName = Literal[
    "naive", "empirical", "recent", "seasonal",
    "lead_time_totals", "sum_of_quantiles", "normal", "bootstrap",
    LibraryName,
]  # fmt: skip


class Failures(Section):
    """What may break besides the scenario's own outages and delays: the plan is judged once more with all of it."""

    zone_failure: float = Field(default=0.0, ge=0, le=1, description="chance per period that a zone fails")
    outage: float = Field(default=1.0, ge=1, description="mean periods until a failed zone is back")
    lost_share: float = Field(default=1.0, gt=0, le=1, description="share of a failed zone's servers that do not work")
    server_down: float = Field(default=0.0, ge=0, lt=1, description="chance that a server is down in a period")
    late: dict[str, float] = Field(
        default_factory=dict, description="chance that all orders of a type and zone come so many periods late"
    )
    spot_outage: float = Field(default=1.0, ge=1, description="mean periods for which spot stays away once it is gone")


class Simulation(Section):
    """The judge."""

    samples: int = Field(
        default=2000, ge=2, le=10_000_000, description="fresh demand paths on which the fleet plan is judged"
    )
    replications: int = Field(default=200, ge=2, description="replications per item")
    periods: int = Field(default=520, ge=1, description="periods per replication of an item")
    warm_up: int = Field(default=52, ge=0, description="periods before counting")
    level: float = Field(default=0.95, gt=0, lt=1, description="confidence of the intervals")
    calibrate: bool = Field(
        default=False, description="as [fleet] calibrate: raise the targets until a judge finds the promises kept"
    )
    booking_limits: dict[str, float] = Field(
        default_factory=dict,
        description="admission: most of what is in service that a class and all less critical ones together may book",
    )
    failures: Failures | None = Field(default=None, description="judge the plan once more while things break")


def _usual_models() -> list[BaselineName]:
    return ["naive", "empirical", "recent"]


class Backtest(Section):
    """Forecasts weighed in money: every model decides on a history it had not seen."""

    history: str = Field(default="history.csv", description="table of what was asked (or sold) in the past")
    forecasts: list[str] = Field(
        default_factory=list, description="tables of quantile forecasts issued in the past; none: the models below only"
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="our column name = the name in history and forecasts"
    )
    models: list[BaselineName] = Field(
        default_factory=_usual_models,
        description="plain models to measure others by: naive (mean of the last `window` periods), empirical "
        "(quantiles of all intervals so far), recent (weights halve every `half_life`), seasonal (recent x the ratio "
        "of last season); our forecast engine: lead_time_totals, and sum_of_quantiles, normal, bootstrap as others do; "
        "library models (extra [forecast]): AutoETS, AutoARIMA, AutoTheta, AutoCES, LightGBM",
    )
    decision: Literal["replenish", "lease", "buy"] = Field(
        default="replenish",
        description="what forecasts decide: stock ordered up to a level; or capacity for one period, fixed a lead time "
        "ahead, given back after it (lease) or kept (buy)",
    )
    holding_cost: float | None = Field(
        default=None, ge=0, description="per unit left over and period; default: each item's own in [inventory] items"
    )
    stockout_cost: float | None = Field(
        default=None, gt=0, description="per unit short (and period, unless lost); default: each item's own"
    )
    fixed_cost: float | None = Field(default=None, ge=0, description="per order; default: each item's own, else 0")
    lead_time: int | None = Field(default=None, ge=0, description="periods; default: each item's own, else 0")
    review_period: int = Field(default=1, ge=1, description="periods between decisions")
    lost_sales: bool = Field(default=False, description="what is not met is lost, not owed")
    order_level: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="quantile acted on; default: stockout_cost / (stockout_cost + holding_cost), and where sales are "
        "lost (p + L h) / (p + (2 L + 1) h) of stockout cost p, holding cost h, lead time L",
    )
    tune: int = Field(
        default=0, ge=0, description="periods in which each model's quantile is also tuned by cost; scored afterwards"
    )
    warm_up: int = Field(default=0, ge=0, description="periods played first and not counted")
    start: str | None = Field(
        default=None,
        description="first period of decisions; default: the first with forecasts, else half of the history",
    )
    window: int = Field(default=13, ge=1, description="model naive: periods averaged")
    half_life: float = Field(default=26.0, gt=0, description="models recent and seasonal: periods")
    season: int | None = Field(
        default=None, ge=2, description="periods in a season, such as 52; default for the engine: by the period"
    )
    autocorrelation: float = Field(
        default=0.0,
        ge=-1,
        le=1,
        description="AR(1) between horizons, where forecasts are per period and must be summed",
    )
    missing: Literal["error", "zero"] = Field(
        default="error", description="a period without a row for an item: a fault, or no demand"
    )
    censored: Literal["sold", "filled"] = Field(
        default="sold",
        description="periods out of stock are played with what was sold (understates cost) or with an estimate: the "
        "larger of what was sold and the item's mean in stock so far",
    )
    whole_units: bool = Field(default=False, description="round what is acted on to whole units")


def _usual_policies() -> list[PolicyOfPlanning]:
    return ["newsvendor", "safety_factor", "two_stage", "cvar"]


class Rolling(Section):
    """Ways of planning compared over time: plan, freeze, observe, plan again, all over the same paths of demand."""

    policies: list[PolicyOfPlanning] = Field(
        default_factory=_usual_policies,
        min_length=1,
        description="newsvendor (each group at its own quantile), safety_factor (mean times a factor), two_stage, cvar",
    )
    paths: int = Field(default=4, ge=2, le=10_000, description="paths of demand that come true")
    freeze: int = Field(default=3, ge=1, description="periods whose orders are carried out before planning again")
    refresh: bool = Field(default=True, description="the forecast is refreshed by what was seen")
    samples: int = Field(default=50, ge=1, description="samples that each plan is made from")
    integer: bool = Field(default=False, description="whole racks (slower)")
    safety_factor: float = Field(default=1.15, gt=0, description="policy safety_factor: times mean demand")
    level: float | None = Field(
        default=None, gt=0, lt=1, description="policy newsvendor: quantile; default: each class's promise or cost ratio"
    )
    risk_weight: float = Field(default=0.5, gt=0, le=1, description="policy cvar, where [fleet] risk_weight is 0")
    time_limit: Seconds = Field(default=60.0, description='longest solve of each plan: seconds, or text like "5m"')
