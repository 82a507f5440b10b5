"""A chart of the report: a Vega-Lite specification as plain dictionaries, drawn by ``render``, and its numbers.

Field names are ours and fixed, names from the scenario travel as data only, and no expression is built from them, so
a hostile name cannot act. Colours are Okabe and Ito's colour-blind-safe set; series also differ by dash or shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from capacity_opt.report.tables import Table
from capacity_opt.report.wording import as_number, clean

Spec = dict[str, Any]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#777777")
INK, ALARM, BLUE = "#222222", "#D55E00", "#0072B2"
WIDTH = 860
MOST_PANELS = 6
CONFIG: Spec = {
    "font": "Verdana, DejaVu Sans, sans-serif",
    "background": "#ffffff",
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#e6e6e6"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "labelLimit": 220, "orient": "bottom", "columns": 4},
    "header": {"labelFontSize": 12, "labelLimit": 300},
    "view": {"stroke": "#cccccc"},
    "range": {"category": list(COLOURS)},
}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: ``description`` says in a sentence what it shows; ``table`` holds the numbers drawn."""

    key: str
    title: str
    description: str
    spec: Spec
    table: Table


def specification(rows: Iterable[Mapping[Any, Any]], description: str, **parts: Any) -> Spec:
    """A specification over ``rows`` of our own field names; numbers that are not finite become null."""
    values = [{key: cell(value) for key, value in row.items()} for row in rows]
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    return {"$schema": schema, "description": description, "config": CONFIG, "data": {"values": values}, **parts}


def cell(value: object) -> str | float | bool | None:
    """A value as JSON can carry it."""
    if isinstance(value, str):
        return clean(value) if value else ""
    if isinstance(value, bool):
        return value
    return as_number(value)


def axis(field: str, title: str, kind: str = "quantitative", **more: Any) -> Spec:
    """One encoding channel with its title."""
    return {"field": field, "type": kind, "title": title, **more}


def period_axis(periods: Iterable[object]) -> Spec:
    """A period axis in the table's order; labels are thinned where there are many, days cut where all begin a month."""
    labels = list(dict.fromkeys(str(period) for period in periods))
    step = max(1, -(-len(labels) // 12))
    text = "slice(datum.label, 0, 7)" if all(_begins_month(label) for label in labels) else "datum.label"
    if step > 1:
        text = f"indexof(domain('x'), datum.value) % {step} == 0 ? {text} : ''"
    slant = {} if text.startswith("slice") and len(labels) <= 12 else {"labelAngle": -45}
    order = [clean(label) for label in labels]  # rows left out of a chart must not move a period to its end
    return axis("period", "", "ordinal", sort=order, axis={"labelExpr": text, "labelAngle": 0, **slant})


def _begins_month(label: str) -> bool:
    return len(label) == 10 and label.endswith("-01") and label[4] == "-"
