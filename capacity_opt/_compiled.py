"""Loops compiled on first use: a kernel is plain Python that numba, where installed, turns into machine code.

The kernels' modules import nothing heavy; :func:`compiled` compiles a kernel (and the functions it calls) the first
time it is needed and keeps the result, on disk too. Without numba it answers ``None`` and callers take their NumPy
path, which gives the same answers more slowly. ``CAPACITY_OPT_COMPILE=0`` in the environment asks for that path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiling() -> bool:
    """Whether kernels are compiled: numba is installed and not switched off.

    >>> isinstance(compiling(), bool)
    True
    """
    return os.environ.get("CAPACITY_OPT_COMPILE", "1") != "0" and find_spec("numba") is not None


def kept(source: str) -> bool:
    """Whether machine code of the module in the file ``source`` lies where numba keeps it, no older than the module."""
    path = Path(source)
    places = [(path.parent, "__pycache__")]
    if os.environ.get("NUMBA_CACHE_DIR"):
        places = [(Path(os.environ["NUMBA_CACHE_DIR"]), f"{path.parent.name}_*")]
    elif not os.access(path.parent, os.W_OK):
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        places.append((Path(home).expanduser() / "numba", f"{path.parent.name}_*"))
    wanted = f"{path.stem}.*.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    try:
        written = path.stat().st_mtime
        return any(file.stat().st_mtime >= written for root, sub in places for file in root.glob(f"{sub}/{wanted}"))
    except OSError:
        return False


def compiled(kernel: Kernel, *called: Callable[..., Any]) -> Kernel | None:
    """``kernel`` compiled with a parallel outer loop (``prange``), or ``None`` where kernels are not compiled.

    ``called`` lists the functions that the kernel calls, each after those that it calls itself.
    """
    return _compile(kernel, called) if compiling() else None


@contextmanager
def one_thread() -> Iterator[None]:
    """Kernels called inside run on one thread: where work is small, or the machine busy, waking others takes longer."""
    if not compiling():
        yield
        return
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


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
