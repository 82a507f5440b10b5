"""The one place that words argument errors.

Every function takes the argument's name and value, returns a float64 array (a scalar stays zero-dimensional),
and raises :class:`~capacity_opt.errors.ArgumentError` naming the rule, the offending values and their positions
(the first ten and the count).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
SHOWN = 10


def numbers(name: str, value: ArrayLike) -> Array:
    """``value`` as float64; refuses text and other things that are not numbers."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a number or an array of numbers, got {value!r}") from None


def finite(name: str, value: ArrayLike) -> Array:
    """Every value is a finite number."""
    array = numbers(name, value)
    return _require(name, array, np.isfinite(array), "must be finite")


def positive(name: str, value: ArrayLike) -> Array:
    """Every value is finite and above 0."""
    array = finite(name, value)
    return _require(name, array, array > 0, "must be > 0")


def non_negative(name: str, value: ArrayLike) -> Array:
    """Every value is finite and at least 0."""
    array = finite(name, value)
    return _require(name, array, array >= 0, "must be >= 0")


def fraction(name: str, value: ArrayLike) -> Array:
    """Every value lies strictly between 0 and 1."""
    array = numbers(name, value)
    return _require(name, array, (array > 0) & (array < 1), "must be in (0, 1)", _percentage_hint(array))


def share(name: str, value: ArrayLike) -> Array:
    """Every value lies in [0, 1]."""
    array = numbers(name, value)
    return _require(name, array, (array >= 0) & (array <= 1), "must be in [0, 1]", _percentage_hint(array))


def whole(name: str, value: ArrayLike, *, at_least: int = 0) -> NDArray[np.int64]:
    """Every value is a whole number of at least ``at_least``."""
    array = finite(name, value)
    _require(name, array, (array == np.rint(array)) & (array >= at_least), f"must be a whole number >= {at_least}")
    _require(name, array, array <= 2.0**53, "must be a whole number <= 2**53")
    return array.astype(np.int64)


def between(name: str, value: ArrayLike, low: float, high: float) -> Array:
    """Every value lies in [low, high]."""
    array = numbers(name, value)
    return _require(name, array, (array >= low) & (array <= high), f"must be in [{low:g}, {high:g}]")


def single(name: str, value: ArrayLike) -> float:
    """``value`` is one finite number, not several."""
    array = finite(name, value)
    if array.ndim > 0:
        raise ArgumentError(f"{name} must be one number, got {array.size} of shape {array.shape}")
    return float(array)


def increasing(name: str, value: ArrayLike) -> Array:
    """A one-dimensional array whose values strictly increase."""
    array = finite(name, value)
    if array.ndim != 1 or np.any(np.diff(array) <= 0):
        raise ArgumentError(f"{name} must be one-dimensional and strictly increasing, got {_shown(array)}")
    return array


def probabilities(name: str, value: ArrayLike, *, axis: int = -1, tolerance: float = 1e-6) -> Array:
    """Values of at least 0 that sum to 1 along ``axis`` (within ``tolerance``; renormalised exactly)."""
    array = non_negative(name, value)
    total = array.sum(axis=axis, keepdims=True)
    if np.any(np.abs(total - 1.0) > tolerance):
        worst = float(np.ravel(total)[np.argmax(np.abs(np.ravel(total) - 1.0))])
        raise ArgumentError(f"{name} must sum to 1, got {worst:g}. Is an outcome missing?")
    normalised: Array = array / total
    return normalised


def same_length(**named: Sequence[object] | NDArray[np.generic]) -> int:
    """Every named sequence has the same length, which is returned."""
    lengths = {name: len(value) for name, value in named.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ArgumentError(f"these must have the same length: {told}")
    return next(iter(lengths.values()))


def shape(name: str, value: ArrayLike, expected: tuple[int, ...], axes: str = "") -> Array:
    """``value`` broadcast to ``expected`` (named by ``axes`` in the message)."""
    array = finite(name, value)
    try:
        return np.broadcast_to(array, expected).copy()
    except ValueError:
        told = f" ({axes})" if axes else ""
        raise ArgumentError(f"{name} must have shape {expected}{told}, got {array.shape}") from None


def broadcast(**named: ArrayLike) -> tuple[tuple[int, ...], dict[str, Array]]:
    """The common shape of all named arguments, and each as a float64 array of that shape."""
    arrays = {name: numbers(name, value) for name, value in named.items()}
    try:
        common = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        told = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ArgumentError(f"these do not broadcast together over items: {told}") from None
    return common, {name: np.broadcast_to(array, common) for name, array in arrays.items()}


def _require(name: str, array: Array, ok: NDArray[np.bool_], rule: str, hint: str = "") -> Array:
    if bool(np.all(ok)):
        return array
    bad = np.atleast_1d(array)[~np.atleast_1d(ok)]
    message = f"{name} {rule}, got {_shown(bad)}"
    if array.ndim > 0:
        where = np.argwhere(~ok)
        places = [tuple(int(i) for i in row) if len(row) > 1 else int(row[0]) for row in where[:SHOWN]]
        message += f" at position {', '.join(map(str, places))}"
        if len(where) > SHOWN:
            message += f" and {len(where) - SHOWN} more ({len(where)} in all)"
    error = ArgumentError(message + hint)
    if array.ndim > 0:
        error.positions, error.length = np.unique(where[:, 0]).tolist(), len(array)
    raise error


def _shown(array: Array) -> str:
    flat = np.ravel(array)
    told = ", ".join(f"{value:g}" for value in flat[:SHOWN])
    return told + (", ..." if len(flat) > SHOWN else "")


def _percentage_hint(array: Array) -> str:
    bad = array[(array > 1) & (array <= 100)] if array.ndim else array
    if bad.size and bool(np.all((bad > 1) & (bad <= 100))):
        return f". For a percentage write {float(np.ravel(bad)[0]) / 100:g}"
    return ""
