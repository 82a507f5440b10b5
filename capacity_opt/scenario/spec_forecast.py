"""The ``[forecast]`` section: how demand history becomes quantiles."""

from __future__ import annotations

from pydantic import Field

from capacity_opt.scenario.section import Section

LEVELS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99]


class Forecast(Section):
    """Quantiles of the coming periods from ``[demand] kind = "history"``; without it past periods are the outcomes."""

    season: int | list[int] | None = Field(
        default=None,
        description="periods after which demand repeats, one or two lengths; 0: none; default: by the period",
    )
    levels: list[float] = Field(default_factory=lambda: list(LEVELS), min_length=2, description="quantile levels")
