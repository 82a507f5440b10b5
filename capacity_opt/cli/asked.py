"""The head that commands about one scenario share: its options, read and applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from capacity_opt.cli.options import SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common

if TYPE_CHECKING:
    from capacity_opt.scenario.read import Scenario


@dataclass(frozen=True)
class Asked:
    """What was typed: the ``scenario`` with every change applied, where it is (``folder``), the longest solve in
    seconds where one was given, and where words go."""

    scenario: Scenario
    folder: Path
    time_limit: float | None
    output: Output


def about_scenario(command: Callable[[Asked], int]) -> Callable[..., int]:
    """Give a command SCENARIO, ``--set``, ``--variant``, the solver's options and those of every command, and hand it
    the scenario that they make."""

    @SCENARIO
    @changes
    @solving
    @common
    @wraps(command)
    def typed(
        scenario: Path,
        settings: tuple[str, ...],
        variant: str | None,
        seed: int | None,
        solver: str | None,
        time_limit: float | None,
        gap: float | None,
        as_json: bool,
        quiet: bool,
        verbose: int,
    ) -> int:
        from capacity_opt.scenario.read import read_scenario
        from capacity_opt.scenario.run import RunOptions, chosen

        output = Output(as_json, quiet, verbose)
        options = RunOptions(seed=seed, solver=solver, time_limit=time_limit, gap=gap)
        read = chosen(read_scenario(scenario, set=settings, variant=variant), options)
        return command(Asked(read, scenario, time_limit, output))

    return typed
