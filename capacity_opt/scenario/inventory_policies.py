"""Which family answers for which policy: the one place where the names of policies are bound to code."""

from __future__ import annotations

from collections.abc import Callable

from capacity_opt.scenario import inventory_backorders as backorders
from capacity_opt.scenario import inventory_lost_sales as lost
from capacity_opt.scenario.inventory_lots import eoq, wagner_whitin
from capacity_opt.scenario.inventory_part import Part, Solved
from capacity_opt.scenario.inventory_periods import finite_horizon
from capacity_opt.scenario.inventory_shared import shared

FAMILIES: dict[str, Callable[[Part], Solved]] = {
    "base_stock": backorders.base_stock,
    "newsvendor": backorders.newsvendor,
    "rq": backorders.rq,
    "ss": backorders.ss,
    "lost_sales": lost.lost_sales,
    "capped": lost.capped,
    "projected": lost.projected,
    "eoq": eoq,
    "wagner_whitin": wagner_whitin,
    "finite_horizon": finite_horizon,
}


def solved(part: Part) -> Solved:
    """The answer of the part's family, or of the limit that all items share."""
    return shared(part) if part.inventory.shared else FAMILIES[part.policy](part)
