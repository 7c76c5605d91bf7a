"""What the core needs of the outside, as Protocols; `adapters` and the tests' fakes keep them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from email_opens.model import (
    Account,
    Activity,
    CounterReadings,
    CounterTrust,
    NewOpen,
    Page,
    RejectedRow,
    Tokens,
)


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the present as an aware UTC instant."""

    def sleep(self, seconds: float) -> None: ...


class Report(Protocol):
    """The vendor's list of opens of one account, within the pace; retries are inside."""

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        """Read the page at `link`, or the head's first `rows` rows; begin nothing after `before`.

        Raises:
            OutOfTime: `before` leaves no time for an answer.
            LinkExpired: `link` no longer works.
            ActivityGone: the vendor does not know the activity.
            ReportUnavailable, PagingBroken: this activity fails for now.
            AccountStopped: every activity of the account would.
        """

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        """Read how often campaigns were opened; begin nothing after `before`.

        Raises:
            OutOfTime: `before` leaves no time for an answer.
            NotCounted: the vendor knows no counter of one of them, and tells of none.
            ReportUnavailable: no usable answer came.
            AccountStopped: no other question of the account would fare better.
        """

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries and refused ones included."""

    @property
    def throttled(self) -> int:
        """How many of them were refused for their pace."""


class Ledger(Protocol):
    """What was published, for ever after: 8-byte fingerprints by activity and bucket.

    A bucket is the hour of `created_time` (`2026-03-02T14`), or `rejected` for rows that are
    no opens. Adding what is there already changes nothing.
    """

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        """Return, by bucket, the fingerprints from the first bucket to the last, both included.

        Strongly consistent. A bucket without fingerprints may be missing.

        Raises:
            ActivityFailed: what is stored cannot be read.
        """

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        """Add fingerprints by bucket; when it returns, all are there."""


class Publisher(Protocol):
    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        """Deliver the opens in this order as far as the topic keeps one.

        When it returns, each was acknowledged by the topic, or lies in the dead-letter queue
        with the reason for which the topic refused it for good; the latter are counted.

        Raises:
            PublishFailed: some of them neither arrived nor could be set aside.
        """

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        """Put rows that are no opens into the dead-letter queue.

        Raises:
            PublishFailed: the queue did not take them all.
        """


class Tracking(Protocol):
    """Accounts and activities. Every write to an activity is conditional on its version."""

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
    ) -> Account | None:
        """Take the account for `holder` and count up to `reserve` requests as spent today.

        No more is reserved than the day's `budget` has left. Returns the account as it was
        before with its day turned if a new one has begun (so `requests_spent` excludes the
        reservation), or None if another's lease has not ended. An unknown account is made.

        Raises:
            AccountStopped: what is stored cannot be read.
        """

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        """Count `requests` more of `day` as spent, beyond the `counted` of the holder's last word.

        Returns False, and counts nothing, if the lease or the day is no longer the holder's.
        """

    def release(
        self,
        account_id: str,
        *,
        holder: str,
        day: str,
        unused: int,
        closed_until: datetime | None,
        last_error: str | None,
        counter_trust: CounterTrust | None = None,
    ) -> None:
        """End the holder's lease and give back what was reserved for `day` and not spent.

        What was `counter_trust` of the counters is kept; None: nothing new was.

        Does nothing if the lease has passed to another, so that it is safe at any time.
        """

    def account(self, account_id: str) -> Account | None: ...

    def activities(self, account_id: str) -> list[Activity]:
        """Return all activities of the account, of whatever state; strongly consistent.

        One of which what is stored cannot be read is `BROKEN`.
        """

    def add(self, activity: Activity) -> bool:
        """Track an activity; return False, and change nothing, if it is tracked already."""

    def save(self, activity: Activity) -> Activity:
        """Replace the activity if its version is still the one that was read.

        Returns it with the version that was written.

        Raises:
            LostRace: the version has moved on, or the activity is no longer tracked.
        """

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        """Forget an activity; its ledger stays. Return False if it was not tracked."""


class Credentials(Protocol):
    def load(self, account_id: str) -> Tokens:
        """Return the account's tokens.

        Raises:
            AccountDisconnected: there are none, or they cannot be read as such.
        """

    def store(self, account_id: str, tokens: Tokens) -> None: ...
