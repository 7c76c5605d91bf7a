"""The values that the product is about: frozen, and without a word of AWS or HTTP.

Every instant is an aware UTC `datetime`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from uuid import UUID

from email_opens.errors import InvalidInput
from email_opens.instants import next_day

PAGE_ROWS = 500
"""Rows of a full page: the most that the vendor gives."""

AUDIT_PAGE_ROWS = 499
"""An audit's page borders fall elsewhere, so that twins parted by a border meet on one page."""

LEDGER_KEPT = timedelta(days=400)
"""How long the ledger knows an open: far longer than any report is polled."""

_ACCOUNT = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Open:
    """A contact opened an activity at an instant on a device: one row of the report."""

    campaign_activity_id: str
    contact_id: str
    created_time: datetime
    device_type: str | None
    email_address: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is no open, as it came (JSON, maybe cut), and a reason without its content."""

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """One reply of the report, newest row first.

    `link` is where it was read (None: the report's head), `next_link` the page below it.
    """

    link: str | None
    opens: tuple[Open, ...]
    rejected: tuple[RejectedRow, ...] = ()
    next_link: str | None = None
    astray: str | None = None
    """Why the page below cannot be read though there is one: its link leads astray."""


@dataclass(frozen=True, slots=True)
class NewOpen:
    """An open that the ledger does not know, with what makes it one event."""

    event_id: str
    """128 bits in hex."""
    occurrence: int
    """1, 2, … among opens alike in contact, instant and device."""
    open: Open


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the report that a cut walk has left: from `ceiling` down to `floor`.

    `link` is the last page that was worked, to be read again first; None is the head.
    """

    floor: datetime | None
    ceiling: datetime | None
    link: str | None
    rows_above: int = 0
    """Rows that the walk has counted above that page."""


class State(StrEnum):
    """What happens to an activity."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    GONE = "gone"
    BROKEN = "broken"
    """What is stored of it cannot be read; `last_error` says why."""


class Depth(IntEnum):
    """How far down a walk goes."""

    TAIL = 1
    """To the watermark."""
    SWEEP = 2
    """To the watermark less the lookback: finds late rows."""
    AUDIT = 3
    """To the end of the report, or the instant from which the activity is tracked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an activity's report was read."""

    watermark: datetime | None = None
    """Every open from here down was published, except in the gaps; None: it was never read."""
    gaps: tuple[Gap, ...] = ()
    polled_at: datetime | None = None
    swept_at: datetime | None = None
    audited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows of an activity's report were found, and what became of them."""

    published: int = 0
    """Opens published so far; an open that is repeated after a crash may count twice."""
    reported: int | None = None
    """Rows in the report at the last audit that read it to its end."""
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Opens over exposure; the quotient is the rate at the instant of the send."""

    opens: float
    exposure_seconds: float

    @property
    def opens_a_second(self) -> float:
        """The rate at the instant of the send."""
        return self.opens / self.exposure_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What polls of an activity have shown: how often it is opened, and what a poll costs."""

    estimate: Estimate | None = None
    """The rate of its opens, as far as its report was read."""
    pages: float = 1.0
    """Requests that a poll takes: a mean that moves slowly."""
    counter: int | None = None
    """The value of its campaign's counter if nothing is unread."""
    uncounted: bool = False
    """The vendor has no counter of its campaign; it is requested again after the next audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A tracked send: one item of the tracking table."""

    account_id: str
    campaign_activity_id: str
    campaign_id: str | None = None
    campaign_name: str | None = None
    state: State = State.ACTIVE
    sent_at: datetime | None = None
    tracked_at: datetime
    """When tracking began."""
    tracked_from: datetime | None = None
    """Opens before this instant are not published; None: all are."""
    weight: float = 1.0
    """How many times each of its opens counts in the choice of what to poll."""
    progress: Progress = Progress()
    counts: Counts = Counts()
    profile: Profile = Profile()
    last_error: str | None = None
    version: int = 0
    """Every write is conditional on the version that was read."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What the first stretch of a walk has read, from which the scheduler learns."""

    before: Activity
    """The activity before the stretch."""
    opens: tuple[datetime, ...]
    """The instants of its new opens."""
    pages: int
    down_to: datetime | None
    """Its oldest row; None: it was read to its floor."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterTrust:
    """What an account's turns have learned of how far the vendor's counters can be trusted."""

    read_at: datetime | None = None
    """When the counters were last read; None: they are to be read again."""
    current_until: datetime | None = None
    """The instant up to which the counters of that reading count."""
    lag_seconds: float = 0.0
    """The age of the counters when they are read."""
    missed: float = 0.0
    """The share of opens that the counters had not counted before a poll found them."""


@dataclass(frozen=True, slots=True)
class CounterReadings:
    """Replies of the vendor's counters."""

    opens: Mapping[str, int] = MappingProxyType({})
    """Every open of a campaign, by campaign id."""
    refreshed_at: datetime | None = None
    """The instant up to which the oldest of these counters counts."""
    missing: frozenset[str] = frozenset()
    """Campaigns for which the vendor has no counter."""

    def __or__(self, other: "CounterReadings") -> "CounterReadings":
        """Return both readings together."""
        refreshed = [at for at in (self.refreshed_at, other.refreshed_at) if at]
        return CounterReadings(
            opens={**self.opens, **other.opens},
            refreshed_at=min(refreshed, default=None),
            missing=self.missing | other.missing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One API key: its lease and its day's budget."""

    account_id: str
    lease_holder: str | None = None
    lease_until: datetime | None = None
    requests_day: str | None = None
    """The UTC day (`2026-03-02`) that `requests_spent` counts."""
    requests_spent: int = 0
    closed_until: datetime | None = None
    """The instant until which the quota is spent, by the vendor's last reply about it."""
    last_error: str | None = None
    counter_trust: CounterTrust = CounterTrust()

    def requests_on(self, now: datetime) -> int:
        """Return the requests of the current day that are spent or reserved."""
        return self.requests_spent if self.requests_day == now.date().isoformat() else 0

    def opens_at(self, now: datetime) -> datetime | None:
        """Return when the quota opens again; None: it is open.

        The vendor opens it at midnight, so a later instant in the table is ignored.
        """
        closed_until = self.closed_until
        closed = closed_until is not None and now < closed_until <= next_day(now)
        return closed_until if closed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An account's credentials, as its parameter holds them."""

    client_id: str
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None
    client_secret: str | None = None

    def __repr__(self) -> str:
        return "Tokens(…)"


def account_id(text: str) -> str:
    """Return an account's id.

    Raises:
        InvalidInput: it is none.
    """
    if not _ACCOUNT.fullmatch(text):
        # Without the text, which may be an address, and goes into a log.
        raise InvalidInput(
            "That is no account's name: expected 1 to 64 letters, digits, dots, dashes or "
            "underscores."
        )
    return text


def activity_id(text: str) -> str:
    """Return a campaign activity id in its canonical form.

    Raises:
        InvalidInput: it is no UUID.
    """
    typed = text.strip().lower()
    try:
        canonical = str(UUID(typed))
    except ValueError:
        canonical = None
    # UUID also takes braces, a prefix, and no dashes.
    if canonical is None or canonical != typed:
        raise InvalidInput(
            f"“{text[:60]}” is no campaign activity id: expected a UUID such as "
            "5b1e0a52-0000-4000-8000-0000000000aa, as in the vendor's campaign_activities."
        )
    return canonical
