"""What stands on the report page and in which order: headline, facts, then sections of charts and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from capacity_opt.report import admission, judging, levers, recommendations, study_tables, tables
from capacity_opt.report.charts import frontier, runway, service, supply, waterfall
from capacity_opt.report.charts.chart import Chart
from capacity_opt.report.contents import RunContents
from capacity_opt.report.headroom import headroom
from capacity_opt.report.replenishment import replenished
from capacity_opt.report.tables import Table
from capacity_opt.report.wording import as_number, availability, clean, count, money, short_money

MOST_ROWS = 300


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: ``lead`` is a sentence under the heading, ``charts`` carry their own table in a fold."""

    key: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    searchable: bool = False
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One tile of the headline; ``tone`` is ``"good"``, ``"bad"`` or empty, and always also in the words."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the run came from: name and value pairs, and the inputs with their fingerprints."""

    facts: Sequence[tuple[str, str]]
    inputs: Sequence[tuple[str, str]] = field(default_factory=tuple)


INTERRUPTED = " The run was interrupted: it holds what was found by then."


def answer(run: RunContents) -> str:
    """The sentence that answers, from the manifest; composed from the tables where it has none."""
    given = run.manifest.get("answer")
    if isinstance(given, str) and given:
        return clean(given) + (INTERRUPTED if run.manifest.get("stopped_early") else "")
    parts = []
    if run.has("orders"):
        book = run.table("orders")
        spent = short_money(float(book["EffectiveCost"].sum()), run.currency)
        parts.append(f"Order {count(float(book['racks'].sum()))} racks for {spent}")
    if stock := replenished(run):
        parts.append(stock.sentence)
    return ("; ".join(parts) or "Nothing was decided in this run") + "."


def facts(run: RunContents) -> list[Fact]:
    """The tiles under the headline."""
    return [*_order_facts(run), *_cost_facts(run), *_promise_facts(run), *_inventory_facts(run)]


def _order_facts(run: RunContents) -> Iterator[Fact]:
    if not run.has("orders"):
        return
    book = run.table("orders")
    first = min(book["order_period"].astype(str))
    now = book[book["order_period"].astype(str) == first]
    racks, servers = (count(float(now[name].sum())) for name in ("racks", "servers"))
    note = f"{servers} servers, {money(float(now['EffectiveCost'].sum()))} {run.currency}"
    value = f"{racks} rack" if racks == "1" else f"{racks} racks"
    yield Fact(label=f"Order in {clean(first)}", value=value, note=note)


def _cost_facts(run: RunContents) -> Iterator[Fact]:
    if run.has("cost"):
        total = float(run.table("cost")["EffectiveCost"].sum())
        gap = as_number(run.manifest.get("gap"))
        note = f"{money(total)} {run.currency}" + (f"; proved within {100 * gap:.2g} %" if gap is not None else "")
        yield Fact(label="Cost, present value", value=short_money(total, run.currency), note=note)


def _promise_facts(run: RunContents) -> Iterator[Fact]:
    frame = run.table("availability")
    if frame.empty:
        return
    for row in frame[frame["measure"] == "fill"].to_dict("records"):
        kept = row["verdict"] != "not_kept"
        judged, promised = as_number(row["judged"]), as_number(row["promised"])
        yield Fact(
            label=f"Fill rate, {clean(row['class'])}",
            value="–" if judged is None else f"{availability(judged)} judged",
            note=("" if promised is None else f"{availability(promised)} promised; ") + tables.spoken(row["verdict"]),
            tone="good" if row["verdict"] in {"kept", "above"} else "" if kept else "bad",
        )


def _inventory_facts(run: RunContents) -> Iterator[Fact]:
    if stock := replenished(run):
        note = f"{money(stock.expected_cost)} {run.currency} expected cost per period"
        yield Fact(label="Items to order now", value=f"{stock.due:,} of {stock.items:,}", note=note)


def build(run: RunContents) -> list[Section]:
    """Every section whose tables are there, answer first, provenance last."""
    made = [
        _orders(run),
        _placement(run),
        _promise(run),
        _runway(run),
        _frontier(run),
        _supply(run),
        _fans(run),
        _cost(run),
        _waterfall(run),
        _tornado(run),
        _rejected(run),
        _study(study_tables.commitment_use(run), "What is committed against what is bought on demand."),
        _study(study_tables.uncertainty(run), "The plan beside one made for the mean, and beside perfect foresight."),
        _study(study_tables.differences(run), "What one more of each would really change, whole racks and all."),
        _utilization(run),
        _admission(run),
        _levers(run),
    ]
    made += [Section(**part) for part in (*recommendations.parts(run), *judging.parts(run))]
    made += [_prices(run), _inventory(run), _verification(run), _warnings(run)]
    return [section for section in made if section is not None and (section.charts or section.tables)]


