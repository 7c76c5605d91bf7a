"""The ports of the core, as Protocols; `adapters` and the tests' fakes implement them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from email_opens.account import Account, CounterTrust, Hours, KeyShare, Searches, Tokens, WakeUp
from email_opens.errors import EmailOpensError
from email_opens.model import Activity, CounterReadings, NewOpen, Page, RejectedRow


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the current instant, aware and in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait that long."""


class Report(Protocol):
    """The vendor's report of opens for one account; paces and retries its own requests."""

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        """Read the page at `link`, or without one the newest `rows` rows.

        The last request is sent early enough for its reply to arrive by `before`.

        Raises:
            OutOfTime: `before` leaves no time for a reply.
            LinkExpired: `link` has expired.
            ActivityGone: the vendor has no such activity.
            ReportUnavailable, PagingBroken: this activity cannot be read for now.
            AccountStopped: no activity of the account can be read for now.
        """

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        """Read the campaigns' counters of opens; as in `read`, replies arrive by `before`.

        Raises:
            OutOfTime: `before` leaves no time for a reply.
            NotCounted: the vendor lacks a counter for one of them, and returned none at all.
            ReportUnavailable: no retry returned a usable reply.
            AccountStopped: no request of the account can succeed for now.
        """

    @property
    def requests(self) -> int:
        """The number of requests sent so far, including retries and refused ones."""

    @property
    def throttled(self) -> int:
        """The number of those requests that the vendor throttled."""


class Ledger(Protocol):
    """The record of what was published: 8-byte fingerprints by activity and bucket.

    A bucket is the hour of `created_time` (`2026-03-02T14`), or `rejected` for rejected rows.
    """

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> Mapping[str, AbstractSet[bytes]]:
        """Return the fingerprints by bucket, from the first bucket to the last, both included.

        Reads are strongly consistent. A bucket without fingerprints may be missing.

        Raises:
            ActivityFailed: a stored entry is malformed, or only a newer version understands it.
        """

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        """Add fingerprints by bucket; all are stored when it returns.

        Adding a stored fingerprint again changes nothing.

        Raises:
            ActivityFailed: some could not be stored for now.
        """


class Decisions(Protocol):
    """Decisions that are made once: for each 8-byte key of a partition, an 8-byte value.

    The first decision on a key determines its value, even among several at the same time.
    """

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Return the value of each wanted key: the wanted one, if the key was not decided before.

        All are stored when it returns.

        Raises:
            ActivityFailed: they could not be stored for now; some may be decided all the same.
        """

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that are decided.

        Raises:
            ActivityFailed: a stored decision is malformed.
        """


class Delivery[T](Struct, frozen=True, kw_only=True):
    """What became of opens or rows that a publisher was given."""

    settled: tuple[T, ...]
    """Those that the topic or the dead-letter queue has acknowledged."""
    dead_lettered: int = 0
    """How many of these the topic refused for good: they are in the dead-letter queue."""
    failure: EmailOpensError | None = None
    """Why the others are not settled; None: there are none."""


class Publisher(Protocol):
    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        """Publish the opens, in this order if the topic preserves order.

        An open is settled once the topic has accepted it, or has refused it permanently and it is
        in the dead-letter queue with the reason. A failure is returned, not raised, because what
        is settled must be recorded all the same.
        """

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        """Put rejected rows into the dead-letter queue; those that it has accepted are settled."""


class Tracking(Protocol):
    """Accounts and activities; an activity is saved only if nobody else changed it since."""

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
        woken_by: str | None = None,
    ) -> Account | None:
        """Lease the account to `holder`, and reserve up to `reserve` requests by counting them.

        At most the rest of the day's `budget` is reserved. An unknown account is created. A stored
        wake-up is removed; if `woken_by` is not its token, nothing is changed. Returns the account
        as it was before the lease, so `requests_spent` excludes the reservation and is 0 on a new
        day; or None if another holder's lease has not expired.

        Raises:
            StaleWakeUp: `woken_by` is not the token of the account's wake-up.
            AccountStopped: the stored account is malformed, or only a newer version understands it.
        """

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        """Reserve `requests` more on `day`, on top of the `counted` that the holder last wrote.

        Returns False, and reserves nothing, if the stored holder, day or count is another.
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
        hours: Hours | None = None,
        rests_until: datetime | None = None,
        outages: int = 0,
        turn_completed_at: datetime | None = None,
        searches: Searches | None = None,
        key_share: KeyShare | None = None,
        wake_up: WakeUp | None = None,
    ) -> None:
        """End the holder's lease, and return the `unused` requests that it reserved for `day`.

        Replaces `closed_until`, `last_error`, `rests_until` and `outages`; and each of the others
        unless it is None: a stored `key_share` stays until another is learned. Requests are not
        returned if the stored day is another. Does nothing if the lease is not the holder's, so it
        can be called at any time.
        """

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        """Store the vendor's own id of the account; return False if another holds the lease."""

    def account(self, account_id: str) -> Account | None:
        """Return the stored account, None if there is none.

        Raises:
            AccountStopped: as `lease`.
        """

    def activities(self, account_id: str) -> list[Activity]:
        """Return all activities of the account in any state, with a strongly consistent read.

        Archived ones are included; `current` returns the others.

        An activity that is stored malformed is returned with the state `BROKEN`, and one that only
        a newer version understands with the state `NEWER`.
        """

    def current(self, account_id: str) -> list[Activity]:
        """Return the activities that are not archived, as `activities` does."""

    def archived(self, account_id: str, *, after: str | None, most: int) -> list[Activity]:
        """Return up to `most` archived activities whose ids come after one, in their order."""

    def archive(self, activity: Activity) -> Activity:
        """Move an activity to where `current` does not read it, under the conditions of `save`."""

    def add(self, activity: Activity) -> bool:
        """Track an activity; return False and change nothing if it is already tracked."""

    def save(self, activity: Activity) -> Activity:
        """Replace the activity if its `version` and `tracked_at` are still the stored ones.

        Returns the activity with its new version. One that was archived is current again.

        Raises:
            LostRace: the activity was changed or removed since it was read.
        """

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        """Stop tracking an activity; its ledger is kept. Return False if it was not tracked."""


class WakeUps(Protocol):
    """Starts turns between those of the schedule."""

    def ask(self, account_id: str, *, token: str, seconds: int) -> None:
        """Ask for a turn of the account in this many seconds, with `token` in the wake-up.

        The turn may be started late, twice or not at all.

        Raises:
            NotAsked: no turn will be started.
        """


class Credentials(Protocol):
    def load(self, account_id: str) -> Tokens:
        """Return the account's tokens.

        Raises:
            AccountDisconnected: there are none, or they are malformed.
            AccountStopped: they cannot be read for now.
        """

    def rewrite(self, account_id: str) -> Tokens:
        """Write the account's tokens back as they are stored, and return them.

        When it returns, the store can be expected to accept new tokens too.

        Raises:
            AccountDisconnected: there are none, or they are malformed.
            AccountStopped: the store refuses them; the message names the remedy.
        """

    def store(self, account_id: str, tokens: Tokens) -> None:
        """Replace the account's tokens.

        An access token that does not fit the store beside the others is left out.

        Raises:
            InvalidInput: they do not fit the store even so.
            AccountStopped: the store refuses them for now; nothing was changed.
        """
