"""Recommendations of a scenario: commitments, sizes and steering, ranked by expected saving per month or period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.recommendation.ranked import Recommendation, ranked
from capacity_opt.recommendation.right_size import right_size
from capacity_opt.recommendation.steer import steer
from capacity_opt.scenario.recommend_commit import HOURS_A_MONTH, commitments
from capacity_opt.scenario.recommend_tables import RecommendInput, Sizable, Steerable
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_customers import Recommend

Array = NDArray[np.float64]
IDLE_SAMPLES = 1000
COLUMNS = (
    "rank", "kind", "subject", "action", "saving", "saving_low", "saving_high", "risk", "reversible", "who", "price",
    "reason",
)  # fmt: skip
COMMITMENTS = (
    "pool", "three_year_units", "one_year_units", "coverage", "utilization", "effective_savings_rate",
    "break_even_three_years", "break_even_one_year", "tried_cost", "lookback_cost", "hindsight_cost",
)  # fmt: skip
SIZES = ("workload", "instance", "option", "price", "throttle", "chosen", "on_curve")


@dataclass(frozen=True)
class RecommendOutcome:
    """Ranked recommendations and the tables behind them."""

    recommendations: tuple[Recommendation, ...]
    tables: dict[str, Table]

    def answer(self, currency: str) -> str:
        """One sentence."""
        if not self.recommendations:
            return "nothing to recommend would save money"
        best, total = self.recommendations[0], sum(each.saving for each in self.recommendations)
        return (
            f"{len(self.recommendations)} recommendations would save {total:,.0f} {currency} a month, the most: "
            f"{best.subject}: {best.action[:1].lower()}{best.action[1:]}"
        )


def recommend(
    given: RecommendInput,
    section: Recommend,
    problem: FleetProblem | None,
    plan: FleetPlan | None,
    *,
    periods_a_month: float,
    seed: int,
) -> RecommendOutcome:
    """Every recommendation that the given tables allow; money per month."""
    found: list[Recommendation] = []
    tables: dict[str, Table] = {}
    if given.commitable:
        made = list(commitments(given.commitable, window=section.commitment_window, held_out=section.held_out))
        found += [each for each, _ in made]
        tables["recommended_commitments"] = table_of([{"pool": e.subject, **m} for e, m in made], COMMITMENTS)
    if given.sizable is not None:
        rows: list[dict[str, object]] = []
        found += _sizes(given.sizable, section.throttle, rows)
        tables["recommended_sizes"] = table_of(rows, SIZES)
    if given.steerable is not None and problem is not None and plan is not None:
        found += _steered(given.steerable, problem, plan, section.idle_quantile, periods_a_month, seed)
    best = ranked(found)
    tables["recommendations"] = table_of([_row(rank, each) for rank, each in enumerate(best, start=1)], COLUMNS)
    return RecommendOutcome(best, tables)


def _row(rank: int, each: Recommendation) -> dict[str, object]:
    return {
        "rank": rank, "kind": each.kind, "subject": each.subject, "action": each.action, "saving": each.saving,
        "saving_low": each.low, "saving_high": each.high, "risk": each.risk, "reversible": each.reversible,
        "who": each.who, "price": each.price, "reason": each.reason,
    }  # fmt: skip


def _sizes(given: Sizable, tolerance: float, rows: list[dict[str, object]]) -> Iterator[Recommendation]:
    for name, usage, now in zip(given.workloads, given.usage, given.instance):
        told = right_size(usage[None], given.capacity, given.price, tolerance=tolerance)
        chosen, curve = int(told.option[0]), set(told.curve(0, given.price).tolist())
        rows += [
            {"workload": name, "instance": now, "option": option, "price": float(given.price[o]),
             "throttle": float(told.throttle_by_option[0, o]), "chosen": o == chosen, "on_curve": o in curve}
            for o, option in enumerate(given.options)
        ]  # fmt: skip
        if chosen < 0 or not now or given.options[chosen] == now:
            continue
        saving = float(given.price[given.options.index(now)] - given.price[chosen]) * HOURS_A_MONTH
        binding = given.resources[int(told.binding[0])]
        before = told.throttle_by_option[0, given.options.index(now)]
        yield Recommendation(
            kind="right_size",
            subject=name,
            action=f"Move from {now} to {given.options[chosen]}",
            saving=saving,
            low=saving,
            high=saving,
            risk=float(told.throttle_high[0]),
            reversible="at the next restart",
            who="the workload's owner",
            reason=(
                f"short of a resource in {told.throttle[0]:.2%} of hours (at most {told.throttle_high[0]:.2%}; now "
                f"{before:.2%}); {binding} is the resource with the least room"
            ),
        )


def _steered(
    given: Steerable, problem: FleetProblem, plan: FleetPlan, quantile: float, periods_a_month: float, seed: int
) -> Iterator[Recommendation]:
    """Offers of other regions: worth the plan's price of a unit at home less its price there."""
    worth = _unit_prices(problem, plan)
    for c in sorted(set(given.of_class.tolist())):
        asked = np.flatnonzero(given.of_class == c)
        gain = np.maximum(worth[c][given.region[asked]][:, None] - worth[c][None, :], 0.0)
        idle = _idle(problem, plan, c, quantile, seed)
        told = steer(given.units[asked], given.affinity[asked], gain, idle, ranking="given", price=np.zeros(len(idle)))
        for i, option in zip(asked.tolist(), told.option.tolist()):
            if option >= 0:
                yield _offer(given, problem, i, option, worth[c], idle[option], periods_a_month)


