"""Quantiles of every series, compiled: weighted empirical ones, and those of negative binomials."""

from __future__ import annotations

from typing import Any

import numpy as np

prange = range
MOST = 256  # counts below this are tallied, not sorted
WIDEST = 1000.0  # steps of a negative binomial that are added up
SMALLEST = -600.0  # of the logarithm of its first probability


def empirical_all(values: Any, begins: Any, ends: Any, decay: float, levels: Any, out: Any) -> None:
    """``out`` (n, m): the smallest value whose weight with all below reaches each level; weights fall by ``decay``."""
    for i in prange(len(begins)):
        begin, end = begins[i], ends[i]
        whole, most, total, weight = True, 0.0, 0.0, 1.0
        for t in range(end - 1, begin - 1, -1):
            value = values[t]
            whole = whole and value >= 0.0 and value < MOST and value == np.floor(value)
            most = max(most, value)
            total += weight
            weight *= decay
        if whole:
            tally = np.zeros(int(most) + 1)
            weight = 1.0
            for t in range(end - 1, begin - 1, -1):
                tally[int(values[t])] += weight
                weight *= decay
            reached, value = tally[0], 0
            for k in range(len(levels)):
                while reached < levels[k] * total * (1.0 - 1e-12) and value < len(tally) - 1:
                    value += 1
                    reached += tally[value]
                out[i, k] = value
        else:
            order = np.argsort(values[begin:end])
            at = 0
            reached = decay ** (end - begin - 1 - order[0])
            for k in range(len(levels)):
                while reached < levels[k] * total * (1.0 - 1e-12) and at < len(order) - 1:
                    at += 1
                    reached += decay ** (end - begin - 1 - order[at])
                out[i, k] = values[begin + order[at]]


def negative_binomial_all(mean: Any, variance: Any, levels: Any, normal: Any, out: Any) -> None:
    """``out`` (n, m): quantiles at rising ``levels``; ``normal`` (m,) the standard normal's.

    Measured in units in which the variance exceeds the mean and the range has at most ``WIDEST`` steps, so that demand
    of any scale will do; where there is no such unit the law is nearly a gamma (Wilson and Hilferty 1931).
    """
    for i in prange(len(mean)):
        if mean[i] <= 0.0:
            out[i] = 0.0
            continue
        ratio = variance[i] / mean[i]
        unit = ratio / 1.05 if ratio < 1.01 else 1.0
        unit = max(unit, (mean[i] + 8.0 * np.sqrt(variance[i])) / WIDEST, 1e-300)
        chance = unit / ratio if ratio > 0.0 else 1.0
        size = mean[i] / unit * chance / (1.0 - chance) if chance < 1.0 else np.inf
        first = size * np.log(chance) if chance < 0.995 else -np.inf
        if first < SMALLEST:
            spread = variance[i] / (mean[i] * mean[i]) / 9.0
            for k in range(len(levels)):
                out[i, k] = mean[i] * max(1.0 - spread + normal[k] * np.sqrt(spread), 0.0) ** 3
            continue
        mass, step = np.exp(first), 0
        reached = mass
        for k in range(len(levels)):
            while reached < levels[k] and step < 100.0 * WIDEST:
                mass *= (step + size) / (step + 1.0) * (1.0 - chance)
                step += 1
                reached += mass
            out[i, k] = step * unit
