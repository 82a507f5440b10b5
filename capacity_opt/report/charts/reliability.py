"""Stated win probabilities of past deals against what became of them."""

from __future__ import annotations

from capacity_opt.report.charts.chart import INK, Chart, axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Table


def reliability(run: RunContents, table: Table) -> Chart:
    """The reliability plot: a point per bin with its 95 % interval; true chances lie on the diagonal."""
    frame = run.table("win_probabilities")
    rows = frame[frame["bin"] > 0][["stated", "won", "won_low", "won_high", "deals"]].to_dict("records")
    description = (
        "Share of past deals won against the chance stated for them, with its 95 % interval; the larger the point, the "
        "more deals. True chances lie on the dotted line."
    )
    span = {"domain": [0, 1]}
    x = axis("stated", "Stated chance", scale=span, axis={"format": ".0%"})
    y = axis("won", "Share won", scale=span, axis={"format": ".0%"})
    ends = {"values": [{"stated": 0, "won": 0}, {"stated": 1, "won": 1}]}
    layers = [
        {"data": ends, "mark": {"type": "line", "color": INK, "strokeDash": [2, 4]}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule"}, "encoding": {"x": x, "y": {**y, "field": "won_low"}, "y2": {"field": "won_high"}}},
        {
            "mark": {"type": "point", "filled": True},
            "encoding": {"x": x, "y": y, "size": {"field": "deals", "type": "quantitative", "title": "Deals"}},
        },
    ]
    return Chart(
        key="reliability",
        title="Stated chances against deals won",
        description=description,
        spec=specification(rows, description, width=360, height=320, layer=layers),
        table=table,
    )
