"""A small run folder made by hand to the contract of docs/reference/run_folder.md; no solver, no scenario."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

PERIODS = [f"2027-{month:02d}-01" for month in range(1, 7)]
HOSTILE = "</script><script>alert(1)</script>"
CLASSES = ("critical", "standard", HOSTILE)


def demand_fan() -> pd.DataFrame:
    rows = []
    for index, name in enumerate(CLASSES):
        for resource, scale in (("vcpu", 1.0), ("memory_gib", 4.0)):
            for t, period in enumerate(PERIODS):
                mean = scale * (100 + 50 * index) * (1 + 0.03 * t)
                quantiles = {q: mean * f for q, f in zip(("p5", "p25", "p50", "p75", "p95"), (0.9, 0.96, 1, 1.05, 1.1))}
                rows.append(
                    {"class": name, "region": "east", "group": name, "resource": resource, "period": period}
                    | {"mean": mean, **quantiles}
                )
    return pd.DataFrame(rows)


def supply() -> pd.DataFrame:
    rows = [
        {"region": "east", "resource": r, "period": p, "in_service": s * (480 + 20 * t), "worst_zone_loss": s * 150.0}
        for r, s in (("vcpu", 1.0), ("memory_gib", 4.0))
        for t, p in enumerate(PERIODS)
    ]
    frame = pd.DataFrame(rows)
    frame["worst_zone_loss"] = frame.in_service - frame.worst_zone_loss
    return frame


def orders() -> pd.DataFrame:
    first = {"server_type": "genoa", "zone": "z1", "region": "east", "order_period": PERIODS[0]}
    second = {"server_type": '=HYPERLINK("http://x")', "zone": "[/red]", "region": "east", "order_period": PERIODS[1]}
    return pd.DataFrame(
        [
            first
            | {"arrival_period": PERIODS[3], "racks": 2.0, "servers": 36.0, "EffectiveCost": 1200.5}
            | {"reason": "memory in east from 2027-04-01"},
            second
            | {"arrival_period": PERIODS[4], "racks": 1.0, "servers": 18.0, "EffectiveCost": 600.25}
            | {"reason": "\x1b[31mpower\x1b[0m in z1"},
        ]
    )


def cost() -> pd.DataFrame:
    rows = []
    for t, period in enumerate(PERIODS):
        for name, value in (("capital", 300.1 + t), ("operation", 200.2), ("on_demand", 50.3), ("penalty", 0.0)):
            rows.append(
                {"component": name, "period": period, "EffectiveCost": value, "BilledCost": value * 1.1}
                | {"BillingCurrency": "USD"}
            )
    return pd.DataFrame(rows)


def charges() -> pd.DataFrame:
    billed = cost()[lambda rows: rows["component"].isin(("capital", "on_demand"))]
    same = {"BillingCurrency": "USD", "ChargeCategory": "Usage", "AvailabilityZone": "", "SkuId": HOSTILE}
    return billed.assign(**same, x_PresentValue=billed["EffectiveCost"], x_Component=billed["component"])


def availability() -> pd.DataFrame:
    rows = []
    for name, target, promised, judged in zip(
        CLASSES, (0.999, 0.99, 0.9), (0.9991, 0.991, 0.95), (0.9985, 0.992, 0.91)
    ):
        verdict = "not_kept" if judged < target else "kept"
        low, high = judged - 0.0003, judged + 0.0003
        for measure in ("fill", "no_shortage_per_period", "no_shortage_joint"):
            none = measure != "fill"
            rows.append(
                {"class": name, "measure": measure, "target": np.nan if none else target, "promised": promised}
                | {"judged": judged, "judged_low": low, "judged_high": high, "replications": 2000}
                | {"verdict": "no_target" if none else verdict}
            )
    return pd.DataFrame(rows)


def availability_by_period() -> pd.DataFrame:
    return pd.DataFrame(
        {"class": name, "period": period, "promised_fill": 0.999, "judged_fill": 0.998 - 0.001 * t}
        | {"judged_low": 0.997 - 0.001 * t, "judged_high": 0.999 - 0.001 * t}
        for name in CLASSES
        for t, period in enumerate(PERIODS)
    )


def frontier() -> pd.DataFrame:
    targets = np.array([0.9, 0.95, 0.99, 0.999])
    cost = np.array([2900.0, 3000.0, 3200.0, 3700.0])
    return pd.DataFrame(
        {
            "over": "fill_rate",
            "target": targets,
            "cost": cost,
            "marginal_cost": [np.nan, 20.0, 50.0, 555.6],
            "promised": targets + 0.0005,
            "judged": targets - 0.0004,
            "judged_low": targets - 0.0008,
            "judged_high": targets,
            "status": "optimal",
            "gap": 0.0005,
            "dominated": [False] * 4,
            "knee": [False, False, True, False],
            "current": [False, False, True, False],
        }
    )


def inventory() -> pd.DataFrame:
    names = ["dimm", HOSTILE, "=1+1", "@SUM(A1)", "psu"]
    count = len(names)
    return pd.DataFrame(
        {
            "item": names,
            "location": ["z1", "z2", "z3", "z1", "z2"],
            "policy": "base_stock",
            "base_stock_level": np.arange(count) + 3.0,
            "position": np.arange(count) + 1.0,
            "order_now": 2.0,
            "expected_cost": np.linspace(1.5, 9.5, count),
            "fill_rate": 0.97,
            "cycle_service_level": 0.95,
            "judged_fill_rate": 0.965,
            "judged_low": 0.96,
            "judged_high": 0.97,
            "judged_cost": 5.0,
            "verdict": "kept",
            "explanation": "position 1 is below level 3: order 2; protection interval 2 periods; quantile 0.95",
        }
    )


def runway() -> pd.DataFrame:
    rows = []
    for name, case, target in ((HOSTILE, "all_zones", 0.9), ("critical", "zone_lost", 0.5), ("all", "all_zones", 1.0)):
        for resource in ("vcpu", "memory_gib"):
            for supply_, left in (("plan", 6), ("no_new_orders", 3)):
                for demand, sooner in (("p50", 0), ("p90", 2)):
                    place = left - sooner
                    rows.append(
                        {"region": "east", "resource": resource, "class": name, "case": case, "target": target}
                        | {"supply": supply_, "demand": demand, "breach_period": PERIODS[place] if place < 6 else ""}
                        | {"periods_left": place, "short": 0.0 if place == 6 else 10.0, "order_by": "past"}
                    )
    return pd.DataFrame(rows)


def waterfall() -> pd.DataFrame:
    amounts = {"mean": 2000.0, "peak": -100.0, "uncertainty": 700.25, "failover": 0.0, "lead_time": 200.5}
    amounts |= {"stranding": 150.0, "lots": 249.25}
    frame = pd.DataFrame({"step": [*amounts, "total"], "EffectiveCost": [*amounts.values(), sum(amounts.values())]})
    frame["cumulative"] = [*np.cumsum(list(amounts.values())), sum(amounts.values())]
    return frame.assign(status="optimal", BillingCurrency="USD")


def tornado() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "factor": ["server_price", "demand_growth", "target"],
            "low": ["10 % less", "5 points a year less", "shortfall doubled"],
            "high": ["10 % more", "5 points a year more", "shortfall halved"],
            "base": 3000.0,
            "cost_low": [2900.0, 2700.0, 2950.0],
            "cost_high": [3100.0, 3250.0, np.nan],
            "status_low": "optimal",
            "status_high": ["optimal", "optimal", "infeasible"],
            "BillingCurrency": "USD",
        }
    )


def rejected() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "alternative": [f"+1 {HOSTILE} in z1", "order nothing"],
            "kind": ["nearby", "without"],
            "EffectiveCost": [3250.0, np.nan],
            "difference": [50.0, np.nan],
            "status": ["optimal", "InfeasibleError"],
            "why": ["costs 1.6 % more: capital +50", "no such plan keeps every promise"],
            "BillingCurrency": "USD",
        }
    )


def tables() -> dict[str, pd.DataFrame]:
    """Every table of the contract."""
    stock = [
        {
            "server_type": k,
            "zone": z,
            "region": "east",
            "period": p,
            "servers": 10.0 + t,
            "arriving": 1.0,
            "retired": 0.0,
        }
        for k in ("genoa", "xeon")
        for z in ("z1", "z2", "z3")
        for t, p in enumerate(PERIODS)
    ]
    utilization = [
        {"measure": m, "resource": r, "value": v}
        for m, v in (("allocation", 0.8), ("allocation_without_buffer", 0.9), ("physical", 0.8), ("stranded", 0.05))
        for r in ("vcpu", "memory_gib")
    ]
    utilization.append({"measure": "commitment", "resource": "", "value": np.nan})
    return {
        "orders": orders(),
        "stock": pd.DataFrame(stock),
        "supply": supply(),
        "demand_fan": demand_fan(),
        "cost": cost(),
        "charges": charges(),
        "availability": availability(),
        "availability_by_period": availability_by_period(),
        "utilization": pd.DataFrame(utilization),
        "frontier": frontier(),
        "prices": pd.DataFrame(
            {"name": ["power in z1", HOSTILE], "value": [12.5, 0.0], "unit": ["kW", "rack"], "kind": ["local", "local"]}
        ),
        "runway": runway(),
        "waterfall": waterfall(),
        "tornado": tornado(),
        "rejected": rejected(),
        "inventory": inventory(),
        "checks": pd.DataFrame(
            {
                "check": ["rows kept", "duality gap"],
                "value": [1e-9, 0.2],
                "tolerance": [1e-6, 0.1],
                "passed": [True, False],
            }
        ),
        "warnings": pd.DataFrame(
            {"code": ["W212"], "place": ["demand.csv:88"], "message": ["p90 = 120 < p50 = 150: 3 rows cross, repaired"]}
        ),
    }


def manifest() -> dict[str, object]:
    return {
        "schema_version": 1,
        "name": "synthetic",
        "currency": "USD",
        "tool": {"name": "capacity-opt", "version": "0.1.0"},
        "libraries": {"numpy": "2.0", "highspy": "1.15.1"},
        "inputs": {"scenario.toml": "a" * 64, HOSTILE: "b" * 64},
        "seed": 7,
        "options": {"samples": 100},
        "status": "optimal",
        "objective": 3200.0,
        "bound": 3199.0,
        "gap": 0.0003,
        "answer": f"Order 3 racks for 1,800.75 USD: {HOSTILE} is promised 99.9 % and judged 99.85 %.",
    }


def write_run(folder: Path, changes: dict[str, pd.DataFrame | None] | None = None) -> Path:
    """Write the synthetic run folder; ``changes`` replaces tables, ``None`` leaves one out."""
    results = folder / "results"
    results.mkdir(parents=True)
    for name, table in {**tables(), **(changes or {})}.items():
        if table is not None:
            table.to_parquet(results / f"{name}.parquet", index=False)
            table.to_csv(results / f"{name}.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps(manifest()), encoding="utf-8")
    (folder / "resolved.toml").write_text('schema_version = 1\nname = "synthetic"\n', encoding="utf-8")
    (folder / "timing.json").write_text('{"started": "x"}', encoding="utf-8")
    return folder
