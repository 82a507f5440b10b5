"""How many purchases known customers will make, with an interval that has been tried on their own past.

A model of purchases that fits its parameters well still promises too much: its spread knows chance alone, not that the
model is wrong. Here the model is fitted again at earlier times and asked for what is known since; its errors there
widen the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.customers.bg_nbd import BGNBD, fit_bg_nbd
from capacity_opt.customers.pareto_nbd import ParetoNBD, fit_pareto_nbd
from capacity_opt.customers.purchases import PurchaseHistory
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
ModelName = Literal["bg_nbd", "pareto_nbd"]
Model = BGNBD | ParetoNBD
FITS: dict[str, Callable[[PurchaseHistory], Model]] = {"bg_nbd": fit_bg_nbd, "pareto_nbd": fit_pareto_nbd}


@dataclass(frozen=True, kw_only=True)
class PurchaseForecast:
    """``expected`` (n,) purchases per customer within the horizon, in the order of sorted ids; ``total`` their sum with
    its interval ``low``, ``high``; ``model_low``, ``model_high``: what chance alone would allow, shown to be narrower;
    ``errors`` (origins,): log(actual / predicted) at earlier origins; ``model`` fitted to the whole history."""

    expected: Array
    total: float
    low: float
    high: float
    model_low: float
    model_high: float
    errors: Array
    model: Model


def forecast_purchases(
    customer: ArrayLike,
    time: ArrayLike,
    *,
    end: float,
    horizon: float,
    level: float = 0.95,
    model: ModelName = "bg_nbd",
    origins: int = 6,
) -> PurchaseForecast:
    """Purchases after the first that the customers known at ``end`` will make in ``(end, end + horizon]``.

    ``customer`` (m,) and ``time`` (m,): the log. The model is fitted at ``end`` and at ``origins`` earlier times,
    spread over the second half of the log, and asked each time for what came until ``end``. The interval: chance as the
    model has it, and the root mean square of those relative errors, at the t quantile of as many degrees of freedom as
    origins. Raises
    :class:`~capacity_opt.ArgumentError` where the log is too short to try.
    """
    if model not in FITS:
        raise ArgumentError(f"model must be one of {', '.join(FITS)}, got {model!r}")
    count = int(_checks.whole("origins", origins, at_least=2))
    ahead, share = float(_checks.positive("horizon", horizon)), float(_checks.fraction("level", level))
    ids, when = np.asarray(customer), _checks.numbers("time", time)
    _checks.same_length(customer=ids, time=when)
    history = PurchaseHistory.from_purchases(ids, when, end=end)
    fitted = FITS[model](history)
    expected = fitted.expected_purchases(history.repeats, history.last, history.age, horizon=ahead)
    total = float(expected.sum())
    errors = _past_errors(ids, when, float(end), model, count)
    misfit = float(np.sqrt(np.mean(errors**2)))
    normal, student = float(special.ndtri(0.5 + share / 2)), float(special.stdtrit(count, 0.5 + share / 2))
    chance = np.sqrt(_variance(fitted, history, expected))
    reach = np.sqrt((normal * chance) ** 2 + (student * misfit * total) ** 2)
    return PurchaseForecast(
        expected=expected,
        total=total,
        low=max(0.0, total - reach),
        high=total + reach,
        model_low=max(0.0, total - normal * chance),
        model_high=total + normal * chance,
        errors=errors,
        model=fitted,
    )


def _variance(model: Model, history: PurchaseHistory, expected: Array) -> float:
    """Of the total if the model were true: Poisson purchases at an uncertain rate by customers who may be gone."""
    alive = np.maximum(model.alive_probability(history.repeats, history.last, history.age), 1e-12)
    if_alive = expected / alive
    square = alive * (if_alive + if_alive * if_alive * (1.0 + 1.0 / (model.r + history.repeats)))
    return float(np.sum(square - expected * expected))


def _past_errors(customer: NDArray[np.generic], time: Array, end: float, model: ModelName, origins: int) -> Array:
    first = float(time.min())
    at = first + (end - first) * np.linspace(0.5, 0.85, origins)
    errors = []
    for origin in at.tolist():
        known = PurchaseHistory.from_purchases(customer, time, end=origin)
        fitted = FITS[model](known)
        asked = fitted.expected_purchases(known.repeats, known.last, known.age, horizon=end - origin)
        # what the same customers bought since: repeats counted at both times
        then = PurchaseHistory.from_purchases(customer, time, end=end)
        names_then, names_now = np.unique(customer[time <= origin]), np.unique(customer[time <= end])
        since = then.repeats[np.searchsorted(names_now, names_then)].sum() - known.repeats.sum()
        if since <= 0 or asked.sum() <= 0:
            raise ArgumentError(
                f"the log holds no repeat purchase after {origin:g}: too short to try a forecast on. "
                "Use the model itself, and no interval"
            )
        errors.append(np.log(since / asked.sum()))
    return np.array(errors)
