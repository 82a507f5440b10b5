"""How many items a run replenished, and what they cost together: over all items, also where only some are listed."""

from __future__ import annotations

from dataclasses import dataclass

from capacity_opt.report.contents import RunContents


@dataclass(frozen=True)
class Replenished:
    """``items`` in all, ``due`` for an order, ``expected_cost`` per period; ``listed`` in the table ``inventory``."""

    items: int
    due: int
    expected_cost: float
    listed: int

    @property
    def sentence(self) -> str:
        """How many are due."""
        return f"{self.due:,} of {self.items:,} items are due for an order"


def replenished(run: RunContents) -> Replenished | None:
    """The sums over all items; ``None`` where the run replenished none."""
    if not run.has("inventory"):
        return None
    lines = run.table("inventory")
    due, cost = float((lines["order_now"] > 0).sum()), float(lines["expected_cost"].sum())
    totals = run.table("inventory_totals") if run.has("inventory_totals") else None
    told = {} if totals is None else dict(zip(totals["measure"], totals["value"], strict=True))
    if "items" not in told:
        return Replenished(items=len(lines), due=int(due), expected_cost=cost, listed=len(lines))
    return Replenished(
        items=int(told["items"]), due=int(told["due"]), expected_cost=float(told["expected_cost"]), listed=len(lines)
    )
