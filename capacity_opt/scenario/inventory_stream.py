"""Replenishment of a stream of items: decided and written chunk by chunk, judged on a sample of the items.

Every item's line goes to the table ``inventory_all``. The table ``inventory`` holds the orders worth most, each with
its sentence; ``inventory_judged`` the items drawn for the judge, who cannot play millions; ``inventory_totals`` the
sums over all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario.inventory_step import InventoryOutcome, decide, inventory_tables, item_columns, replenish
from capacity_opt.scenario.inventory_tables import Inventory
from capacity_opt.scenario.item_stream import ItemStream
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.scenario.timeline import Timeline
from capacity_opt.scenario.undivided import undivided

Array = NDArray[np.float64]
Columns = dict[str, Any]

JUDGED_ITEMS = 500
MOST_VALUABLE = 1_000
BAR = 20


@dataclass
class StreamOutcome:
    """Sums over ``count`` items, ``due`` of which are to be ordered; ``kept`` what the judge found on the sample."""

    count: int
    due: int = 0
    units: float = 0.0
    money: float = 0.0
    expected_cost: float = 0.0
    asked: float = 0.0
    filled: float = 0.0
    judged: list[Table] = field(default_factory=list)
    dearest: Columns = field(default_factory=dict)
    worth: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def kept(self) -> bool:
        """Whether the judge found every promise of the sample kept."""
        return all("not_kept" not in table.columns["verdict"] for table in self.judged)

    def tables(self) -> dict[str, Table]:
        """The tables of the run folder, without the one that was written on the way."""
        judged = _joined([table.columns for table in self.judged])
        dearest = {name: values for name, values in self.dearest.items() if not _says_nothing(values)}
        totals = {
            "items": float(self.count),
            "due": float(self.due),
            "units_ordered": self.units,
            "order_value": self.money,
            "expected_cost": self.expected_cost,
            "expected_fill_rate": self.filled / self.asked if self.asked > 0 else 1.0,
            "judged_items": float(len(judged.get("item", ()))),
        }
        return {
            "inventory": Table(dearest),
            "inventory_judged": Table(judged),
            "inventory_totals": Table({"measure": list(totals), "value": np.array(list(totals.values()))}),
        }


def replenish_stream(
    stream: ItemStream,
    simulation: Simulation,
    timeline: Timeline,
    *,
    seed: int,
    write: Callable[[Columns], None],
    tell: Callable[[str], None],
    stopped: Callable[[], bool],
) -> StreamOutcome:
    """Decide on every item; ``write`` gets the columns of each chunk, in the items' order.

    Once ``stopped()``, Ctrl-C ends it with the chunks that are done, and comes through where there is none.
    """
    outcome = StreamOutcome(0)
    try:
        _every_chunk(outcome, stream, simulation, timeline, seed=seed, write=write, tell=tell, stopped=stopped)
    except (KeyboardInterrupt, SystemError):
        if not (stopped() and outcome.count):
            raise
    return outcome


def _every_chunk(
    outcome: StreamOutcome,
    stream: ItemStream,
    simulation: Simulation,
    timeline: Timeline,
    *,
    seed: int,
    write: Callable[[Columns], None],
    tell: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    begun = time.monotonic()
    drawn = np.random.default_rng(seed).choice(stream.count, size=min(JUDGED_ITEMS, stream.count), replace=False)
    for number, inventory in enumerate(stream.chunks(Problems())):
        if stopped():
            break
        assert inventory is not None, "every chunk was read and checked before"
        decided = decide(inventory, timeline, at_once=len(inventory.names))
        columns = item_columns(inventory, decided, every=True)
        done, judged = outcome.count, []
        here = np.sort(drawn[(drawn >= done) & (drawn < done + len(inventory.names))]) - done
        if len(here):
            sample = inventory.take(here)
            played = replenish(sample, simulation, timeline, seed=seed + 1_000 * number, judged_items=len(drawn))
            judged.append(inventory_tables(sample, played)["inventory"])
        with undivided():
            write(columns)
            _add(outcome, inventory, decided)
            _keep_dearest(outcome, inventory, decided, columns)
            outcome.judged += judged
        tell(_progress(outcome.count, stream.count, time.monotonic() - begun))


def _add(outcome: StreamOutcome, inventory: Inventory, decided: InventoryOutcome) -> None:
    outcome.count += len(inventory.names)
    order, mean = decided.order_now, np.asarray(inventory.demand.mean)
    served = decided.values["fill_rate"]
    outcome.due += int(np.count_nonzero(order > 0))
    outcome.units += float(np.nansum(order))
    outcome.money += float(np.nansum(order * inventory.unit_cost))
    outcome.expected_cost += float(np.nansum(decided.values["expected_cost"]))
    outcome.asked += float(np.sum(mean[~np.isnan(served)]))
    outcome.filled += float(np.nansum(served * mean))


def _keep_dearest(outcome: StreamOutcome, inventory: Inventory, decided: InventoryOutcome, columns: Columns) -> None:
    """Keep the orders worth most (most units, where units have no price)."""
    price = np.where(np.isnan(inventory.unit_cost), 1.0, inventory.unit_cost)
    worth = np.nan_to_num(decided.order_now) * price
    chosen = np.argsort(-worth, kind="stable")[:MOST_VALUABLE]
    told = decided.reasons.sentences(chosen)
    rows = {name: _picked(values, chosen) for name, values in columns.items()}
    nothing = np.full(len(chosen), np.nan)
    rows |= dict.fromkeys(("judged_fill_rate", "judged_low", "judged_high", "judged_cost"), nothing)
    rows |= {"verdict": ["no_target"] * len(chosen), "explanation": [told[place] for place in chosen.tolist()]}
    both = _joined([outcome.dearest, rows]) if outcome.dearest else rows
    outcome.worth = np.concatenate([outcome.worth, worth[chosen]])
    best = np.argsort(-outcome.worth, kind="stable")[:MOST_VALUABLE]
    outcome.worth = outcome.worth[best]
    outcome.dearest = {name: _picked(values, best) for name, values in both.items()}


def _picked(values: Any, chosen: NDArray[np.intp]) -> Any:
    return values[chosen] if isinstance(values, np.ndarray) else [values[i] for i in chosen.tolist()]


def _joined(parts: list[Columns]) -> Columns:
    """Columns one below the other; a column that a part lacks is blank there."""
    names = dict.fromkeys(name for part in parts for name in part)
    sizes = [len(next(iter(part.values()), ())) for part in parts]
    return {
        name: _stacked([part.get(name, np.full(size, np.nan)) for part, size in zip(parts, sizes, strict=True)])
        for name in names
    }


def _stacked(pieces: list[Any]) -> Any:
    if all(isinstance(piece, np.ndarray) for piece in pieces):
        return np.concatenate(pieces)
    return [value for piece in pieces for value in piece]


def _says_nothing(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f" and bool(np.isnan(values).all())


def _progress(done: int, count: int, seconds: float) -> str:
    share = done / count
    bar = ("=" * int(BAR * share)).ljust(BAR)
    left = seconds * (1.0 - share) / share
    return f"replenishment [{bar}] {share:4.0%}, {done:,} of {count:,} items, {seconds:.0f} s, about {left:.0f} s left"