def _present(*charts: Chart | None) -> list[Chart]:
    return [chart for chart in charts if chart is not None]


def _orders(run: RunContents) -> Section | None:
    table = tables.orders(run)
    if "orders" not in run.tables:
        return None
    if len(table) == 0:
        return Section(key="orders", title="Order book", lead="Nothing to order.", charts=_present(supply.stock(run)))
    total = money(float(table.frame["EffectiveCost"].sum()))
    lead = f"{len(table)} orders, {count(float(table.frame['racks'].sum()))} racks, {total} {run.currency} in all."
    return Section(key="orders", title="Order book", lead=lead, tables=[table], charts=_present(supply.stock(run)))


def _placement(run: RunContents) -> Section | None:
    table = tables.placement(run)
    if len(table) == 0:
        return None
    racks = run.table("placement")
    left = int(racks["servers"][racks["row"] == ""].astype(int).sum())
    lead = f"{left:,} servers find no place." if left else "Every ordered server has a place."
    lead += " Each rack with what is in it: results/placement.csv."
    return Section(key="placement", title=table.title, lead=lead, tables=[table], tone="bad" if left else "")


def _promise(run: RunContents) -> Section | None:
    table = tables.availability(run)
    if len(table) == 0:
        return None
    failed = [
        clean(row["class"]) for row in run.table("availability").to_dict("records") if row["verdict"] == "not_kept"
    ]
    lead = (
        f"On fresh samples the plan does NOT keep its promise for: {', '.join(dict.fromkeys(failed))}."
        if failed
        else "On fresh samples, never seen by the optimiser, the plan keeps what it promises."
    )
    return Section(
        key="availability",
        title="Availability, promised and judged",
        lead=lead,
        charts=_present(service.promise(run), service.over_time(run)),
        tables=[table],
        tone="bad" if failed else "good",
    )


def _frontier(run: RunContents) -> Section | None:
    charts = _present(frontier.frontier(run), frontier.marginal_cost(run))
    table = tables.frontier(run)
    lead = "The cheapest plan at each target: what more availability costs, and what less would save."
    return Section(key="frontier", title=table.title, lead=lead, charts=charts, tables=[table]) if charts else None


def _supply(run: RunContents) -> Section | None:
    charts = supply.supply(run)
    lead = "Capacity in service and on its way, against what is asked."
    table = [headroom(run)] if charts else []
    return Section(key="supply", title="Supply against demand", lead=lead, charts=charts, tables=table)


def _runway(run: RunContents) -> Section | None:
    frame = run.table("runway")
    if frame.empty:
        return None
    lead = study_tables.runway_sentence(frame)
    return Section(key="runway", title="Runway", lead=lead, charts=_present(runway.runway(run)))


def _waterfall(run: RunContents) -> Section | None:
    frame = run.table("waterfall")
    if frame.empty:
        return None
    steps = frame[~frame["step"].isin(waterfall.ENDS)]
    most = steps.sort_values("EffectiveCost", ascending=False, kind="stable").to_dict("records")[0]
    what, amount = study_tables.STEPS.get(most["step"], most["step"]), float(most["EffectiveCost"])
    lead = f"On top of mean demand, the dearest step is '{what}': {short_money(amount, run.currency)}."
    return Section(key="waterfall", title="Cost waterfall", lead=lead, charts=_present(waterfall.waterfall(run)))


def _tornado(run: RunContents) -> Section | None:
    chart = waterfall.tornado(run)
    if chart is None:
        return None
    lead = f"The cost is most sensitive to {clean(chart.table.frame['factor'].iloc[0])}."
    return Section(key="tornado", title="Sensitivity", lead=lead, charts=[chart])


def _rejected(run: RunContents) -> Section | None:
    table = study_tables.rejected(run)
    lead = "Plans that were not chosen, each at its best otherwise, and what they would cost."
    return Section(key="rejected", title=table.title, lead=lead, tables=[table]) if len(table) else None


