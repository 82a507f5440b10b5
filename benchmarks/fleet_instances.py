"""The random fleet instance of the shared tools, twice: as a two-stage program with known optima, and as the fleet
problem that a user would state (there the budget limits what orders cost, not their list price)."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy import sparse

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.problem.fleet import DemandGroups, Finance, FleetProblem, ServerTypes, ServiceTargets, Sites, Supply
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import RecourseFamily, Risk, SampleGroup, TwoStageProgram, slack_bounds

SHARED = Path(os.environ.get("CAPACITY_OPT_CASES", Path(__file__).parents[2] / "shared" / "cases")).parent
GENERATOR = SHARED / "tools" / "random_fleet.py"
MOST_RACKS = 200.0


def generate(samples: int, seed: int = 1) -> SimpleNamespace:
    """The generator's instance of the default sizes."""
    spec = importlib.util.spec_from_file_location("random_fleet", GENERATOR)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no generator at {GENERATOR}: set CAPACITY_OPT_CASES to the shared cases")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate(n_samples=samples, seed=seed)


def two_stage(g: SimpleNamespace, *, integer: bool = False) -> TwoStageProgram:
    """The generator's own formulation: racks; per zone and period, classes served by compatible types."""
    pairs = np.argwhere(g.compatible)
    d, k = pairs.T
    count, demands, types = len(pairs), np.arange(g.D), np.arange(g.K)
    matrix = np.zeros((g.D + g.K, count + g.D))
    matrix[d, np.arange(count)] = 1.0
    matrix[demands, count + demands] = 1.0
    matrix[g.D + k, np.arange(count)] = g.use[d, k]
    lower, upper = slack_bounds(np.concatenate([np.zeros(g.D), -np.ones(g.K)]))
    number = np.arange(g.K * g.Z * g.T).reshape(g.K, g.Z, g.T)
    groups = []
    for z in range(g.Z):
        for t in range(g.T):
            technology = sparse.lil_array((g.D + g.K, number.size))
            for each in types:
                arrived = number[each, z, : max(0, t - int(g.lead[each]) + 1)]
                technology[g.D + each, arrived] = -g.cap[each]
            groups.append(
                SampleGroup(
                    technology=sparse.csr_array(technology),
                    base=np.concatenate([np.zeros(g.D), g.cap * g.F0[:, z]]),
                    values=np.ascontiguousarray(g.demand[:, :, z, t]),
                    probability=np.full(g.S, 1.0 / g.S),
                )
            )
    family = RecourseFamily(
        matrix=matrix,
        cost=np.concatenate([g.op[d, k], g.penalty]),
        lower=np.zeros(count + g.D),
        upper=np.full(count + g.D, np.inf),
        slack_lower=lower,
        slack_upper=upper,
        random_rows=demands,
        groups=tuple(groups),
    )
    return TwoStageProgram(first=_first(g, number, integer), families=(family,))


def with_cost_at_risk(program: TwoStageProgram, weight: float, level: float) -> TwoStageProgram:
    """The program that minimises (1 - weight) E[cost] + weight CVaR at ``level`` of its recourse's cost."""
    first = program.first

    def wide(matrix: sparse.csr_array) -> sparse.csr_array:
        return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], 1))]))

    families = tuple(
        replace(
            family,
            groups=tuple(
                replace(
                    group,
                    technology=wide(group.technology),
                    weight=(1 - weight) * group.weight,
                    at_risk=(group.weight * family.cost)[None],
                )
                for group in family.groups
            ),
        )
        for family in program.families
    )
    paid = replace(
        first,
        cost=np.append(first.cost, weight),
        matrix=wide(first.matrix),
        column_lower=np.append(first.column_lower, -np.inf),
        column_upper=np.append(first.column_upper, np.inf),
        integer=np.append(first.integer, False),
    )
    return TwoStageProgram(first=paid, families=families, risks=(Risk(column=first.columns, level=level),))


def _first(g: SimpleNamespace, number: np.ndarray, integer: bool) -> LinearProgram:
    rows = sparse.lil_array((g.T + g.Z * g.T, number.size))
    upper = []
    for t in range(g.T):
        for each in range(g.K):
            rows[t, number[each, :, : t + 1].ravel()] = g.capex[each]
        upper.append(g.budget[t])
    for z in range(g.Z):
        for t in range(g.T):
            for each in range(g.K):
                arrived = number[each, z, : max(0, t - int(g.lead[each]) + 1)]
                rows[g.T + z * g.T + t, arrived] = g.power[each]
            upper.append(g.power_limit[z] - float(g.power @ g.F0[:, z]))
    return LinearProgram(
        cost=g.cost.ravel(),
        matrix=sparse.csr_array(rows),
        row_lower=np.full(len(upper), -np.inf),
        row_upper=np.array(upper),
        column_lower=np.zeros(number.size),
        column_upper=np.full(number.size, MOST_RACKS),
        integer=np.full(number.size, integer),
    )


