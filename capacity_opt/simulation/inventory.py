"""Plays a replenishment policy against demand it has not seen and measures cost and every service measure.

Order of events in period t:

1. at a review (t = 0, R, 2R, ...) the policy looks at the position and orders;
2. what was ordered ``lead_time`` periods ago arrives (an order with lead time 0 arrives at once);
3. demand is met from stock; the rest waits (backorders) or is lost (``lost_sales=True``);
4. holding and stockout costs are charged on what the period ends with.

So an order placed at review t has to last until the next one arrives: lead time + review period periods of demand.
``review_period=0`` is continuous review, customer by customer: :mod:`capacity_opt.simulation.continuous`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.problem.network import SerialSystem
from capacity_opt.problem.policies import EchelonBaseStock, ProjectedInventoryLevel
from capacity_opt.simulation.asked import Asked, Given, asked, judge_seed
from capacity_opt.simulation.cells import Cells, is_continuous, lay_out, run
from capacity_opt.simulation.continuous import play_continuous
from capacity_opt.simulation.lead_times import LeadTimeProcess
from capacity_opt.simulation.period_play import MEASURES
from capacity_opt.simulation.projected import play_projected
from capacity_opt.simulation.result import SimulationResult, Sums, charged, result_of
from capacity_opt.simulation.rules import rule_of
from capacity_opt.simulation.serial import play_serial

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAD_TIMES = 1 << 40
"""Keeps the stream of lead times apart from those of demand, which are numbered by item."""


def simulate(
    policy: object,
    demand: Demand | Sequence[Demand] | Array,
    item: Item | SerialSystem,
    *,
    periods: int = 520,
    replications: int = 200,
    seed: int,
    lost_sales: bool = False,
    warm_up: int | None = None,
    initial_stock: ArrayLike | None = None,
    lead_time: LeadTimeProcess | None = None,
    level: float = 0.95,
) -> SimulationResult:
    """Play ``policy`` for ``periods`` counted periods in each of ``replications`` independent runs.

    ``demand`` is per period (a sequence: period t meets number t modulo its length; an array (replications, periods)
    or (replications, periods, n): given paths, warm-up included). Policy, demand and item broadcast
    over items; a demand given by scalars is shared by all items. ``warm_up`` periods are played first and not counted;
    by default enough to forget the start, or none where ``initial_stock`` (on hand, nothing on order) is given.
    A random ``lead_time`` takes the place of the item's. ``level`` is the confidence of the intervals. The same
    ``seed`` asks the same demand of every policy.

    >>> from capacity_opt import BaseStock, Item, Poisson
    >>> item = Item(holding_cost=1, stockout_cost=9)
    >>> judged = simulate(BaseStock(base_stock_level=6), Poisson(mean=5.0), item, seed=7)
    >>> judged.fill_rate.low < 0.90134 < judged.fill_rate.high  # Sobel's formula for lead time 0
    True
    """
    _check_counts(periods, replications)
    source = asked(demand)
    if isinstance(policy, EchelonBaseStock) or isinstance(item, SerialSystem):
        line, system = _serial(policy, item)
        return play_serial(
            line, source, system, periods=periods, replications=replications, seed=seed, warm_up=warm_up, level=level
        )
    if isinstance(policy, ProjectedInventoryLevel):
        return _projected(
            policy, source, item, (periods, replications, seed, warm_up), lost_sales=lost_sales, level=level
        )
    cells = lay_out(rule_of(policy), item, mean=source.mean, whole=source.discrete, lost_sales=lost_sales)
    usual = cells.warm_up + (0 if lead_time is None else 10 * max(lead_time.pmf))
    warm = _warm_up(warm_up, 0 if initial_stock is not None else usual)
    played = _continuous if is_continuous(item) else _periodic
    sums = played(cells, source, (periods, replications, warm, seed), initial_stock, lead_time)
    shaped = sums.reshape(len(MEASURES), replications, *cells.shape)
    totals = Sums(**dict(zip(MEASURES, shaped)), time=float(periods))
    money = charged(totals, item, lost_sales=lost_sales)
    return result_of(totals, money, lost_sales=lost_sales, level=level, warm_up=warm, seed=seed)


def _periodic(
    cells: Cells,
    source: Asked | Given,
    counts: tuple[int, int, int, int],
    initial_stock: ArrayLike | None,
    lead_time: LeadTimeProcess | None,
) -> Array:
    periods, replications, warm, seed = counts
    sums = np.zeros((len(MEASURES), replications, cells.items))
    drawn = source.chunks(items=cells.items, periods=periods + warm, replications=replications, seed=seed)
    for rows, items, values in drawn:
        start = cells.start(rows, replications, initial_stock)
        lead = _leads(lead_time, rows, periods + warm, seed)
        sums[:, rows, items] = run(cells.play(items, values, start, warm, lead))
    return sums


def _continuous(
    cells: Cells,
    source: Asked | Given,
    counts: tuple[int, int, int, int],
    initial_stock: ArrayLike | None,
    lead_time: LeadTimeProcess | None,
) -> Array:
    if lead_time is not None:
        raise ArgumentError("a random lead_time needs periodic review: give the item a review_period of at least 1")
    periods, replications, warm, seed = counts
    net = cells.start(slice(0, replications), replications, initial_stock)
    return play_continuous(cells, source, replications=replications, periods=periods, warm_up=warm, seed=seed, net=net)


def _serial(policy: object, item: Item | SerialSystem) -> tuple[EchelonBaseStock, SerialSystem]:
    if isinstance(policy, EchelonBaseStock) and isinstance(item, SerialSystem):
        return policy, item
    raise ArgumentError(
        f"EchelonBaseStock is played on a SerialSystem and nothing else is, got {type(policy).__name__} on "
        f"{type(item).__name__}"
    )


def _projected(
    policy: ProjectedInventoryLevel,
    source: Asked | Given,
    item: Item,
    counts: tuple[int, int, int, int | None],
    *,
    lost_sales: bool,
    level: float,
) -> SimulationResult:
    if not lost_sales:
        raise ArgumentError("ProjectedInventoryLevel is a policy for lost sales: say lost_sales=True")
    periods, replications, seed, given = counts
    warm = _warm_up(given, 20 + 10 * int(np.asarray(item.lead_time)))
    sums = play_projected(policy, source, item, periods=periods, replications=replications, seed=seed, warm_up=warm)
    totals = Sums(**dict(zip(MEASURES, sums)), time=float(periods))
    money = charged(totals, item, lost_sales=True)
    return result_of(totals, money, lost_sales=True, level=level, warm_up=warm, seed=seed)


def _leads(lead_time: LeadTimeProcess | None, rows: slice, periods: int, seed: int) -> IntArray | None:
    """The same lead times for every chunk of items, from a stream of their own."""
    if lead_time is None:
        return None
    rng = np.random.default_rng(judge_seed(seed, LEAD_TIMES, rows.start))
    return lead_time.draw(rows.stop - rows.start, periods, rng=rng)


def _check_counts(periods: int, replications: int) -> None:
    if periods < 1 or replications < 2:
        raise ArgumentError(f"periods must be >= 1 and replications >= 2, got {periods} and {replications}")


def _warm_up(given: int | None, usual: int) -> int:
    return usual if given is None else int(_checks.whole("warm_up", given))
