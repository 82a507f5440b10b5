"""The two-stage fleet model in linopy, whole blocks at a time. Runs in linopy's own environment:
``python fleet_build_linopy.py data.npz build|solve`` prints one line of JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import linopy
import numpy as np
import pandas as pd
import xarray as xr


def build(data: dict[str, Any]) -> Any:
    K, Z, T = data["opex"].shape
    S, J, _ = data["demand"].shape
    R = data["capacity"].shape[1]
    k, z, t, j, s, r, u, c = (
        pd.RangeIndex(n, name=name)
        for n, name in zip((K, Z, T, J, S, R, T, J), ("k", "z", "t", "j", "s", "r", "u", "c"))
    )
    axes = {"k": k, "z": z, "t": t, "j": j, "s": s, "r": r, "u": u, "c": c}

    def table(name: str, dims: str) -> xr.DataArray:
        return xr.DataArray(data[name], coords=[axes[d] for d in dims], dims=list(dims))

    p = table("probability", "s")
    model = linopy.Model()
    limit, may = table("order_limit", "kzu"), table("orderable", "kzu")
    racks = model.add_variables(0, limit, coords=[k, z, u], name="racks", mask=may)
    stock = model.add_variables(0, coords=[k, z, t], name="stock")
    served = model.add_variables(0, coords=[j, k, t, s], name="served")
    unmet = model.add_variables(0, coords=[j, t, s], name="unmet")
    arrived = (racks * (table("survival", "kzut") * table("lot", "k"))).sum("u")
    model.add_constraints(stock - arrived == table("owned", "kzt"), name="stock_balance")
    model.add_constraints(served.sum("k") + unmet == table("demand", "sjt"), name="demand")
    capacity = table("capacity", "kr")
    model.add_constraints((served * table("need", "jkr")).sum("j") - (stock * capacity).sum("z") <= 0, name="capacity")
    model.add_constraints((stock * table("kw", "k")).sum("k") <= table("power", "zt"), name="power")
    lacking = (unmet * p).sum(["t", "s"])
    model.add_constraints((lacking * table("counted", "cj")).sum("j") <= table("allowed", "c"), name="fill_rate")
    model.add_objective(
        (racks * table("rack_cost", "kzu")).sum()
        + (stock * table("opex", "kzt")).sum()
        + (served * (table("serve_cost", "jk") * p)).sum()
        + (unmet * (table("penalty", "j") * p)).sum()
    )
    return model


def main() -> None:
    data = dict(np.load(sys.argv[1]))
    build(data)  # the first build pays for imports
    started = time.perf_counter()
    model = build(data)
    built = time.perf_counter()
    matrix = model.matrices.A.tocsr()
    done = time.perf_counter()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    optimum = float("nan")
    if sys.argv[2] == "solve":
        model.solve("highs", output_flag=False)
        optimum = float(model.objective.value)
    rows, columns = matrix.shape
    sizes = {"rows": rows, "columns": columns, "nonzeros": int(matrix.nnz)}
    print(json.dumps({"build": built - started, "matrix": done - built, **sizes, "optimum": optimum}))


if __name__ == "__main__":
    main()
