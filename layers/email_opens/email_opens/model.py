"""Tracked activities, the rows and pages of their reports, and what polls have measured.

Every instant is an aware UTC `datetime`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct

from email_opens.confidential import Confidential
from email_opens.errors import InvalidInput
from email_opens.unknown import NOTHING, Stored, Unknown

PAGE_ROWS = 500
"""Rows of a full page, the vendor's maximum."""

AUDIT_PAGE_ROWS = 499
"""Another size, so that alike opens that a full page separates share a page in an audit."""

LEDGER_KEPT = timedelta(days=400)
"""How long the ledger keeps an open: far longer than any report is polled."""


class ContactDetails(StrEnum):
    """What is kept and published of a contact besides its id."""

    FULL = "full"
    """Address and name."""
    HASHED = "hashed"
    """The address as a salted SHA-256, and no name."""
    NONE = "none"


class Open(Confidential, frozen=True, gc=False):
    """One row of the report: a contact opened an activity at an instant on a device."""

    campaign_activity_id: str
    contact_id: str
    created_time: datetime
    device_type: str | None
    email_address: str | None
    """None: the contact was erased, or addresses are not kept."""
    first_name: str | None = None
    last_name: str | None = None
    email_address_hash: str | None = None
    """SHA-256 of a salt and the address, 64 hex digits; None: addresses are not hashed."""


class RejectedRow(Confidential, frozen=True):
    """A malformed row of the report (JSON, possibly truncated), and why, without its content."""

    row: str
    reason: str
    identity: str
    """Identifies it, whatever its other fields contain, so that it is set aside once."""


class Page(Struct, frozen=True):
    """One page of the report, newest row first.

    `link` is its own address (None: the report's head), `next_link` that of the page below it.
    """

    link: str | None
    opens: tuple[Open, ...]
    rejected: tuple[RejectedRow, ...] = ()
    next_link: str | None = None
    astray: str | None = None
    """Why the link to the page below cannot be followed; None: it can, or there is none."""


class NewOpen(Struct, frozen=True, gc=False):
    """An open that is not in the ledger, with the id and occurrence of its event."""

    event_id: str
    """128 bits in hex."""
    occurrence: int
    """1, 2, … among opens with the same contact, instant and device."""
    open: Open
    first_open: bool | None = None
    """Whether it is the contact's first open of the activity; None: that is not decided."""


class Gap(Stored, frozen=True):
    """A stretch of the report that an interrupted walk left unread, from `ceiling` to `floor`.

    `link` is the last page that was processed, and is read again first; None: the head.
    """

    floor: datetime | None
    ceiling: datetime | None
    link: str | None
    rows_above: int = 0
    """Rows that the walk counted above that page."""
    reached: datetime | None = None
    """The oldest row that the walk has ever reached, also before it began again from the head."""
    failures: int = 0
    """Attempts in a row that reached no older row and found no new open."""
    retry_at: datetime | None = None
    """When the next attempt may begin; None: at once."""
    unknown: Unknown = NOTHING


class State(StrEnum):
    """The state of a tracked activity."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    GONE = "gone"
    BROKEN = "broken"
    """The stored activity is malformed; `last_error` explains how."""
    NEWER = "newer"
    """A newer version stored the activity, and this one must leave it as it is; `last_error` names
    the remedy."""


UNREADABLE = frozenset({State.BROKEN, State.NEWER})
"""The states of activities that are shown, and neither polled nor written."""


class Depth(IntEnum):
    """How far down the report a walk reads."""

    TAIL = 1
    """To the watermark."""
    SWEEP = 2
    """To the watermark minus the lookback, to find late rows."""
    AUDIT = 3
    """To the end of the report, or to `tracked_from`."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far an activity's report has been read."""

    watermark: datetime | None = None
    """All opens up to this instant are published, except in gaps; None: never read."""
    gaps: tuple[Gap, ...] = ()
    polled_at: datetime | None = None
    """When it was last polled: its head was read, or an attempt to read it failed."""
    head_at: datetime | None = None
    """When its head was last read; None: that is not known."""
    continued_at: datetime | None = None
    """When a walk that goes on below its head was last left or continued; None: not known."""
    swept_at: datetime | None = None
    audited_at: datetime | None = None
    audit_at: datetime | None = None
    """When an audit is due, however long the report is; None: its length alone decides."""

    @property
    def worked_at(self) -> datetime | None:
        """When the activity was last worked on, at its head or below."""
        return max(filter(None, (self.polled_at, self.continued_at)), default=None)


