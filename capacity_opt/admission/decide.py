"""The decision on the day: admit this request or not, and why. Pure and of constant cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class AdmissionRule:
    """A pool's standing rule.

    ``capacity``: physical units; ``overcommit``: units sold per physical unit (the product is rounded down);
    ``reservation``: units to keep free after admitting a request, by class name (critical levels; 0 = first come);
    ``spot``: the classes that fill what is idle and are evicted first.

    >>> rule = AdmissionRule(capacity=100, reservation={"gold": 0, "bronze": 12, "spot": 0}, spot={"spot"})
    >>> rule.sellable
    100
    """

    capacity: float
    reservation: Mapping[str, int]
    overcommit: float = 1.0
    spot: frozenset[str] | set[str] = frozenset()
    sellable: int = field(init=False)

    def __post_init__(self) -> None:
        """Check the values once, so that decisions need not."""
        capacity = float(_checks.non_negative("capacity", _checks.single("capacity", self.capacity)))
        multiplier = float(_checks.positive("overcommit", _checks.single("overcommit", self.overcommit)))
        if not self.reservation:
            raise ArgumentError("reservation must name at least one class")
        kept = {name: int(_checks.whole(f"reservation[{name!r}]", units)) for name, units in self.reservation.items()}
        unknown = sorted(set(self.spot) - set(kept))
        if unknown:
            raise ArgumentError(f"spot names classes without a reservation: {', '.join(unknown)}. Give them 0")
        object.__setattr__(self, "reservation", kept)
        object.__setattr__(self, "spot", frozenset(self.spot))
        object.__setattr__(self, "sellable", floor(capacity * multiplier + 1e-9))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do with a request: ``evict`` spot units before it starts; ``reason`` in words with the numbers."""

    admitted: bool
    evict: int
    reason: str


def decide(rule: AdmissionRule, name: str, *, used: int, size: int, spot_used: int = 0, reserved: int = 0) -> Decision:
    """Whether a request of class ``name`` for ``size`` units is admitted now.

    ``used``: units held by classes other than spot; ``spot_used``: by spot; ``reserved``: units of sold reservations
    not in use yet, which only their holders (who lower it as they start) and spot may take. Classes other than spot see
    spot's units as free: so many are evicted. Nothing is stored: the caller counts.

    >>> rule = AdmissionRule(capacity=100, reservation={"gold": 0, "bronze": 12, "spot": 0}, spot={"spot"})
    >>> decide(rule, "bronze", used=85, size=4).reason
    'refused: 4 asked of 15 free would leave 11, and bronze must leave 12 for others'
    >>> decide(rule, "gold", used=85, size=4, spot_used=14)
    Decision(admitted=True, evict=3, reason='admitted: 4 asked of 15 free; 3 spot units are evicted')
    """
    kept = rule.reservation.get(name)
    if kept is None:
        raise ArgumentError(f"name must be one of {', '.join(sorted(rule.reservation))}, got {name!r}")
    if size < 1 or used < 0 or spot_used < 0 or reserved < 0:
        raise ArgumentError(
            "size must be >= 1 and used, spot_used and reserved >= 0, "
            f"got size {size}, used {used}, spot_used {spot_used}, reserved {reserved}"
        )
    is_spot = name in rule.spot
    free = rule.sellable - used - (spot_used if is_spot else reserved)
    if size > free:
        return Decision(admitted=False, evict=0, reason=f"refused: {size} asked and {max(free, 0)} free")
    if size + kept > free:
        reason = (
            f"refused: {size} asked of {free} free would leave {free - size}, and {name} must leave {kept} for others"
        )
        return Decision(admitted=False, evict=0, reason=reason)
    evict = 0 if is_spot else min(spot_used, max(0, used + spot_used + size - rule.sellable))
    told = f"; {evict} spot units are evicted" if evict else ""
    return Decision(admitted=True, evict=evict, reason=f"admitted: {size} asked of {free} free{told}")
