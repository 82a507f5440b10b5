"""Where words go: results to stdout, the rest to stderr, quiet or loud, as text or as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import click

from capacity_opt.errors import CapacityError, Problem, ScenarioError

if TYPE_CHECKING:
    from rich.console import Console

JSON_VERSION = 1
LINE_EVERY = 10.0


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has."""
    for option in (
        click.option("-v", "--verbose", count=True, help="Say more."),
        click.option("-q", "--quiet", is_flag=True, help="Only results and errors."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    ):
        command = option(command)
    return command


def _nobody_reads() -> NoReturn:
    raise BrokenPipeError


@dataclass
class Output:
    """The two streams of one command."""

    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    _last: float = field(default_factory=time.monotonic)

    def console(self, *, err: bool = False) -> Console:
        """A console that honours NO_COLOR and pipes (no colour, no animation; wide enough for tables)."""
        from rich.console import Console

        stream = sys.stderr if err else sys.stdout
        width = None if stream.isatty() else 160
        console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
        console.on_broken_pipe = _nobody_reads  # type: ignore[method-assign] # rich would leave with 1
        return console

    def result(self, text: str) -> None:
        """A line of the result."""
        click.echo(text)

    def json(self, value: dict[str, Any]) -> None:
        """The result as JSON on stdout."""
        from capacity_opt.scenario.run_folder import plain

        body = plain({"schema_version": JSON_VERSION, **value})
        click.echo(json.dumps(body, indent=1, sort_keys=True, ensure_ascii=True))

    def note(self, text: str) -> None:
        """A remark on stderr, unless quiet."""
        if not self.quiet:
            click.echo(clean(text), err=True)

    def warn(self, problems: Sequence[Problem]) -> None:
        """Data-quality remarks on stderr."""
        for problem in problems:
            self.note(f"warning: {problem}")

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A way to tell what goes on: a live line on a terminal, else a line per ten seconds (every one with -v)."""
        if self.quiet:
            yield lambda _: None
        elif sys.stderr.isatty() and not self.verbose:
            with self.console(err=True).status("reading") as status:
                yield lambda text: status.update(clean(text))
        else:
            yield self._line

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if self.verbose or now - self._last >= LINE_EVERY:
            self._last = now
            click.echo(clean(text), err=True)


def clean(text: str) -> str:
    """Text without control characters that could steer a terminal (line ends stay)."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def tell_error(error: CapacityError, arguments: Sequence[str]) -> int:
    """Print an error (with ``--json`` on stdout as JSON too) and return its exit code."""
    if "--json" in arguments:
        Output(as_json=True).json(_as_json(error))
    else:
        click.echo(clean(f"Error: {error}"), err=True)
    return error.exit_code


def tell_bug(error: Exception, arguments: Sequence[str]) -> int:
    """Own up to a fault of this program; the traceback is shown with ``-v``."""
    if {"-v", "-vv", "--verbose"} & set(arguments):
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
    told = f"{type(error).__name__}: {error}"
    if "--json" in arguments:
        Output(as_json=True).json({"error": "bug", "message": told, "exit_code": 1})
    else:
        click.echo(
            clean(f"Error: this is a bug in capacity-opt, not in your input ({told}). -v shows where."), err=True
        )
    return 1


def _as_json(error: CapacityError) -> dict[str, Any]:
    body: dict[str, Any] = {"error": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    if isinstance(error, ScenarioError):
        body["problems"] = [problem_json(problem) for problem in error.problems]
    return body


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as JSON."""
    names = ("code", "file", "row", "column", "value", "rule", "fix", "severity")
    return {name: getattr(problem, name) for name in names}


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as aligned lines; ``right`` are the columns set flush right."""
    cells = [[clean(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    return [
        "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
        for row in cells
    ]