class Counts(Struct, frozen=True, kw_only=True):
    """How many rows of an activity's report were published, reported and rejected."""

    published: int = 0
    """Opens published so far; one that is published again after a crash may count twice."""
    reported: int | None = None
    """Rows in the report at the last audit that read it to its end."""
    rejected: int = 0


class Estimate(Struct, frozen=True):
    """Opens over exposure; the quotient is the rate at the instant of the send."""

    opens: float
    exposure_seconds: float

    @property
    def opens_a_second(self) -> float:
        """The rate at the instant of the send."""
        return self.opens / self.exposure_seconds


class Profile(Struct, frozen=True, kw_only=True):
    """Estimates from the polls of an activity: its rate of opens, and the cost of a poll."""

    estimate: Estimate | None = None
    """The rate of opens, as far as the report has been read."""
    surged_at: datetime | None = None
    """Since when the e-mail is opened as after a send, although none is known; None: it is not."""
    pages: float = 1.0
    """Requests per poll, as a slowly moving mean."""
    counter: int | None = None
    """The value of the campaign's counter at which every open is read."""
    uncounted: bool = False
    """The vendor has no counter for the campaign; it is requested again after the next audit."""


class Activity(Stored, frozen=True, kw_only=True):
    """A tracked send: one item of the tracking table."""

    account_id: str
    campaign_activity_id: str
    campaign_id: str | None = None
    campaign_name: str | None = None
    subject: str | None = None
    """The subject line of the e-mail; None: it is not known."""
    state: State = State.ACTIVE
    sent_at: datetime | None = None
    tracked_at: datetime
    """When tracking began."""
    tracked_from: datetime | None = None
    """Opens before this instant are not published; None: all opens are."""
    weight: float = 1.0
    """How many times each of its opens counts when the scheduler chooses what to poll."""
    progress: Progress = Progress()
    counts: Counts = Counts()
    profile: Profile = Profile()
    last_error: str | None = None
    missing_since: datetime | None = None
    """When the vendor first answered that it does not know the activity, and has done so ever
    since; None: the vendor knows it."""
    archived: bool = False
    """It is stored where turns do not read it."""
    version: int = 0
    """Every write is conditional on the version that was read."""
    unknown: Unknown = NOTHING


class Polled(Struct, frozen=True):
    """The result of a walk's first stretch, from which the scheduler updates its estimates."""

    before: Activity
    """The activity before the stretch."""
    opens: tuple[datetime, ...]
    """The instants of its new opens."""
    pages: int
    down_to: datetime | None
    """The instant of its oldest row; None: it was read to its floor."""
    at: datetime


class CounterReadings(Struct, frozen=True):
    """Replies of the vendor's counters."""

    opens: Mapping[str, int] = MappingProxyType({})
    """The number of opens by campaign id."""
    refreshed_at: datetime | None = None
    """The instant up to which the oldest of these counters includes opens."""
    missing: frozenset[str] = frozenset()
    """Campaigns for which the vendor has no counter."""

    def __or__(self, other: "CounterReadings") -> "CounterReadings":
        """Merge both readings; `other` takes precedence."""
        refreshed = [at for at in (self.refreshed_at, other.refreshed_at) if at]
        return CounterReadings(
            opens={**self.opens, **other.opens},
            refreshed_at=min(refreshed, default=None),
            missing=self.missing | other.missing,
        )


def activity_id(text: str) -> str:
    """Return a campaign activity id in its canonical form.

    Raises:
        InvalidInput: the text is not a UUID.
    """
    typed = text.strip().lower()
    try:
        canonical = str(UUID(typed))
    except ValueError:
        canonical = None
    # `UUID` also accepts braces, a prefix, and text without dashes.
    if canonical is None or canonical != typed:
        raise InvalidInput(
            f"“{text[:60]}” is not a campaign activity id: expected a UUID such as "
            "5b1e0a52-0000-4000-8000-0000000000aa, as in the vendor's campaign_activities."
        )
    return canonical
