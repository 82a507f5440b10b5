"""Reading an answer: from a point of the linear program to racks, servers, and who was served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.recourse import RecourseColumns
from capacity_opt.fleet.supply import SupplyColumns

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``racks`` (W, K, Z, T), ``retired`` (K, Z, T), ``stock`` (W, K, Z, T), ``committed`` (M, T); ``served``
    (N, T, B, S) by lane, ``unmet`` (J, T, B, S), ``bought`` (O, T, B, S) by option lane, in normal operation."""

    racks: Array
    retired: Array
    stock: Array
    committed: Array
    served: Array
    unmet: Array
    bought: Array


def taken(x: Array, index: IntArray) -> Array:
    """Values of the columns in ``index``, 0 where absent."""
    if len(x) == 0:
        return np.zeros(index.shape)
    value: Array = np.where(index >= 0, x[np.maximum(index, 0)], 0.0)
    return value


def decision_from(x: Array, supply: SupplyColumns, normal: RecourseColumns) -> Decision:
    """Every block that a plan is made of."""
    return Decision(
        racks=taken(x, supply.racks),
        retired=taken(x, supply.retired),
        stock=taken(x, supply.stock),
        committed=taken(x, supply.committed),
        served=taken(x, normal.served),
        unmet=taken(x, normal.unmet),
        bought=taken(x, normal.bought),
    )