def fleet(g: SimpleNamespace, *, integer: bool = False, protected: float = 0.0, risk: float = 0.0) -> FleetProblem:
    """The same fleet as a problem: a region per zone, every class at home in every region. ``protected`` share of the
    most critical class that must survive the loss of any zone (then all zones are one region); ``risk`` weight of the
    CVaR of cost."""
    one = protected > 0
    regions = ("all",) if one else tuple(f"r{z}" for z in range(g.Z))
    home = np.repeat(np.arange(g.Z), g.D) if not one else np.zeros(g.Z * g.D, dtype=int)
    names = tuple(f"c{d}@{z}" for z in range(g.Z) for d in range(g.D))
    shape, groups = (g.K, g.Z, g.T), g.Z * g.D
    nothing, free = np.zeros(shape), np.full((g.Z, g.T), np.inf)
    allowed = np.ones((groups, 1), dtype=bool) if one else home[:, None] == np.arange(g.Z)
    share = np.zeros((g.D, g.Z))
    share[0] = protected
    return FleetProblem(
        name="random",
        periods=tuple(f"t{t:02d}" for t in range(g.T)),
        resources=("capacity",),
        server_types=ServerTypes(
            names=tuple(f"k{k}" for k in range(g.K)),
            capacity=g.cap[:, None],
            lot=np.ones(g.K, dtype=np.int64),
            power_kw=g.power,
            rack_units=np.zeros(g.K),
            life=np.full(g.K, np.inf),
            failure_rate=np.zeros(g.K),
        ),
        sites=Sites(
            regions=regions,
            zones=tuple(f"z{z}" for z in range(g.Z)),
            zone_region=np.zeros(g.Z, dtype=int) if one else np.arange(g.Z),
            power_limit=np.repeat(g.power_limit[:, None], g.T, axis=1),
            rack_unit_limit=free,
        ),
        supply=Supply(
            price=g.cost,
            opex=nothing,
            lead_time=np.repeat(g.lead[:, None], g.Z, axis=1),
            order_limit=np.full(shape, MOST_RACKS),
            order_minimum=nothing,
            placed=nothing,
            initial=np.repeat(g.F0[:, :, None], g.T, axis=2),
            first_order=0,
            retirable=np.zeros((g.K, g.Z), dtype=bool),
            retirement_cost=np.zeros(g.K),
            salvage=np.zeros(g.K),
        ),
        groups=DemandGroups(
            names=names,
            classes=tuple(f"c{d}" for d in range(g.D)),
            group_class=np.tile(np.arange(g.D), g.Z),
            home_region=home,
            home_zone=np.full(groups, -1),
            usage=np.ones((groups, 1)),
            performance=np.tile(np.where(g.compatible, 1.0 / np.where(g.compatible, g.use, 1.0), 1.0), (g.Z, 1)),
            compatible=np.tile(g.compatible, (g.Z, 1)),
            serve_cost=np.tile(g.op, (g.Z, 1)),
            allowed_region=allowed,
            spill_cost=np.zeros(allowed.shape),
            overcommit=np.ones((groups, 1)),
        ),
        service=ServiceTargets(
            penalty=np.tile(g.penalty, g.Z),
            shortage_allowed=np.ones(groups, dtype=bool),
            fill_rate=np.full(g.D, np.nan),
            no_shortage_probability=np.full(g.D, np.nan),
            shortage_cvar_level=np.full(g.D, np.nan),
            shortage_cvar_limit=np.full(g.D, np.nan),
            protected_share=share,
        ),
        finance=Finance(
            currency="USD",
            discount_rate=0.0,
            capital="cash",
            capex_budget=np.full(g.T, np.inf),
            cumulative_budget=g.budget,
            opex_budget=np.full(g.T, np.inf),
            risk_weight=risk,
            risk_level=0.95,
        ),
        demand=GivenSamples(g.demand.transpose(0, 2, 1, 3).reshape(g.S, groups, g.T)),
        integer=integer,
        samples=g.S,
    )
