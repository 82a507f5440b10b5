"""Where the cost comes from, step by step, and what would move it."""

from __future__ import annotations

from typing import Any

from capacity_opt.report import study_tables
from capacity_opt.report.charts.chart import ALARM, BLUE, INK, WIDTH, Chart, Spec, axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.wording import as_number, short_money

ENDS = ("mean", "total")


def waterfall(run: RunContents) -> Chart | None:
    """From mean demand to the plan's cost, a bar for what each cause adds."""
    if not run.has("waterfall"):
        return None
    rows, before = [], 0.0
    for place, told in enumerate(run.table("waterfall").to_dict("records")):
        level, end = float(told["cumulative"]), told["step"] in ENDS
        low, amount = (0.0 if end else before), float(told["EffectiveCost"])
        kind = "total" if end else "less" if amount < 0 else "more"
        rows.append(
            {"step": study_tables.STEPS.get(told["step"], told["step"]), "place": place, "amount": amount}
            | {"low": low, "high": level, "kind": kind}
        )
        before = level
    table = study_tables.waterfall(run)
    description = (
        "Present value of cost, solved again with one cause after the other put back; the steps sum to the total. "
        "The grey totals are cut off below where the axis does not begin at 0."
    )
    return Chart(
        key="waterfall",
        title="From mean demand to the plan's cost",
        description=description,
        spec=waterfall_spec(rows, description, run.currency),
        table=table,
    )


def waterfall_spec(rows: list[dict[str, Any]], description: str, currency: str) -> Spec:
    """Bars from ``low`` to ``high`` by ``place``, coloured by ``kind`` (``total``, ``more``, ``less``).

    The axis begins near the steps where they are small beside the totals, which are then cut off below.
    """
    inner = [row[end] for row in rows for end in ("low", "high") if row["kind"] != "total"] + [rows[0]["high"]]
    spread = max(inner) - min(inner)
    start = max(0.0, min(inner) - spread) if spread and min(inner) > 0 else 0.0
    shown = [{**row, "low": max(row["low"], start) if row["kind"] == "total" else row["low"]} for row in rows]
    y = axis("low", currency, scale={"zero": start == 0.0, "nice": True}, axis={"format": ".4~s"})
    names = {"domain": ["total", "more", "less"], "range": ["#777777", ALARM, BLUE]}
    encoding = {
        "x": axis("step", "", "nominal", sort={"field": "place"}, axis={"labelAngle": -30, "labelLimit": 240}),
        "y": y,
        "y2": {"field": "high"},
        "color": {"field": "kind", "type": "nominal", "title": None, "scale": names},
    }
    text = {
        "mark": {"type": "text", "dy": -7, "fontSize": 12, "color": INK},
        "encoding": {
            "x": encoding["x"],
            "y": axis("top", currency, scale={"zero": start == 0.0}),
            "text": {"field": "label"},
        },
    }
    for row in shown:
        amount = short_money(row["amount"])
        row["top"] = max(row["low"], row["high"])
        row["label"] = f"+{amount}" if row["kind"] == "more" else amount
    layers = [{"mark": "bar", "encoding": encoding}, text]
    return specification(shown, description, width=WIDTH, height=300, layer=layers)


def tornado(run: RunContents) -> Chart | None:
    """A bar per assumption: how far the cost moves either way, the widest first."""
    if not run.has("tornado"):
        return None
    table = study_tables.tornado(run)
    rows = []
    for place, told in enumerate(table.frame.to_dict("records")):
        for side in ("low", "high"):
            change = as_number(told[f"change_{side}"])
            if change is not None:
                words = f"{told[side]}: {'+' if change > 0 else ''}{short_money(change)}"
                rows.append(
                    {"factor": told["factor"], "place": place, "side": SIDES[side], "change": change, "words": words}
                    | {"zero": 0.0, "left": change < 0}
                )
    description = (
        "Change of the plan's cost (present value, divisible racks) when one assumption is lower or higher and "
        "everything is solved again; the assumption that matters most is on top."
    )
    spec = specification(rows, description, width=WIDTH - 140, height={"step": 44, "for": "position"})
    return Chart(
        key="tornado",
        title="What would move the cost",
        description=description,
        spec=spec | {"layer": _tornado_layers(run.currency, max((abs(row["change"]) for row in rows), default=1.0))},
        table=table,
    )


SIDES = {"low": "lower", "high": "higher"}


def _tornado_layers(currency: str, widest: float) -> list[Spec]:
    room = 3.0 * widest
    x = axis("change", f"Change of cost, {currency}", scale={"domain": [-room, room]}, axis={"format": "+.3~s"})
    y = axis("factor", "", "nominal", sort={"field": "place"})
    names = {"domain": list(SIDES.values()), "range": [BLUE, ALARM]}
    colour = {"field": "side", "type": "nominal", "title": None, "scale": names}
    offset = {"field": "side", "scale": {"domain": list(SIDES.values())}}
    bars: Spec = {
        "mark": "bar",
        "encoding": {"x": x, "x2": {"field": "zero"}, "y": y, "yOffset": offset, "color": colour},
    }
    layers = [bars]
    for left, align, shift in ((True, "right", -5), (False, "left", 5)):
        mark = {"type": "text", "align": align, "dx": shift, "fontSize": 12, "color": INK}
        layers.append(
            {
                "transform": [{"filter": f"datum.left == {str(left).lower()}"}],
                "mark": mark,
                "encoding": {"x": x, "y": y, "yOffset": offset, "text": {"field": "words"}},
            }
        )
    return layers
