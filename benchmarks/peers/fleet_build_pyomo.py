"""The two-stage fleet model in Pyomo, written for speed: numbered indices, plain arrays, ready linear expressions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression


def total(factors: list[float], columns: list[Any]) -> LinearExpression:
    return LinearExpression(constant=0, linear_coefs=factors, linear_vars=columns)


def build(data: dict[str, Any]) -> Any:
    """One model from the plain arrays of ``fleet_build.peer_data``."""
    capacity, survival, need = data["capacity"].tolist(), data["survival"].tolist(), data["need"].tolist()
    K, Z, T = data["opex"].shape
    S, J, _ = data["demand"].shape
    R = data["capacity"].shape[1]
    p, lot, limit = data["probability"].tolist(), data["lot"].tolist(), data["order_limit"]
    ks, zs, ts, js, ss, rs = range(K), range(Z), range(T), range(J), range(S), range(R)
    m = pyo.ConcreteModel()
    may = [tuple(kzt) for kzt in np.argwhere(data["orderable"]).tolist()]
    allowed = set(may)
    m.racks = pyo.Var(may, domain=pyo.NonNegativeReals, bounds=lambda _, *kzt: (0, limit[kzt]))
    m.stock = pyo.Var(ks, zs, ts, domain=pyo.NonNegativeReals)
    m.served = pyo.Var(js, ks, ts, ss, domain=pyo.NonNegativeReals)
    m.unmet = pyo.Var(js, ts, ss, domain=pyo.NonNegativeReals)
    served, unmet, stock = dict(m.served.items()), dict(m.unmet.items()), dict(m.stock.items())
    owned, demand = data["owned"], data["demand"]

    @m.Constraint(ks, zs, ts)
    def stock_balance(_: Any, k: int, z: int, t: int) -> Any:
        ordered = [u for u in ts if (k, z, u) in allowed and survival[k][z][u][t] > 0]
        factors = [1.0, *(-lot[k] * survival[k][z][u][t] for u in ordered)]
        return (owned[k, z, t], total(factors, [stock[k, z, t], *(m.racks[k, z, u] for u in ordered)]), owned[k, z, t])

    @m.Constraint(js, ts, ss)
    def demand_met(_: Any, j: int, t: int, s: int) -> Any:
        body = total([1.0] * (K + 1), [*(served[j, k, t, s] for k in ks), unmet[j, t, s]])
        return (demand[s, j, t], body, demand[s, j, t])

    @m.Constraint(ks, rs, ts, ss)
    def capacity_kept(_: Any, k: int, r: int, t: int, s: int) -> Any:
        factors = [need[j][k][r] for j in js] + [-capacity[k][r]] * Z
        return (None, total(factors, [*(served[j, k, t, s] for j in js), *(stock[k, z, t] for z in zs)]), 0.0)

    @m.Constraint(zs, ts)
    def power(_: Any, z: int, t: int) -> Any:
        return (None, total(data["kw"].tolist(), [stock[k, z, t] for k in ks]), data["power"][z, t])

    @m.Constraint(js)
    def fill_rate(_: Any, c: int) -> Any:
        places = [(j, t, s) for j in js if data["counted"][c, j] > 0 for t, s in product(ts, ss)]
        return (None, total([p[s] for _, _, s in places], [unmet[place] for place in places]), data["allowed"][c])

    serve, penalty = data["serve_cost"].tolist(), data["penalty"].tolist()
    terms = [
        *((data["rack_cost"][kzt], m.racks[kzt]) for kzt in may),
        *((data["opex"][kzt], stock[kzt]) for kzt in product(ks, zs, ts)),
        *((serve[j][k] * p[s], served[j, k, t, s]) for j, k, t, s in product(js, ks, ts, ss)),
        *((penalty[j] * p[s], unmet[j, t, s]) for j, t, s in product(js, ts, ss)),
    ]
    m.total_cost = pyo.Objective(expr=total([factor for factor, _ in terms], [column for _, column in terms]))
    return m
