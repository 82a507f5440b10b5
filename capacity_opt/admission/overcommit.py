"""Selling more than there is: how far, from how much of what was sold is used at once.

Machines share causes (the hour, a launch), so the usage of a pool swings far more than independent machines would. The
rule here looks at the pool's total only: :func:`tune_overcommit`. The textbook bounds over independent machines are
:func:`capacity_for_usage`; under a common factor their promise is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

TAIL_SHARE = 0.05
LEAST_TAIL = 20


@dataclass(frozen=True, kw_only=True)
class Overcommit:
    """How many units may be sold per physical unit, and how that would have gone.

    ``multiplier`` = 1 / ``usage_quantile``, the bound on used / sold that is exceeded with probability
    ``violation`` at most, with confidence ``confidence``; ``method``: ``"order_statistic"`` (needs no assumption on the
    law of usage) or ``"tail"`` (history too short for that: exponential beyond its 95 % point);
    ``observed_violation``: share of the history above the quantile. ``independent_multiplier`` is what independent
    normal machines would allow and ``independent_violation`` how often the history would have broken it (both nan
    without usage per machine).
    """

    multiplier: float
    usage_quantile: float
    violation: float
    confidence: float
    method: Literal["order_statistic", "tail"]
    observed_violation: float
    independent_multiplier: float
    independent_violation: float
    observations: int


def tune_overcommit(
    usage: ArrayLike,
    *,
    allocated: ArrayLike,
    violation: float,
    confidence: float = 0.95,
    repeats: int = 1,
) -> Overcommit:
    """The largest multiplier whose probability of more usage than capacity is at most ``violation``.

    ``usage``: units in use over time, (times,) for the pool or (times, machines); ``allocated``: units sold, a number,
    (times,) or (machines,) with usage per machine. ``repeats``: how many consecutive observations say the same thing
    (1 where they are independent): the history then counts as so much shorter. The mix of machines must stay as it was.

    >>> rng = np.random.default_rng(7)
    >>> shared = np.exp(0.2 * rng.standard_normal(20_000))
    >>> usage = 0.4 * shared[:, None] * rng.uniform(0.5, 1.5, (20_000, 50))
    >>> told = tune_overcommit(usage, allocated=np.ones(50), violation=0.01)
    >>> round(told.multiplier, 1), round(told.independent_multiplier, 1), told.independent_violation > 0.1
    (1.6, 2.2, True)
    """
    total, sold, each = _history(usage, allocated)
    allowed = float(_checks.fraction("violation", _checks.single("violation", violation)))
    sure = float(_checks.fraction("confidence", _checks.single("confidence", confidence)))
    every = int(_checks.whole("repeats", repeats, at_least=1))
    ratio = np.sort(total / sold)
    bound, method = _upper_quantile(ratio, allowed, sure, every)
    _checks.positive("the usage quantile (usage is 0 nearly always)", bound)
    alone, broken = np.nan, np.nan
    if each is not None:
        need = float(capacity_for_usage(each.mean(axis=0), each.std(axis=0, ddof=1), confidence=1.0 - allowed))
        alone = float(np.mean(sold)) / need
        broken = float(np.mean(ratio > 1.0 / alone))
    return Overcommit(
        multiplier=1.0 / bound,
        usage_quantile=bound,
        violation=allowed,
        confidence=sure,
        method=method,
        observed_violation=float(np.mean(ratio > bound)),
        independent_multiplier=alone,
        independent_violation=broken,
        observations=ratio.size,
    )


def capacity_for_usage(
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    confidence: float,
    method: Literal["gaussian", "hoeffding", "robust"] = "gaussian",
    span: ArrayLike | None = None,
) -> float:
    """Units that **independent** machines with these means and deviations stay below with probability ``confidence``.

    ``"gaussian"``: normal total; ``"hoeffding"``: any law within ``span`` (largest - smallest usage per machine);
    ``"robust"``: any law with these two moments. Source: M. Cohen, P. Keller, V. Mirrokni and M. Zadimoghaddam,
    Management Science 65, 2019. With a common factor none of them holds: use :func:`tune_overcommit`.

    >>> round(capacity_for_usage([2.0] * 30, [1.0] * 30, confidence=0.99), 4)
    72.7419
    """
    mu = np.atleast_1d(_checks.non_negative("mean", mean))
    sigma = _checks.non_negative("sd", _checks.shape("sd", sd, mu.shape, "one per machine"))
    sure = float(_checks.fraction("confidence", _checks.single("confidence", confidence)))
    if method == "gaussian":
        margin = -float(special.ndtri(1.0 - sure)) * np.sqrt((sigma**2).sum())
    elif method == "robust":
        margin = np.sqrt(sure / (1.0 - sure)) * np.sqrt((sigma**2).sum())
    elif method == "hoeffding":
        if span is None:
            raise ArgumentError("span must be given for method 'hoeffding': largest - smallest usage of each machine")
        width = _checks.non_negative("span", _checks.shape("span", span, mu.shape, "one per machine"))
        margin = np.sqrt(-np.log1p(-sure) / 2.0) * np.sqrt((width**2).sum())
    else:
        raise ArgumentError(f"method must be 'gaussian', 'hoeffding' or 'robust', got {method!r}")
    return float(mu.sum() + margin)


def predict_peak(usage: ArrayLike, *, limits: ArrayLike, deviations: float = 3.0) -> float:
    """The peak of a set of machines: mean + ``deviations`` standard deviations of their total, at most their limits.

    ``usage`` (machines, times) over a recent window. Source: the N-sigma predictor of N. Bashir et al., EuroSys 2021.

    >>> round(predict_peak([[0.5, 0.6, 0.55, 0.7], [1.0, 0.8, 1.2, 0.9]], limits=[1, 2]), 6)
    2.010412
    """
    history = _checks.non_negative("usage", usage)
    if history.ndim != 2 or history.shape[1] < 2:
        raise ArgumentError(f"usage must have shape (machines, times) with at least 2 times, got {history.shape}")
    most = _checks.non_negative("limits", _checks.shape("limits", limits, history.shape[:1], "machines")).sum()
    factor = float(_checks.non_negative("deviations", _checks.single("deviations", deviations)))
    total = history.sum(axis=0)
    return float(min(most, total.mean() + factor * total.std(ddof=1)))


def overbooking_limit(capacity: ArrayLike, *, show_probability: ArrayLike, max_denied_probability: ArrayLike) -> Array:
    """The most reservations to sell so that more than ``capacity`` show up with at most this probability.

    Everyone shows up independently (binomial). Broadcasts; whole numbers. At least ``capacity``.

    >>> float(overbooking_limit(120, show_probability=0.95, max_denied_probability=0.05))
    122.0
    """
    whole = _checks.whole("capacity", capacity)
    show = _checks.fraction("show_probability", show_probability)
    allowed = _checks.fraction("max_denied_probability", max_denied_probability)
    _, all_ = _checks.broadcast(capacity=whole, show=show, allowed=allowed)
    room, show, allowed = all_["capacity"], all_["show"], all_["allowed"]
    # P(Bin(n, p) > c) = I_p(c + 1, n - c), increasing in n.
    low, high = room.copy(), np.ceil((room + 1.0) / show) + 1.0
    while np.any(kept := special.betainc(room + 1.0, high - room, show) <= allowed):
        low, high = np.where(kept, high, low), np.where(kept, 2.0 * high, high)
    while np.any(high - low > 1):
        middle = np.maximum(np.floor(0.5 * (low + high)), room + 1.0)
        kept = special.betainc(room + 1.0, middle - room, show) <= allowed
        low, high = np.where(kept, np.minimum(middle, high), low), np.where(kept, high, middle)
    return low[()]


@dataclass(frozen=True, kw_only=True)
class SpotFill:
    """Units to sell as spot beside firm use: how likely and how large an eviction is. Arrays over items."""

    units: Array
    eviction_probability: Array
    expected_evicted: Array


def fill_with_spot(
    capacity: ArrayLike, *, firm: Demand, reserved: ArrayLike = 0.0, max_eviction_probability: ArrayLike
) -> SpotFill:
    """The spot units that all stay with probability 1 - ``max_eviction_probability``, beside firm use of this law.

    ``firm``: units used by all classes that evict spot, at one moment (a Demand); ``reserved``: units of reservations
    that spot may not fill either, even unused (0 where it may); whole-unit demand gives whole answers.

    >>> from capacity_opt import Poisson
    >>> told = fill_with_spot(100, firm=Poisson(60.0), reserved=10, max_eviction_probability=0.05)
    >>> float(told.units), round(float(told.eviction_probability), 4)
    (17.0, 0.0442)
    """
    room = _checks.non_negative("capacity", capacity) - _checks.non_negative("reserved", reserved)
    allowed = _checks.fraction("max_eviction_probability", max_eviction_probability)
    units = np.maximum(room - np.maximum(firm.quantile(1.0 - allowed), 0.0), 0.0)
    left = room - units
    return SpotFill(
        units=units[()],
        eviction_probability=np.where(units > 0, firm.survival(left), 0.0)[()],
        expected_evicted=np.where(units > 0, firm.loss(left) - firm.loss(left + units), 0.0)[()],
    )


def _history(usage: ArrayLike, allocated: ArrayLike) -> tuple[Array, Array, Array | None]:
    """Total used and sold over time, and usage per machine where given."""
    used = _checks.non_negative("usage", usage)
    if used.ndim not in (1, 2) or len(used) < 2:
        raise ArgumentError(f"usage must be (times,) or (times, machines) with at least 2 times, got {used.shape}")
    sold = _checks.non_negative("allocated", allocated)
    if used.ndim == 2 and sold.shape == used.shape[1:]:
        sold = sold.sum()
    elif sold.shape == used.shape and used.ndim == 2:
        sold = sold.sum(axis=1)
    total = used if used.ndim == 1 else used.sum(axis=1)
    sold = _checks.positive("allocated", _checks.shape("allocated", sold, total.shape, "times"))
    return total, sold, used if used.ndim == 2 else None


def _upper_quantile(
    ratio: Array, violation: float, confidence: float, repeats: int
) -> tuple[float, Literal["order_statistic", "tail"]]:
    """An upper confidence bound on the (1 - violation) quantile of sorted ``ratio``."""
    count = max(len(ratio) // repeats, 1)
    # Order statistic k of n lies above the quantile with probability P(Bin(n, 1 - violation) <= k - 1).
    above = np.arange(count)
    chance = special.bdtrc(above.astype(np.float64), count, violation)
    enough = np.flatnonzero(chance >= confidence)
    if enough.size:
        place = int(enough[-1]) * repeats
        return float(ratio[len(ratio) - 1 - place]), "order_statistic"
    tail = max(int(TAIL_SHARE * len(ratio)), min(LEAST_TAIL, len(ratio) - 1), 1)
    start = float(ratio[len(ratio) - 1 - tail])
    excess = float((ratio[-tail:] - start).mean())
    margin = 1.0 - special.ndtri(1.0 - confidence) / np.sqrt(max(tail / repeats, 1.0))
    return start + excess * margin * float(np.log(tail / len(ratio) / violation)), "tail"
