"""The whole product without AWS: new opens as lines of JSON, and a state file."""

import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import AccountDisconnected, InvalidInput
from email_opens.model import Activity, State
from email_opens_cli.commands.account.connect import PORT, consent, read_application
from email_opens_cli.consent.credentials import accepted, read, take_over
from email_opens_cli.deployed.activities import save_change, track_each
from email_opens_cli.deployed.turns import COMMIT, TURN, failure_sentences, report_sentences
from email_opens_cli.terminal.complaints import FAILED, INTERRUPTED, complain, complaints
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
    from collections.abc import Iterator

    from email_opens.account import Tokens
    from email_opens.bootstrap import Watch
    from email_opens.config import Settings
    from email_opens.turns.report import TurnReport

HOLDER = "email-opens watch"
"""Always the same, so that a watch takes over the lease of one that was killed."""
STDOUT = 1

_LOOK_SECONDS = 0.5

type _FailureKind = tuple[str | None, str]
"""An activity, or None for the account, and the kind of its failure."""


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
        given = None if credentials is None else _read(credentials)
        code = _watch(
            settings,
            state or _default_state_file(account_id),
            given,
            _Wanted(account_id, named, begins, None if once else timedelta(seconds=every)),
            another_account=another_account,
        )
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line asks for."""

    account_id: str
    named: list[str]
    since: datetime | None
    every: timedelta | None
    """None: once."""


def _watch(
    settings: "Settings",
    path: Path,
    given: "Tokens | None",
    wanted: _Wanted,
    *,
    another_account: bool,
) -> int:
    from email_opens.adapters.clock import SystemClock  # noqa: PLC0415
    from email_opens.adapters.local.state_file import StateFile  # noqa: PLC0415
    from email_opens.bootstrap import bootstrap_watch  # noqa: PLC0415

    ending = Ending()
    clock = InterruptibleClock(SystemClock(), ending)
    rejected = path.with_name(f"{path.name}.rejected")
    with StateFile(path) as state:
        product = bootstrap_watch(settings, state, STDOUT, rejected, clock=clock, waits=ending)
        tokens = _new_tokens(product, settings, wanted.account_id, given)
        if tokens is not None:
            _connect(product, wanted.account_id, tokens, another_account=another_account)
        _choose(product, wanted)
        _print_on_a_terminal(
            f"Watching {len(wanted.named)} e-mails of account {wanted.account_id}; the progress "
            f"is kept in {path}. Ctrl-C ends it."
        )
        with ending:
            try:
                code = _go_on(product, wanted, ending, rejected)
            except Interrupted:
                code = INTERRUPTED
            if ending.requested:
                warn("Ended. Run the command again to continue from here.")
                return INTERRUPTED
    return code


def _go_on(product: "Watch", wanted: _Wanted, ending: Ending, rejected: Path) -> int:
    """Take turns until one ends the watch; return the exit code."""
    from email_opens.adapters.local.lines import OutputClosed, closed  # noqa: PLC0415

    reported: set[_FailureKind] = set()
    while True:
        next_at = product.clock.now() + (wanted.every or timedelta())
        turn = _turn(product, wanted.account_id)
        if ending.requested or isinstance(turn.stopped, OutputClosed):
            return 0
        if turn.counts.rejected:
            warn(f"Set aside {turn.counts.rejected} rows that are not opens, in {rejected}.")
        if turn.counts.published or not wanted.every:
            _print_on_a_terminal(next(report_sentences(turn)))
        failures = dict(zip(_failure_kinds(turn), failure_sentences(turn), strict=True))
        # The same failures are not printed each minute.
        warn(*(sentence for kind, sentence in failures.items() if kind not in reported))
        code = FAILED if failures else 0
        if wanted.every is None or isinstance(turn.stopped, AccountDisconnected):
            return code
        watched = [
            activity
            for activity in product.tracking.activities(wanted.account_id)
            if activity.campaign_activity_id in wanted.named
        ]
        if all(activity.state in (State.FINISHED, State.PAUSED) for activity in watched):
            warn("Nothing is left to watch.")
            return code
        # An activity that waits after a failure has not recovered from it.
        failing = {activity.campaign_activity_id for activity in watched if activity.last_error}
        reported = {kind for kind in reported if kind[0] in failing} | failures.keys()
        while (seconds := (next_at - product.clock.now()).total_seconds()) > 0:
            if ending.requested or closed(STDOUT):
                return 0
            product.clock.sleep(min(seconds, _LOOK_SECONDS))


def _failure_kinds(turn: "TurnReport") -> "Iterator[_FailureKind]":
    """Yield the kind of each of the `failure_sentences`, whose texts differ by their trace ids."""
    if not turn.leased:
        yield None, "busy"
    for failure in turn.failures:
        yield failure.campaign_activity_id, type(failure.error).__name__
    if turn.stopped:
        yield None, type(turn.stopped).__name__


def _turn(product: "Watch", account: str) -> "TurnReport":
    until = product.clock.now() + TURN
    return product.turns.take_turn(account, holder=HOLDER, before=until - COMMIT, until=until)


def _new_tokens(
    product: "Watch", settings: "Settings", account: str, given: "Tokens | None"
) -> "Tokens | None":
    """Return a person's tokens that the state file does not have yet; None: it has them.

    Raises:
        InvalidInput: it has none, and there is no terminal to ask for consent.
        EmailOpensError: consent was not given.
    """
    if given is not None:
        return None if product.credentials.given_last(account, given) else given
    try:
        product.credentials.load(account)
    except AccountDisconnected as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise InvalidInput(str(error)) from None
    else:
        return None
    from email_opens.adapters.vendor.session import Session  # noqa: PLC0415
    from email_opens_cli.consent.application import AuthorizationServer  # noqa: PLC0415

    with Session() as session, redirect_stdout(sys.stderr):
        server = AuthorizationServer(session, settings.constant_contact_auth_url, product.clock)
        try:
            return consent(server, read_application(), port=PORT)
        except (KeyboardInterrupt, typer.Abort):
            complain("Stopped; nothing was changed.", INTERRUPTED)


def _connect(product: "Watch", account: str, tokens: "Tokens", *, another_account: bool) -> None:
    """Check the tokens of a person, and store them.

    Raises:
        AccountDisconnected, InvalidInput: they are refused; nothing was stored.
    """

    def store(checked: "Tokens") -> None:
        product.credentials.give(account, tokens, checked)

    with product.leases.hold(account, holder=HOLDER, lasts=TURN, commit=COMMIT) as lease:
        taken = take_over(product, lease, tokens, store, another_account=another_account)
    warn(*accepted(taken).unchecked)


def _choose(product: "Watch", wanted: _Wanted) -> None:
    """Poll the named activities and no other; the progress of the others is kept."""

    def change(activity: Activity) -> tuple[Activity, str]:
        match activity.state:
            case State.FINISHED:
                return activity, ""
            case _ if activity.campaign_activity_id not in wanted.named:
                return replace(activity, state=State.PAUSED), ""
            case State.PAUSED:
                return replace(activity, state=State.ACTIVE), ""
            case _:
                return activity, ""

    now = product.clock.now()
    track_each(product.tracking, wanted.account_id, wanted.named, since=wanted.since, now=now)
    for activity in product.tracking.activities(wanted.account_id):
        if activity.state is not State.BROKEN:  # Each turn reports those.
            save_change(product.tracking, activity, change)


def _read(source: str) -> "Tokens":
    """Read credentials from a file, or from standard input.

    Raises:
        InvalidInput: they cannot be read, or are malformed.
    """
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InvalidInput(f"The credentials cannot be read: {error.strerror}.") from None
    return read(text)


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


def _print_on_a_terminal(sentence: str) -> None:
    """Print what is not needed in a log: cron would send it by mail."""
    if sys.stderr.isatty():
        warn(sentence)
