"""mpi-sppy on the shared generator's instance: its extensive form, or its L-shaped method, both with HiGHS.

    python benchmarks/peers/stochastic_mpisppy.py GENERATOR SAMPLES ef|lshaped LIMIT

Run in an environment of its own (``pip install mpi-sppy pyomo highspy mpi4py mpich``). Prints JSON: seconds to build,
seconds in all, objective, bound.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import time


def instance(path: str, samples: int):
    spec = importlib.util.spec_from_file_location("random_fleet", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate(n_samples=samples, seed=1)


def creator(g):
    """A function from a scenario's name to its Pyomo model, as mpi-sppy asks for."""
    import mpisppy.utils.sputils as sputils
    import pyomo.environ as pyo

    pairs = [(d, k) for d in range(g.D) for k in range(g.K) if g.compatible[d, k]]

    def make(name: str, **_):
        s = int(name[4:])
        m = pyo.ConcreteModel()
        m.n = pyo.Var(range(g.K), range(g.Z), range(g.T), bounds=(0, 200))
        m.y = pyo.Var(pairs, range(g.Z), range(g.T), domain=pyo.NonNegativeReals)
        m.u = pyo.Var(range(g.D), range(g.Z), range(g.T), domain=pyo.NonNegativeReals)
        spent = {t: sum(g.capex[k] * m.n[k, z, t] for k in range(g.K) for z in range(g.Z)) for t in range(g.T)}
        m.budget = pyo.Constraint(range(g.T), rule=lambda _, t: sum(spent[u] for u in range(t + 1)) <= g.budget[t])

        def installed(k, z, t):
            return g.F0[k, z] + sum(m.n[k, z, u] for u in range(max(0, t - int(g.lead[k]) + 1)))

        def at_most(left, right):
            return pyo.Constraint.Feasible if isinstance(left, float) else left <= right

        m.power = pyo.Constraint(
            range(g.Z),
            range(g.T),
            rule=lambda _, z, t: at_most(sum(g.power[k] * installed(k, z, t) for k in range(g.K)), g.power_limit[z]),
        )
        m.demand = pyo.Constraint(
            range(g.D),
            range(g.Z),
            range(g.T),
            rule=lambda m, d, z, t: (
                sum(m.y[e, k, z, t] for e, k in pairs if e == d) + m.u[d, z, t] == g.demand[s, d, z, t]
            ),
        )
        m.capacity = pyo.Constraint(
            range(g.K),
            range(g.Z),
            range(g.T),
            rule=lambda m, k, z, t: (
                sum(g.use[d, j] * m.y[d, j, z, t] for d, j in pairs if j == k) <= g.cap[k] * installed(k, z, t)
            ),
        )
        keys = [(k, z, t) for k in range(g.K) for z in range(g.Z) for t in range(g.T)]
        first = sum(g.cost[k, z, t] * m.n[k, z, t] for k, z, t in keys)
        places = [(z, t) for z in range(g.Z) for t in range(g.T)]
        second = sum(g.op[d, k] * m.y[d, k, z, t] for d, k in pairs for z, t in places)
        second += sum(g.penalty[d] * m.u[d, z, t] for d in range(g.D) for z, t in places)
        m.cost = pyo.Objective(expr=first + second)
        sputils.attach_root_node(m, first, [m.n])
        m._mpisppy_probability = 1.0 / g.S
        return m

    return make


def extensive(names, make, limit):
    from mpisppy.opt.ef import ExtensiveForm

    began = time.perf_counter()
    form = ExtensiveForm({"solver": "appsi_highs"}, names, make)
    built = time.perf_counter() - began
    form.solve_extensive_form(solver_options={"time_limit": limit})
    value = form.get_objective_value()
    return {"build_s": built, "objective": value, "bound": value}


def lshaped(names, make, limit):  # noqa: ARG001 its only limit is a number of iterations
    from mpisppy.opt.lshaped import LShapedMethod

    options = {
        "root_solver": "appsi_highs",
        "sp_solver": "highs",
        "root_solver_options": {},
        "sp_solver_options": {},
        "max_iter": 200,
        "tol": 1e-6,
        "verbose": False,
        "valid_eta_lb": dict.fromkeys(names, 0.0),
    }
    began = time.perf_counter()
    method = LShapedMethod(options, names, make)
    built = time.perf_counter() - began
    method.lshaped_algorithm()
    return {"build_s": built, "objective": float("nan"), "bound": float(method._LShaped_bound)}


def main() -> None:
    path, samples, how, limit = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    g = instance(path, samples)
    names = [f"Scen{s}" for s in range(samples)]
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        found = {"ef": extensive, "lshaped": lshaped}[how](names, creator(g), limit)
    print(json.dumps(found | {"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
