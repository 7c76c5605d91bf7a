"""The turns of a watch: which e-mails they poll, what is printed, and when it ends."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from email_opens.errors import AccountDisconnected
from email_opens.model import Activity, State
from email_opens_cli.deployed.activities import save_change, track_each
from email_opens_cli.deployed.turns import COMMIT, TURN, failure_sentences, report_sentences
from email_opens_cli.terminal.complaints import FAILED
from email_opens_cli.terminal.console import warn
from email_opens_cli.terminal.ending import Ending

if TYPE_CHECKING:
    from email_opens.bootstrap_watch import Watch
    from email_opens.turns.report import TurnReport

HOLDER = "email-opens watch"
"""Always the same, so that a watch takes over the lease of one that was killed."""
STDOUT = 1

_CHECK_SECONDS = 0.5

type _FailureKind = tuple[str | None, str]
"""An activity, or None for the account, and the kind of its failure."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    account_id: str
    named: list[str]
    since: datetime | None
    every: timedelta | None
    """None: once."""


def choose(product: "Watch", wanted: Wanted) -> None:
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


def take_turns(product: "Watch", wanted: Wanted, ending: Ending, rejected: Path) -> int:
    """Take turns until one ends the watch; return the exit code."""
    from email_opens.adapters.local.lines import OutputClosed, closed  # noqa: PLC0415

    reported: set[_FailureKind] = set()
    while True:
        next_at = product.clock.now() + (wanted.every or timedelta())
        turn = _take_turn(product, wanted.account_id)
        if ending.requested or isinstance(turn.stopped, OutputClosed):
            return 0
        if turn.counts.rejected:
            warn(f"Set aside {turn.counts.rejected} rows that are not opens, in {rejected}.")
        if turn.counts.published or not wanted.every:
            print_on_a_terminal(next(report_sentences(turn)))
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
            product.clock.sleep(min(seconds, _CHECK_SECONDS))


def _failure_kinds(turn: "TurnReport") -> Iterator[_FailureKind]:
    """Yield the kind of each of the `failure_sentences`, whose texts differ by their trace ids."""
    if not turn.leased:
        yield None, "busy"
    for failure in turn.failures:
        yield failure.campaign_activity_id, type(failure.error).__name__
    if turn.stopped:
        yield None, type(turn.stopped).__name__


def _take_turn(product: "Watch", account: str) -> "TurnReport":
    until = product.clock.now() + TURN
    return product.turns.take_turn(account, holder=HOLDER, before=until - COMMIT, until=until)


def print_on_a_terminal(sentence: str) -> None:
    """Print what is not needed in a log: cron would send it by mail."""
    if sys.stderr.isatty():
        warn(sentence)
