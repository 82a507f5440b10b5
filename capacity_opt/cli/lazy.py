"""Groups of commands whose modules are imported when a command is used, so that ``--help`` is quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyCommands(click.Group):
    """A group that knows its commands' names and summaries, and imports a module when its command is used.

    ``summaries`` name -> one line; ``modules`` name -> module, where it is not ``prefix`` + the name.
    """

    def __init__(
        self,
        *arguments: Any,
        summaries: Mapping[str, str],
        modules: Mapping[str, str] | None = None,
        prefix: str = "",
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.summaries = summaries
        self.modules = modules or {}
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """In the order of work."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """The command, from the module of its name."""
        if cmd_name not in self.summaries:
            return None
        name = self.modules.get(cmd_name, self.prefix + cmd_name)
        command: click.Command = import_module(f"capacity_opt.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            if self.summaries:
                formatter.write_dl(list(self.summaries.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was meant."""
        if args and args[0] not in self.summaries and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.summaries, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)
