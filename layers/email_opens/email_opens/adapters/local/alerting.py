"""The alert without AWS: fresh opens are posted to a webhook after they are written out."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from email_opens.adapters.waits import Waits
from email_opens.alerts.alerts import Alerts, Incoming
from email_opens.errors import OutOfTime
from email_opens.events import message
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Clock, Delivery, Publisher

FRESH = timedelta(minutes=15)
"""The age up to which an open is shown, and how long a failed post is retried."""
_WORKING = timedelta(seconds=60)
"""How long a batch of posts may take."""


class GivenAddress(Struct):
    """Implements `email_opens.alerts.ports.Address`; the URL stays the same until the end."""

    url: str
    mend: str

    def __repr__(self) -> str:
        return "GivenAddress(…)"

    def read(self) -> str:
        return self.url

    def forget(self) -> None:
        return


class _Pending(Struct):
    incoming: Incoming
    due: datetime
    until: datetime


class AlertingPublisher(Struct, kw_only=True):
    """Implements `email_opens.ports.Publisher`: posts what another publisher has settled.

    `flush` posts it, and is called once the opens are recorded: a command that is killed during a
    post does not write them again.
    """

    publisher: Publisher
    alerts: Alerts
    clock: Clock
    waits: Waits
    warn: Callable[[str], None]
    every_open: bool = False
    """Whether to show also opens that are not fresh or not a contact's first."""
    _pending: list[_Pending] = field(default_factory=list)
    _warned: str | None = None

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        delivery = self.publisher.publish(activity, opens, now)
        due = self.clock.now()
        self._pending += [
            _Pending(Incoming(key=new.event_id, body=message(activity, new)), due, due + FRESH)
            for new in delivery.settled
            if self._is_shown(new)
        ]
        return delivery

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        return self.publisher.set_aside(activity, rows)

    def flushed_after(self, on_save: Callable[[Activity], None]) -> Callable[[Activity], None]:
        """Return what to call with each activity that was saved: its opens are recorded."""

        def saved(activity: Activity) -> None:
            on_save(activity)
            self.flush()

        return saved

    def flush(self) -> None:
        """Post what is due; a failed post is retried for as long as `FRESH`."""
        now = self.clock.now()
        due = [pending for pending in self._pending if pending.due <= now]
        if not due:
            return
        self._pending = [pending for pending in self._pending if pending.due > now]
        try:
            with self.waits.for_what_is_in_hand():
                delivered = self.alerts.deliver(
                    [pending.incoming for pending in due], before=now + _WORKING
                )
        except OutOfTime:  # The command ends.
            return
        late = 0
        for pending in due:
            delay = delivered.returned.get(pending.incoming.key)
            if delay is None:
                continue
            again = self.clock.now() + delay
            late += again > pending.until
            if again <= pending.until:
                incoming = pending.incoming
                self._pending.append(
                    _Pending(
                        Incoming(
                            key=incoming.key, body=incoming.body, receives=incoming.receives + 1
                        ),
                        again,
                        pending.until,
                    )
                )
        self._explain(delivered.problems, late)

    def _explain(self, problems: Sequence[str], late: int) -> None:
        """Warn of a problem once, and again when it changes."""
        problem = problems[-1] if problems else None
        if problem and problem != self._warned:
            self.warn(problem)
        self._warned = problem
        if late:
            minutes = int(FRESH.total_seconds() // 60)
            self.warn(f"Opens that the webhook did not accept for {minutes} minutes: {late}.")

    def _is_shown(self, new: NewOpen) -> bool:
        if self.every_open:
            return True
        return new.first_open is not False and self.clock.now() - new.open.created_time < FRESH
