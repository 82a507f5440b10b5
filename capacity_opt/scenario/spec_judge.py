"""The keys of the judge's sections of ``scenario.toml``: simulation and backtest."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity_opt.scenario.section import Section

BaselineName = Literal["naive", "empirical", "recent", "seasonal"]


class Simulation(Section):
    """The judge."""

    samples: int = Field(
        default=2000, ge=2, le=10_000_000, description="fresh demand paths on which the fleet plan is judged"
    )
    replications: int = Field(default=200, ge=2, description="replications per item")
    periods: int = Field(default=520, ge=1, description="periods per replication of an item")
    warm_up: int = Field(default=52, ge=0, description="periods before counting")
    level: float = Field(default=0.95, gt=0, lt=1, description="confidence of the intervals")


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
        "of last season)",
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
        description="quantile acted on; default: stockout_cost / (stockout_cost + holding_cost)",
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
    season: int | None = Field(default=None, ge=2, description="model seasonal: periods in a season, such as 52")
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
