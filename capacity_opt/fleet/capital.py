"""Money over time: what a server or a commitment bought in a period costs in present value, and in cash.

``cash``: the price when ordered, less salvage of what still runs at the end of its life or of the horizon.
``amortised``: an equal annuity per period of service whose present value over the whole life is the price (paid when
ordered) less salvage at the end of life; only the periods inside the horizon are charged, so a plan's cost per period
does not depend on where the horizon ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.frame import Frame

Array = NDArray[np.float64]


def capital_per_server(frame: Frame) -> Array:
    """Present value of one server ordered in t, inside the horizon, (K, Z, T). Delays do not change what is paid."""
    total: Array = capital_by_period(frame).sum(axis=-1)
    return total


def capital_by_period(frame: Frame) -> Array:
    """The same by the period charged, (K, Z, U ordered in, T charged in)."""
    return _cash(frame) if frame.problem.finance.capital == "cash" else _amortised(frame)


def _cash(frame: Frame) -> Array:
    problem, periods = frame.problem, frame.problem.sizes["T"]
    t, arrival = np.arange(periods), frame.planned_arrival
    paid = problem.supply.price * frame.discount[:-1]
    result: Array = paid[..., None] * (t[:, None] == t[None, :])
    salvage = problem.supply.salvage
    if not salvage.any():
        return result
    end = np.minimum(arrival + problem.server_types.life[:, None, None], periods).astype(np.int64)
    left = (1.0 - problem.server_types.failure_rate)[:, None, None] ** np.maximum(end - arrival, 0)
    back = salvage[:, None, None] * left * frame.discount[np.minimum(end, periods)] * (arrival < periods)
    k, z, u = np.indices(end.shape)
    np.subtract.at(result, (k, z, u, np.clip(end - 1, 0, periods - 1)), back)
    return result


def _amortised(frame: Frame) -> Array:
    problem, arrival = frame.problem, frame.planned_arrival
    life = problem.server_types.life[:, None, None]
    if not np.all(np.isfinite(life)):
        endless = [n for n, years in zip(problem.server_types.names, np.ravel(life), strict=True) if np.isinf(years)]
        raise ArgumentError(
            f"life must be finite where capital is 'amortised' (over which periods is the price spread?), got inf for "
            f"{', '.join(endless[:10])}. Give a life, or set capital = 'cash'"
        )
    rate = problem.finance.discount_rate
    factor = (1.0 + rate) ** -np.arange(float(np.max(life)) + 1.0)
    annuity_factor = np.concatenate([[0.0], np.cumsum(factor)])[life.astype(np.int64)]
    start = (1.0 + rate) ** -arrival.astype(np.float64)
    value = problem.supply.price * frame.discount[:-1]
    value = value - problem.supply.salvage[:, None, None] * start * (1.0 + rate) ** -life
    annuity = value / (start * annuity_factor)
    t = np.arange(problem.sizes["T"])
    serving = (t >= arrival[..., None]) & (t < (arrival + life)[..., None])
    charged: Array = annuity[..., None] * frame.discount[:-1] * serving
    return charged


def commitment_by_period(frame: Frame) -> Array:
    """Present value of one unit committed from u on, by period charged, (M, U, T)."""
    options, t = frame.problem.options, np.arange(frame.problem.sizes["T"])
    age = t[None, :] - t[:, None]
    in_force = (age >= 0)[None] & (age[None] < options.term[:, None, None])
    charged: Array = (
        frame.option_price[:, :, None] * in_force * frame.discount[:-1] * frame.is_commitment[:, None, None]
    )
    return charged


def commitment_cost(frame: Frame) -> Array:
    """Present value of one unit committed from t on, (M, T)."""
    total: Array = commitment_by_period(frame).sum(axis=-1)
    return total


def placed_capital(frame: Frame) -> float:
    """Present value of the racks already on order: the objective's constant."""
    servers = frame.problem.supply.placed * frame.problem.server_types.lot[:, None, None]
    return float((servers * capital_per_server(frame)).sum())
