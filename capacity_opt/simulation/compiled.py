"""Whether compiled kernels are used; without numba the NumPy twins serve and give the same numbers."""

from __future__ import annotations

import os
from importlib.util import find_spec


def compiling() -> bool:
    """Whether numba is installed and not switched off by ``CAPACITY_OPT_COMPILE=0`` in the environment.

    >>> isinstance(compiling(), bool)
    True
    """
    return os.environ.get("CAPACITY_OPT_COMPILE", "1") != "0" and find_spec("numba") is not None
