"""One turn of an account here instead of in Lambda, and its report in sentences."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from email_opens.model import Activity
from email_opens_cli.terminal.complaints import sentence_of
from email_opens_cli.terminal.words import count, named

if TYPE_CHECKING:
    from email_opens.turns.report import TurnReport

TURN = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
"""The end of the turn, kept to publish and record what is in hand."""


def report_sentences(turn: "TurnReport") -> Iterator[str]:
    """Yield what a turn has done, in sentences."""
    counts = turn.counts
    for activity in turn.found.tracked if turn.found else ():
        yield f"Tracked {named(activity)}."
    yield (
        f"Published {count(counts.published, 'open')} of {count(turn.activities, 'e-mail')} "
        f"with {count(turn.requests, 'request')}; {_gaps_left(turn.gaps)}."
    )
    if counts.rejected:
        yield set_aside(counts.rejected)
    if counts.dead_lettered:
        yield (
            f"The topic refused {count(counts.dead_lettered, 'open')}, now in the dead-letter "
            "queue."
        )


def failure_sentences(turn: "TurnReport", activities: Iterable[Activity]) -> Iterator[str]:
    """Yield what failed in a turn, in sentences; `activities` are those of the account."""
    names = {activity.campaign_activity_id: named(activity) for activity in activities}
    if not turn.leased:
        yield f"Another turn or command works on account {turn.account_id}; try again in a minute."
    for failure in turn.failures:
        failed = failure.campaign_activity_id
        yield f"{names.get(failed, failed)}: {sentence_of(failure.error)}"
    if turn.stopped:
        yield str(turn.stopped)
    if turn.unsearched:
        yield f"The search for new sends failed: {sentence_of(turn.unsearched)}"


def set_aside(rows: int) -> str:
    """Return the sentence about rows that were rejected."""
    return (
        f"Set aside {rows} rows that are not opens."
        if rows != 1
        else ("Set aside 1 row that is not an open.")
    )


def _gaps_left(gaps: int) -> str:
    return f"{count(gaps, 'gap')} {'is' if gaps == 1 else 'are'} left"
