"""What is tracked and how far it has come: printed once, or redrawn until Ctrl-C."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens.ports import Clock
from email_opens_cli.arguments.options import Account, Json, Stack, file_name, parse_account
from email_opens_cli.commands.status.json_object import status_json
from email_opens_cli.commands.status.reading import Status, read_status
from email_opens_cli.commands.status.table import account_line, table
from email_opens_cli.commands.watch.state import reader
from email_opens_cli.terminal.console import TextConsole, console, redrawn, say, say_json
from email_opens_cli.terminal.ending import Ending

_REDRAWN_EVERY_SECONDS = 2.0
_NAPS = 10


def status(
    context: typer.Context,
    account: Account = "default",
    stack: Stack = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            parser=file_name("--state"),
            help="Show the state file of `watch` instead.",
        ),
    ] = None,
    *,
    as_json: Json = False,
    redraw: Annotated[
        bool, typer.Option("--watch", help="Redraw the status until Ctrl-C.")
    ] = False,
) -> None:
    """Show what is tracked, and how far it has been read.

    Without a stack, the command shows the state file of `email-opens watch`.
    """
    if redraw and as_json:
        raise InvalidInput("--watch is for people and --json for programs: use one of them.")
    if state is not None and _is_typed(context, "stack"):
        raise InvalidInput("--stack and --state are two places to read: name one of them.")
    account_id, screen = parse_account(account), console()
    read, clock = reader(account_id, stack, state, partial(read_status, account_id=account_id))
    if redraw:
        redraw_status(read, clock, screen)
        return
    current = read()
    if as_json:
        say_json(status_json(current), indent=2)
        return
    if current.activities:
        screen.print(*table(current, screen.width), sep="\n")
    else:
        say(
            "Nothing is tracked. Track an e-mail in a stack with `email-opens track E-MAIL`, "
            "or follow what was sent recently with `email-opens watch`."
        )
    screen.say(account_line(current))


def _is_typed(context: typer.Context, parameter: str) -> bool:
    """Return whether a person has typed an option of this command."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def redraw_status(read: Callable[[], Status], clock: Clock, screen: TextConsole) -> None:
    """Redraw the status every other second, until Ctrl-C.

    Raises:
        InvalidInput: stdout is not a terminal.
    """
    if not screen.is_terminal:
        raise InvalidInput("--watch needs a terminal, and stdout is not one: leave it out.")
    with Ending() as ending, redrawn(screen) as redraw:
        while not ending.requested:
            current = read()
            redraw(*table(current, screen.width), account_line(current))
            for _ in range(_NAPS):
                if not ending.requested:
                    clock.sleep(_REDRAWN_EVERY_SECONDS / _NAPS)
    raise typer.Exit(ending.exit_code)
