"""Gamma-gamma: what a customer spends per purchase, shrunk towards everybody's mean (Fader & Hardie, note 025, 2013).

A purchase is gamma(``p``, rate nu), and nu is gamma(``q``, ``scale``) over customers; independent of how often they
buy, which should be checked (a correlation near 0) before use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.customers._fit import maximise
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GammaGamma:
    """The three parameters (``scale`` is the paper's gamma); q > 1 for a finite mean.

    >>> model = GammaGamma(p=6.25, q=3.74, scale=15.44)
    >>> [round(float(v), 1) for v in model.expected_spend([2, 0], [22.35, 0])]
    [24.7, 35.2]
    """

    p: float
    q: float
    scale: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        """All three are positive."""
        for name in ("p", "q", "scale"):
            _checks.positive(name, getattr(self, name))

    def expected_spend(self, purchases: ArrayLike, mean_spend: ArrayLike) -> Array:
        """E[mean spend per purchase | ``purchases`` with this mean]; the population's mean without purchases."""
        x, m = _checks.non_negative("purchases", purchases), _checks.non_negative("mean_spend", mean_spend)
        below = self.p * x + self.q - 1.0
        spend = self.p * (self.scale + m * x) / np.where(below > 0, below, 1.0)
        return np.asarray(np.where(below > 0, spend, np.inf))[()]


def fit_gamma_gamma(purchases: ArrayLike, mean_spend: ArrayLike) -> GammaGamma:
    """The parameters of greatest likelihood, from customers with at least one purchase of positive value.

    >>> fit_gamma_gamma([2, 1, 7, 3, 4], [22.4, 11.8, 73.7, 30.1, 18.0]).log_likelihood < 0
    True
    """
    x = np.ravel(_checks.non_negative("purchases", purchases))
    m = np.ravel(_checks.non_negative("mean_spend", mean_spend))
    _checks.same_length(purchases=x, mean_spend=m)
    used = (x > 0) & (m > 0)
    if used.sum() < 3:
        raise ArgumentError(f"purchases must name at least 3 customers who bought something, got {int(used.sum())}")
    x, m = x[used], m[used]

    def log_likelihood(parameters: Array) -> float:
        p, q, scale = parameters
        terms = (
            special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(scale)
            + (p * x - 1.0) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(scale + m * x)
        )  # fmt: skip
        return float(terms.sum())

    found, value = maximise(log_likelihood, [(2.0, 3.0, float(m.mean())), (6.0, 4.0, float(m.mean()) / 2)])
    p, q, scale = map(float, found)
    return GammaGamma(p=p, q=q, scale=scale, log_likelihood=value)
