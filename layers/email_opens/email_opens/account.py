"""An account: its lease, its daily budget, its credentials, and how far its counters are trusted.

Every instant is an aware UTC `datetime`.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil

from msgspec import Struct

from email_opens.errors import InvalidInput
from email_opens.instants import next_day
from email_opens.unknown import NOTHING, Stored, Unknown

SHARE_GROWTH = 1.02
"""On the second day; the third power of it on the next day, the ninth on the next, and so on."""
MOST_GROWTHS = 3**6
"""More would exceed what a number can hold, and no account has that many requests."""
LONGEST_SHARE = timedelta(days=14)
"""The longest time after a refusal in which an account keeps to its share of the key."""
LONGEST_REST = timedelta(hours=24)
"""The longest rest of an account, whatever the vendor asks for or the table holds."""

_ACCOUNT = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class CounterTrust(Struct, frozen=True, kw_only=True):
    """How far the vendor's counters can be trusted, as measured by an account's turns."""

    read_at: datetime | None = None
    """When the counters were last read; None: they are due to be read."""
    current_until: datetime | None = None
    """The instant up to which those counters include opens."""
    lag_seconds: float = 0.0
    """How old the counters are when they are read."""
    missed: float = 0.0
    """The share of opens that a poll found before the counters included them."""
    archived_at: datetime | None = None
    """When counters of archived activities were last read; None: never."""
    archived_to: str | None = None
    """The last of those activities; None: the next reading begins with the first."""


UNKNOWN_OPENS = 5.0
"""Opens that count as read, and as expected, in each hour at first."""


class Hours(Struct, frozen=True):
    """Opens by hour of the day (UTC): those that were read, and those expected from the rates."""

    opens: tuple[float, ...] = (UNKNOWN_OPENS,) * 24
    expected: tuple[float, ...] = (UNKNOWN_OPENS,) * 24


class KeyShare(Struct, frozen=True):
    """What an account could spend on a day on which other users of its key spent the rest."""

    requests: int
    day: date
    """The UTC day on which the vendor refused a request."""

    def on(self, now: datetime) -> int | None:
        """Return the requests that the account may spend on the day of `now`; None: no limit.

        They grow because the others may use less; the next refusal measures them again. They grow
        by little at first, so that this refusal comes late in the evening if the others use as much
        as before, and then ever faster, so that a refusal that was an exception slows the account
        down for days, not for months.
        """
        age = now.date() - self.day
        if not timedelta(days=1) <= age <= LONGEST_SHARE:
            return None
        if age.days == 1:
            return self.requests
        growth: float = SHARE_GROWTH ** min(MOST_GROWTHS, 3 ** (age.days - 2))
        return ceil(self.requests * growth)


class ExpectedSend(Struct, frozen=True):
    """A send that the vendor has scheduled."""

    campaign_id: str
    at: datetime
    resend_of: str | None = None
    """The activity whose resend it is; None: the campaign is sent for the first time."""


class Searches(Struct, frozen=True, kw_only=True):
    """The searches for an account's new sends."""

    completed_at: datetime | None = None
    """When a search was last completed; None: that is not known."""
    tried_at: datetime | None = None
    """When a search last began or was completed."""
    failures: int = 0
    """How many searches have failed in a row."""
    expected: tuple[ExpectedSend, ...] = ()
    """The next scheduled sends as last read, the earliest first."""
    schedules_due_at: datetime | None = None
    """When the schedules are to be read again; None: at once."""


class Chain(Struct, frozen=True):
    """A turn that the schedule started, and the woken turns that follow it within a minute."""

    began_at: datetime
    """When the scheduled turn began."""
    wake_ups: int = 0
    """How many turns have been woken so far."""


class WakeUp(Struct, frozen=True, kw_only=True):
    """A message that starts an account's next turn before the schedule does."""

    token: str
    """What the message contains: the lease's holder in the turn that asked for the wake-up."""
    due_at: datetime
    chain: Chain
    """The chain, with this wake-up counted."""


class Account(Stored, frozen=True, kw_only=True):
    """One API key, with its lease and its daily budget."""

    account_id: str
    lease_holder: str | None = None
    lease_until: datetime | None = None
    requests_day: str | None = None
    """The UTC day (`2026-03-02`) on which `requests_spent` were spent."""
    requests_spent: int = 0
    closed_until: datetime | None = None
    """The instant until which the quota is spent, from the vendor's last such reply."""
    rests_until: datetime | None = None
    """The instant until which no request is sent, because the vendor asked for it or is failing."""
    outages: int = 0
    """Attempts in a row that found the vendor failing for every activity."""
    vendor_account_id: str | None = None
    """The vendor's own id of the account that gave its consent."""
    key_share: KeyShare | None = None
    """None: the vendor has never refused a request that was within the account's own budget."""
    last_error: str | None = None
    turn_completed_at: datetime | None = None
    """When a turn of the account last did all its work; None: that is not known."""
    searches: Searches = Searches()
    counter_trust: CounterTrust = CounterTrust()
    hours: Hours = Hours()
    """At which hours of the day the account's e-mails are opened."""
    wake_up: WakeUp | None = None
    """The only wake-up that may start a turn; None: only the schedule starts turns."""
    unknown: Unknown = NOTHING

    def requests_on(self, now: datetime) -> int:
        """Return how many requests are spent or reserved on the day of `now`."""
        return self.requests_spent if self.requests_day == now.date().isoformat() else 0

    def requests_to_spend(self, budget: int, now: datetime) -> int:
        """Return how much of a day's budget may be spent in all on the day of `now`."""
        share = self.key_share.on(now) if self.key_share else None
        return budget if share is None else min(budget, share)

    def opens_at(self, now: datetime) -> datetime | None:
        """Return when the quota opens again; None: it is open.

        The vendor's quota resets at midnight, so a later stored instant is ignored.
        """
        closed_until = self.closed_until
        closed = closed_until is not None and now < closed_until <= next_day(now)
        return closed_until if closed else None

    def rests_at(self, now: datetime) -> datetime | None:
        """Return until when no request is to be sent; None: requests may be sent.

        A rest outlasts midnight. An instant that is too far away is ignored.
        """
        rests_until = self.rests_until
        rests = rests_until is not None and now < rests_until <= now + LONGEST_REST
        return rests_until if rests else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An account's credentials."""

    client_id: str
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None
    client_secret: str | None = None
    stack: str | None = field(default=None, compare=False)
    """The stack that uses them; None: it is not known, as with those of earlier versions."""
    unknown: Unknown = field(default=NOTHING, hash=False)

    def __repr__(self) -> str:
        return "Tokens(…)"


def account_id(text: str) -> str:
    """Return an account id unchanged.

    Raises:
        InvalidInput: the text is not an account id.
    """
    if not _ACCOUNT.fullmatch(text):
        # The message omits the text, which may be an address, because it is logged.
        raise InvalidInput(
            "That is not an account id: expected 1 to 64 letters, digits, dots, dashes or "
            "underscores."
        )
    return text
