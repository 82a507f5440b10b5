"""Random small fleet problems that switch every feature of the model on and off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem, Stability
from tests.fleet_problems import make_problem

Array = NDArray[np.float64]

FEATURES = (
    "blocks",
    "lots",
    "integer",
    "lead_time",
    "retirement",
    "failure_rate",
    "substitution",
    "spill",
    "pinned",
    "overcommit",
    "power",
    "budgets",
    "opex_budget",
    "order_minimum",
    "stability",
    "options",
    "fill_rate",
    "chance",
    "cvar_shortage",
    "cvar_cost",
    "protection",
    "protection_quantile",
    "zone_outages",
    "late_delivery",
    "recourse_orders",
    "monotone",
    "utilization",
    "amortised",
    "placed",
    "must_serve",
)


@dataclass(frozen=True)
class GivenDisruptions:
    """Draws that depend on the seed alone."""

    zones: int
    types: int
    periods: int
    outages: bool
    late: bool

    def draw(self, count: int, *, seed: int) -> tuple[Array, NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        available = np.ones((count, self.zones, self.periods))
        if self.outages:
            available = np.where(rng.random(available.shape) < 0.15, 0.5, 1.0)
        delay = np.zeros((count, self.types, self.zones), dtype=np.int64)
        return available, (rng.random(delay.shape) < 0.4).astype(np.int64) if self.late else delay


def random_features(rng: np.random.Generator, share: float = 0.35) -> frozenset[str]:
    """Every feature with the same chance."""
    return frozenset(name for name in FEATURES if rng.random() < share)


def random_fleet(seed: int, features: frozenset[str] | None = None) -> FleetProblem:
    """A small problem that is feasible for most draws (shortage is allowed unless ``must_serve``)."""
    rng = np.random.default_rng(seed)
    on = random_features(rng) if features is None else features
    types, periods, samples = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    regions = {"r1": ["z1", "z2"], "r2": ["z3"]} if rng.random() < 0.5 else {"r1": ["z1", "z2"]}
    resources = ("vcpu", "memory")[: int(rng.integers(1, 3))]
    problem = make_problem(
        types=_types(rng, on, types, len(resources), periods, sum(map(len, regions.values()))),
        groups=_groups(rng, on, types, len(resources), regions),
        demand=_demand(rng, on, samples, periods, 3),
        probability=rng.dirichlet(np.full(samples, 5.0)).tolist(),
        resources=resources,
        regions=regions,
        service=_service(rng, on),
        finance=_finance(rng, on, periods),
        sites={"power_limit": rng.integers(60, 200) * 1.0, "rack_unit_limit": 120.0} if "power" in on else {},
        options=_options(rng, len(regions), types) if "options" in on else {},
        integer="integer" in on,
        blocks=("peak", "rest") if "blocks" in on else ("all",),
        block_share=np.array([0.25, 0.75]) if "blocks" in on else np.ones(1),
    )
    return _extended(problem, rng, on)


def _types(rng: np.random.Generator, on: frozenset[str], count: int, resources: int, periods: int, zones: int) -> Any:
    rows = {}
    for k in range(count):
        initial = np.sort(rng.integers(0, 5, (zones, periods)), axis=1)[:, ::-1] * 1.0
        rows[f"k{k}"] = {
            "capacity": rng.integers(5, 12, resources) * 1.0,
            "price": np.round(rng.uniform(20, 60, (zones, periods)), 2),
            "opex": np.round(rng.uniform(0.5, 3, (zones, periods)), 2),
            "lot": int(rng.integers(2, 5)) if "lots" in on else 1,
            "lead_time": int(rng.integers(0, 2)) if "lead_time" in on else 0,
            "life": float(rng.integers(2, 6)) if "amortised" in on or rng.random() < 0.3 else np.inf,
            "failure_rate": 0.05 if "failure_rate" in on else 0.0,
            "power_kw": float(np.round(rng.uniform(0.5, 2), 2)),
            "rack_units": 1.0,
            "initial": initial,
            "retirable": "retirement" in on,
            "retirement_cost": 1.0,
            "salvage": 5.0 if rng.random() < 0.5 else 0.0,
            "order_limit": 30.0,
            "order_minimum": 3.0 if "order_minimum" in on and "recourse_orders" not in on else 0.0,
            "placed": np.eye(1, periods)[0] if "placed" in on else 0.0,
        }
    return rows


def _groups(rng: np.random.Generator, on: frozenset[str], types: int, resources: int, regions: Any) -> Any:
    rows = {}
    names = list(regions)
    for j, own in enumerate(("critical", "standard", "standard")):
        fits = [f"k{k}" for k in range(types) if k == j % types or rng.random() < 0.6]
        home = names[j % len(names)]
        rows[f"g{j}"] = {
            "class": own,
            "usage": np.round(rng.uniform(0.5, 1.5, resources), 2),
            "compatible": fits,
            "penalty": float(np.round(rng.uniform(10, 40), 1)),
            "shortage_allowed": not ("must_serve" in on and j == 0),
            "home": home,
            "allowed": names if "spill" in on else [home],
            "spill_cost": 0.3 if "spill" in on else 0.0,
            "serve_cost": np.round(rng.uniform(0, 0.5, types), 2) if "substitution" in on else 0.0,
            "performance": np.round(rng.uniform(0.8, 1.2, types), 2) if "substitution" in on else 1.0,
            "overcommit": 1.5 if "overcommit" in on else 1.0,
        }
        if "pinned" in on and j == 1:
            rows[f"g{j}"]["zone"] = regions[home][0]
    return rows


def _demand(rng: np.random.Generator, on: frozenset[str], samples: int, periods: int, groups: int) -> Array:
    blocks = 2 if "blocks" in on else 1
    return np.round(rng.uniform(5, 30, (samples, groups, periods, blocks)), 1)


def _service(rng: np.random.Generator, on: frozenset[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "fill_rate" in on:
        given |= {"fill_rate": [0.9, 0.7], "fill_rule": "per_class" if rng.random() < 0.3 else "cumulative"}
    if "chance" in on:
        given |= {"no_shortage_probability": [0.6, np.nan], "no_shortage_scope": str(rng.choice(["period", "joint"]))}
    if "cvar_shortage" in on:
        given |= {"shortage_cvar_level": [0.5, 0.5], "shortage_cvar_limit": [np.nan, 40.0]}
    if "protection" in on:
        given |= {"protected_share": [[0.6], [0.2]], "protected_quantile": 0.5 if "protection_quantile" in on else 1.0}
    return given


def _finance(rng: np.random.Generator, on: frozenset[str], periods: int) -> dict[str, Any]:
    given: dict[str, Any] = {"discount_rate": 0.01, "capital": "amortised" if "amortised" in on else "cash"}
    if "budgets" in on:
        given |= {"capex_budget": 1500.0, "cumulative_budget": 2000.0 + 500.0 * np.arange(periods)}
    if "opex_budget" in on:
        given["opex_budget"] = 300.0
    if "cvar_cost" in on:
        given |= {"risk_weight": 0.4, "risk_level": 0.6}
    return given


def _options(rng: np.random.Generator, regions: int, types: int) -> dict[str, Any]:
    names = ["od", "spot", "c2"]
    given: dict[str, Any] = {
        "names": names,
        "kind": ["on_demand", "spot", "commitment"],
        "server_type": [0, types - 1, 0],
        "region": [0, regions - 1, 0],
        "price": [30.0, 12.0, 18.0],
        "limit": [6.0, 4.0, 5.0],
        "term": [1, 1, 2],
        "availability": [1.0, 0.7, 1.0],
    }
    if rng.random() < 0.5:
        covers = np.zeros((3, types))
        covers[0, 0], covers[1, types - 1] = 1.0, 1.0
        covers[2] = 1.0 + np.arange(types)
        given["covers"] = covers
    return given


def _extended(problem: FleetProblem, rng: np.random.Generator, on: frozenset[str]) -> FleetProblem:
    sizes, changes = problem.sizes, {}
    supply = problem.supply
    if "recourse_orders" in on:
        supply = replace(supply, recourse_from=max(0, sizes["T"] - 1))
    if "monotone" in on:
        grow = rng.random((sizes["K"], sizes["Z"])) < 0.2
        shrink = ~grow & (rng.random((sizes["K"], sizes["Z"])) < 0.3)
        supply = replace(supply, never_shrink=shrink, never_grow=grow)
    if "stability" in on:
        last = rng.integers(0, 3, (sizes["K"], sizes["Z"], sizes["T"])) * 1.0
        least = 0.5 if rng.random() < 0.5 else 0.0
        changes["stability"] = Stability(last=last, change_cost=np.full(sizes["K"], 2.0), minimum_change=least)
    if "zone_outages" in on or "late_delivery" in on:
        changes["disruptions"] = GivenDisruptions(
            sizes["Z"], sizes["K"], sizes["T"], "zone_outages" in on, "late_delivery" in on
        )
    if "utilization" in on:
        changes["utilization_floor"] = np.where(np.arange(sizes["R"]) == 0, 0.3, np.nan)
    if "power" in on:
        space = replace(problem.server_types, space=np.full(sizes["K"], 1.0))
        limit = replace(problem.sites, space_limit=np.full((sizes["Z"], sizes["T"]), 100.0))
        changes |= {"server_types": space, "sites": limit}
    return replace(problem, supply=supply, **changes)


def formulation_of(problem: FleetProblem) -> str:
    """The formulation that uses all that the problem gives."""
    return "cvar" if problem.finance.risk_weight > 0 else "two_stage"
