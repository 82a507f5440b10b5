"""Cost and service of a policy whose position has a known stationary distribution.

Every measure follows from averages over the position y after ordering: of E[max(D - y, 0)], P(D > y) and P(D >= y), D
the demand until costs are counted (:mod:`capacity_opt.inventory.exposure`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory.law import by_width, of_items

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StockMeasures:
    """What a policy costs and how well it serves, per item, in the long run.

    Money per period: ``expected_cost`` = ``ordering_cost`` + ``holding_cost`` + ``stockout_cost``. ``on_hand`` and
    ``expected_backorders`` in units where costs are counted: at the end of each period under periodic review, over
    time under continuous review. ``no_stockout`` (alpha): P(no backorders) there; ``ready_rate``: P(stock on hand)
    there. ``fill_rate`` (beta): share of demand met at once from stock. ``gamma``: 1 - backorders / mean demand per
    period. ``cycle_service_level``: P(demand over the protection interval <= reorder point). ``orders_per_period``:
    orders placed, whatever their size. ``method`` names the method used per item.
    """

    expected_cost: Array
    ordering_cost: Array
    holding_cost: Array
    stockout_cost: Array
    on_hand: Array
    expected_backorders: Array
    no_stockout: Array
    ready_rate: Array
    fill_rate: Array
    gamma: Array
    cycle_service_level: Array
    orders_per_period: Array
    method: str | NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Averages:
    """Averages over the position y after ordering; all (items,). ``position`` of y, ``unmet`` units short per period.

    ``loss`` of E[max(D - y, 0)], ``above`` of P(D > y), ``reach`` of P(D >= y); ``mean`` is E[D], ``rate`` the mean
    demand per period. ``cycle_service`` is P(D <= r) and ``shortage`` E[max(D - r, 0)] over the protection interval.
    """

    position: Array
    loss: Array
    above: Array
    reach: Array
    unmet: Array
    orders: Array
    cycle_service: Array
    shortage: Array
    mean: Array
    rate: Array


def measures(
    averages: Averages, holding: Array, stockout: Array, short: Array, fixed: Array, shape: tuple[int, ...]
) -> dict[str, Array]:
    """Every field of :class:`StockMeasures` but the method, in the items' shape. ``short`` is paid per unit short."""
    moving = averages.rate > 0
    rate = np.where(moving, averages.rate, 1.0)
    on_hand = np.maximum(averages.position - averages.mean + averages.loss, 0.0)
    ordering = fixed * averages.orders
    held = holding * on_hand
    waiting = stockout * averages.loss + short * averages.unmet
    found = {
        "expected_cost": ordering + held + waiting,
        "ordering_cost": ordering,
        "holding_cost": held,
        "stockout_cost": waiting,
        "on_hand": on_hand,
        "expected_backorders": averages.loss,
        "no_stockout": 1.0 - averages.above,
        "ready_rate": 1.0 - averages.reach,
        "fill_rate": np.where(moving, 1.0 - averages.unmet / rate, 1.0),
        "gamma": np.where(moving, 1.0 - averages.loss / rate, 1.0),
        "cycle_service_level": averages.cycle_service,
        "orders_per_period": averages.orders,
    }
    return {name: value.reshape(shape)[()] for name, value in found.items()}


def methods(name: str, shape: tuple[int, ...]) -> str | NDArray[np.str_]:
    """One method for all items: a plain text for a single item, a (read-only) array over items otherwise."""
    return name if shape == () else np.broadcast_to(np.array(name), shape)


def averages_over(
    demand: Demand, top: Array, weights: Array | None, gap: NDArray[np.int64], step: Array
) -> tuple[Array, Array, Array]:
    """Loss, P(D > y) and P(D >= y) averaged over y = top, top - step, ..., ``gap`` (items,) points down.

    ``weights`` (items, widest) belong to those points in that order, each row summing to 1; ``None`` is uniform.
    """
    found = np.empty((3, len(top)))
    for items in by_width(gap):
        used = np.arange(int(gap[items].max()))[:, None]
        inside = used < gap[items]
        share = inside / gap[items] if weights is None else np.where(inside, weights[items, : len(used)].T, 0.0)
        asked = of_items(demand, items)
        points = top[items] - used * step[items]
        # cumsum adds in one order whatever the shape: one item alone and among many gives the same bits.
        for k, value in enumerate((asked.loss(points), asked.survival(points), asked.survival(points - step[items]))):
            found[k, items] = np.cumsum(share * value, axis=0)[-1]
    return found[0], found[1], found[2]
