"""A recommendation as a value: what to do, what it saves, how sure that is, and who can do and undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from capacity_opt.errors import ArgumentError

Kind = Literal["steer", "commit", "right_size"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """One thing to do. ``saving`` expected money per period with its interval ``low``, ``high``; ``risk``: chance that
    it does not pay (it costs more than it saves, or has to be undone); ``reversible``: when it can be undone; ``who``
    acts; ``reason`` with the numbers; ``price``: the plan's price that ranked it, if any (money per unit)."""

    kind: Kind
    subject: str
    action: str
    saving: float
    low: float
    high: float
    risk: float
    reversible: str
    who: str
    reason: str
    price: float = float("nan")

    def __post_init__(self) -> None:
        """The interval holds its order; the risk is a probability."""
        if not self.low <= self.saving <= self.high:
            raise ArgumentError(f"saving must be within low and high, got {self.low}, {self.saving}, {self.high}")
        if not 0 <= self.risk <= 1:
            raise ArgumentError(f"risk must be in [0, 1], got {self.risk}")


def ranked(recommendations: Iterable[Recommendation]) -> tuple[Recommendation, ...]:
    """Those that are expected to save something, the largest saving first; ties: the less risky, then by name.

    >>> give = {"kind": "commit", "action": "", "low": 0.0, "high": 9.0, "reversible": "", "who": "", "reason": ""}
    >>> many = [Recommendation(subject=s, saving=v, risk=0.1, **give) for s, v in (("a", 1.0), ("b", 5.0), ("c", 0.0))]
    >>> [each.subject for each in ranked(many)]
    ['b', 'a']
    """
    worth = [each for each in recommendations if each.saving > 0]
    return tuple(sorted(worth, key=lambda each: (-each.saving, each.risk, each.kind, each.subject)))
