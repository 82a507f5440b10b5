"""Whom to steer where, and what that saves: the plan's prices rank the offers, playing the plan decides on them.

Every customer is asked in the order of the table for the place whose offer ranks highest and fits. The plan is then
played with and without the moves, on equal outcomes; moves that would not save anything are dropped and the rest is
asked again. So an offer is never made, nor refused, because of a price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.recommendation.ranked import Recommendation
from capacity_opt.recommendation.steer import steer
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.steer_moves import Move, MovesOf, PlayedRoom
from capacity_opt.scenario.steer_tables import Steerable
from capacity_opt.simulation.stage import Stage

Array = NDArray[np.float64]
Kind = tuple[object, ...]
SAMPLES = 500
MOST_PLAYS = 60
ROUNDS = 4
BELOW_ALL = 1e-9
LOW, HIGH = 0.05, 0.95
COLUMNS = (
    "customer", "offer", "units", "affinity", "price_home", "price_there", "idle", "saving_if_taken", "outcome",
    "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Priced:
    """What a unit costs by the plan's prices, money per period, (n, m): where it is now, and where it would be (for as
    many units as it needs there), concession included."""

    home: Array
    there: Array

    @property
    def gain(self) -> Array:
        """What the prices say that a moved unit saves."""
        return self.home - self.there


def steered(
    given: Steerable, problem: FleetProblem, plan: FleetPlan, *, quantile: float, periods_a_month: float, seed: int
) -> tuple[list[Recommendation], Table]:
    """The offers to make, and a row for every customer and offer that says what became of it."""
    moves = MovesOf.of(given, problem)
    stage = Stage.of(_for_groups(plan, moves), moves.problem, samples=SAMPLES, seed=seed)
    priced = _priced(moves, plan)
    played = stage.play(stage.world.demand, free=True)
    assert played.free is not None
    before = stage.cost(played)
    worthless: set[Kind] = set()
    chosen, saved = np.full(len(given.group), -1), dict[int, Array]()
    room = PlayedRoom(stage, moves, played.free, quantile)
    for _ in range(ROUNDS):
        room = PlayedRoom(stage, moves, played.free, quantile)
        chosen = _asked(given, moves, priced, room, worthless)
        saved, useless = _played(given, moves, stage, before, chosen, priced)
        if not useless:
            break
        worthless |= useless
    made = [i for i in range(len(chosen)) if chosen[i] >= 0 and i in saved]
    scale = {i: periods_a_month / (given.last[i] - given.first[i] + 1) for i in made}
    told = [_worded(given, moves, priced, room, stage, i, int(chosen[i]), saved[i] * scale[i]) for i in made]
    rows = _rows(given, moves, priced, room, {i: int(chosen[i]) for i in made}, worthless)
    means = {i: float(stage.chance @ saved[i]) * scale[i] for i in made}
    for row in rows:
        row["saving_if_taken"] = means[row.pop("at")] if row["outcome"] == "offered" else (row.pop("at"), np.nan)[1]
    return told, table_of(rows, COLUMNS)


def _for_groups(plan: FleetPlan, moves: MovesOf) -> FleetPlan:
    """The plan for a problem with more groups: they are worth as much as the dearest of their class."""
    if plan.shortage_worth is None or not moves.added:
        return plan
    old, classes = len(plan.shortage_worth), moves.problem.groups.group_class
    more = [
        max(plan.shortage_worth[classes[:old] == c], default=float(plan.shortage_worth.max())) for c in classes[old:]
    ]
    return replace(plan, shortage_worth=np.concatenate([plan.shortage_worth, more]))


def _priced(moves: MovesOf, plan: FleetPlan) -> Priced:
    given, problem = moves.given, moves.problem
    home, there = np.zeros(given.affinity.shape), np.zeros(given.affinity.shape)
    if plan.capacity_worth is None:
        return Priced(home, there)
    by_group = _group_prices(problem, plan.capacity_worth)
    for i, option in np.argwhere(given.affinity > 0).tolist():
        move = moves.move(i, option)
        span = move.last - move.first + 1
        home[i, option] = by_group[move.origin, move.periods][:, list(move.hours)].sum() / span
        priced = by_group[move.target, move.periods][:, list(move.hours_there)].sum() / span
        there[i, option] = priced * move.there / move.units + given.concession[i, option]
    return Priced(home, there)


def _group_prices(problem: FleetProblem, worth: Array) -> Array:
    """(J, T, B) what a unit of demand of a group takes up at its home, on the server type where that is cheapest."""
    groups = problem.groups
    performance = np.where(groups.performance > 0, groups.performance, np.inf)
    need = groups.usage[:, None, :] / (groups.overcommit[:, None, :] * performance[:, :, None])
    price = np.full((len(groups.names), *worth.shape[3:]), np.inf)
    for j, g in enumerate(groups.home_region.tolist()):
        for k in np.flatnonzero(groups.compatible[j]).tolist():
            rows = np.where(need[j, k, :, None, None] > 0, worth[k, g], 0.0)
            taken = np.einsum("r,rtb->tb", need[j, k], np.where(np.isnan(rows), np.inf, rows))
            price[j] = np.minimum(price[j], taken + groups.serve_cost[j, k] * problem.block_share)
    return np.where(np.isinf(price), 0.0, price)


def _asked(
    given: Steerable, moves: MovesOf, priced: Priced, room: PlayedRoom, worthless: set[Kind]
) -> NDArray[np.int64]:
    """(n,) the offer to each customer, -1 for none: ranked by price, accepted wherever it fits."""
    gain = np.where(priced.gain > 0, priced.gain, BELOW_ALL / (1.0 - priced.gain))
    for i, option in np.argwhere(given.affinity > 0).tolist():
        if moves.kind(i, option) in worthless:
            gain[i, option] = 0.0
    asked = np.where(given.affinity > 0, given.affinity, 0.0)
    none = np.zeros(len(given.offers))
    return steer(given.units, asked, np.maximum(gain, 0.0), room, ranking="given", price=none).option


def _played(
    given: Steerable, moves: MovesOf, stage: Stage, before: Array, chosen: NDArray[np.int64], priced: Priced
) -> tuple[dict[int, Array], set[Kind]]:
    """What the offers save in every outcome if all are taken, customer -> (S,), per unit alike within moves between the
    same places (played one kind on top of the other, the dearest first); and the kinds that save nothing."""
    kinds: dict[Kind, list[int]] = {}
    for i in np.flatnonzero(chosen >= 0).tolist():
        kinds.setdefault(moves.kind(i, int(chosen[i])), []).append(i)
    order = sorted(kinds.values(), key=lambda who: -float(priced.gain[who[0], chosen[who[0]]]))
    rest = [i for who in order[MOST_PLAYS:] for i in who]
    order = [*order[:MOST_PLAYS], *([rest] if rest else [])]
    demand, now, saved, useless = stage.world.demand, before, dict[int, Array](), set[Kind]()
    for who in order:
        move = [moves.move(i, int(chosen[i])) for i in who]
        after_move = _all_applied(demand, move, moves.problem.block_share)
        after = stage.cost(stage.play(after_move))
        given_up = sum(given.concession[i, chosen[i]] * given.units[i] * (m.last - m.first + 1)
                       for i, m in zip(who, move))  # fmt: skip
        saving = now - after - given_up
        if float(stage.chance @ saving) <= 1e-9 * max(1.0, float(stage.chance @ before)):
            useless |= {moves.kind(i, int(chosen[i])) for i in who}
            continue
        units = given.units[who] / given.units[who].sum()
        saved |= {i: saving * share for i, share in zip(who, units.tolist())}
        demand, now = after_move, after
    return saved, useless


def _all_applied(demand: Array, moves: Sequence[Move], block_share: Array) -> Array:
    for each in moves:
        demand = each.applied(demand, block_share)
    return demand


def _worded(
    given: Steerable, moves: MovesOf, priced: Priced, room: PlayedRoom, stage: Stage, i: int, option: int, saved: Array
) -> Recommendation:
    """``saved`` (S,): a month, if the offer is taken."""
    problem, offer, chance = moves.problem, given.offers[option], float(given.affinity[i, option])
    mean, taken = chance * float(stage.chance @ saved), stage.chance * chance
    low, high = _range(np.concatenate([[0.0], saved]), np.concatenate([[1.0 - chance], taken]))
    home, there = float(priced.home[i, option]), float(priced.there[i, option])
    return Recommendation(
        kind="steer",
        subject=given.customers[i],
        action=f"Offer {offer.told(problem)} for {given.units[i]:,.6g} units of {problem.groups.names[given.group[i]]}",
        saving=mean,
        low=min(low, mean),
        high=max(high, mean),
        risk=float(taken[saved < 0].sum()),
        reversible="until it moves",
        who="sales",
        reason=(
            f"takes it with probability {chance:.0%}; a unit is priced {home:,.4g} a period where it is and "
            f"{there:,.4g} there, where {room.alone(i, option):,.6g} units are idle in {room.nearly_all} of "
            f"outcomes; saves {float(stage.chance @ saved):,.6g} a month if taken, in the plan as played"
        ),
        price=home - there,
    )


def _range(values: Array, weight: Array) -> tuple[float, float]:
    """Where the middle 90 % of a distribution lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    low, high = (values[order[min(int(np.searchsorted(reached, at)), len(order) - 1)]] for at in (LOW, HIGH))
    return float(low), float(high)


def _rows(
    given: Steerable,
    moves: MovesOf,
    priced: Priced,
    room: PlayedRoom,
    made: Mapping[int, int],
    worthless: set[Kind],
) -> list[dict[str, Any]]:
    rows = []
    for i, option in np.argwhere(given.affinity > 0).tolist():
        idle = room.alone(i, option)
        outcome, why = "another", "another offer ranks higher"
        if made.get(i) == option:
            outcome, why = "offered", ""
        elif moves.kind(i, option) in worthless:
            outcome, why = "saves_nothing", "the plan played with the move costs no less"
        elif i not in made:
            outcome = "no_room"
            why = f"only {idle:,.6g} units are idle there in {room.nearly_all} of outcomes"
            if idle >= given.units[i]:
                why = f"the {idle:,.6g} units idle there went to those asked before"
        rows.append({
            "at": i, "customer": given.customers[i], "offer": given.offers[option].told(moves.problem),
            "units": float(given.units[i]), "affinity": float(given.affinity[i, option]),
            "price_home": float(priced.home[i, option]), "price_there": float(priced.there[i, option]),
            "idle": idle, "outcome": outcome, "reason": why,
        })  # fmt: skip
    return rows
