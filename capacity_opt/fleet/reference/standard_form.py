"""From the Pyomo model to arrays: the same :class:`LinearProgram` that the array builder makes, names included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.repn import generate_standard_repn
from scipy import sparse

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]


def linear_program_of(model: Any, *, columns: list[str] | None = None, rows: list[str] | None = None) -> LinearProgram:
    """Every active constraint and the objective of a Pyomo model as arrays.

    ``columns`` and ``rows`` give the order by canonical name (:func:`name_of`); what the model has beyond them comes
    after, what it lacks stays as an empty column fixed at 0 or an empty free row. Raises ``ArgumentError`` where an
    expression is not linear or the objective is not to be minimised.
    """
    variables = {name_of(v): v for v in model.component_data_objects(pyo.Var, active=True)}
    constraints = {name_of(c): c for c in model.component_data_objects(pyo.Constraint, active=True)}
    column_names, row_names = _in_order(columns, variables), _in_order(rows, constraints)
    place = {id(variables[name]): i for i, name in enumerate(column_names) if name in variables}
    matrix, row_lower, row_upper = _rows(constraints, row_names, place, len(column_names))
    cost, offset = _objective(model, place, len(column_names))
    bounds = np.array([_bounds(variables.get(name)) for name in column_names]).reshape(-1, 2)
    return LinearProgram(
        cost=cost,
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        column_lower=bounds[:, 0],
        column_upper=bounds[:, 1],
        integer=np.array([name in variables and variables[name].is_integer() for name in column_names], dtype=bool),
        offset=offset,
        row_names=lambda: list(row_names),
        column_names=lambda: list(column_names),
    )


def name_of(component: Any) -> str:
    """``block[label,label,...]``, as the array builder names it (labels are not quoted, empty ones left out)."""
    block, index = component.parent_component().name, component.index()
    labels = index if isinstance(index, tuple) else (index,)
    inside = ",".join(str(label) for label in labels if label not in (None, ""))
    return f"{block}[{inside}]" if inside else str(block)


def _in_order(wanted: list[str] | None, found: dict[str, Any]) -> list[str]:
    first = wanted or []
    known = set(first)
    return [*first, *(name for name in found if name not in known)]


def _rows(
    constraints: dict[str, Any], names: list[str], place: dict[int, int], columns: int
) -> tuple[sparse.csr_array, Array, Array]:
    starts, places, values = [0], list[int](), list[float]()
    lower, upper = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    for i, name in enumerate(names):
        if name in constraints:
            low, body, high = constraints[name].to_bounded_expression(evaluate_bounds=True)
            constant, terms = _linear(body, name, place)
            lower[i] = -np.inf if low is None else low - constant
            upper[i] = np.inf if high is None else high - constant
            places += terms.keys()
            values += terms.values()
        starts.append(len(places))
    matrix = sparse.csr_array((values, places, starts), shape=(len(names), columns), dtype=np.float64)
    matrix.sort_indices()
    return matrix, lower, upper


def _linear(expression: Any, name: str, place: dict[int, int]) -> tuple[float, dict[int, float]]:
    if not hasattr(expression, "is_expression_type"):
        return float(expression), {}
    found = generate_standard_repn(expression, compute_values=True, quadratic=False)
    if found.nonlinear_expr is not None:
        raise ArgumentError(f"{name} must be linear. Rewrite it, or solve the model with a solver that Pyomo knows")
    terms: dict[int, float] = {}
    for coefficient, variable in zip(found.linear_coefs, found.linear_vars):
        if id(variable) not in place:
            raise ArgumentError(f"{name} uses {variable.name}, which is not part of the model or is not active")
        terms[place[id(variable)]] = terms.get(place[id(variable)], 0.0) + float(coefficient)
    return float(found.constant), {column: value for column, value in terms.items() if value != 0}


def _objective(model: Any, place: dict[int, int], columns: int) -> tuple[Array, float]:
    active = list(model.component_data_objects(pyo.Objective, active=True))
    if len(active) != 1 or active[0].sense != pyo.minimize:
        raise ArgumentError(f"the model must have one active objective, to be minimised, got {len(active)}")
    offset, terms = _linear(active[0].expr, active[0].name, place)
    cost = np.zeros(columns)
    cost[list(terms.keys())] = list(terms.values())
    return cost, offset


def _bounds(variable: Any) -> tuple[float, float]:
    if variable is None:
        return 0.0, 0.0
    if variable.fixed:
        return float(variable.value), float(variable.value)
    low, high = variable.bounds
    return -np.inf if low is None else float(low), np.inf if high is None else float(high)
