"""A group of commands: bare it prints its help, and it knows what a misspelt command is near to."""

from __future__ import annotations

from typing import Any

import click

from riskmodel.cli._terminal import say
from riskmodel.errors import InputError, UnknownNameError


class Group(click.Group):
    """As Click's, but for a bare call, which is no fault, and for names that nobody knows."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {"invoke_without_command": True, "no_args_is_help": False})

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, or print the help where none is named."""
        found = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            say(ctx.get_help())
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of a name, or the nearest one told."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise UnknownNameError("command", args[0], self.list_commands(ctx), where=place(ctx))
        return super().resolve_command(ctx, args)


def place(ctx: click.Context | None) -> str:
    """Where a fault of usage is: the command, as it is called after ``riskmodel``."""
    return "" if ctx is None else ctx.command_path.partition(" ")[2]


def unknown_option(error: click.NoSuchOption) -> UnknownNameError:
    """An option that the command does not have, with the nearest that it has."""
    ctx = error.ctx
    known = [] if ctx is None else [name for one in ctx.command.get_params(ctx) for name in one.opts if name[0] == "-"]
    return UnknownNameError("option", error.option_name, known, where=place(ctx))


def misused(error: click.ClickException) -> InputError:
    """What else Click finds wrong with a call: where, and the option or argument at fault as a field."""
    param, option = getattr(error, "param", None), getattr(error, "option_name", "")
    field = param.name if isinstance(param, click.Parameter) else option.lstrip("-").replace("-", "_")
    ctx = getattr(error, "ctx", None)
    what, remedy = error.format_message().rstrip("."), "See riskmodel --help"
    if ctx is not None and isinstance(error, click.MissingParameter):
        form = [one for one in ctx.command.collect_usage_pieces(ctx) if one != ctx.command.options_metavar]
        remedy = f"Write it as: {' '.join((ctx.command_path, *form))}"
    return InputError(what, where=place(ctx), remedy=remedy, field=field)
