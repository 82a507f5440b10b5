"""Every error this library raises on purpose.

::

    CapacityError                 base; carries the command line's exit code
    ├── ArgumentError             a call's argument breaks a rule (also a ValueError)      exit 2
    ├── ScenarioError             a scenario or its tables are invalid: all problems       exit 3
    ├── InfeasibleError           no plan keeps every requirement: which fail, cheapest fix exit 4
    ├── UnboundedError            the objective has no limit: a cost or a bound is missing  exit 5
    ├── LimitError                a limit was reached before any plan was found             exit 7
    ├── VerificationError         a solver's answer failed our own check                    exit 8
    ├── SolverError               a solver broke or cannot take the model                   exit 1
    ├── PartError                 one of many independent parts failed; names it            that of its cause
    └── RunFolderError            a run folder cannot be read or written                    exit 74
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_CODES = {
    0: "solved and verified",
    1: "a fault of this program, or a solver broke",
    2: "usage: an argument breaks a rule",
    3: "the scenario or its data are invalid",
    4: "infeasible; which promise fails, by how much and the cheapest fix are told",
    5: "unbounded: a cost or a bound is missing",
    6: "a limit was reached with a verified plan, which is saved",
    7: "a limit was reached before there was a plan",
    8: "a solver's answer failed verification",
    9: "a condition of compare --fail-if holds",
    10: "the judge found a promise not kept",
    74: "a file cannot be read or written, or the disk is full",
    130: "interrupted (Ctrl-C); the best plan so far is saved where there is one",
    141: "whoever read the output stopped reading",
    143: "terminated; saved as after Ctrl-C",
}


class CapacityError(Exception):
    """Base of every error raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 1


class ArgumentError(CapacityError, ValueError):
    """An argument breaks a rule; the message names the argument, the rule, the value and the items.

    ``positions`` are the places along the first axis of the array at fault, of length ``length``; empty where the
    fault is not one of single entries.
    """

    exit_code = 2
    positions: Sequence[int] = ()
    length: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a scenario: where it is, which rule it breaks, the value found, and the likely fix.

    ``row`` counts from 1 with the header as row 1, as a spreadsheet shows it; ``row`` and ``column`` are
    ``None`` where the fault concerns the whole file.
    """

    code: str
    file: str
    rule: str
    value: str = ""
    fix: str = ""
    row: int | None = None
    column: str | None = None
    severity: str = "error"

    @property
    def place(self) -> str:
        """``file:row:column``, as far as known."""
        parts = [self.file]
        if self.row is not None:
            parts.append(str(self.row))
        if self.column is not None:
            parts.append(self.column)
        return ":".join(parts)

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value else ""
        fix = f". {self.fix}" if self.fix else ""
        return f"{self.code} {self.place}{value}: {self.rule}{fix}"


class ScenarioError(CapacityError):
    """A scenario or its tables are invalid; ``problems`` lists every fault found, not the first one only."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"{count} problem{'s' if count != 1 else ''} found"
        super().__init__("\n".join([heading, *(str(problem) for problem in self.problems)]))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[Problem, ...]]]:
        """Travels between processes by its problems."""
        return type(self), (self.problems,)


class InfeasibleError(CapacityError):
    """No plan keeps every requirement; ``explanation`` has a line per failing promise with its cheapest fix."""

    exit_code = 4

    def __init__(self, message: str, explanation: Sequence[str] = ()) -> None:
        self.explanation = tuple(explanation)
        self._message = message
        super().__init__("\n".join([message, *self.explanation]))

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[str, tuple[str, ...]]]:
        """Travels between processes by its parts."""
        return type(self), (self._message, self.explanation)


class UnboundedError(CapacityError):
    """The objective can fall without limit: a price is negative or a bound is missing."""

    exit_code = 5


class LimitError(CapacityError):
    """A time or iteration limit was reached before any plan was found."""

    exit_code = 7


class VerificationError(CapacityError):
    """A solver's answer failed the recomputation from the inputs; it must not be used."""

    exit_code = 8


class SolverError(CapacityError):
    """A solver broke, or cannot take this model; the message says why and what to use instead."""

    exit_code = 1


class PartError(CapacityError):
    """One of many independent parts failed: ``part`` is its name, ``error`` what it raised, which also gives the exit
    code."""

    def __init__(self, part: str, error: Exception) -> None:
        self.part, self.error = part, error
        if isinstance(error, CapacityError):
            self.exit_code = error.exit_code
        said = str(error) if isinstance(error, CapacityError) else f"{type(error).__name__}: {error}"
        super().__init__(f"part {part}: {said}")

    def __reduce__(self) -> tuple[type[PartError], tuple[str, Exception]]:
        """Travels between processes by its parts."""
        return type(self), (self.part, self.error)


class RunFolderError(CapacityError):
    """A run folder cannot be read or written."""

    exit_code = 74
