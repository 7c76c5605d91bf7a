"""A vendor's account in memory, with everything that its report may do, and calls that fail."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from email_opens.allowance.budget import Budget
from email_opens.errors import (
    ActivityGone,
    LinkExpired,
    NotCounted,
    OutOfTime,
    ReportUnavailable,
)
from email_opens.model import CounterReadings, Open, Page

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Crash(BaseException):
    """Stands for the death of the process."""


class World:
    """Activities and the rows that the vendor shows, sorted newest first at each request."""

    def __init__(self, seed: int, page_rows: int) -> None:
        self.random = random.Random(seed)
        self.page_rows = page_rows
        self.rows: dict[str, list[Open]] = {}
        self.counters: dict[str, int] = {}
        """Opens by campaign id, as the counters report them."""
        self.refreshed_at: datetime | None = None
        self.counters_fail: Exception | None = None
        self.counted: list[tuple[str, ...]] = []
        """The campaign ids of each request for counters."""
        self.unstable_ties = True
        self.between_requests: list[Callable[[], None]] = []

    def page(self, activity_id: str, link: str | None, rows: int) -> Page:
        """Return a page whose link contains the limit and an offset."""
        if activity_id not in self.rows:
            raise ActivityGone("The vendor does not know this activity.")
        if self.between_requests:
            self.between_requests.pop(0)()
        # A real page has 500 rows, an audit's 499; these pages are smaller, and differ by one too.
        size = self.page_rows - (500 - rows)
        offset = 0
        if link is not None:
            size, offset = (int(part) for part in link.split("/"))
        shown = list(self.rows[activity_id])
        if self.unstable_ties:
            self.random.shuffle(shown)
        shown.sort(key=lambda row: row.created_time, reverse=True)
        end = offset + size
        return Page(
            link=link,
            opens=tuple(shown[offset:end]),
            next_link=f"{size}/{end}" if end < len(shown) else None,
        )

    def count(self, campaign_ids: Sequence[str]) -> CounterReadings:
        """Return the counters that the test has set."""
        self.counted.append(tuple(campaign_ids))
        if self.counters_fail:
            raise self.counters_fail
        if self.refreshed_at is None or not self.counters.keys() >= set(campaign_ids):
            raise NotCounted("The vendor does not know this campaign.")
        return CounterReadings(
            {campaign_id: self.counters[campaign_id] for campaign_id in campaign_ids},
            self.refreshed_at,
        )


class WorldReport:
    """The Report port over a `World`."""

    def __init__(self, world: World, budget: Budget, pages: int | None = None) -> None:
        self._world = world
        self._budget = budget
        self._pages = pages
        self.requests = 0
        self.throttled = 0
        self.fail_in: int | None = None
        self.expire_links = False

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        del before
        if self._pages is not None and self.requests >= self._pages:
            raise OutOfTime("No time is left.")
        self._budget.take()
        self.requests += 1
        if self.fail_in is not None:
            self.fail_in -= 1
            if self.fail_in < 0:
                self.fail_in = None
                raise ReportUnavailable("The vendor answered 503.")
        if link is not None and self.expire_links:
            raise LinkExpired("A next link no longer works.")
        return self._world.page(campaign_activity_id, link, rows)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        del before
        self._budget.take()
        self.requests += 1
        return self._world.count(campaign_ids)


class Calls:
    """Counts the calls of all ports; runs `before[n]` before and `after[n]` after call n."""

    def __init__(self) -> None:
        self.made = 0
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}

    def through(self, port: Any, *names: str) -> Any:
        """Return the port with the named methods counted."""
        return _Counted(port, self, names)


class _Counted:
    def __init__(self, port: Any, calls: Calls, names: tuple[str, ...]) -> None:
        self._port = port
        self._calls = calls
        self._names = names

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if name not in self._names:
            return attribute

        def counted(*args: Any, **keywords: Any) -> Any:
            number = self._calls.made
            self._calls.made += 1
            self._calls.before.pop(number, _nothing)()
            result = attribute(*args, **keywords)
            self._calls.after.pop(number, _nothing)()
            return result

        return counted


def _nothing() -> None:
    return


def crash() -> None:
    raise Crash
