"""What can be seen to be wrong before a model is built: values out of range are errors, oddities are remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem

Array = NDArray[np.float64]


def lint_problem(problem: FleetProblem) -> tuple[str, ...]:
    """Check the ranges of every table; returns remarks on what is allowed but odd. Raises ``ArgumentError``."""
    _types(problem)
    _supply(problem)
    _groups(problem)
    _targets(problem)
    _options(problem)
    return (*_buys_nothing(problem), *_never_needed(problem))


def _types(problem: FleetProblem) -> None:
    types, sites = problem.server_types, problem.sites
    _checks.non_negative("capacity", types.capacity)
    _checks.whole("lot", types.lot, at_least=1)
    _checks.non_negative("power_kw", types.power_kw)
    _checks.non_negative("rack_units", types.rack_units)
    _checks.positive("life", np.where(np.isinf(types.life), 1.0, types.life))
    _checks.between("failure_rate", types.failure_rate, 0.0, 1.0)
    _checks.between("zone_region", sites.zone_region, 0, max(0, problem.sizes["G"] - 1))
    for name, limit in (("power_limit", sites.power_limit), ("rack_unit_limit", sites.rack_unit_limit)):
        _checks.non_negative(name, np.where(np.isinf(limit), 0.0, limit))


def _supply(problem: FleetProblem) -> None:
    supply = problem.supply
    for name in ("price", "opex", "order_minimum", "placed", "initial"):
        _checks.non_negative(name, getattr(supply, name))
    _checks.whole("lead_time", supply.lead_time)
    _checks.non_negative("order_limit", np.where(np.isinf(supply.order_limit), 0.0, supply.order_limit))
    above = (supply.order_minimum > supply.order_limit) & (supply.order_limit > 0)
    if np.any(above):
        k, z, t = np.argwhere(above)[0]
        raise ArgumentError(
            f"order_minimum must not exceed order_limit, got {supply.order_minimum[k, z, t]:g} > "
            f"{supply.order_limit[k, z, t]:g} for {problem.server_types.names[k]} in {problem.sites.zones[z]}, "
            f"{problem.periods[t]}. To forbid the order set order_limit = 0"
        )
    if supply.recourse_from is not None and np.any(supply.order_minimum > 1):
        raise ArgumentError("order_minimum cannot be combined with recourse_from. Drop one of the two")
    if problem.finance.discount_rate <= -1:
        raise ArgumentError(f"discount_rate must be above -1, got {problem.finance.discount_rate:g}")


def _groups(problem: FleetProblem) -> None:
    groups, service = problem.groups, problem.service
    _checks.non_negative("usage", groups.usage)
    _checks.positive("overcommit", groups.overcommit)
    _checks.non_negative("performance", groups.performance)
    _checks.non_negative("serve_cost", groups.serve_cost)
    _checks.non_negative("spill_cost", groups.spill_cost)
    _checks.between("group_class", groups.group_class, 0, max(0, problem.sizes["C"] - 1))
    _checks.between("home_zone", groups.home_zone, -1, max(-1, problem.sizes["Z"] - 1))
    homeless = ~groups.compatible.any(axis=1) | ~groups.allowed_region.any(axis=1)
    stuck = homeless & ~service.shortage_allowed
    if stuck.any():
        names = [groups.names[j] for j in np.flatnonzero(stuck)[:10]]
        raise ArgumentError(
            f"{', '.join(names)} must be served but no server type or region is allowed for them. "
            "Give a compatible type and region, or allow shortage"
        )


def _targets(problem: FleetProblem) -> None:
    service, finance = problem.service, problem.finance
    _checks.non_negative("penalty", service.penalty)
    for name in ("fill_rate", "no_shortage_probability", "protected_share"):
        value = getattr(service, name)
        _checks.share(name, value[~np.isnan(value)])
    limited = ~np.isnan(service.shortage_cvar_limit)
    _checks.non_negative("shortage_cvar_limit", service.shortage_cvar_limit[limited])
    _checks.fraction("shortage_cvar_level", service.shortage_cvar_level[limited])
    _checks.share("protected_quantile", service.protected_quantile)
    _checks.share("risk_weight", finance.risk_weight)
    _checks.fraction("risk_level", finance.risk_level)


def _options(problem: FleetProblem) -> None:
    options, sizes = problem.options, problem.sizes
    count, periods = sizes["M"], sizes["T"]
    for name, expected in (
        ("price", (count, periods)),
        ("limit", (count, periods)),
        ("server_type", (count,)),
        ("region", (count,)),
        ("term", (count,)),
        ("availability", (count,)),
    ):
        shape = getattr(options, name).shape
        if count and shape != expected:
            raise ArgumentError(f"options.{name} must have shape {expected}, got {shape}")
    if not count:
        return
    _checks.non_negative("options.price", options.price)
    _checks.share("options.availability", options.availability)
    _checks.whole("options.term", options.term, at_least=1)
    _checks.between("options.server_type", options.server_type, 0, sizes["K"] - 1)
    _checks.between("options.region", options.region, 0, sizes["G"] - 1)


def _buys_nothing(problem: FleetProblem) -> list[str]:
    service, names = problem.service, problem.groups.names
    promised = np.isfinite(service.fill_rate) | np.isfinite(service.no_shortage_probability)
    promised |= np.isfinite(service.shortage_cvar_limit) | (np.nan_to_num(service.protected_share).max(axis=1) > 0)
    later = np.array([promised[c:].any() for c in range(len(promised))])[problem.groups.group_class]
    unloved = service.shortage_allowed & (service.penalty <= 0) & ~later
    return [
        f"{names[j]} has no penalty and no promise: the plan will buy nothing for it" for j in np.flatnonzero(unloved)
    ]


def _never_needed(problem: FleetProblem) -> list[str]:
    used = problem.groups.compatible.any(axis=0)
    return [
        f"{problem.server_types.names[k]} serves no demand: it will never be ordered" for k in np.flatnonzero(~used)
    ]
