"""Reconciliation by the library hierarchicalforecast: its ``MinTrace``, asked for by name, never in place of our own.

The names are the library's: ``MinTrace`` (its ``mint_shrink``), ``MinTrace_ols``, ``MinTrace_wls_struct``,
``MinTrace_wls_var``, ``MinTrace_mint_cov``. It comes with the extra ``[forecast]``; where the package is absent the
name is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, Problem, ScenarioError

Array = NDArray[np.float64]
LibraryMethod = Literal["MinTrace", "MinTrace_ols", "MinTrace_wls_struct", "MinTrace_wls_var", "MinTrace_mint_cov"]
LIBRARY_METHODS: tuple[LibraryMethod, ...] = get_args(LibraryMethod)
MOST_NODES = 3000
_PACKAGE = "hierarchicalforecast"


def require_reconciler(method: str, place: str = "method") -> None:
    """Refuse a method of the library where the library is not installed."""
    if find_spec(_PACKAGE) is None:
        fix = "Install it: pip install 'capacity-opt[forecast]', or take our own \"mint\""
        raise ScenarioError([Problem("E248", place, f"method {method} needs the package {_PACKAGE}", method, fix)])


def library_map(method: str, summing: Any, values: Array, fitted: Array) -> tuple[Callable[[Array], Array], str]:
    """The library's map from nodes (k, m) to series (n, m), and the library's version.

    ``summing`` (k, n), the sums first; ``values`` (k, T) the nodes' past and ``fitted`` what was expected of it one
    period before, NaN where unknown. The library's tables are nodes by nodes, so it takes up to 3,000.
    """
    if summing.shape[0] > MOST_NODES:
        raise ArgumentError(
            f"method {method} of {_PACKAGE} takes up to {MOST_NODES:,} nodes, got {summing.shape[0]:,}. Take mint"
        )
    require_reconciler(method)
    from importlib import metadata

    from hierarchicalforecast.methods import MinTrace

    known = ~np.isnan(values - fitted).all(axis=0)
    kind = method.partition("_")[2] or "mint_shrink"
    fit = MinTrace(method=kind)
    table = np.asarray(summing.todense(), dtype=np.float64)
    try:
        fit.fit(S=table, y_hat=np.zeros((len(table), 1)), y_insample=values[:, known], y_hat_insample=fitted[:, known])
    except Exception as error:  # whatever the library raises, it is about this hierarchy
        told = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise ArgumentError(f"method {method} of {_PACKAGE} cannot reconcile these nodes ({told})") from error
    weights = np.asarray(fit.P, dtype=np.float64)
    if not np.isfinite(weights).all():
        raise ArgumentError(f"method {method} of {_PACKAGE} gave weights that are not numbers. Take mint")
    return (lambda nodes: np.asarray(weights @ nodes)), f"{_PACKAGE} {metadata.version(_PACKAGE)}"
