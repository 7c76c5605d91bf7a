"""One turn of an account here instead of in Lambda, and its report in sentences."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from email_opens_cli.terminal.complaints import sentence_of

if TYPE_CHECKING:
    from email_opens.turns.report import TurnReport

TURN = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
"""The end of the turn, kept to publish and record what is in hand."""


def report_sentences(turn: "TurnReport") -> Iterator[str]:
    """Yield what a turn has done, in sentences."""
    counts = turn.counts
    yield (
        f"Published {counts.published} opens of {turn.activities} activities "
        f"with {turn.requests} requests; {turn.gaps} gaps are left."
    )
    if counts.rejected:
        yield f"Set aside {counts.rejected} rows that are not opens."
    if counts.dead_lettered:
        yield (
            f"The topic refused {counts.dead_lettered} opens; they are in the dead-letter queue."
        )


def failure_sentences(turn: "TurnReport") -> Iterator[str]:
    """Yield what failed in a turn, in sentences."""
    if not turn.leased:
        yield f"Another turn or command works on account {turn.account_id}; try again in a minute."
    for failure in turn.failures:
        yield f"{failure.campaign_activity_id}: {sentence_of(failure.error)}"
    if turn.stopped:
        yield str(turn.stopped)
