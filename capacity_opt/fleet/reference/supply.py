"""First stage: racks ordered, servers retired, commitments begun, and the stock that follows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from capacity_opt.fleet.reference.blocks import (
    CONTINUOUS,
    WHOLE,
    at_least,
    at_most,
    columns,
    equal,
    minus,
    rows,
    there,
    total,
)
from capacity_opt.fleet.reference.data import Data, World


def add_supply(m: Any, data: Data) -> None:
    """Columns ``racks``, ``recourse_racks``, ``retired``, ``stock``, ``committed``; rows ``stock_balance``,
    ``retirable``, ``never_shrink``, ``never_grow``."""
    _orders(m, data)
    _retirement(m, data)
    _commitments(m, data)
    places = [(*kzt, *w) for kzt, w in product(_places(data), data.worlds)]
    columns(m, "stock", places)

    def arrived(k: str, z: str, t: str, w: World) -> Iterator[tuple[float, Any]]:
        return ((data.lot[k] * data.survival(k, z, u, t, w), racks_in(m, data, k, z, u, w)) for u in data.periods)

    def gone(k: str, z: str, t: str) -> Iterator[tuple[float, Any]]:
        return ((data.kept_share(k, z, u, t), there(m.retired, k, z, u)) for u in data.periods)

    @rows(m, "stock_balance", places)
    def stock_balance(k: str, z: str, t: str, *w: str) -> Any:
        """What is in service is what was there, what arrived, less what was retired."""
        stock = [(1.0, m.stock[k, z, t, *w])]
        return equal(total(stock, minus(arrived(k, z, t, w)), gone(k, z, t)), data.owned_before(k, z, t, w))

    @rows(m, "retirable", [(k, z, t) for k, z, t in _places(data) if any((k, z, u) in m.retired for u in data.periods)])
    def retirable(k: str, z: str, t: str) -> Any:
        """No more is retired than is left of the servers of the past."""
        return at_most(total(gone(k, z, t)), data.initial[k, z, t])

    _monotone(m, data)


def racks_in(m: Any, data: Data, k: str, z: str, u: str, w: World) -> Any:
    """The racks ordered in u as one supply world knows them; ``None`` where nothing can be ordered."""
    return there(m.recourse_racks, k, z, u, *w) if data.is_late(u) else there(m.racks, k, z, u)


def _places(data: Data) -> list[tuple[str, str, str]]:
    return list(product(data.types, data.zones, data.periods))


def _orders(m: Any, data: Data) -> None:
    kind = WHOLE if data.problem.integer else CONTINUOUS
    orderable = [kzt for kzt in _places(data) if data.orderable(*kzt)]
    early = [kzt for kzt in orderable if not data.is_late(kzt[2])]
    late = [(*kzt, s) for kzt in orderable if data.is_late(kzt[2]) for s in data.samples]
    columns(m, "racks", early, kind=kind, upper=lambda *kzt: data.order_limit[kzt])
    columns(m, "recourse_racks", late, kind=kind, upper=lambda *kzts: data.order_limit[kzts[:3]])


def _retirement(m: Any, data: Data) -> None:
    first = data.problem.supply.first_order
    may = [
        (k, z, t)
        for k, z, t in _places(data)
        if data.retirable[k, z] and data.initial[k, z, t] > 0 and data.when[t] >= first
    ]
    kind = WHOLE if data.problem.integer else CONTINUOUS
    columns(m, "retired", may, kind=kind, upper=lambda *kzt: data.initial[kzt])


def _commitments(m: Any, data: Data) -> None:
    may = [
        (o, t) for o, t in product(data.options, data.periods) if data.is_commitment(o) and data.option_limit[o, t] > 0
    ]
    columns(m, "committed", may, upper=lambda o, t: data.option_limit[o, t])


def _monotone(m: Any, data: Data) -> None:
    """From one period to the next the stock of flagged servers may not fall, or not rise."""
    supply, before = data.problem.supply, dict(zip(data.periods[1:], data.periods))
    for name, flags, bound in (
        ("never_shrink", supply.never_shrink, at_least),
        ("never_grow", supply.never_grow, at_most),
    ):
        if flags is None:
            continue
        flagged = [(k, z) for (i, k), (j, z) in product(enumerate(data.types), enumerate(data.zones)) if flags[i, j]]
        steps = [(k, z, t, *w) for (k, z), t, w in product(flagged, before, data.worlds)]

        def step(k: str, z: str, t: str, *w: str, bound: Any = bound) -> Any:
            return bound(total([(1.0, m.stock[k, z, t, *w]), (-1.0, m.stock[k, z, before[t], *w])]), 0.0)

        rows(m, name, steps)(step)
