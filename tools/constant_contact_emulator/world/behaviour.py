"""Behaviour that the vendor does not document, so that a test chooses it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Paging(StrEnum):
    """What a next link contains."""

    OFFSET = "offset"
    """A number of rows: pages shift when rows are added or withdrawn between two requests."""
    KEYSET = "keyset"
    """The last row of the page: pages do not shift, but miss late rows above it."""
    SNAPSHOT = "snapshot"
    """An offset into a copy of the report made with its first page."""


class LastPage(StrEnum):
    """How the last page shows that there is no next page."""

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
    """`2026-03-02T14:07:00Z`; a fraction of a second is written if there is one."""
    OFFSET = "offset"
    """`2026-03-02T09:07:00-05:00`"""


class Ties(StrEnum):
    """The order of rows of the same instant; the first two apply to rows added afterwards."""

    NEWEST_FIRST = "newest_first"
    """A row that is added later stands above its ties."""
    OLDEST_FIRST = "oldest_first"
    """A row that is added later stands below its ties."""
    SHUFFLED = "shuffled"
    """A new order for each request; paging by key ignores it."""


@dataclass(slots=True)
class Behaviour:
    """What a test may choose, also while the emulator runs."""

    paging: Paging = Paging.OFFSET
    last_page: tuple[LastPage, ...] = tuple(LastPage)
    """Used in rotation, one for each last page."""
    time_formats: tuple[TimeFormat, ...] = (TimeFormat.MILLISECONDS,)
    """Used in rotation, one for each row; each request starts with the next one."""
    ties: Ties = Ties.NEWEST_FIRST
    unknown_fields: bool = False
    """Whether rows and replies have undocumented fields."""
    privileged: bool = True
    """Whether the user may read metrics; if not, every report answers 403, and the user's
    privileges lack `ui:campaign:metrics`."""
    link_lifetime: timedelta | None = None
    """The age at which next links expire, by the world's clock."""
    expired_link_status: int = 400
    """The status for an expired or unreadable link: 400 or 404."""
    counters_stale_for: timedelta = timedelta(0)
    """The least time between two refreshes of the counters."""
