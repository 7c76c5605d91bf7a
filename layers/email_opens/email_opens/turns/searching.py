"""The search for new sends as a part of a turn, in stretches between the heads and backfill.

The vendor's schedules are read from time to time, so that a scheduled send is searched for when it
is sent.
"""

from collections.abc import Callable
from copy import replace
from datetime import datetime, timedelta
from math import inf

from msgspec import Struct

from email_opens.account import Searches
from email_opens.allowance.budget import Budget
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.schedules import ScheduleReading
from email_opens.discovery.search import Search
from email_opens.errors import AccountStopped, BudgetSpent, OutOfTime
from email_opens.ports import Clock
from email_opens.scheduling.searches import (
    LATE,
    LONGEST_PAUSE,
    continues,
    expected_after,
    interval,
    is_due,
    next_for_send,
    overdue,
    schedules_due,
    schedules_pause,
)
from email_opens.turns.report import TurnReport
from email_opens.turns.roster import Roster

STRETCH = timedelta(seconds=12)
"""The longest time for which a stretch keeps polls waiting."""
NEXT_TURN_SECONDS = 3.0
"""The least wait after a completed search; a turn waits less, so the next one searches again."""
MOST_EXPECTED = 3
"""Scheduled sends that are stored, the next ones: more would take another write unit."""
MOST_RESENDS = 10
"""Sends of one search whose resends are looked up, the latest ones."""


class Searching(Struct, kw_only=True):
    """A turn's search; a failure is reported, and stops no poll."""

    search: Search
    campaigns: Campaigns
    searches: Searches
    """The account's searches, with what this turn has done."""
    requests_per_day: int
    budget: Budget
    clock: Clock
    before: datetime
    turn_report: TurnReport
    roster: Roster
    _begun: bool = False
    _tried_at: datetime | None = None
    """When the search before this one was tried."""
    _ended: bool = False
    _every: timedelta | None = None
    _reading: ScheduleReading | None = None

    def work(self, now: datetime) -> bool:
        """Work on a stretch of a search, or of a reading of the schedules, if one is due.

        Returns whether one was.

        Raises:
            AccountStopped, OutOfTime: no other request can be sent.
        """
        return self._search(now) or self._read_schedules(now)

    def seconds_until_send(self, now: datetime) -> float:
        """Return the seconds until a search for a scheduled send; infinite: none is expected."""
        at = next_for_send(self.searches, now)
        if at is None or self.searches.failures:
            return inf
        seconds = (at - now).total_seconds()
        if self._ended:
            return max(seconds, NEXT_TURN_SECONDS)
        return seconds if seconds > 0 else 1.0

    def overdue(self, now: datetime) -> bool:
        """Return whether searches fail to find new sends; the page on alarms says since when."""
        return overdue(self.searches, self._interval(now), now)

    def _search(self, now: datetime) -> bool:
        if self._ended or not (self._begun or self._is_due(now)):
            return False
        failures = self.searches.failures
        if not self._begun:
            self._tried_at = self.searches.tried_at
            self._begun, self.turn_report.found = True, self.search.found
            self.searches = replace(self.searches, tried_at=now, failures=0)
        found, left = self.search.found, self.search.left
        tracked, renewed = len(found.tracked), len(found.renewed)
        try:
            error = self._stretch(self.search.work, now)
        except AccountStopped:
            # The search stays due, so that the next turn finds out whether this has changed.
            self.searches = replace(self.searches, tried_at=self._tried_at, failures=failures)
            raise
        finally:
            self.roster.take_found([*found.tracked[tracked:], *found.renewed[renewed:]], now)
        if error is not None and not (isinstance(error, OutOfTime) and self.search.left != left):
            self.turn_report.unsearched = error
            self.searches = replace(self.searches, failures=failures + 1)
            self._ended = True
        elif self.search.done:
            self._complete()
        elif not continues(self.budget.left):
            self._ended = True
        return True

    def _is_due(self, now: datetime) -> bool:
        return is_due(self.searches, self._interval(now), self.budget.left, now)

    def _interval(self, now: datetime) -> timedelta:
        if self._every is None:
            self._every = interval(
                self.roster.sends,
                now,
                requests_per_day=self.requests_per_day,
                requests_left=self.budget.left,
            )
        return self._every

    def _complete(self) -> None:
        self._ended, now = True, self.clock.now()
        expected = expected_after(self.searches.expected, self.search.last_sends, now)
        self.searches = replace(
            self.searches, completed_at=now, tried_at=now, failures=0, expected=expected
        )
        if self.search.found.tracked:
            # Its resend may be scheduled.
            self.searches = replace(self.searches, schedules_due_at=None)

    def _read_schedules(self, now: datetime) -> bool:
        searches = self.searches
        if self._reading is None:
            if not schedules_due(searches, self.budget.left, now):
                return False
            known = [(each.campaign_id, each.resend_of) for each in searches.expected]
            new = [
                (activity.campaign_id, activity.campaign_activity_id)
                for activity in self.search.found.tracked[:MOST_RESENDS]
            ]
            self._reading = ScheduleReading(
                resends=dict.fromkeys((key, of) for key, of in [*known, *new] if key and of)
            )
            # If it fails or the turn is killed, it is not repeated in each turn.
            self.searches = replace(searches, schedules_due_at=now + LONGEST_PAUSE)
        elif self._reading.done:
            return False
        error = self._stretch(self._reading.work, now)
        if error is not None and not isinstance(error, OutOfTime):
            self.turn_report.unsearched = error
            self._reading.stop()
        elif self._reading.done:
            self._expect(self._reading, now)
        return True

    def _expect(self, reading: ScheduleReading, now: datetime) -> None:
        """Replace the scheduled sends that are to come by those that were read."""
        begun = [send for send in self.searches.expected if now - LATE < send.at <= now]
        coming = sorted(
            (send for send in reading.expected if send.at > now), key=lambda send: send.at
        )
        pause = schedules_pause(
            reading.requests,
            now,
            requests_per_day=self.requests_per_day,
            requests_left=self.budget.left,
        )
        self.searches = replace(
            self.searches,
            expected=tuple([*begun, *coming][:MOST_EXPECTED]),
            schedules_due_at=now + pause,
        )

    def _stretch(
        self, work: Callable[[Campaigns, datetime], None], now: datetime
    ) -> Exception | None:
        """Work on a stretch; return why it failed or ended early, or None if it did neither.

        Raises:
            AccountStopped, OutOfTime: no other request can be sent.
        """
        try:
            work(self.campaigns, min(self.before, now + STRETCH))
        except (AccountStopped, BudgetSpent):
            raise
        except OutOfTime as error:
            if now + STRETCH >= self.before:
                raise
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - reported, and it stops no poll
            return error
        return None
