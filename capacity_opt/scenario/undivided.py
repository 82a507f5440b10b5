"""What must be done whole or not at all, whatever signal comes meanwhile."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def undivided() -> Iterator[None]:
    """Hold Ctrl-C and a termination back until the block has ended; keep the block short.

    >>> with undivided():
    ...     done = "whole"
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only: nothing can come here
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda told, _: came.append(told)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for told in came[:1]:
            signal.raise_signal(told)
