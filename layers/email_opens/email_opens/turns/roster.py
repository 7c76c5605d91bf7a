"""The activities of an account during a turn: as stored, as polled since, and as counted."""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta

from msgspec import Struct, field

from email_opens.account import CounterTrust, Hours
from email_opens.errors import LostRace
from email_opens.instants import next_day, seconds_since
from email_opens.model import Activity, CounterReadings, Estimate, Polled, State
from email_opens.ports import Tracking
from email_opens.scheduling.candidates import (
    Candidate,
    after_poll,
    candidate_of,
    coming,
    countable,
    missed_after,
    prior_of,
    unread,
)
from email_opens.scheduling.counters import (
    after_reading,
    campaigns_to_probe,
    has_moved,
    page_is_due,
    trust_after,
    trust_after_failure,
)
from email_opens.scheduling.lifecycle import due, wakes
from email_opens.scheduling.plan import Plan, plan

MINUTE = timedelta(minutes=1)
ASLEEP_EVERY = timedelta(hours=1)
"""How often counters are read if only activities are left that are no longer polled."""


class Roster(Struct, kw_only=True):
    """An account's activities in memory, as this turn has left them."""

    tracking: Tracking
    counter_trust: CounterTrust
    campaigns_per_probe: int
    hours: Hours
    """At which hours of the day the e-mails are opened."""
    scheduled: Iterable[datetime] = ()
    """The instants of scheduled sends, for which requests are kept."""
    activities: dict[str, Activity] = field(default_factory=dict)
    """Those that are polled, the one read longest ago first."""
    asleep: dict[str, Activity] = field(default_factory=dict)
    """Those that are no longer polled, but wake if their campaign's counter moves."""
    finished: dict[str, Activity] = field(default_factory=dict)
    """Those that were finished and not archived when the turn began."""
    current: set[str] = field(default_factory=set)
    """The ids of all that were not archived when the turn began."""
    candidates: dict[str, Candidate] = field(default_factory=dict)
    """Those that have not failed in this turn."""
    readings: CounterReadings = field(default_factory=CounterReadings)
    """The counters as this turn has last read them."""
    page_to: str | None = None
    """The last archived activity of the page that this turn probes."""
    page_at: datetime | None = None
    """When that page was read; None: it is not probed in this turn, or was."""
    sends: list[datetime] = field(default_factory=list)
    """When the account's tracked activities were last sent."""
    prior: Estimate = field(default_factory=lambda: prior_of(()))

    def load(self, stored: Iterable[Activity], now: datetime) -> None:
        """Add an account's activities as they are stored."""
        stored = list(stored)
        self.current = {activity.campaign_activity_id for activity in stored}
        self.finished = {
            activity.campaign_activity_id: activity
            for activity in stored
            if activity.state is State.FINISHED
        }
        self.sends = [activity.sent_at for activity in stored if activity.sent_at]
        polled = [activity for activity in stored if due(activity, now)]
        polled.sort(key=lambda activity: activity.progress.worked_at or activity.tracked_at)
        self.activities = {activity.campaign_activity_id: activity for activity in polled}
        self.asleep = {
            activity.campaign_activity_id: activity
            for activity in stored
            if activity.campaign_activity_id not in self.activities and wakes(activity, now)
        }
        self.prior = prior_of(activity for activity in stored if not unread(activity, now))
        for activity_id in self.activities:
            self.weigh(activity_id, now)

    def weigh(self, activity_id: str, now: datetime) -> None:
        """Update what a poll of an activity is worth."""
        activity = self.activities[activity_id]
        self.candidates[activity_id] = candidate_of(
            activity,
            now,
            self.prior,
            self.counter_trust,
            self.hours,
            changed=has_moved(activity, self.readings),
        )

    def take_found(self, activities: Iterable[Activity], now: datetime) -> None:
        """Take over what a search has tracked, or changed, as it is stored now."""
        for activity in activities:
            activity_id = activity.campaign_activity_id
            if due(activity, now):
                self.asleep.pop(activity_id, None)
                self.activities[activity_id] = activity
                self.weigh(activity_id, now)
            elif activity_id in self.asleep:
                self.asleep[activity_id] = activity

    def plan(self, now: datetime, requests: int) -> Plan:
        """Plan the rest of the day, for which `requests` are left."""
        activities = [*self.activities.values(), *self.asleep.values()]
        to_come = coming(activities, self.scheduled, now, self.prior, self.hours)
        return plan(
            [*self.candidates.values(), *to_come],
            now=now,
            requests=requests,
            seconds=max(MINUTE, next_day(now) - now).total_seconds(),
            hours=self.hours,
        )

    def spent_at(self, now: datetime) -> datetime | None:
        """Return when the plan probably last allowed a request, by what was read; None: never.

        The polls of fresh sends do not count, because most come beside the plan.
        """
        heads = (
            self.activities[activity_id].progress.head_at
            for activity_id, candidate in self.candidates.items()
            if not candidate.is_hot(now)
        )
        return max(filter(None, (*heads, self.counter_trust.read_at)), default=None)

    def drop(self, activity_id: str) -> None:
        """Leave an activity alone for the rest of the turn."""
        self.candidates.pop(activity_id, None)

    def learn(
        self, candidate: Candidate, activity: Activity, polled: Polled, lookback: timedelta
    ) -> Activity:
        """Return an activity with what a poll of its head has taught."""
        missed = missed_after(self.counter_trust.missed, candidate, polled)
        self.counter_trust = replace(self.counter_trust, missed=missed)
        count = self.readings.opens.get(activity.campaign_id or "")
        learned, self.hours = after_poll(activity, polled, self.prior, count, lookback, self.hours)
        return learned

    def as_counted(self, activity: Activity) -> Activity:
        """Return an activity with the counter as read, so that it wakes only at the next move."""
        count = self.readings.opens.get(activity.campaign_id or "")
        if count is None:
            return activity
        return replace(activity, profile=replace(activity.profile, counter=count))

    def save(self, activity: Activity) -> Activity:
        """Save a change that may be lost to another write; return the activity as it is then."""
        try:
            return self.tracking.save(activity)
        except LostRace:
            return activity

    # --- Counters ---

    def probed_seconds_ago(self, now: datetime) -> float:
        """Return the seconds since the counters were last read; infinite: never."""
        return seconds_since(self.counter_trust.read_at, now)

    def only_asleep(self, now: datetime) -> bool:
        """Return whether the counters are due only for activities that are no longer polled."""
        asleep = any(countable(activity) for activity in self.asleep.values())
        if not (asleep or page_is_due(self.counter_trust, now)):
            return False
        polled = any(candidate.countable for candidate in self.candidates.values())
        return not polled and self.probed_seconds_ago(now) >= ASLEEP_EVERY.total_seconds()

    def campaigns_to_probe(self, now: datetime, archived: Iterable[Activity] = ()) -> list[str]:
        """Return the campaigns whose counters a probe reads, those of archived ones included."""
        countables = [name for name, candidate in self.candidates.items() if candidate.countable]
        return campaigns_to_probe(
            [*(self.activities[activity_id] for activity_id in countables), *archived],
            [activity for activity in self.asleep.values() if countable(activity)],
            self.campaigns_per_probe,
            hour=int(now.timestamp() / ASLEEP_EVERY.total_seconds()),
        )

    def take_readings(
        self, readings: CounterReadings, read_at: datetime, now: datetime, *, failed: bool
    ) -> None:
        """Take over the readings of a probe, which may have failed midway."""
        if failed:
            self.counter_trust = trust_after_failure(self.counter_trust, read_at)
        else:
            self.counter_trust = trust_after(self.counter_trust, readings, read_at, now)
            self.pass_page()
        self.readings = readings
        for activity_id in list(self.candidates):
            self.activities[activity_id] = self._counted(self.activities[activity_id])
            self.weigh(activity_id, now)
        for activity_id, activity in list(self.asleep.items()):
            if has_moved(activity, readings):
                del self.asleep[activity_id]
                self.activities[activity_id] = self.save(replace(activity, state=State.ACTIVE))
                self.weigh(activity_id, now)
            else:
                self.asleep[activity_id] = self._counted(activity)

    def pass_page(self) -> None:
        """From the next hour on, continue with the archived activities after this turn's page."""
        if self.page_at is not None:
            self.counter_trust = replace(
                self.counter_trust, archived_at=self.page_at, archived_to=self.page_to
            )
            self.page_at = None

    def forget_unread(self) -> None:
        """Let the next turn read the counters again if activities that have changed are unread."""
        if any(candidate.changed for candidate in self.candidates.values()):
            self.counter_trust = replace(self.counter_trust, read_at=None, current_until=None)

    def _counted(self, activity: Activity) -> Activity:
        """Return an activity after a probe; save what the next turn needs.

        A counter that moved a little back waits for a poll.
        """
        counted = after_reading(activity, self.readings)
        before, after = activity.profile, counted.profile
        if (before.uncounted, before.counter is None) == (after.uncounted, after.counter is None):
            return counted
        return self.save(counted)
