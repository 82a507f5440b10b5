"""Order quantities under quantity discounts: steady demand, unit prices that fall with the size of the order.

All-units: the price of the band an order falls in holds for every unit of it. Incremental: each band's price holds
for the units within the band. Holding costs ``holding_rate`` times the (average) price paid per unit and time.
Snyder & Shen, Fundamentals of Supply Chain Theory (2nd ed.), section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DiscountResult:
    """An order quantity per item, its cost per unit of time (purchases included) and the price band it falls in."""

    order_quantity: Array
    expected_cost: Array
    band: NDArray[np.int64]


def optimize_all_units_discount(
    demand_rate: ArrayLike,
    *,
    fixed_cost: ArrayLike,
    holding_rate: ArrayLike,
    breakpoints: ArrayLike,
    unit_costs: ArrayLike,
) -> DiscountResult:
    """The cheapest order quantity where the price of an order's band holds for all its units.

    ``breakpoints`` (bands,) start at 0 and increase: band b holds from ``breakpoints[b]`` up to, not including, the
    next. ``unit_costs`` has shape (bands,) or (items, bands). Other arguments are scalars or arrays over items.

    >>> best = optimize_all_units_discount(
    ...     1300, fixed_cost=8, holding_rate=0.3, breakpoints=[0, 400, 800], unit_costs=[0.75, 0.72, 0.68])
    >>> float(best.order_quantity), round(float(best.expected_cost), 2)
    (800.0, 978.6)
    """
    rate, fixed, holding, start, price = _inputs(demand_rate, fixed_cost, holding_rate, breakpoints, unit_costs)
    end = np.append(start[1:], np.inf)
    economic = np.sqrt(2.0 * fixed * rate / (holding * price))
    # Within a band the cost is convex: its best point is the economic quantity or the band's start. Quantities above
    # the band are left out: there a later band is cheaper.
    quantity = np.maximum(economic, start)
    cost = np.where(quantity < end, _spent(quantity, rate, fixed, holding, price, 0.0 * price), np.inf)
    return _cheapest(quantity, cost)


def optimize_incremental_discount(
    demand_rate: ArrayLike,
    *,
    fixed_cost: ArrayLike,
    holding_rate: ArrayLike,
    breakpoints: ArrayLike,
    unit_costs: ArrayLike,
) -> DiscountResult:
    """The cheapest order quantity where each band's price holds only for the units within the band.

    Arguments as in :func:`optimize_all_units_discount`; prices must fall from band to band.

    >>> best = optimize_incremental_discount(
    ...     1300, fixed_cost=8, holding_rate=0.3, breakpoints=[0, 400, 800], unit_costs=[0.75, 0.72, 0.68])
    >>> round(float(best.order_quantity), 2), round(float(best.expected_cost), 2)
    (304.05, 1043.41)
    """
    rate, fixed, holding, start, price = _inputs(demand_rate, fixed_cost, holding_rate, breakpoints, unit_costs)
    # An order in band b costs extra[b] + price[b] * quantity: extra is what the dearer first units add.
    extra = np.concatenate(
        [np.zeros((*price.shape[:-1], 1)), np.cumsum((price[..., :-1] - price[..., 1:]) * start[1:], axis=-1)], axis=-1
    )
    end = np.append(start[1:], np.inf)
    quantity = np.sqrt(2.0 * (fixed + extra) * rate / (holding * price))
    inside = (quantity >= start) & (quantity <= end)
    cost = np.where(inside, _spent(quantity, rate, fixed, holding, price, extra), np.inf)
    return _cheapest(quantity, cost)


def _inputs(
    demand_rate: ArrayLike,
    fixed_cost: ArrayLike,
    holding_rate: ArrayLike,
    breakpoints: ArrayLike,
    unit_costs: ArrayLike,
) -> tuple[Array, Array, Array, Array, Array]:
    start = _checks.increasing("breakpoints", breakpoints)
    price = _checks.positive("unit_costs", unit_costs)
    if price.ndim == 0 or price.shape[-1] != len(start):
        raise ArgumentError(f"unit_costs must have one price per band, {len(start)}, got shape {price.shape}")
    if start[0] != 0:
        raise ArgumentError(f"breakpoints must start at 0, got {start[0]:g}")
    _checks.non_negative("fall of unit_costs from band to band", price[..., :-1] - price[..., 1:])
    items = (
        _checks.positive("demand_rate", demand_rate),
        _checks.positive("fixed_cost", fixed_cost),
        _checks.positive("holding_rate", holding_rate),
    )
    shape = np.broadcast_shapes(*(array.shape for array in items), price.shape[:-1])
    rate, fixed, holding = (np.broadcast_to(array, shape)[..., None] for array in items)
    return rate, fixed, holding, start, np.broadcast_to(price, (*shape, len(start)))


def _spent(quantity: Array, rate: Array, fixed: Array, holding: Array, price: Array, extra: Array) -> Array:
    spent: Array = price * rate + (fixed + extra) * rate / quantity + 0.5 * holding * (price * quantity + extra)
    return spent


def _cheapest(quantity: Array, cost: Array) -> DiscountResult:
    band = np.argmin(cost, axis=-1)
    at = band[..., None]
    return DiscountResult(
        order_quantity=np.take_along_axis(quantity, at, axis=-1)[..., 0][()],
        expected_cost=np.take_along_axis(cost, at, axis=-1)[..., 0][()],
        band=np.asarray(band, dtype=np.int64)[()],
    )