def _study(table: Table, lead: str) -> Section | None:
    return Section(key=table.key, title=table.title, lead=lead, tables=[table]) if len(table) else None


def _fans(run: RunContents) -> Section | None:
    lead = "The forecast that the plan was made for."
    return Section(key="demand", title="Demand and its range", lead=lead, charts=supply.fans(run))


def _cost(run: RunContents) -> Section | None:
    charts = _present(service.cost(run))
    lead = "Present value is what the optimiser minimises; cash is what leaves the account."
    by_component = [tables.cost_by_component(run)] if charts else []
    return Section(key="cost", title="Cost", lead=lead, charts=charts, tables=by_component)


def _utilization(run: RunContents) -> Section | None:
    table = tables.utilization(run)
    lead = "Four numbers, never one: what is allocated, used, committed and stranded."
    charts = _present(service.utilization(run))
    return Section(key="utilization", title=table.title, lead=lead, charts=charts, tables=[table] if charts else [])


def _admission(run: RunContents) -> Section | None:
    if not run.has("admission_pools"):
        return None
    tone = "bad" if admission.failed(run) else ""
    return Section(
        key="admission",
        title="Admission on the day",
        lead=admission.lead(run),
        charts=_present(admission.chart(run)),
        tables=[admission.levels(run), admission.pools(run)],
        tone=tone,
    )


def _levers(run: RunContents) -> Section | None:
    if not run.has("levers"):
        return None
    charts = _present(levers.waterfall_chart(run), levers.curve_chart(run))
    tone = "bad" if levers.failed(run) else ""
    return Section(key="levers", title="Levers of utilization", lead=levers.lead(run), charts=charts, tone=tone)


def _prices(run: RunContents) -> Section | None:
    table = tables.prices(run)
    lead = "What one more unit would save. Local prices hold for small changes, with the racks as they are."
    return Section(key="prices", title=table.title, lead=lead, tables=[table]) if len(table) else None


def _inventory(run: RunContents) -> Section | None:
    table, stock = tables.inventory(run), replenished(run)
    if stock is None or len(table) == 0:
        return None
    lead = f"{stock.sentence}."
    if stock.listed < stock.items:
        lead += f" The {stock.listed:,} orders worth most are listed; every item is in results/inventory_all.parquet."
    if len(table) > MOST_ROWS:
        listed = "" if stock.listed < stock.items else "; all are in results/inventory.csv"
        lead += f" The {MOST_ROWS} dearest are shown{listed}."
        dearest = table.frame.sort_values("expected_cost", ascending=False, kind="stable").head(MOST_ROWS)
        table = replace(table, frame=dearest)
    return Section(key="inventory", title="Inventory", lead=lead, tables=[table], searchable=True)


def _verification(run: RunContents) -> Section | None:
    table = tables.checks(run)
    if len(table) == 0:
        return None
    failed = int((~run.table("checks")["passed"].astype(bool)).sum())
    lead = (
        f"{failed} of {len(table)} checks FAILED: do not use this plan."
        if failed
        else f"All {len(table)} checks hold: the plan was recomputed from the inputs, without the solver."
    )
    tone = "bad" if failed else "good"
    return Section(key="checks", title=table.title, lead=lead, tables=[table], tone=tone)


def _warnings(run: RunContents) -> Section | None:
    table = tables.warnings(run)
    return Section(key="warnings", title=table.title, tables=[table], tone="bad") if len(table) else None


def provenance(run: RunContents) -> Provenance:
    """Versions, seed, options and status, flattened; inputs with their fingerprints."""
    kept = {k: v for k, v in run.manifest.items() if k not in {"inputs", "answer", "verdicts", "residuals"}}
    inputs = run.manifest.get("inputs")
    named = sorted(inputs.items()) if isinstance(inputs, dict) else []
    return Provenance(
        facts=[(name.replace("_", " "), value) for name, value in _flat(kept)],
        inputs=[(clean(name), clean(value)) for name, value in named],
    )


def _flat(values: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, dict):
        for key in values:
            yield from _flat(values[key], f"{name} {key}".strip())
    elif isinstance(values, list):
        yield name, ", ".join(clean(value) for value in values)
    elif isinstance(values, float) and values.is_integer():
        yield clean(name), f"{values:.0f}"
    else:
        yield clean(name), clean(values)
