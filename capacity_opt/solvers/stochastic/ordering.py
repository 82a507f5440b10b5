"""Wait-and-see <= two-stage <= mean-value cost: an order that no right answer breaks, so a broken one is a fault."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from capacity_opt.errors import VerificationError

TOLERANCE = 1e-6
"""Relative to the larger of the two costs."""


def require_order(*costs: tuple[str, float, float]) -> None:
    """Each of ``costs`` is (name, proven lower bound, cost of a known answer), from the least on: the bound of each
    must not lie above the cost of the next, whatever gaps were left open.

    Raises :class:`~capacity_opt.errors.VerificationError` naming the two that are in the wrong order.

    >>> require_order(("WS", 8.0, 8.1), ("RP", 9.0, 9.2), ("EEV", 9.5, 9.5))
    >>> require_order(("WS", 9.3, 9.4), ("RP", 9.0, 9.2))
    Traceback (most recent call last):
    ...
    capacity_opt.errors.VerificationError: WS must be <= RP, but at least 9.3 > 9.2: one of the two answers is wrong
    """
    for (name, bound, _), (next_name, _, cost) in pairwise(costs):
        if bound > cost + TOLERANCE * max(1.0, abs(bound), abs(cost) if np.isfinite(cost) else 0.0):
            told = f"{name} must be <= {next_name}, but at least {bound:.10g} > {cost:.10g}"
            raise VerificationError(f"{told}: one of the two answers is wrong")
