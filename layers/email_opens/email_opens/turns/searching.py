"""The search for new sends as a part of a turn: a stretch of it, between the heads and backfill."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from email_opens.account import Searches
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.search import Search
from email_opens.errors import AccountStopped, BudgetSpent, OutOfTime
from email_opens.ports import Clock
from email_opens.scheduling.searches import continues, interval, is_due
from email_opens.turns.budget import Budget
from email_opens.turns.report import TurnReport
from email_opens.turns.roster import Roster

STRETCH = timedelta(seconds=12)
"""The longest time for which a stretch keeps polls waiting."""


@dataclass(slots=True, kw_only=True)
class Searching:
    """A turn's search; its failure is reported, and stops no poll."""

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
    begun: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    _every: timedelta | None = field(default=None, init=False)

    def work(self, now: datetime) -> bool:
        """Work a stretch of the search, if one is due; return whether one was.

        Raises:
            AccountStopped, OutOfTime: no other request can be sent.
        """
        if self._ended or not (self.begun or self._is_due(now)):
            return False
        failures = self.searches.failures
        if not self.begun:
            self.begun, self.turn_report.found = True, self.search.found
            self.searches = replace(self.searches, tried_at=now, failures=0)
        found, left = self.search.found, self.search.left
        tracked, renewed = len(found.tracked), len(found.renewed)
        try:
            self.search.work(self.campaigns, min(self.before, now + STRETCH))
        except (AccountStopped, BudgetSpent):
            raise
        except OutOfTime as error:
            if self.search.left == left:
                self._fail(error, failures)
            if now + STRETCH >= self.before:
                raise
        except Exception as error:  # noqa: BLE001 - reported, and it stops no poll
            self._fail(error, failures)
        finally:
            self.roster.take_found([*found.tracked[tracked:], *found.renewed[renewed:]], now)
        if self.search.done:
            completed_at = self.clock.now()
            self.searches = Searches(completed_at=completed_at, tried_at=completed_at)
        self._ended |= self.search.done or not continues(self.budget.left)
        return True

    def _is_due(self, now: datetime) -> bool:
        left = self.budget.left
        if self._every is None:
            self._every = interval(
                self.roster.sends,
                now,
                requests_per_day=self.requests_per_day,
                requests_left=left,
            )
        return is_due(self.searches, self._every, left, now)

    def _fail(self, error: Exception, failures: int) -> None:
        """End the search: the next one waits, for longer after each failure in a row."""
        self.turn_report.unsearched = error
        self.searches = replace(self.searches, failures=failures + 1)
        self._ended = True
