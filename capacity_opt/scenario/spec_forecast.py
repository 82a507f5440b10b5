"""The ``[forecast]`` section: how demand history becomes quantiles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity_opt.forecast.library_names import LibraryName
from capacity_opt.scenario.section import Section

Method = Literal[
    "mint", "mixed", "bottom_up", "top_down",
    "MinTrace", "MinTrace_ols", "MinTrace_wls_struct", "MinTrace_wls_var", "MinTrace_mint_cov",
]  # fmt: skip
LEVELS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99]


class LibraryModel(Section):
    """Series that a library's model forecasts in place of the built-in engine (extra ``[forecast]``)."""

    series: list[str] = Field(
        min_length=1,
        description='keys of the series joined by /, or "*" for all; with a hierarchy also its sums: total, east, '
        "east/db (mixed: east/rest)",
    )
    model: LibraryName = Field(description="the model's name")


class Forecast(Section):
    """Quantiles of the coming periods from ``[demand] kind = "history"``; without it past periods are the outcomes."""

    season: int | list[int] | None = Field(
        default=None,
        description="periods after which demand repeats, one or two lengths; 0: none; default: by the period",
    )
    levels: list[float] = Field(default_factory=lambda: list(LEVELS), min_length=2, description="quantile levels")
    hierarchy: list[str] = Field(
        default_factory=list,
        description="columns of the history, coarse to fine (region, service, customer), whose sums must match",
    )
    reconcile: Method = Field(
        default="mint",
        description="how forecasts are made to add up: mint every node; mixed: named series alone, the rest of each "
        "parent by shares; bottom_up: the series alone; top_down: the total alone; MinTrace (its mint_shrink), "
        "MinTrace_ols, ...: every node, by the library hierarchicalforecast (extra [forecast])",
    )
    named: float | list[str] = Field(
        default=0.8,
        description="mixed: series forecast by themselves, as keys joined by / or as the share of demand they make up",
    )
    models: list[LibraryModel] = Field(
        default_factory=list, description="chosen series by library models; all others by the built-in engine"
    )
