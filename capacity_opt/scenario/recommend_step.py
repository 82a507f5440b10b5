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
from capacity_opt.scenario.recommend_commit import HOURS_A_MONTH, commitments
from capacity_opt.scenario.recommend_tables import RecommendInput, Sizable
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_customers import Recommend
from capacity_opt.scenario.steer_step import steered
from capacity_opt.scenario.steer_words import steering_told

Array = NDArray[np.float64]
LEAST_RISK = 0.05
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
        steering = self.tables.get("recommended_steering")
        why = "" if steering is None else steering_told(steering.columns)
        why = f"; {why[:1].lower()}{why[1:]}" if why else ""
        if not self.recommendations:
            return "nothing to recommend would save money" + why
        best, total = self.recommendations[0], sum(each.saving for each in self.recommendations)
        return (
            f"{len(self.recommendations)} recommendations would save {total:,.0f} {currency} a month, the most: "
            f"{best.subject}: {best.action[:1].lower()}{best.action[1:]}{why}"
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
        offers, tables["recommended_steering"] = steered(
            given.steerable,
            problem,
            plan,
            quantile=section.idle_quantile,
            periods_a_month=periods_a_month,
            seed=seed,
        )
        found += offers
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
        full = float(given.price[given.options.index(now)] - given.price[chosen]) * HOURS_A_MONTH
        binding = given.resources[int(told.binding[0])]
        before = told.throttle_by_option[0, given.options.index(now)]
        risk = float(told.overrun[0]) if full > 0 else 0.0
        yield Recommendation(
            kind="right_size",
            subject=name,
            action=f"Move from {now} to {given.options[chosen]}",
            saving=full * (1.0 - risk),
            low=min(full, 0.0) if risk > LEAST_RISK else full * (1.0 - risk),
            high=full,
            risk=risk,
            reversible="at the next restart",
            who="the workload's owner",
            reason=(
                f"throttled in {told.throttle[0]:.2%} of hours there (at most {told.throttle_high[0]:.2%} with 97.5 % "
                f"confidence; now {before:.2%}), {tolerance:.2%} tolerated; {binding} has the least room; moves back "
                f"if a month is throttled more than that, chance {risk:.1%}"
            ),
        )
