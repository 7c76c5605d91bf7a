"""The whole product without AWS: new opens as lines of JSON, and a state file."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.commands.watch.credentials import connect, new_tokens, read_credentials
from email_opens_cli.commands.watch.turns import (
    STDOUT,
    Wanted,
    choose,
    print_on_a_terminal,
    take_turns,
)
from email_opens_cli.terminal.complaints import INTERRUPTED, complaints
from email_opens_cli.terminal.console import warn
from email_opens_cli.terminal.ending import Ending, Interrupted, InterruptibleClock
from email_opens_cli.terminal.options import (
    Account,
    AnotherAccount,
    From,
    Ids,
    Since,
    parse_account,
    parse_ids,
    parse_since,
)

if TYPE_CHECKING:
    from email_opens.account import Tokens
    from email_opens.config import WatchSettings


def watch(
    activity_ids: Ids,
    since: Since = From.BEGINNING.value,
    account: Account = "default",
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", help="The state file; by default one in your home folder."
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            "--credentials", metavar="FILE", help="JSON as `connect` reads it; - is stdin."
        ),
    ] = None,
    *,
    another_account: AnotherAccount = False,
    once: Annotated[bool, typer.Option("--once", help="Poll once, for example from cron.")] = False,
    every: Annotated[
        int,
        typer.Option(
            "--every", metavar="SECONDS", min=1, max=86_400, help="Seconds between polls."
        ),
    ] = 60,
) -> None:
    """Write each new open to standard output once, as a line of JSON, without AWS.

    The named e-mails are watched until Ctrl-C, or until all are finished. The state file keeps
    the progress, whatever ends the command. Credentials are needed the first time only: on a
    terminal you are asked for consent, as with `connect`; otherwise use --credentials. They are
    kept in the state file, which only you may read.

    Exit codes: 0 done, or the output was closed; 1 something failed; 2 bad input;
    130 interrupted.
    """
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415 - for a fast --help, like those below
    from email_opens.config import read_settings_without_aws  # noqa: PLC0415

    with complaints():
        account_id, named = parse_account(account), parse_ids(activity_ids)
        begins = parse_since(since, SystemClock().now())
        settings = read_settings_without_aws(os.environ)
        given = None if credentials is None else read_credentials(credentials)
        code = _watch(
            settings,
            state or _default_state_file(account_id),
            given,
            Wanted(account_id, named, begins, None if once else timedelta(seconds=every)),
            another_account=another_account,
        )
    raise typer.Exit(code)


def _watch(
    settings: "WatchSettings",
    path: Path,
    given: "Tokens | None",
    wanted: Wanted,
    *,
    another_account: bool,
) -> int:
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415
    from email_opens.adapters.local.lines import LinesPublisher  # noqa: PLC0415
    from email_opens.adapters.local.state_file import StateFile  # noqa: PLC0415
    from email_opens.bootstrap_watch import bootstrap_watch  # noqa: PLC0415

    ending = Ending()
    clock = InterruptibleClock(SystemClock(), ending)
    rejected = path.with_name(f"{path.name}.rejected")
    with StateFile(path) as state:
        publisher = LinesPublisher(STDOUT, rejected, ending)
        product = bootstrap_watch(settings, state, publisher, clock=clock, waits=ending)
        tokens = new_tokens(product, settings, wanted.account_id, given)
        if tokens is not None:
            connect(product, wanted.account_id, tokens, another_account=another_account)
        choose(product, wanted)
        print_on_a_terminal(
            f"Watching {len(wanted.named)} e-mails of account {wanted.account_id}; the progress "
            f"is kept in {path}. Ctrl-C ends it."
        )
        with ending:
            try:
                code = take_turns(product, wanted, ending, rejected)
            except Interrupted:
                code = INTERRUPTED
            if ending.requested:
                warn("Ended. Run the command again to continue from here.")
                return INTERRUPTED
    return code


def _default_state_file(account: str) -> Path:
    """Return the account's own file in this system's folder for application data."""
    from email_opens.adapters.local.private_files import make_private_folder  # noqa: PLC0415

    folder = Path(typer.get_app_dir("email-opens"))
    try:
        make_private_folder(folder)
    except OSError as error:
        raise InvalidInput(
            f"The folder {folder} cannot be used: {error.strerror}. Name a file with --state."
        ) from None
    return folder / f"{account}.sqlite"
