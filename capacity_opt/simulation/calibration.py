"""Ask for a little more than was promised until what is judged meets the promise, and say what that honesty costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.simulation.estimate import Estimate

Array = NDArray[np.float64]
Plan = TypeVar("Plan")

MOST_NINES = 1e-7


@dataclass(frozen=True, kw_only=True)
class CalibrationStep:
    """One plan made: the target ``asked`` of the optimiser, and what was ``judged``."""

    asked: Array
    judged: Estimate


@dataclass(frozen=True, kw_only=True)
class Calibration(Generic[Plan]):
    """``plan`` is the least demanding plan tried whose judged lower bounds meet ``target`` (``met``), or the last one;
    ``asked`` the target it was made for. ``first`` is the plan made for the target as it stands: what ``plan`` costs
    more is the price of honesty."""

    target: Array
    asked: Array
    plan: Plan
    first: Plan
    met: bool
    steps: tuple[CalibrationStep, ...]


def calibrate(
    replan: Callable[[Array], Plan],
    judge: Callable[[Plan], Estimate],
    target: ArrayLike,
    *,
    tolerance: float = 0.1,
    rounds: int = 8,
) -> Calibration[Plan]:
    """Move the target until the judged lower bound meets it.

    ``replan(asked)`` makes a plan for targets of the shape of ``target`` (shares; NaN: no promise); ``judge(plan)``
    gives an estimate of that shape, always on the same samples and never on those the plan was made from. The shortfall
    is measured in nines: if 2 % unmet was promised and 3 % judged, the next plan is asked for 2/3 of what was asked
    last. Between a plan that falls short and one that meets the target the search closes in until the met bound is
    within ``tolerance`` of the allowed shortage, or ``rounds`` plans were made.

    >>> found = calibrate(lambda asked: asked, lambda plan: Estimate(
    ...     value=1 - 1.5 * (1 - plan), low=1 - 1.6 * (1 - plan), high=1 - 1.4 * (1 - plan), replications=100), 0.98)
    >>> found.met, round(float(found.asked), 4), len(found.steps)
    (True, 0.9875, 2)
    """
    wanted = np.asarray(_checks.numbers("target", target))
    _checks.fraction("target", wanted[~np.isnan(wanted)])
    allowed = 1.0 - wanted
    asked, short, enough = allowed.copy(), np.full_like(allowed, np.nan), np.full_like(allowed, np.nan)
    steps: list[CalibrationStep] = []
    plans: list[Plan] = []
    best: int | None = None
    missed = np.zeros_like(allowed)
    for _ in range(rounds):
        plans.append(replan(1.0 - asked))
        judged = judge(plans[-1])
        steps.append(CalibrationStep(asked=1.0 - asked, judged=judged))
        left = np.maximum(1.0 - np.asarray(judged.low), MOST_NINES)
        met = ~(left > allowed * (1.0 + 1e-9))
        if np.all(met):
            best = len(plans) - 1 if best is None or np.nansum(asked) >= np.nansum(1.0 - steps[best].asked) else best
        enough = np.where(met, np.fmax(asked, enough), enough)
        short = np.where(met, short, np.fmin(asked, short))
        close = met & ((left >= allowed * (1.0 - tolerance)) | np.isnan(short))
        if best is not None and np.all(close | np.isnan(wanted)):
            break
        missed = np.where(met, 0.0, missed + 1.0)
        asked = _next(asked, allowed, left, short, enough, np.maximum(missed, 1.0))
    chosen = len(plans) - 1 if best is None else best
    return Calibration(
        target=wanted,
        asked=steps[chosen].asked,
        plan=plans[chosen],
        first=plans[0],
        met=best is not None,
        steps=tuple(steps),
    )


def _next(asked: Array, allowed: Array, left: Array, short: Array, enough: Array, missed: Array) -> Array:
    """The shortage to allow next: scaled by what was missed, inside what is known to be too much and enough; bolder
    after every plan in a row that fell short, because whole servers make plans that do not change with the target."""
    scaled = asked * np.clip((allowed / left) ** missed, 0.1, 10.0)
    both = ~np.isnan(short) & ~np.isnan(enough)
    middle = np.sqrt(short * enough)
    inside = both & (scaled < short) & (scaled > enough)
    moved = np.where(both & ~inside, middle, scaled)
    return np.maximum(np.where(np.isnan(short) & (left <= allowed), asked, moved), MOST_NINES)
