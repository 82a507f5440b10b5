"""A supplier that fails at times: economic order quantity and base stock with supply disruptions, per item.

Sources: Berk and Arreola-Risa (1994) for the order quantity; Tomlin (2006) and Snyder and Shen, *Fundamentals of
Supply Chain Theory* (2nd ed. 2019), sections 9.2.1 and 9.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.policies import BaseStock

Array = NDArray[np.float64]
BISECTIONS = 64  # the same for all items, so that they do not disturb each other


@dataclass(frozen=True, kw_only=True)
class DisruptedOrderQuantity:
    """A lot ordered whenever stock runs out and the supplier is up; ``expected_cost`` per unit time,
    ``fraction_lost`` of the demand. Every field has the shape of the items."""

    order_quantity: Array
    expected_cost: Array
    fraction_lost: Array


@dataclass(frozen=True, kw_only=True)
class DisruptedBaseStock(BaseStock):
    """A base-stock level against disruptions; ``expected_cost`` per period, ``no_shortage_probability`` per period.
    Every field has the shape of the items."""

    expected_cost: Array
    no_shortage_probability: Array


def evaluate_disrupted_order_quantity(
    order_quantity: ArrayLike,
    *,
    demand_rate: ArrayLike,
    holding_cost: ArrayLike,
    fixed_cost: ArrayLike,
    stockout_cost: ArrayLike,
    disruption_rate: ArrayLike,
    recovery_rate: ArrayLike,
) -> DisruptedOrderQuantity:
    """Cost per unit time of ordering ``order_quantity`` at zero stock from a supplier that fails and recovers.

    Up and down times are exponential with the two rates; demand that meets no stock while the supplier is down is
    lost at ``stockout_cost`` per unit.

    >>> given = evaluate_disrupted_order_quantity(772.81, demand_rate=1300, holding_cost=0.225, fixed_cost=8,
    ...                                           stockout_cost=5, disruption_rate=1.5, recovery_rate=14)
    >>> round(float(given.expected_cost), 2)
    173.95
    """
    quantity = _checks.non_negative("order_quantity", order_quantity)
    model = _Disrupted.of(demand_rate, holding_cost, fixed_cost, stockout_cost, disruption_rate, recovery_rate)
    return model.result(quantity)


def optimize_disrupted_order_quantity(
    *,
    demand_rate: ArrayLike,
    holding_cost: ArrayLike,
    fixed_cost: ArrayLike,
    stockout_cost: ArrayLike,
    disruption_rate: ArrayLike,
    recovery_rate: ArrayLike,
) -> DisruptedOrderQuantity:
    """The lot of least cost: the cost is quasi-convex, so its slope is bisected, all items at once.

    ``disruption_rate`` 0 gives the economic order quantity. ``fixed_cost`` 0 with ``stockout_cost`` times
    ``disruption_rate`` at most ``holding_cost`` gives 0: order continuously, hold nothing.

    >>> best = optimize_disrupted_order_quantity(demand_rate=1300, holding_cost=0.225, fixed_cost=8,
    ...                                          stockout_cost=5, disruption_rate=[0, 1.5], recovery_rate=14)
    >>> best.order_quantity.round(2)
    array([304.05, 772.81])
    """
    model = _Disrupted.of(demand_rate, holding_cost, fixed_cost, stockout_cost, disruption_rate, recovery_rate)
    low = np.zeros_like(model.demand)
    high = model.upper_bound()
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rising = model.slope(middle) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    found = np.where(low > 0, 0.5 * (low + high), 0.0)
    return model.result(found)


def evaluate_disrupted_base_stock(
    base_stock_level: ArrayLike,
    *,
    demand: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    disruption_probability: ArrayLike,
    recovery_probability: ArrayLike,
) -> DisruptedBaseStock:
    """Cost per period of ordering up to a level at the start of every period in which the supplier is up.

    Demand is the same every period; orders arrive at once; a supplier that is up fails for the next period with
    ``disruption_probability``, one that is down recovers with ``recovery_probability``. Shortage is backordered;
    costs are charged on the stock and backorders at the end of the period.

    >>> given = evaluate_disrupted_base_stock(8000, demand=2000, holding_cost=0.25, stockout_cost=3,
    ...                                       disruption_probability=0.04, recovery_probability=0.25)
    >>> round(float(given.expected_cost), 4)
    2737.069
    """
    level = _checks.finite("base_stock_level", base_stock_level)
    fields = _base_stock_fields(demand, holding_cost, stockout_cost, disruption_probability, recovery_probability)
    _, named = _checks.broadcast(base_stock_level=level, **fields)
    return _disrupted_base_stock(named)


def optimize_disrupted_base_stock(
    *,
    demand: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    disruption_probability: ArrayLike,
    recovery_probability: ArrayLike,
) -> DisruptedBaseStock:
    """The level of least cost: ``demand * (1 + n)``, n the smallest number of disrupted periods in a row whose
    probability reaches stockout_cost / (stockout_cost + holding_cost).

    >>> best = optimize_disrupted_base_stock(demand=2000, holding_cost=0.25, stockout_cost=[3, 300],
    ...                                      disruption_probability=0.04, recovery_probability=0.25)
    >>> best.base_stock_level
    array([ 8000., 38000.])
    """
    fields = _base_stock_fields(demand, holding_cost, stockout_cost, disruption_probability, recovery_probability)
    _, named = _checks.broadcast(**fields)
    named["holding_cost"] = _checks.positive("holding_cost", named["holding_cost"])
    covered = _periods_to_cover(named)
    return _disrupted_base_stock({**named, "base_stock_level": named["demand"] * (1.0 + covered)})


def disrupted_lead_time(
    disruption_probability: float, recovery_probability: float, *, tail: float = 1e-12
) -> tuple[Array, Array]:
    """Support and probabilities of the number of disrupted periods in a row that a random period looks back on.

    As the pmf of a random lead time it carries the disruption model to any demand distribution (orders are placed in
    the same period's supplier state, so orders never cross). Cut where less than ``tail`` is left, which is given to
    the last value.

    >>> support, pmf = disrupted_lead_time(0.04, 0.25, tail=0.01)
    >>> len(support), pmf[:3].round(4)
    (11, array([0.8621, 0.0345, 0.0259]))
    """
    alpha = float(_checks.share("disruption_probability", disruption_probability))
    beta = float(_checks.share("recovery_probability", recovery_probability))
    _refuse_no_recovery(np.asarray(beta))
    down = alpha / (alpha + beta)
    count = 1 if down <= tail or beta == 1.0 else max(int(np.ceil(np.log(tail / down) / np.log1p(-beta))), 1)
    support = np.arange(count + 1, dtype=np.float64)
    survival = down * (1.0 - beta) ** support
    pmf = -np.diff(survival, prepend=1.0)
    pmf[-1] += survival[-1]
    return support, pmf


@dataclass(frozen=True)
class _Disrupted:
    """The order-quantity model with its fields broadcast over the items."""

    demand: Array
    holding: Array
    fixed: Array
    penalty: Array
    fail: Array
    recover: Array

    @staticmethod
    def of(
        demand: ArrayLike,
        holding: ArrayLike,
        fixed: ArrayLike,
        penalty: ArrayLike,
        fail: ArrayLike,
        recover: ArrayLike,
    ) -> _Disrupted:
        _, named = _checks.broadcast(
            demand=_checks.positive("demand_rate", demand),
            holding=_checks.positive("holding_cost", holding),
            fixed=_checks.non_negative("fixed_cost", fixed),
            penalty=_checks.non_negative("stockout_cost", penalty),
            fail=_checks.non_negative("disruption_rate", fail),
            recover=_checks.positive("recovery_rate", recover),
        )
        return _Disrupted(**named)

    def result(self, quantity: Array) -> DisruptedOrderQuantity:
        waiting = self._down(quantity) / self.recover
        cycle = quantity / self.demand + waiting
        numerator = self.fixed + 0.5 * self.holding * quantity**2 / self.demand + self.penalty * self.demand * waiting
        always = self.fail / (self.fail + self.recover)  # the limit of lots of size 0
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.where(cycle > 0, numerator / cycle, self._cost_of_nothing(always))
            lost = np.where(cycle > 0, waiting / cycle, always)
        return DisruptedOrderQuantity(
            order_quantity=np.asarray(quantity)[()], expected_cost=cost[()], fraction_lost=lost[()]
        )

    def _cost_of_nothing(self, lost: Array) -> Array:
        return np.where(self.fixed > 0, np.inf, self.penalty * self.demand * lost)

    def _down(self, quantity: Array) -> Array:
        """P(the supplier is down when a lot that was ordered while it was up runs out)."""
        both = self.fail + self.recover
        down: Array = -self.fail / both * np.expm1(-both * quantity / self.demand)
        return down

    def slope(self, quantity: Array) -> Array:
        """The sign of the cost's derivative: numerator' * cycle - numerator * cycle'."""
        both = self.fail + self.recover
        decay = np.expm1(-both * quantity / self.demand)  # exp(...) - 1, exact for small lots
        waiting = -self.fail / both * decay / self.recover
        waiting_slope = self.fail / (self.recover * self.demand) * (1.0 + decay)
        cycle = quantity / self.demand + waiting
        numerator = self.fixed + 0.5 * self.holding * quantity**2 / self.demand + self.penalty * self.demand * waiting
        rise = self.holding * quantity / self.demand + self.penalty * self.demand * waiting_slope
        slope: Array = rise * cycle - numerator * (1.0 / self.demand + waiting_slope)
        return slope

    def upper_bound(self) -> Array:
        """A lot from which the cost only rises, found by doubling (holding cost > 0, so there is one)."""
        high = np.sqrt(2.0 * self.fixed * self.demand / self.holding) + self.penalty * self.demand / self.holding
        high = np.maximum(high, self.demand * 1e-9)
        falling = self.slope(high) < 0
        while np.any(falling):
            high = np.where(falling, 2.0 * high, high)
            falling = self.slope(high) < 0
        return high


def _base_stock_fields(
    demand: ArrayLike, holding: ArrayLike, penalty: ArrayLike, fail: ArrayLike, recover: ArrayLike
) -> dict[str, Array]:
    beta = _checks.share("recovery_probability", recover)
    _refuse_no_recovery(beta)
    return {
        "demand": _checks.non_negative("demand", demand),
        "holding_cost": _checks.non_negative("holding_cost", holding),
        "stockout_cost": _checks.non_negative("stockout_cost", penalty),
        "disruption_probability": _checks.share("disruption_probability", fail),
        "recovery_probability": beta,
    }


def _refuse_no_recovery(beta: Array) -> None:
    if np.any(beta <= 0):
        raise ArgumentError(
            "recovery_probability must be > 0, got 0: a supplier that never recovers has no steady state"
        )


def _down_share(named: dict[str, Array]) -> Array:
    alpha = named["disruption_probability"]
    share: Array = alpha / (alpha + named["recovery_probability"])
    return share


def _periods_to_cover(named: dict[str, Array]) -> Array:
    """Smallest n with 1 - down (1 - beta)^n >= ratio; found in logarithms, then settled on the probabilities."""
    stay, down = 1.0 - named["recovery_probability"], _down_share(named)
    allowed = named["holding_cost"] / (named["holding_cost"] + named["stockout_cost"])
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.where(down > allowed, np.ceil(np.log(allowed / down) / np.log(stay)), 0.0)
    guess = np.where(stay > 0, guess, np.where(down > allowed, 1.0, 0.0))
    fewer = np.maximum(guess - 1.0, 0.0)
    covered: Array = np.where(down * stay**fewer <= allowed * (1.0 + 1e-14), fewer, guess)
    return covered


def _disrupted_base_stock(named: dict[str, Array]) -> DisruptedBaseStock:
    """Sum over n of P(n) times the cost after n + 1 periods' demand; the tail beyond the level is a geometric sum.

    Shortage after n disrupted periods is max((n + 1) demand - level, 0): its mean is that at the first n short,
    plus demand for every further period.
    """
    level, demand = named["base_stock_level"], named["demand"]
    stay, down = 1.0 - named["recovery_probability"], _down_share(named)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.where(demand > 0, np.floor(level / demand * (1.0 + 1e-12)), np.inf)
    enough = np.where(level < 0, -1.0, np.maximum(whole - 1.0, -1.0))  # the most disrupted periods fully covered
    short = np.where(np.isfinite(enough), enough + 1.0, 0.0)
    reached = np.where(np.isfinite(enough), _at_least(short, down, stay), 0.0)
    first_gap = np.maximum((short + 1.0) * demand - level, 0.0)
    beyond = np.where(np.isfinite(enough), _at_least(short + 1.0, down, stay) / named["recovery_probability"], 0.0)
    shortage = reached * first_gap + beyond * demand
    mean = demand * (1.0 + down / named["recovery_probability"])
    on_hand = np.maximum(level - mean + shortage, 0.0)
    cost = named["holding_cost"] * on_hand + named["stockout_cost"] * shortage
    return DisruptedBaseStock(
        base_stock_level=level, expected_cost=cost[()], no_shortage_probability=np.asarray(1.0 - reached)[()]
    )


def _at_least(periods: Array, down: Array, stay: Array) -> Array:
    """P(at least so many disrupted periods in a row)."""
    tail: Array = np.where(periods <= 0, 1.0, down * stay ** np.maximum(periods - 1.0, 0.0))
    return tail
