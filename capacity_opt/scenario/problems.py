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

# What each code stands for; docs/reference/errors.md is made from it.
CODES = {
    "E201": "a share or a level is not between 0 and 1: often a percentage",
    "E202": "a percent sign",
    "E203": "a value is negative, or not above 0 where it must be",
    "E204": "a duration is negative",
    "E205": "text that is not a number, or too large, or not whole where it must be",
    "E206": "a unit in a cell, or another unit than the table's",
    "E207": "a value that is none of those allowed, or two that exclude each other",
    "E208": "an id that no table defines",
    "E209": "an id that differs by case or space only",
    "E210": "two rows with one key",
    "E212": "quantiles that cross, where they are refused",
    "E215": "a blank where there must be a value",
    "E216": "N/A, a dash or an Excel error in place of a value",
    "E218": "thousands separators",
    "E219": "decimal commas or semicolons between cells",
    "E220": "a currency sign in a cell",
    "E222": "a column in another currency than the scenario's",
    "E225": "a date as an Excel serial number",
    "E226": "a date that can be read two ways",
    "E227": "periods or groups are missing",
    "E228": "a date or number that is no period of the horizon",
    "E229": "an id whose leading zeros were lost",
    "E230": "a row with more or fewer cells than the header",
    "E231": "a row of totals",
    "E232": "title rows above the header",
    "E233": "an unknown column, or one that is there twice",
    "E234": "a column is missing, or the file is no valid CSV",
    "E235": "a file that cannot be read: another format, another encoding, empty, or no rows",
    "E236": "no such file, sheet or table, or one outside the scenario's folder",
    "E237": "probabilities that do not sum to 1, or disagree",
    "E238": "a term without its unit",
    "E239": "scenario.toml: a syntax error, an unknown key or a key given twice",
    "E240": "scenario.toml: a value of the wrong type or outside its range, or a section is missing",
    "E241": "an override or setting that is malformed or matches nothing",
    "E242": "no plan can serve what must be served: found before solving",
    "E243": "a history from which no forecast can be made",
    "E244": "a history that does not end just before the horizon begins",
    "E245": "a history in which no series is longer than the horizon",
    "E246": "something that fits into no rack or row",
    "E247": "two settings of a server type that exclude each other",
    "E250": "[admission] names a resource that the fleet does not have, or sells less than there is",
    "E251": "shares of a class over sites that do not sum to 1",
    "W212": "quantiles crossed and were sorted",
    "W213": "quantiles below 0 were set to 0",
    "W214": "forecast rows that look like a point forecast, or alike for every series",
    "W221": "a protection interval was rounded up to whole periods",
    "W227": "gaps in a history: closed up, counted as no demand, or as not observed",
    "W228": "dates of a forecast that do not fall on its periods",
    "W243": "a cost of 0, or a shortage cheaper than holding, makes the answer trivial",
    "W244": "a name that a spreadsheet or a page could run; shown harmless",
    "W245": "something is left out: a zone without rows for racks, series shorter than the horizon",
    "W246": "an item is set aside for a fault in its rows ([inventory] on_fault)",
    "W247": "more faults for which items are set aside",
}


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
        return _shortened(list(dict.fromkeys(problem for problem in self.found if problem.severity == "error")))

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
