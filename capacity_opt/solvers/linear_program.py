"""One plain record between modelling and solving: a linear or mixed-integer program as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def _no_names() -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class LinearProgram:
    """Minimise ``cost @ x + offset`` subject to ``row_lower <= matrix @ x <= row_upper`` and column bounds.

    ``cost``, ``column_lower``, ``column_upper``, ``integer``: shape (columns,); ``matrix``: CSR, (rows, columns);
    ``row_lower``, ``row_upper``: shape (rows,). Infinite bounds are ``numpy.inf``. Names are made only when asked for
    (``row_names()``, ``column_names()``): a large model never pays for them.
    """

    cost: Array
    matrix: scipy.sparse.csr_array
    row_lower: Array
    row_upper: Array
    column_lower: Array
    column_upper: Array
    integer: BoolArray
    offset: float = 0.0
    row_names: Callable[[], list[str]] = field(default=_no_names, repr=False, compare=False)
    column_names: Callable[[], list[str]] = field(default=_no_names, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that every length fits the matrix."""
        rows, columns = self.matrix.shape
        for name, length in (("row_lower", rows), ("row_upper", rows)):
            _check_length(name, getattr(self, name), length)
        for name in ("cost", "column_lower", "column_upper", "integer"):
            _check_length(name, getattr(self, name), columns)

    @property
    def rows(self) -> int:
        """Number of constraints."""
        return int(self.matrix.shape[0])

    @property
    def columns(self) -> int:
        """Number of variables."""
        return int(self.matrix.shape[1])


def _check_length(name: str, array: NDArray[np.generic], length: int) -> None:
    if array.shape != (length,):
        raise ArgumentError(f"{name} must have shape ({length},) to fit the matrix, got {array.shape}")
