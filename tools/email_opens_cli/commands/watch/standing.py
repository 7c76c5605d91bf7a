"""How far the e-mails that a watch follows have been read, and with how many requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.model import Activity, State

if TYPE_CHECKING:
    from email_opens.allowance.budget import Budget


class Standing(Struct):
    """How far the e-mails that are followed have been read."""

    begun: bool = False
    """Whether it is known what is followed."""
    activities: dict[str, Activity] = field(default_factory=dict)
    """By activity id, the latest send first."""
    reported: dict[str, int] = field(default_factory=dict)
    """The vendor's counters of opens, by campaign id."""
    _budget: "Budget | None" = None
    _requests: int = 0
    """Those of earlier leases."""

    def follow(self, activities: Sequence[Activity]) -> None:
        """Replace what is followed."""
        self.begun = True
        self.activities = {activity.campaign_activity_id: activity for activity in activities}

    def note(self, activity: Activity) -> None:
        """Take over an activity that has been saved."""
        if activity.campaign_activity_id in self.activities:
            self.activities[activity.campaign_activity_id] = activity

    def note_budget(self, budget: "Budget") -> None:
        """Take over the budget of a new lease."""
        if budget is not self._budget:
            self._requests = self.requests
            self._budget = budget

    @property
    def requests(self) -> int:
        """The requests that were sent so far."""
        return self._requests + (self._budget.spent if self._budget else 0)

    @property
    def requests_left(self) -> int | None:
        """The requests that are left of the day; None: not known."""
        return None if self._budget is None else self._budget.left

    @property
    def opens(self) -> int:
        """The opens that were published, in earlier runs too."""
        return sum(activity.counts.published for activity in self.activities.values())

    @property
    def rows(self) -> tuple[int, int]:
        """The rows that were read, and those that the vendor reports, as far as it is known."""
        read = reported = 0
        for activity in self.activities.values():
            done = activity.counts.published + activity.counts.rejected
            total = self.reported_of(activity) if activity.tracked_from is None else None
            read += done
            reported += max(done, total or 0)
        return read, reported

    @property
    def up_to_date(self) -> bool:
        """Whether everything that can be read has been read once."""
        return not any(behind(activity) for activity in self.activities.values())

    def reported_of(self, activity: Activity) -> int | None:
        """Return the vendor's count of opens of an activity's campaign; None: not known."""
        return self.reported.get(activity.campaign_id or "")

    def delay_seconds(self, now: datetime) -> float | None:
        """Return the seconds since the latest send was read: an open may have waited so long."""
        read = [activity.progress.head_at for activity in self.activities.values()]
        return next(((now - at).total_seconds() for at in read if at), None)


def behind(activity: Activity) -> bool:
    """Return whether a part of an activity's report is unread, and the vendor returns it."""
    readable = activity.state is State.ACTIVE and activity.missing_since is None
    unread = any(not gap.failures for gap in activity.progress.gaps)
    return readable and (activity.progress.polled_at is None or unread)


def waits(activity: Activity) -> bool:
    """Return whether a part of an activity's report waits for another attempt, after a failure."""
    readable = activity.state is State.ACTIVE and activity.missing_since is None
    return readable and bool(activity.progress.gaps or activity.last_error)
