"""Signals while something is solved: the best answer known is saved before the command ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from capacity_opt.cli.output import Output
from capacity_opt.errors import LimitError

SIGNALLED = 128
NOTHING_YET = (KeyboardInterrupt, LimitError, SystemError)
"""What comes of a signal before there is anything to save; compiled code makes a ``SystemError`` of it."""


class Stop:
    """Remembers Ctrl-C or a termination: the solver hands over its best plan, which is then saved."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether there was a signal."""
        return self.number != 0

    @property
    def code(self) -> int:
        """The exit code: 130 after Ctrl-C, 143 after a termination."""
        return SIGNALLED + self.number

    def __enter__(self) -> Stop:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        signal.default_int_handler(number, frame)

    def empty_handed(self, output: Output) -> int:
        """Say that there was nothing to save; the exit code."""
        output.note("Interrupted before there was a plan; nothing was saved.")
        return self.code
