"""How much of the demand hangs on how few customers, and which of them to forecast by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """``effective_customers`` = 1 / sum of squared shares (Herfindahl-Hirschman): as many equal customers would be as
    concentrated; ``largest_share`` of the biggest; ``top_shares`` (n,): of the 1, 2, ... n biggest together;
    ``order`` (n,): customers from the biggest down."""

    effective_customers: float
    largest_share: float
    top_shares: Array
    order: NDArray[np.int64]


def concentration(size: ArrayLike) -> Concentration:
    """Concentration of the demand ``size`` (n,) of customers, in any unit.

    >>> concentration([50, 25, 25]).effective_customers
    2.6666666666666665
    """
    sizes = _checks.non_negative("size", size)
    if sizes.ndim != 1 or sizes.sum() <= 0:
        raise ArgumentError(f"size must be (customers,) and not all 0, got shape {sizes.shape}")
    share = sizes / sizes.sum()
    order = np.argsort(-share, kind="stable")
    return Concentration(
        effective_customers=float(1.0 / np.sum(share * share)),
        largest_share=float(share.max()),
        top_shares=np.cumsum(share[order]),
        order=order.astype(np.int64),
    )


def accounts_to_name(size: ArrayLike, *, leave_probability: ArrayLike = 0.1, share: float = 0.8) -> NDArray[np.int64]:
    """The fewest customers that cause a ``share`` of the variance of demand that customers' coming and going causes.

    A customer of ``size`` s that leaves with probability q contributes s^2 q (1 - q); everybody else can stay in the
    base forecast. Positions, the largest contribution first.

    >>> accounts_to_name([100, 10, 10, 5])
    array([0])
    """
    sizes = _checks.non_negative("size", size)
    wanted = float(_checks.fraction("share", share))
    leave = _checks.share("leave_probability", _checks.shape("leave_probability", leave_probability, sizes.shape))
    variance = sizes * sizes * leave * (1.0 - leave)
    order = np.argsort(-variance, kind="stable")
    reached = np.cumsum(variance[order])
    if reached[-1] <= 0:
        return np.zeros(0, dtype=np.int64)
    count = int(np.searchsorted(reached, wanted * reached[-1] * (1.0 - 1e-12))) + 1
    return order[:count].astype(np.int64)
