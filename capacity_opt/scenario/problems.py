"""Collects every fault of a scenario, so that all are shown together, and words the likely fixes."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from capacity_opt.errors import ArgumentError, Problem, ScenarioError

SHOWN_PER_COLUMN = 10
LONGEST_VALUE = 60


@dataclass
class Problems:
    """The faults (errors) and remarks (warnings) found so far; ``raise_if_any`` ends the reading."""

    found: list[Problem] = field(default_factory=list)

    def error(
        self,
        code: str,
        file: str,
        rule: str,
        *,
        value: str = "",
        fix: str = "",
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Note a fault that stops the scenario."""
        self.found.append(Problem(code, file, rule, value, fix, row, column))

    def warning(
        self,
        code: str,
        file: str,
        rule: str,
        *,
        value: str = "",
        fix: str = "",
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Note something odd that the reading goes on with."""
        self.found.append(Problem(code, file, rule, value, fix, row, column, severity="warning"))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The faults, at most ten per kind and column, then their count."""
        return _shortened([problem for problem in self.found if problem.severity == "error"])

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The remarks, shortened likewise."""
        return _shortened([problem for problem in self.found if problem.severity == "warning"])

    @property
    def failed(self) -> bool:
        """Whether any fault was found."""
        return any(problem.severity == "error" for problem in self.found)

    def raise_if_any(self) -> None:
        """Raise :class:`~capacity_opt.errors.ScenarioError` with every fault, where there is one."""
        if self.failed:
            raise ScenarioError(self.errors)


@contextmanager
def told_as_fault(file: str = "scenario.toml") -> Iterator[None]:
    """What a model refuses in a scenario is a fault of the scenario, not of the call (also as a decorator)."""
    try:
        yield
    except ArgumentError as error:
        raise ScenarioError([Problem("E240", file, str(error))]) from error


def _shortened(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    counts = Counter(_kind(problem) for problem in problems)
    seen: Counter[tuple[str, str, str | None]] = Counter()
    told: list[Problem] = []
    for problem in problems:
        kind = _kind(problem)
        seen[kind] += 1
        if seen[kind] <= SHOWN_PER_COLUMN:
            told.append(problem)
        elif seen[kind] == SHOWN_PER_COLUMN + 1:
            more = counts[kind] - SHOWN_PER_COLUMN
            rule = f"{more} more row{'s' if more > 1 else ''} like this ({counts[kind]} in all)"
            told.append(Problem(problem.code, problem.file, rule, column=problem.column, severity=problem.severity))
    return tuple(told)


def _kind(problem: Problem) -> tuple[str, str, str | None]:
    return problem.code, problem.file, problem.column


def shown(text: str) -> str:
    """A cell or key as it may be printed: quoted, control characters spelled out, cut at 60 characters.

    >>> shown("1,234"), shown("a\\x1b[31m")
    ("'1,234'", "'a\\\\x1b[31m'")
    """
    cut = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
    return repr(cut)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for the nearest known word, else the known words (the first ten).

    >>> did_you_mean("regoin", ["region", "zone"])
    "Did you mean 'region'?"
    """
    names = list(known)
    near = difflib.get_close_matches(word.casefold(), [name.casefold() for name in names], n=1, cutoff=0.6)
    if near:
        match = next(name for name in names if name.casefold() == near[0])
        return f"Did you mean {shown(match)}?"
    if not names:
        return ""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"Have {', '.join(names[:10])}{more}"
