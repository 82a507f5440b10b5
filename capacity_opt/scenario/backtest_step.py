"""The backtest step: models ranked by what deciding with them would have cost, as tables and a sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capacity_opt.scenario.backtest_tables import BacktestProblem
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_judge import Backtest
from capacity_opt.simulation.backtest import Backtest as Found
from capacity_opt.simulation.backtest import ModelScore, backtest_quantiles

COLUMNS = (
    "model",
    "order_level",
    "rule",
    "cost",
    "holding",
    "stockout",
    "ordering",
    "fill_rate",
    "dearer",
    "dearer_low",
    "dearer_high",
    "pinball",
    "bias",
    "BillingCurrency",
)


def run_backtest(problem: BacktestProblem, section: Backtest, tell: Callable[[str], None]) -> Found:
    """Act on every model's forecasts."""
    forecasts = {**problem.forecasts, **({} if problem.engine is None else problem.engine.issued(tell))}
    tell(f"backtest of {len(forecasts)} models, {len(problem.items):,} items, {len(problem.periods)} periods")
    return backtest_quantiles(
        forecasts,
        problem.levels,
        problem.history,
        problem.item,
        order_level=section.order_level,
        decision=section.decision,
        lost_sales=section.lost_sales,
        censored=problem.censored,
        initial_stock=None,
        warm_up=section.warm_up,
        tune=section.tune,
        whole_units=section.whole_units,
    )


def backtest_tables(found: Found, currency: str) -> dict[str, Table]:
    """``backtest``: a row per model and rule, cheapest first; ``coverage``: a row per model and level."""
    rows = [dict(zip(COLUMNS, _row(score, currency), strict=True)) for score in found.scores]
    by_model = {score.name: score for score in found.scores}
    covered = [
        {"model": name, "level": float(level), "covered": float(share)}
        for name, score in by_model.items()
        for level, share in zip(found.levels, score.coverage)
    ]
    return {"backtest": table_of(rows, COLUMNS), "coverage": table_of(covered, ("model", "level", "covered"))}


def _row(score: ModelScore, currency: str) -> tuple[object, ...]:
    level = float(np.mean(score.order_level))
    money = (score.cost, score.holding, score.stockout, score.ordering)
    dearer = (float(score.dearer.value), float(score.dearer.low), float(score.dearer.high))
    return (score.name, level, score.rule, *money, score.fill_rate, *dearer, score.pinball, score.bias, currency)


def backtest_facts(found: Found) -> dict[str, object]:
    """For the manifest: what was counted, and what should be known before the ranking is believed."""
    return {
        "best": found.scores[0].name,
        "rule": found.scores[0].rule,
        "periods": found.periods,
        "forecasts": found.forecasts,
        "censored_share": found.censored_share,
        "outside_levels": max(found.outside.values()),
    }


def backtest_answer(found: Found, currency: str) -> str:
    """Which model decides cheapest, and whether that is sure."""
    best = found.scores[0]
    level = float(np.mean(best.order_level))
    said = f"Decisions by {_named(best)} at its {level:.3g} quantile would have cost least: "
    said += f"{best.cost:,.6g} {currency} a period"
    rival = next((score for score in found.scores if score.name != best.name), None)
    if rival is not None:
        low, high = float(rival.dearer.low), float(rival.dearer.high)
        sure = "" if low > 0 else "; that they differ is not certain"
        interval = f" (interval {low:,.4g} to {high:,.4g}{sure})" if np.isfinite(low) else ""
        said += f"; {_named(rival)} {float(rival.dearer.value):,.4g} more{interval}"
    sharpest = min(found.scores, key=lambda score: score.pinball if np.isfinite(score.pinball) else np.inf)
    if sharpest.name != best.name and np.isfinite(sharpest.pinball):
        said += f"; the least pinball loss has {sharpest.name}"
    if found.censored_share > 0:
        said += f"; {found.censored_share:.1%} of the periods ran out of stock, so every cost is understated"
    return said


def _named(score: ModelScore) -> str:
    return f"{score.name} (tuned)" if score.rule == "tuned" else score.name