def _offer(
    given: Steerable, problem: FleetProblem, i: int, option: int, worth: Array, idle: float, periods_a_month: float
) -> Recommendation:
    home, chance = int(given.region[i]), float(given.affinity[i, option])
    full = float(given.units[i] * (worth[home] - worth[option])) * periods_a_month
    regions = problem.sites.regions
    return Recommendation(
        kind="steer",
        subject=given.customers[i],
        action=f"Offer {regions[option]} in place of {regions[home]} for {given.units[i]:,.6g} units",
        saving=chance * full,
        low=0.0,
        high=full,
        risk=0.0,
        reversible="until it moves",
        who="sales",
        reason=(
            f"takes it with probability {chance:.0%}; a unit costs {worth[home]:,.4g} a period in {regions[home]}, "
            f"{worth[option]:,.4g} in {regions[option]}, where {idle:,.6g} units are idle"
        ),
        price=float(worth[home] - worth[option]),
    )


def _unit_prices(problem: FleetProblem, plan: FleetPlan) -> Array:
    """(C, G) money per demand unit and period by the plan's prices of resources: what one unit less saves."""
    prices = {price.name: price.value for price in plan.prices}
    worth = np.zeros((len(problem.groups.classes), len(problem.sites.regions)))
    usage = _class_usage(problem)
    for g, region in enumerate(problem.sites.regions):
        per = np.array([prices.get(f"resource[{region},{name}]", 0.0) for name in problem.resources])
        worth[:, g] = usage @ per / len(problem.periods)
    return worth


def _class_usage(problem: FleetProblem) -> Array:
    """(C, R) resource per demand unit of each class, of its first group."""
    first = [int(np.flatnonzero(problem.groups.group_class == c)[0]) if c in problem.groups.group_class else -1
             for c in range(len(problem.groups.classes))]  # fmt: skip
    need = problem.groups.usage / problem.groups.overcommit
    return np.stack([need[j] if j >= 0 else np.zeros(len(problem.resources)) for j in first])


def _idle(problem: FleetProblem, plan: FleetPlan, c: int, quantile: float, seed: int) -> Array:
    """(G,) units of class c that fit in each region in every period, but for a ``quantile`` of outcomes."""
    draws, chance = problem.demand.draw(IDLE_SAMPLES, seed=seed)
    need = problem.groups.usage / problem.groups.overcommit
    idle = np.zeros(len(problem.sites.regions))
    for g in range(len(idle)):
        here = problem.sites.zone_region == g
        room = np.einsum("kzt,kr->tr", plan.stock[:, here], problem.server_types.capacity)
        mine = problem.groups.home_region == g
        asked = np.einsum("sjtb,jr->strb", draws[:, mine], need[mine])
        left = (room[None, :, :, None] - asked).min(axis=(1, 3))
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = np.where(_class_usage(problem)[c] > 0, left / _class_usage(problem)[c], np.inf).min(axis=1)
        order = np.argsort(fits)
        idle[g] = max(0.0, float(fits[order][np.searchsorted(np.cumsum(chance[order]), quantile)]))
    return idle
