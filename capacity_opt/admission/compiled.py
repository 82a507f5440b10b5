"""Admission's loops compiled on first use, with a NumPy path beside each that gives the same answers.

A kernel is plain Python that imports nothing heavy. :func:`compiled` hands it to numba the first time it is needed
(the result is kept on disk); it answers ``None`` where numba is missing or ``CAPACITY_OPT_COMPILE=0`` asks for NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import FunctionType
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel, *called: Callable[..., Any]) -> Kernel | None:
    """``kernel`` with its outer loop in parallel, or ``None``; ``called``: the functions it calls, inner ones first."""
    wanted = os.environ.get("CAPACITY_OPT_COMPILE", "1") != "0" and find_spec("numba") is not None
    return _compile(kernel, called) if wanted else None


@cache
def _compile(kernel: Kernel, called: tuple[Callable[..., Any], ...]) -> Kernel:
    import numba

    known: dict[str, Any] = {"prange": numba.prange}
    for function in called:
        known[function.__name__] = _machine_code(function, known, parallel=False)
    machine: Kernel = _machine_code(kernel, known, parallel=True)
    return machine


def _machine_code(function: Callable[..., Any], known: dict[str, Any], *, parallel: bool) -> Any:
    """Numba finds what a function calls through its globals, so those are swapped for the compiled versions."""
    import numba

    assert isinstance(function, FunctionType)
    bound = FunctionType(function.__code__, {**function.__globals__, **known}, function.__name__)
    bound.__module__, bound.__qualname__ = function.__module__, function.__qualname__
    on_disk = os.path.isfile(function.__code__.co_filename)
    return numba.njit(cache=on_disk, parallel=parallel, nogil=True)(bound)
