"""The whole product without AWS: new opens on a terminal, or as lines, and a state file."""

import os
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import (
    WEBHOOK_VARIABLE,
    Account,
    Alert,
    AlertAll,
    AnotherAccount,
    From,
    Since,
    checked,
    file_name,
    parse_account,
    parse_since,
    whole_number,
)
from email_opens_cli.commands.watch.command import Command
from email_opens_cli.commands.watch.credentials import read_credentials
from email_opens_cli.commands.watch.demo import (
    DemoPort,
    check_demo_state,
    check_real_state,
    demo_account,
)
from email_opens_cli.commands.watch.emails import Wanted
from email_opens_cli.commands.watch.output import Format
from email_opens_cli.commands.watch.state import default_state_file, state_options

DAY_SECONDS = 86_400
STDOUT = Path("-")
"""The name of no file."""


def watch(
    emails: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[E-MAIL]…",
            help="Names, patterns such as 'News*', ids, or beginnings of these. "
            "By default everything sent in the last seven days.",
        ),
    ] = None,
    since: Since = From.BEGINNING.value,
    account: Account = "default",
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            parser=file_name("--state"),
            help="The state file; by default one in your home folder.",
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            "--credentials",
            metavar="FILE",
            callback=checked(file_name("--credentials")),
            help="Read credentials from this file, as the JSON that `connect` reads; - is stdin.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            parser=file_name("--output"),
            help="Append the opens to this file; - is stdout.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How opens are written: by default table on a terminal, csv to a file whose name "
            "ends in .csv, else json.",
        ),
    ] = None,
    alert: Alert = None,
    *,
    alert_all: AlertAll = False,
    another_account: AnotherAccount = False,
    reconnect: Annotated[
        bool, typer.Option("--reconnect", help="Give consent again, on this terminal.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Watch the account of `constant-contact-emulator --demo`; keep nothing, unless "
            "--state names a file.",
        ),
    ] = False,
    demo_port: DemoPort = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when everything is read, for example from cron.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            parser=whole_number("--every", 1, DAY_SECONDS),
            help="Poll at this interval, at most a day; by default as often as the day's requests "
            "allow.",
        ),
    ] = None,
) -> None:
    """Show each new open once, without AWS.

    Without a name, the command watches everything that was sent in the last seven days, and adds
    new sends within five minutes. It prints a readable line for each open on a terminal, and the
    event as a line of JSON to a pipe or a file. The state file keeps the progress: after Ctrl-C,
    the next run continues where this one ended.

    The command needs credentials only the first time: on a terminal it asks for your consent, as
    `connect` does; elsewhere, use --credentials. The state file keeps them, and only you can
    read it.

    Exit codes: 0 done, or the output was closed; 1 something failed; 2 bad input;
    130 interrupted.
    """
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415 - for a fast --help, like those below
    from email_opens.config.settings import read_settings_without_aws  # noqa: PLC0415

    with ExitStack() as opened:
        account_id = parse_account(account)
        queries = tuple(dict.fromkeys(emails or ()))
        begins = parse_since(since, SystemClock().now())
        if demo_port is not None and not demo:
            raise InvalidInput("--demo-port is the port of the demo account: add --demo.")
        if demo and credentials is not None:
            raise InvalidInput("--demo has credentials of its own: leave out --credentials.")
        if alert_all and alert is None:
            raise InvalidInput(
                f"--alert-all needs a webhook: add --alert URL, or set {WEBHOOK_VARIABLE}."
            )
        found = opened.enter_context(demo_account(os.environ, demo_port)) if demo else None
        settings = read_settings_without_aws(found.environment if found else os.environ)
        given = None if credentials is None else read_credentials(credentials)
        options = f"{found.options if found else ''}{state_options(account_id, state)}"
        if found is not None:
            state, given = state or found.state, found.credentials
        wanted = Wanted(
            account_id,
            queries,
            begins,
            timedelta(seconds=every) if every else None,
            once=once,
            command=f"email-opens watch{options}",
        )
        code = Command(
            settings=settings,
            state=state or default_state_file(account_id),
            given=given,
            check_state=check_demo_state if demo else check_real_state,
            wanted=wanted,
            kept=found is None or state != found.state,
            another_account=another_account,
            reconnect=reconnect,
            output=None if output == STDOUT else output,
            form=form,
            alert=alert,
            alert_all=alert_all,
        ).run()
    raise typer.Exit(code)
