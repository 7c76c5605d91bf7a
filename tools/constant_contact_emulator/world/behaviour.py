"""What the vendor leaves open, and a test may therefore choose."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Paging(StrEnum):
    """What lies inside a next link."""

    OFFSET = "offset"
    """A number of rows: pages drift when rows come or go between two requests."""
    KEYSET = "keyset"
    """The last row shown: no drift, but late rows above it are not seen. Ties never shuffle."""
    SNAPSHOT = "snapshot"
    """An offset into the report as it was at its first page."""


class LastPage(StrEnum):
    """How a page says that there is no other."""

    NO_LINKS = "no_links"
    NULL_LINKS = "null_links"
    NO_NEXT = "no_next"
    NULL_NEXT = "null_next"
    NULL_HREF = "null_href"


class TimeFormat(StrEnum):
    """How `created_time` is written."""

    MILLISECONDS = "milliseconds"
    """`2026-03-02T14:07:00.000Z`"""
    SECONDS = "seconds"
    """`2026-03-02T14:07:00Z`; a fraction of a second is still written where there is one."""
    OFFSET = "offset"
    """`2026-03-02T09:07:00-05:00`"""


class Ties(StrEnum):
    """The order of rows of one instant; the first two apply to rows added from then on."""

    NEWEST_FIRST = "newest_first"
    """A row that comes later stands above its ties."""
    OLDEST_FIRST = "oldest_first"
    """A row that comes later stands below its ties."""
    SHUFFLED = "shuffled"
    """Another order at each request."""


@dataclass(slots=True)
class Behaviour:
    """Settable at any time, also while the emulator runs."""

    paging: Paging = Paging.OFFSET
    last_page: tuple[LastPage, ...] = tuple(LastPage)
    """Taken in turn, one for each last page."""
    time_formats: tuple[TimeFormat, ...] = (TimeFormat.MILLISECONDS,)
    """Taken in turn, one for each row; the turn moves on from request to request."""
    ties: Ties = Ties.NEWEST_FIRST
    unknown_fields: bool = False
    """Rows and replies carry fields that nobody documents."""
    privileged: bool = True
    """False: the user may not read metrics, and every report answers 403."""
    link_lifetime: timedelta | None = None
    """Next links die at this age, by the world's clock."""
    expired_link_status: int = 400
    """400 or 404."""
    counters_stale_for: timedelta = timedelta(0)
    """Counters are refreshed no more often than this."""
