"""Random small fleet problems that switch every feature of the model on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from capacity_opt.problem.fleet import (
    DemandGroups,
    Finance,
    FleetProblem,
    PurchaseOptions,
    ServerTypes,
    ServiceTargets,
    Sites,
    Stability,
    Supply,
)

FEATURES = (
    "amortised",
    "blocks",
    "budgets",
    "chance",
    "continuous",
    "cost_at_risk",
    "covers",
    "cumulative_budget",
    "delays",
    "failures",
    "fill_rate",
    "frozen",
    "incompatible",
    "joint",
    "late_orders",
    "life",
    "minimums",
    "monotone",
    "mortality",
    "no_shortage",
    "opex_budget",
    "options",
    "per_class",
    "pinned",
    "placed",
    "power",
    "quantile_failures",
    "retirement",
    "salvage",
    "shared_regions",
    "shortage_cvar",
    "space",
    "spot",
    "stability",
    "utilization",
    "zone_outages",
)


@dataclass(frozen=True)
class Given:
    """A finite list of samples."""

    values: Any
    probability: Any

    def draw(self, count: int, *, seed: int) -> Any:
        return self.values, self.probability


@dataclass(frozen=True)
class Disrupted:
    """Given zone availability and delays."""

    available: Any
    delay: Any

    def draw(self, count: int, *, seed: int) -> Any:
        return self.available[:count], self.delay[:count]


class Maker:
    """One random problem; ``on(feature)`` tells what it has."""

    def __init__(self, seed: int, share: float = 0.5) -> None:
        self.g = np.random.default_rng(seed)
        self.chosen = {name for name in FEATURES if self.g.random() < share}
        g = self.g
        self.K, self.T, self.R, self.C = int(g.integers(1, 4)), int(g.integers(1, 5)), int(g.integers(1, 3)), 2
        self.B = int(g.integers(2, 4)) if self.on("blocks") else 1
        self.G, self.J, self.S = int(g.integers(1, 3)), int(g.integers(2, 4)), int(g.integers(1, 4))
        self.zone_region = np.sort(np.concatenate([np.arange(self.G), g.integers(0, self.G, int(g.integers(0, 3)))]))
        self.Z = len(self.zone_region)

    def on(self, name: str) -> bool:
        return name in self.chosen

    def some(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0, share: float = 0.6) -> Any:
        """Random values in some places where the feature is on; nan elsewhere."""
        values = self.g.uniform(low, high, shape)
        return np.where(self.on(name) & (self.g.random(shape) < share), values, np.nan)

    def limit(self, name: str, *shape: int, low: float, high: float) -> Any:
        values = self.some(name, *shape, low=low, high=high)
        return np.where(np.isnan(values), np.inf, values)

    def problem(self) -> FleetProblem:
        g, sizes = self.g, (self.K, self.Z, self.T)
        probability = g.dirichlet(np.full(self.S, 4.0))
        demand = g.uniform(0, 60, (self.S, self.J, self.T, self.B)) * (g.random((self.S, self.J, self.T, self.B)) < 0.9)
        stability = Stability(
            last=g.integers(0, 4, sizes).astype(float), change_cost=g.uniform(0, 5, self.K), minimum_change=0.4
        )
        outage = np.where(g.random((self.S, self.Z, self.T)) < 0.3, 0.5, 1.0)
        delay = g.integers(0, 2, (self.S, self.K, self.Z))
        return FleetProblem(
            name="random",
            periods=tuple(f"2027-{t + 1:02d}" for t in range(self.T)),
            resources=tuple(f"r{r}" for r in range(self.R)),
            server_types=self.types(),
            sites=self.sites(),
            supply=self.supply(),
            groups=self.groups(),
            service=self.service(),
            finance=self.finance(),
            options=self.options(),
            demand=Given(demand, probability),
            blocks=tuple(f"b{b}" for b in range(self.B)),
            block_share=g.dirichlet(np.full(self.B, 5.0)),
            integer=not self.on("continuous"),
            samples=self.S,
            stability=stability if self.on("stability") else None,
            utilization_floor=self.some("utilization", self.R, high=0.4) if self.on("utilization") else None,
            disruptions=Disrupted(
                outage if self.on("zone_outages") else np.ones_like(outage),
                delay if self.on("delays") else np.zeros_like(delay),
            )
            if self.on("zone_outages") or self.on("delays")
            else None,
        )

    def types(self) -> ServerTypes:
        g = self.g
        finite = self.on("life") or self.on("amortised")
        return ServerTypes(
            names=tuple(f"k{k}" for k in range(self.K)),
            capacity=g.uniform(4, 12, (self.K, self.R)) * (g.random((self.K, self.R)) < 0.9),
            lot=g.integers(1, 5, self.K),
            power_kw=g.uniform(0.2, 1, self.K),
            rack_units=g.integers(1, 4, self.K).astype(float),
            life=g.integers(1, 6, self.K).astype(float) if finite else np.full(self.K, np.inf),
            failure_rate=g.uniform(0, 0.2, self.K) if self.on("mortality") else np.zeros(self.K),
            space=g.uniform(0.1, 1, self.K) if self.on("space") else None,
        )

    def sites(self) -> Sites:
        return Sites(
            regions=tuple(f"g{g}" for g in range(self.G)),
            zones=tuple(f"z{z}" for z in range(self.Z)),
            zone_region=self.zone_region,
            power_limit=self.limit("power", self.Z, self.T, low=5, high=40),
            rack_unit_limit=self.limit("power", self.Z, self.T, low=10, high=80),
            space_limit=self.limit("space", self.Z, self.T, low=5, high=40) if self.on("space") else None,
        )

    def supply(self) -> Supply:
        g, shape = self.g, (self.K, self.Z, self.T)

        def some(on: Any, values: Any) -> Any:
            return np.where(on, values, 0).astype(float)

        limit = np.where(g.random(shape) < 0.2, g.integers(0, 9, shape), np.inf)
        return Supply(
            price=g.uniform(1, 9, shape),
            opex=g.uniform(0, 1, shape),
            lead_time=g.integers(0, 3, (self.K, self.Z)),
            order_limit=limit,
            order_minimum=np.minimum(some(self.on("minimums"), g.integers(0, 4, shape)), limit),
            placed=some(self.on("placed"), g.integers(0, 3, shape)),
            initial=some(g.random((self.K, self.Z, 1)) < 0.6, g.integers(0, 9, shape)),
            first_order=int(self.on("frozen")),
            retirable=self.on("retirement") & (g.random((self.K, self.Z)) < 0.7),
            retirement_cost=g.uniform(0, 1, self.K),
            salvage=some(self.on("salvage"), g.uniform(0, 1, self.K)),
            recourse_from=int(g.integers(0, self.T + 1)) if self.on("late_orders") else None,
            never_shrink=g.random((self.K, self.Z)) < 0.4 if self.on("monotone") else None,
            never_grow=g.random((self.K, self.Z)) < 0.2 if self.on("monotone") else None,
        )

    def groups(self) -> DemandGroups:
        g, pinned = self.g, self.on("pinned")
        home_zone = np.where(pinned & (g.random(self.J) < 0.5), g.integers(0, self.Z, self.J), -1)
        home = np.where(home_zone >= 0, self.zone_region[home_zone], g.integers(0, self.G, self.J))
        allowed = np.eye(self.G, dtype=bool)[home]
        fits = g.random((self.J, self.K)) < 0.7 if self.on("incompatible") else np.ones((self.J, self.K), dtype=bool)
        return DemandGroups(
            names=tuple(f"j{j}" for j in range(self.J)),
            classes=tuple(f"c{c}" for c in range(self.C)),
            group_class=g.integers(0, self.C, self.J),
            home_region=home,
            home_zone=home_zone,
            usage=g.uniform(0, 2, (self.J, self.R)) * (g.random((self.J, self.R)) < 0.8),
            performance=g.choice([0.8, 1.0, 1.3], (self.J, self.K)) * (g.random((self.J, self.K)) < 0.95),
            compatible=fits,
            serve_cost=g.uniform(0, 0.5, (self.J, self.K)),
            allowed_region=allowed | self.on("shared_regions") & (g.random((self.J, self.G)) < 0.5),
            spill_cost=g.uniform(0, 1, (self.J, self.G)),
            overcommit=g.uniform(1, 2, (self.J, self.R)),
        )

    def service(self) -> ServiceTargets:
        g = self.g
        limit = self.some("shortage_cvar", self.C, low=1, high=90)
        return ServiceTargets(
            penalty=g.uniform(2, 9, self.J),
            shortage_allowed=~(self.on("no_shortage") & (g.random(self.J) < 0.3)),
            fill_rate=self.some("fill_rate", self.C, low=0.5, high=0.99),
            no_shortage_probability=self.some("chance", self.C, low=0.2, high=0.95),
            shortage_cvar_level=np.where(np.isnan(limit), np.nan, 0.7),
            shortage_cvar_limit=limit,
            protected_share=self.some("failures", self.C, self.Z, low=-0.2, high=0.9).clip(min=0),
            fill_rule="per_class" if self.on("per_class") else "cumulative",
            no_shortage_scope="joint" if self.on("joint") else "period",
            protected_quantile=0.6 if self.on("quantile_failures") else 1.0,
        )

    def finance(self) -> Finance:
        return Finance(
            currency="USD",
            discount_rate=float(self.g.choice([0.0, 0.05])),
            capital="amortised" if self.on("amortised") else "cash",
            capex_budget=self.limit("budgets", self.T, low=50, high=500),
            cumulative_budget=self.limit("cumulative_budget", self.T, low=90, high=900),
            opex_budget=self.limit("opex_budget", self.T, low=50, high=500),
            risk_weight=0.3 if self.on("cost_at_risk") else 0.0,
            risk_level=0.7,
        )

    def options(self) -> PurchaseOptions:
        g = self.g
        if not self.on("options"):
            return PurchaseOptions()
        kinds = ("on_demand", "commitment", *(("spot",) if self.on("spot") else ()))
        count = len(kinds)
        covers = g.uniform(0.5, 2, (count, self.K)) * (g.random((count, self.K)) < 0.7)
        limit = np.where(g.random((count, self.T)) < 0.5, g.integers(0, 9, (count, self.T)), np.inf)
        return PurchaseOptions(
            names=tuple(f"m-{kind}" for kind in kinds),
            kind=kinds,
            server_type=g.integers(0, self.K, count),
            region=g.integers(0, self.G, count),
            price=g.uniform(1, 5, (count, self.T)),
            limit=limit,
            term=np.where(np.arange(count) == 1, g.integers(1, 4, count), 1),
            availability=np.where(np.arange(count) == 2, 0.6, 1.0),
            covers=covers if self.on("covers") else None,
        )


def random_fleet(seed: int, share: float = 0.5) -> tuple[FleetProblem, set[str]]:
    """A problem and the features it has."""
    maker = Maker(seed, share)
    return maker.problem(), maker.chosen
