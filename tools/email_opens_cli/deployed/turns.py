"""One turn of an account here, instead of in Lambda."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from email_opens.errors import EmailOpensError

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens
    from email_opens.turns.turns import TurnReport

TURN = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
"""Kept at the end of the turn, to publish and record what is in hand."""


def poll(product: "EmailOpens", account_id: str) -> "TurnReport":
    """Take the account's turn, with the time that Lambda would have."""
    until = product.clock.now() + TURN
    return product.turns.take_turn(
        account_id,
        holder=f"email-opens poll {uuid4()}",
        before=until - COMMIT,
        until=until,
    )


def told(turn: "TurnReport") -> Iterator[str]:
    """Yield what was done, in sentences."""
    yield (
        f"Published {turn.counts.published} opens of {turn.activities} activities "
        f"with {turn.requests} requests; {turn.gaps} gaps are left."
    )
    if turn.counts.rejected:
        yield f"Set aside {turn.counts.rejected} rows that are no opens."
    if turn.counts.dead_lettered:
        yield (
            f"The topic refused {turn.counts.dead_lettered} opens; "
            "they are in the dead-letter queue."
        )


def complaints_of(turn: "TurnReport") -> Iterator[str]:
    """Yield what failed, in sentences."""
    if not turn.leased:
        yield f"Another invocation works on account {turn.account_id}; try again in a minute."
    for failure in turn.failures:
        known = isinstance(failure.error, EmailOpensError)
        why = str(failure.error) if known else f"unexpected {type(failure.error).__name__}"
        yield f"{failure.campaign_activity_id}: {why}"
    if turn.stopped:
        yield str(turn.stopped)
