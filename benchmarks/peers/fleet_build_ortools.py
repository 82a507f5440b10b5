"""The two-stage fleet model in OR-tools' model builder, by its weighted sums."""

from __future__ import annotations

from typing import Any

import numpy as np


def build(data: dict[str, Any]) -> Any:
    """One model from the plain arrays of ``fleet_build.peer_data``."""
    from ortools.linear_solver.python import model_builder as mb

    total = mb.LinearExpr.weighted_sum
    capacity, survival, need = data["capacity"], data["survival"], data["need"]
    K, Z, T = data["opex"].shape
    S, J, _ = data["demand"].shape
    R = capacity.shape[1]
    p = data["probability"]
    model = mb.Model()
    racks = np.full((K, Z, T), None, dtype=object)
    for k, z, t in np.argwhere(data["orderable"]):
        racks[k, z, t] = model.new_num_var(0, data["order_limit"][k, z, t], "")
    stock = np.array([model.new_num_var(0, np.inf, "") for _ in range(K * Z * T)], dtype=object).reshape(K, Z, T)
    count = J * K * T * S
    served = np.array([model.new_num_var(0, np.inf, "") for _ in range(count)], dtype=object).reshape(J, K, T, S)
    unmet = np.array([model.new_num_var(0, np.inf, "") for _ in range(J * T * S)], dtype=object).reshape(J, T, S)
    for k, z, t in np.ndindex(K, Z, T):
        ordered = [u for u in range(T) if data["orderable"][k, z, u] and survival[k, z, u, t] > 0]
        row = [stock[k, z, t], *(racks[k, z, u] for u in ordered)]
        factors = [1.0, *(-data["lot"][k] * survival[k, z, u, t] for u in ordered)]
        model.add(total(row, factors) == data["owned"][k, z, t])
    for j, t, s in np.ndindex(J, T, S):
        model.add(total([*served[j, :, t, s], unmet[j, t, s]], [1.0] * (K + 1)) == data["demand"][s, j, t])
    for k, r, t, s in np.ndindex(K, R, T, S):
        columns = [*served[:, k, t, s], *stock[k, :, t]]
        model.add(total(columns, [*need[:, k, r], *([-capacity[k, r]] * Z)]) <= 0)
    for z, t in np.ndindex(Z, T):
        model.add(total(list(stock[:, z, t]), list(data["kw"])) <= data["power"][z, t])
    for c in range(J):
        inside = np.flatnonzero(data["counted"][c])
        weights = np.broadcast_to(p, (len(inside), T, S)).ravel()
        model.add(total(list(unmet[inside].ravel()), list(weights)) <= data["allowed"][c])
    made = data["orderable"]
    columns = [*racks[made], *stock.ravel(), *served.ravel(), *unmet.ravel()]
    costs = [
        data["rack_cost"][made],
        data["opex"].ravel(),
        (data["serve_cost"][:, :, None, None] * np.ones((1, 1, T, 1)) * p).ravel(),
        (data["penalty"][:, None, None] * np.ones((1, T, 1)) * p).ravel(),
    ]
    model.minimize(total(columns, list(np.concatenate(costs))))
    return model
