"""What is new on a page, and when a walk ends. Pure.

The report is newest first and has no ids, no filter and a grain of a minute. A walk reads it
page by page from a start down to a *floor*, the instant at which it may stop:

    head ──▶ page ──▶ page ──▶ page          the *watermark* makes a poll short:
             new      new      ≤ floor       everything below it was read before;
                                             the *ledger* makes it correct:
                                             a row that is not in it is new.

Rows alike in contact, instant and device are distinguished by counting within one page. Rows
of two pages are never counted together: between two replies ties change places and new rows
push others down, so only a single reply proves that two rows exist.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from copy import replace
from datetime import datetime, timedelta

from msgspec import Struct

from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import LEDGER_KEPT, PAGE_ROWS, Activity, Depth, Gap, NewOpen, Page

DAY = timedelta(days=1)
GRAIN = timedelta(minutes=1)
"""The usual grain of the report's instants."""


def floor_of(
    activity: Activity, depth: Depth, lookback: timedelta, now: datetime
) -> datetime | None:
    """Return the instant at which a walk from the head may stop; None: the report's end."""
    start, watermark = activity.tracked_from, activity.progress.watermark
    if watermark is None:
        return start
    # Opens below this instant were published so long ago that the ledger may have lost them.
    remembered = now - LEDGER_KEPT + DAY
    if depth is Depth.AUDIT and activity.tracked_at >= remembered:
        return start
    floor = {
        Depth.TAIL: watermark,
        Depth.SWEEP: watermark - lookback,
        Depth.AUDIT: remembered,
    }[depth]
    if activity.tracked_at < remembered:
        floor = max(floor, remembered)
    return floor if start is None else max(start, floor)


def new_opens(
    page: Page, since: datetime | None, published: Mapping[str, AbstractSet[bytes]]
) -> list[NewOpen]:
    """Return the page's opens since an instant that are not published yet, oldest first.

    `published` holds the ledger's fingerprints by bucket. If a page has two rows alike and the
    ledger one of them, one open is new: occurrence 2.
    """
    occurrences: dict[tuple[str, datetime, str | None], int] = {}
    found: list[NewOpen] = []
    for row in reversed(page.opens):
        if since is not None and row.created_time < since:
            continue
        alike = (row.contact_id, row.created_time, row.device_type)
        occurrence = occurrences[alike] = occurrences.get(alike, 0) + 1
        identity = event_id(row, occurrence)
        if fingerprint(identity) not in published.get(bucket(row.created_time), ()):
            found.append(NewOpen(identity, occurrence, row))
    return found


def ended(page: Page, floor: datetime | None) -> bool:
    """Return whether a walk ends with this page: it is the last one, or it passes the floor.

    A row that is published already does not end a walk: a new row may sort behind a tie.
    """
    last = page.next_link is None and page.astray is None
    return last or (floor is not None and passed(page, floor))


def in_minute(page: Page, minute: datetime) -> bool:
    """Return whether all rows of a page lie in the minute that begins with an instant."""
    instants = [row.created_time for row in page.opens]
    return bool(instants) and minute <= min(instants) and max(instants) < minute + GRAIN


def passed(page: Page, instant: datetime) -> bool:
    """Return whether a page's last row, and so every row below it, is older than an instant."""
    return bool(page.opens) and page.opens[-1].created_time < instant


def shifted(page: Page, gap: Gap, published: Mapping[str, AbstractSet[bytes]]) -> bool:
    """Return whether rows were withdrawn above a gap's page, so that its link now skips some.

    The page was read before. Its first row must now be newer than its last row was, or published.
    """
    if gap.link is None or gap.ceiling is None:
        return False
    if not page.opens:
        # A page that was empty from the start has a next link, or it would have ended the walk.
        return page.next_link is None
    first = page.opens[0]
    if first.created_time != gap.ceiling:
        return first.created_time < gap.ceiling
    return fingerprint(event_id(first, 1)) not in published.get(bucket(first.created_time), ())


class Aim(Struct, frozen=True, kw_only=True):
    """What a walk is for."""

    floor: datetime | None
    """Where the walk may stop; None: at the end of the report."""
    depth: Depth = Depth.TAIL
    compared_from: datetime | None = None
    """On a page that is read anyway, rows below the floor are compared down to this instant; None:
    they are not compared."""
    full_minute: datetime | None = None
    """A minute within which the walk stops at the first page with nothing new, since it may have
    more rows than a page; None: the walk reads every minute whole."""
    pause: datetime | None = None
    """Where a stretch ends so that others go first: the watermark, for a deeper walk."""
    settled: datetime | None = None
    """New opens older than this should have been found by earlier walks."""
    rows: int = PAGE_ROWS
    """Rows of a page from the head."""

    @property
    def since(self) -> datetime | None:
        """The instant down to which the rows of a page are compared."""
        if self.floor is None or self.compared_from is None:
            return self.floor
        return min(self.floor, self.compared_from)


class Place(Struct, frozen=True):
    """Where a walk is in the report."""

    link: str | None = None
    """The page to read next; None: the head."""
    rows_read: int = 0
    """Rows from the head down to that page, those of earlier invocations included."""
    from_head: bool = True
    """The walk began at the head."""
    begun: bool = False
    visited: frozenset[str] = frozenset()
    """The links that were read."""
    contents: frozenset[int] = frozenset()
    """Hashes of the rows of each page."""
    fresh: int = 0
    """The pages, after the first one, whose rows the walk had not met on another page."""
    stale: int = 0
    """The pages since the last of these. Different pages may have rows that are all alike."""

    def below(self, page: Page) -> "Place":
        """Return the place below a page."""
        content = hash(frozenset(page.opens))
        fresh = self.begun and bool(page.opens) and content not in self.contents
        return replace(
            self,
            link=page.next_link,
            rows_read=self.rows_read + len(page.opens) + len(page.rejected),
            begun=True,
            visited=self.visited if page.link is None else self.visited | {page.link},
            contents=self.contents | {content},
            fresh=self.fresh + fresh,
            stale=0 if fresh else self.stale + 1,
        )
