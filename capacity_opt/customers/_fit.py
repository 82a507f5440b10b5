"""Maximum likelihood of positive parameters, on the logarithmic scale, from several starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


def maximise(log_likelihood: Callable[[Array], float], starts: Sequence[Sequence[float]]) -> tuple[Array, float]:
    """The parameters (> 0) of greatest likelihood and their log likelihood.

    Raises ``ArgumentError`` where no start leads to a finite maximum.
    """
    from scipy.optimize import minimize

    def loss(log_parameters: Array) -> float:
        value = -log_likelihood(np.exp(np.clip(log_parameters, -20.0, 20.0)))
        return value if np.isfinite(value) else 1e300

    best: tuple[Array, float] | None = None
    for start in starts:
        bounds = [(-20.0, 20.0)] * len(start)
        rough = minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds)
        # gradients by differences stall on flat ridges: a simplex walks on from there
        fine = minimize(loss, rough.x, method="Nelder-Mead", options={"maxiter": 200 * len(start), "xatol": 1e-5})
        found = fine if fine.fun <= rough.fun else rough
        if found.fun < 1e299 and (best is None or found.fun < -best[1]):
            best = (np.exp(found.x), -float(found.fun))
    if best is None:
        raise ArgumentError("no parameters explain these purchases: is every customer without repeats?")
    return best
