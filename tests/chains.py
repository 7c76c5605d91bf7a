"""The turns of a minute, as the schedule and the queue of wake-ups start them."""

from collections.abc import Iterator
from datetime import timedelta

from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.ports import Clock
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import Turns

MINUTE = timedelta(minutes=1)


def turns_of_a_minute(
    turns: Turns,
    clock: Clock,
    account_id: str = "default",
    *,
    lasts: timedelta = MINUTE,
    commit: timedelta = timedelta(),
) -> Iterator[TurnReport]:
    """Yield the scheduled turn of a minute, and those that are woken after it.

    Each may last for `lasts`, of which no request is sent in the last `commit`. The clock is moved
    to where each turn begins, and not to the end of the minute.
    """
    wake_ups, woken_by = NextWakeUp(), None
    began_at, number = clock.now(), 0
    while True:
        until = clock.now() + lasts
        wake_ups.token = None
        yield turns.take_turn(
            account_id,
            holder=f"{began_at} {number}",
            before=until - commit,
            until=until,
            wake_ups=wake_ups,
            woken_by=woken_by,
        )
        if wake_ups.token is None:
            return
        clock.sleep(wake_ups.seconds)
        woken_by, number = wake_ups.token, number + 1
