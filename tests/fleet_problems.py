"""Small fleet problems from few words: every table that a test does not name gets a harmless default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.problem.fleet import (
    DemandGroups,
    Finance,
    FleetProblem,
    PurchaseOptions,
    ServerTypes,
    ServiceTargets,
    Sites,
    Supply,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GivenPaths:
    """A finite list of samples (S, J, T, B)."""

    values: Array
    probability: Array

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        return self.values, self.probability


@dataclass(frozen=True)
class LogNormalPaths:
    """Fresh paths around a mean (J, T, B)."""

    mean: Array
    spread: float = 0.3

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        noise = np.random.default_rng(seed).normal(size=(count, *self.mean.shape))
        return self.mean * np.exp(self.spread * noise - self.spread**2 / 2), np.full(count, 1 / count)


def make_problem(
    *,
    types: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Mapping[str, Any]],
    demand: ArrayLike,
    probability: Sequence[float] | None = None,
    resources: Sequence[str] = ("vcpu",),
    regions: Mapping[str, Sequence[str]] | None = None,
    periods: int | None = None,
    **rest: Any,
) -> FleetProblem:
    """``types[name]`` may give capacity, price, opex, lot, lead_time, life, ... (broadcast to their axes);
    ``groups[name]`` class, usage, compatible, penalty, ...; ``demand`` (S, J), (S, J, T) or (S, J, T, B).
    ``rest``: service, finance, supply, sites, options dictionaries, and fields of FleetProblem."""
    values = np.asarray(demand, dtype=float)
    while values.ndim < 4:
        values = values[..., None]
    count, _, span, blocks = values.shape
    regions = regions or {"r1": ["z1"]}
    zones = [(zone, g) for g, inside in enumerate(regions.values()) for zone in inside]
    sizes = {"K": len(types), "Z": len(zones), "T": span, "R": len(resources), "J": len(groups), "G": len(regions)}
    classes = list(dict.fromkeys(str(row.get("class", name)) for name, row in groups.items()))
    sizes["C"] = len(classes)
    sizes["M"] = len(rest.get("options", {}).get("names", ()))
    chance = np.full(count, 1 / count) if probability is None else np.asarray(probability, dtype=float)
    own = {key: value for key, value in rest.items() if key not in ("service", "finance", "supply", "sites", "options")}
    own.setdefault("demand", GivenPaths(values, chance))
    own.setdefault("blocks", tuple(f"b{b}" for b in range(blocks)) if blocks > 1 else ("all",))
    own.setdefault("block_share", np.full(blocks, 1 / blocks))
    return FleetProblem(
        name="test",
        periods=tuple(str(t + 1) for t in range(span)),
        resources=tuple(resources),
        server_types=_types(types, sizes),
        sites=_sites(regions, zones, sizes, rest.get("sites", {})),
        supply=_supply(types, sizes, rest.get("supply", {})),
        groups=_groups(groups, classes, list(types), list(regions), [zone for zone, _ in zones], sizes),
        service=_service(groups, sizes, rest.get("service", {})),
        finance=_finance(sizes, rest.get("finance", {})),
        options=_options(rest.get("options", {}), sizes),
        **({"samples": len(own["demand"].probability)} if isinstance(own["demand"], GivenPaths) else {}) | own,
    )


def _full(sizes: Mapping[str, int], axes: str, value: ArrayLike, kind: type = float) -> Any:
    return np.broadcast_to(np.asarray(value, dtype=kind), tuple(sizes[axis] for axis in axes)).copy()


def _by_type(
    types: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int], axes: str, key: str, default: Any
) -> Any:
    return np.array([_full(sizes, axes, row.get(key, default)) for row in types.values()])


def _types(types: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int]) -> ServerTypes:
    return ServerTypes(
        names=tuple(types),
        capacity=_by_type(types, sizes, "R", "capacity", 1.0),
        lot=_by_type(types, sizes, "", "lot", 1).astype(np.int64),
        power_kw=_by_type(types, sizes, "", "power_kw", 0.0),
        rack_units=_by_type(types, sizes, "", "rack_units", 0.0),
        life=_by_type(types, sizes, "", "life", np.inf),
        failure_rate=_by_type(types, sizes, "", "failure_rate", 0.0),
    )


def _sites(
    regions: Mapping[str, Sequence[str]],
    zones: Sequence[tuple[str, int]],
    sizes: Mapping[str, int],
    given: Mapping[str, Any],
) -> Sites:
    return Sites(
        regions=tuple(regions),
        zones=tuple(zone for zone, _ in zones),
        zone_region=np.array([region for _, region in zones], dtype=np.int64),
        power_limit=_full(sizes, "ZT", given.get("power_limit", np.inf)),
        rack_unit_limit=_full(sizes, "ZT", given.get("rack_unit_limit", np.inf)),
    )


def _supply(types: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int], given: Mapping[str, Any]) -> Supply:
    fields = {
        "price": _by_type(types, sizes, "ZT", "price", 0.0),
        "opex": _by_type(types, sizes, "ZT", "opex", 0.0),
        "lead_time": _by_type(types, sizes, "Z", "lead_time", 0).astype(np.int64),
        "order_limit": _by_type(types, sizes, "ZT", "order_limit", np.inf),
        "order_minimum": _by_type(types, sizes, "ZT", "order_minimum", 0.0),
        "placed": _by_type(types, sizes, "ZT", "placed", 0.0),
        "initial": _by_type(types, sizes, "ZT", "initial", 0.0),
        "first_order": 0,
        "retirable": _by_type(types, sizes, "Z", "retirable", False).astype(bool),
        "retirement_cost": _by_type(types, sizes, "", "retirement_cost", 0.0),
        "salvage": _by_type(types, sizes, "", "salvage", 0.0),
    }
    return Supply(**{**fields, **given})


def _groups(
    groups: Mapping[str, Mapping[str, Any]],
    classes: list[str],
    types: list[str],
    regions: list[str],
    zones: list[str],
    sizes: Mapping[str, int],
) -> DemandGroups:
    def gather(axes: str, key: str, default: Any, kind: type = float) -> Any:
        return np.array([_full(sizes, axes, row.get(key, default), kind) for row in groups.values()])

    compatible = [[t in row.get("compatible", types) for t in types] for row in groups.values()]
    allowed = [[g in row.get("allowed", regions) for g in regions] for row in groups.values()]
    homes = [regions.index(row.get("home", regions[0])) for row in groups.values()]
    pinned = [zones.index(row["zone"]) if "zone" in row else -1 for row in groups.values()]
    return DemandGroups(
        names=tuple(groups),
        classes=tuple(classes),
        group_class=np.array([classes.index(str(row.get("class", name))) for name, row in groups.items()]),
        home_region=np.array(homes, dtype=np.int64),
        home_zone=np.array(pinned, dtype=np.int64),
        usage=gather("R", "usage", 1.0),
        performance=gather("K", "performance", 1.0),
        compatible=np.array(compatible),
        serve_cost=gather("K", "serve_cost", 0.0),
        allowed_region=np.array(allowed),
        spill_cost=gather("G", "spill_cost", 0.0),
        overcommit=gather("R", "overcommit", 1.0),
    )


def _service(
    groups: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int], given: Mapping[str, Any]
) -> ServiceTargets:
    fields = {
        "penalty": np.array([float(row.get("penalty", 0.0)) for row in groups.values()]),
        "shortage_allowed": np.array([bool(row.get("shortage_allowed", True)) for row in groups.values()]),
        "fill_rate": _full(sizes, "C", given.get("fill_rate", np.nan)),
        "no_shortage_probability": _full(sizes, "C", given.get("no_shortage_probability", np.nan)),
        "shortage_cvar_level": _full(sizes, "C", given.get("shortage_cvar_level", np.nan)),
        "shortage_cvar_limit": _full(sizes, "C", given.get("shortage_cvar_limit", np.nan)),
        "protected_share": _full(sizes, "CZ", given.get("protected_share", np.nan)),
    }
    return ServiceTargets(**{**given, **fields})


def _finance(sizes: Mapping[str, int], given: Mapping[str, Any]) -> Finance:
    fields = {
        "currency": "USD",
        "discount_rate": 0.0,
        "capital": "cash",
        **given,
        "capex_budget": _full(sizes, "T", given.get("capex_budget", np.inf)),
        "cumulative_budget": _full(sizes, "T", given.get("cumulative_budget", np.inf)),
        "opex_budget": _full(sizes, "T", given.get("opex_budget", np.inf)),
    }
    return Finance(**fields)


def _options(given: Mapping[str, Any], sizes: Mapping[str, int]) -> PurchaseOptions:
    if not given:
        return PurchaseOptions()
    count = sizes["M"]
    return PurchaseOptions(
        names=tuple(given["names"]),
        kind=tuple(given["kind"]),
        server_type=_full(sizes, "M", given.get("server_type", 0), np.int64),
        region=_full(sizes, "M", given.get("region", 0), np.int64),
        price=_full(sizes, "MT", np.asarray(given["price"], dtype=float).reshape(count, -1)),
        limit=_full(
            sizes, "MT", np.asarray(given.get("limit", np.full(count, np.inf)), dtype=float).reshape(count, -1)
        ),
        term=_full(sizes, "M", given.get("term", 1), np.int64),
        availability=_full(sizes, "M", given.get("availability", 1.0)),
        covers=None if "covers" not in given else np.asarray(given["covers"], dtype=float),
    )


def toy1(**changes: Any) -> FleetProblem:
    """Two types, two resources, substitution allowed."""
    compatible = changes.pop("compatible", {})
    types = changes.pop("types", ["A", "B"])
    every = {"A": {"capacity": [8, 32], "price": 10}, "B": {"capacity": [8, 64], "price": 14}}
    groups = {"web": {"usage": [1, 2], "shortage_allowed": False}, "db": {"usage": [1, 8], "shortage_allowed": False}}
    for name, fits in compatible.items():
        groups[name]["compatible"] = fits
    return make_problem(
        types={name: every[name] for name in types},
        groups=groups,
        resources=["vcpu", "mem_gib"],
        demand=[[48, 48]],
        **changes,
    )


def toy2(**changes: Any) -> FleetProblem:
    """One type, five equiprobable demands."""
    penalty = changes.pop("penalty", 4)
    return make_problem(
        types={"S": {"price": 1}},
        groups={"c": {"penalty": penalty}},
        demand=[[60], [80], [100], [120], [140]],
        integer=False,
        **changes,
    )


def toy3(protected: ArrayLike = np.nan, **changes: Any) -> FleetProblem:
    """Three zones, one of which may be lost."""
    return make_problem(
        types={"S": {"capacity": 10, "price": [[100], [110], [150]]}},
        groups={"critical": {"shortage_allowed": False}, "preemptible": {"shortage_allowed": False}},
        regions={"r1": ["z1", "z2", "z3"]},
        demand=[[60, 60]],
        service={"protected_share": protected},
        **changes,
    )


def toy4(lead_time: int = 2, lot: int = 4, **changes: Any) -> FleetProblem:
    """Four periods, racks of four servers, old servers leaving in period 3."""
    return make_problem(
        types={
            "S": {
                "capacity": 10,
                "lot": lot,
                "price": 100,
                "opex": 10,
                "lead_time": lead_time,
                "initial": [[10, 10, 6, 6]],
            }
        },
        groups={"all": {"penalty": 8}},
        demand=[[[90, 120, 130, 170]]],
        **changes,
    )


def toy7(flexible: bool = True) -> FleetProblem:
    """Dedicated and flexible types."""
    types = {"a": {"price": 12}, "b": {"price": 12}, "flex": {"price": 13}}
    kept = types if flexible else {"a": types["a"], "b": types["b"]}
    return make_problem(
        types=kept,
        groups={
            "A": {"compatible": ["a", "flex"], "penalty": 40},
            "B": {"compatible": ["b", "flex"], "penalty": 40},
        },
        demand=[[40, 40], [40, 80], [80, 40], [80, 80]],
        integer=False,
    )


def toy8(rule: str = "cumulative") -> FleetProblem:
    """Two classes with fill-rate promises."""
    return make_problem(
        types={"S": {"price": 1}},
        groups={"critical": {}, "standard": {}},
        demand=[[100, 100]] * 9 + [[100, 200]],
        service={"fill_rate": 0.95, "fill_rule": rule},
        integer=False,
    )
