"""The command line: arguments to calls; no computation. Commands are loaded when used, so that ``--help`` is quick.

Results go to stdout, everything else to stderr. Exit codes are those of :mod:`capacity_opt.errors`, and: 0 solved and
verified, 2 usage, 6 a limit was reached with a verified plan, 9 a ``--fail-if`` condition held, 10 the judge found a
promise not kept, 130 and 143 interrupted.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import click

from capacity_opt.cli.lazy import LazyCommands
from capacity_opt.errors import CapacityError

COMMANDS = {
    "init": "Write a scenario to start from.",
    "validate": "Check a scenario: every problem at once, with its place and fix.",
    "run": "Plan, judge and report a scenario.",
    "resume": "Do the runs again that were killed before they ended.",
    "list": "List finished runs.",
    "show": "Show a run, or a scenario after all its changes.",
    "explain": "Say why a number of a run is what it is: an item or a pool.",
    "compare": "Compare two runs: what changed and why the cost moved.",
    "query": "Ask all past runs a question in SQL.",
    "sweep": "Run a scenario for every combination of settings.",
    "frontier": "The cost curve of a scenario over a target.",
    "forecast": "Demand history to quantiles, at once or as it comes.",
    "levers": "What would raise utilization at equal availability, and its worth.",
    "recommend": "What to commit, right-size and steer, ranked by what it saves.",
    "admission": "Who gets in on the day: levels per class, pool and period.",
    "certify": "How far a plan made on samples can be from the best there is.",
    "simulate": "Judge a run's plan again on fresh demand.",
    "backtest": "Rank forecasts by what deciding with them would have cost.",
    "report": "Write a run's report and workbook again.",
    "export": "Write the fleet model as an MPS, LP or SMPS file.",
    "schema": "The JSON Schema of scenario.toml, or the columns of the tables.",
    "doctor": "Check the installation: versions, solvers, disk.",
}
EXAMPLES = """\b
Examples:
  capacity-opt init my-plan
  capacity-opt validate my-plan
  capacity-opt run my-plan --set fleet.gap=1%
  capacity-opt compare latest 20270104T0800
"""
INTERRUPTED = 130
NAME = "capacity-opt"
COMPLETION = "_CAPACITY_OPT_COMPLETE"


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from capacity_opt import __version__

        click.echo(f"capacity-opt {__version__}")
        ctx.exit()


@click.group(
    cls=LazyCommands,
    summaries=COMMANDS,
    modules={"list": "list_runs"},
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Decide how much cloud capacity and inventory to buy, hold and promise, and prove that it was right.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def cli() -> None:
    """The group itself does nothing."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; user mistakes never show a traceback."""
    previous, hook = signal.signal(signal.SIGTERM, _terminate), sys.unraisablehook
    sys.unraisablehook = partial(_stop_again, hook)
    try:
        code = _run(arguments)
        _flush()
    except BrokenPipeError:
        # Whoever read our output has stopped reading: nobody is left to tell. Python must not flush again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    finally:
        signal.signal(signal.SIGTERM, previous)
        sys.unraisablehook = hook
    sys.exit(code)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _stop_again(otherwise: Callable[[Any], object], lost: Any) -> None:
    """A signal that came inside a callback or a finaliser of a library is lost there: have it come again."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        _thread.interrupt_main(signal.SIGINT)
    elif issubclass(lost.exc_type, SystemExit):
        _thread.interrupt_main(signal.SIGTERM)
    else:
        otherwise(lost)


def _terminate(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _run(arguments: list[str] | None) -> int:
    try:
        if COMPLETION in os.environ:
            cli.main(prog_name=NAME, complete_var=COMPLETION)
        with cli.make_context(NAME, list(sys.argv[1:] if arguments is None else arguments)) as context:
            code = cli.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show(file=sys.stderr)
        return error.exit_code
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except CapacityError as error:
        from capacity_opt.cli.output import tell_error

        return tell_error(error, arguments if arguments is not None else sys.argv[1:])
    except (BrokenPipeError, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001 (the last resort: whatever else is raised is a fault of ours)
        if isinstance(error, SystemError) and (code := _stop_within(error)):
            click.echo("Interrupted.", err=True)
            return code
        from capacity_opt.cli.output import tell_bug

        return tell_bug(error, arguments if arguments is not None else sys.argv[1:])


def _stop_within(error: SystemError) -> int:
    """The exit code of the Ctrl-C or the termination that compiled code has turned into a ``SystemError``, or 0."""
    told = error.__cause__ or error.__context__
    if isinstance(told, KeyboardInterrupt):
        return INTERRUPTED
    return told.code if isinstance(told, SystemExit) and isinstance(told.code, int) else 0
