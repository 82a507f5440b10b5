"""Whether what was promised was delivered: a target against the judged interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from capacity_opt.simulation.estimate import Estimate

Outcome = Literal["kept", "above", "not_kept", "no_target"]

SLACK = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """``kept``: the target lies inside the judged interval; ``above``: the whole interval lies above it; ``not_kept``:
    the whole interval lies below. ``promised`` is what the optimiser claimed on its own samples (NaN: nothing)."""

    subject: str
    measure: str
    target: float
    promised: float
    low: float
    value: float
    high: float
    outcome: Outcome
    sentence: str


def judge(target: float, judged: Estimate, *, subject: str, measure: str, promised: float = float("nan")) -> Verdict:
    """Compare one target (NaN: none) with one scalar estimate; more is better.

    >>> judged = Estimate(value=0.969, low=0.966, high=0.972, replications=2000)
    >>> verdict = judge(0.98, judged, subject="critical", measure="fill")
    >>> print(verdict.outcome + ": " + verdict.sentence)
    not_kept: critical: fill 98% was promised, 96.9% judged (95 % interval 96.6% to 97.2%, 2,000 samples): not kept.
    """
    low, value, high = float(judged.low), float(judged.value), float(judged.high)
    outcome = _outcome(target, low, high)
    places = max(_places(number) for number in (target, low, value, high))
    seen = f"{_percent(value, places)} judged"
    if high > low:
        interval = f"{_percent(low, places)} to {_percent(high, places)}"
        seen += f" ({100 * judged.level:g} % interval {interval}, {judged.replications:,} samples)"
    wording = {"kept": "kept", "above": "kept, with room to spare", "not_kept": "not kept"}
    named = measure.replace("_", " ")
    if outcome == "no_target":
        sentence = f"{subject}: {named} {seen}, nothing promised."
    else:
        sentence = f"{subject}: {named} {_percent(target, places)} was promised, {seen}: {wording[outcome]}."
    return Verdict(
        subject=subject,
        measure=measure,
        target=target,
        promised=promised,
        low=low,
        value=value,
        high=high,
        outcome=outcome,
        sentence=sentence,
    )


def promise_kept(verdicts: Iterable[Verdict]) -> bool:
    """Whether no verdict is ``not_kept``."""
    return all(verdict.outcome != "not_kept" for verdict in verdicts)


def _outcome(target: float, low: float, high: float) -> Outcome:
    if target != target:
        return "no_target"
    if high < target - SLACK:
        return "not_kept"
    return "above" if low > target + SLACK else "kept"


def _places(share: float) -> int:
    """As many decimals of a percentage as the distance to 100 % needs to be seen."""
    places = 1
    while places < 6 and 0 < 1 - share < 2 * 10.0 ** (-places - 2):
        places += 1
    return places


def _percent(share: float, places: int) -> str:
    return f"{100 * share:.{places}f}".rstrip("0").rstrip(".") + "%"
