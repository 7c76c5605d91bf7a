"""What a turn knows of an account's activities: as stored, as polled since, and as counted."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf

from email_opens.errors import LostRace
from email_opens.instants import next_day
from email_opens.model import Activity, CounterReadings, CounterTrust, Estimate, State
from email_opens.ports import Tracking
from email_opens.scheduling import counters
from email_opens.scheduling.candidates import candidate_of, coming, countable, prior_of, unread
from email_opens.scheduling.choice import Candidate, Plan
from email_opens.scheduling.lifecycle import due, wakes
from email_opens.scheduling.price import plan

MINUTE = timedelta(minutes=1)
ASLEEP_EVERY = timedelta(hours=1)
"""Where only activities are left that are polled no more, their counters are asked for so often."""


@dataclass(slots=True, kw_only=True)
class Roster:
    """An account's activities, in memory, as this turn has left them."""

    tracking: Tracking
    counter_trust: CounterTrust
    campaigns_per_probe: int
    activities: dict[str, Activity] = field(default_factory=dict)
    """Those that are polled; who waits longest comes first."""
    asleep: dict[str, Activity] = field(default_factory=dict)
    """Those that are polled no more, but wake when their campaign's counter moves."""
    candidates: dict[str, Candidate] = field(default_factory=dict)
    """Of those that have not failed in this turn."""
    changed: set[str] = field(default_factory=set)
    """Whose counter has moved since they were read."""
    told: CounterReadings = field(default_factory=CounterReadings)
    prior: Estimate = field(default_factory=lambda: prior_of(()))

    def take(self, every: Iterable[Activity], now: datetime) -> None:
        """Take in an account's activities as they are stored."""
        every = list(every)
        tracked = [one for one in every if due(one, now)]
        tracked.sort(key=lambda activity: activity.progress.polled_at or activity.tracked_at)
        self.activities = {one.campaign_activity_id: one for one in tracked}
        self.asleep = {
            one.campaign_activity_id: one
            for one in every
            if one.campaign_activity_id not in self.activities and wakes(one, now)
        }
        self.prior = prior_of(one for one in every if not unread(one, now))
        for activity_id in self.activities:
            self.weigh(activity_id, now)

    def weigh(self, activity_id: str, now: datetime) -> None:
        """See anew what a poll of an activity is worth."""
        self.candidates[activity_id] = candidate_of(
            self.activities[activity_id],
            now,
            self.prior,
            self.counter_trust,
            changed=activity_id in self.changed,
        )

    def plan(self, now: datetime, requests: int, requests_a_day: int) -> Plan:
        """Plan the rest of the day, for which there are so many requests."""
        every = [*self.activities.values(), *self.asleep.values()]
        return plan(
            [*self.candidates.values(), *coming(every, now, self.prior)],
            requests=requests,
            seconds=max(MINUTE, next_day(now) - now).total_seconds(),
            requests_a_day=requests_a_day,
            trust=self.counter_trust,
            campaigns_per_probe=self.campaigns_per_probe,
        )

    def drop(self, activity_id: str) -> None:
        """Leave an activity alone for the rest of the turn."""
        self.candidates.pop(activity_id, None)

    def saved(self, activity: Activity) -> Activity:
        """Save what a lost race may as well leave unsaid; return the activity as it stands."""
        try:
            return self.tracking.save(activity)
        except LostRace:
            return activity

    # --- Counters ---

    def counted_ago(self, now: datetime) -> float:
        """Return the seconds since the counters were asked for; infinite: they never were."""
        read_at = self.counter_trust.read_at
        if read_at is None or read_at > now:
            return inf
        return (now - read_at).total_seconds()

    def only_asleep(self, now: datetime) -> bool:
        """Say whether the counters are due only for those that are polled no more."""
        if not any(countable(one) for one in self.asleep.values()):
            return False
        polled = any(one.countable for one in self.candidates.values())
        return not polled and self.counted_ago(now) >= ASLEEP_EVERY.total_seconds()

    def campaigns(self) -> list[str]:
        """Return the campaigns of which the counters are asked for."""
        return counters.campaigns_of(
            [self.activities[one] for one, of in self.candidates.items() if of.countable],
            [one for one in self.asleep.values() if countable(one)],
            self.campaigns_per_probe,
        )

    def take_in(
        self, told: CounterReadings, asked_at: datetime, now: datetime, *, whole: bool
    ) -> None:
        """Take in what the counters tell; not `whole`: that failed midway."""
        counter_trust = self.counter_trust
        if whole:
            lag = counters.lag_after(counter_trust.lag_seconds, told, now)
            counter_trust = replace(counter_trust, lag_seconds=lag, current_until=told.refreshed_at)
        else:
            missed = counter_trust.missed + counters.FAILED_SHARE * (1 - counter_trust.missed)
            counter_trust = replace(counter_trust, missed=missed, current_until=None)
        self.counter_trust = replace(counter_trust, read_at=asked_at)
        self.told = told
        for activity_id, activity in list(self.asleep.items()):
            counted, moved = counters.baseline(activity, told)
            if moved:
                del self.asleep[activity_id]
                self._counted(activity, replace(counted, state=State.ACTIVE), now, moved=True)
            else:
                self.asleep[activity_id] = self._kept(activity, counted)
        for activity_id in list(self.candidates):
            activity = self.activities[activity_id]
            counted, moved = counters.baseline(activity, told)
            self._counted(activity, counted, now, moved=moved)

    def forget_untold(self) -> None:
        """Let the next turn ask anew for the counters, where what they told was not read."""
        if self.changed & self.candidates.keys():
            self.counter_trust = replace(self.counter_trust, read_at=None, current_until=None)

    def _counted(self, before: Activity, counted: Activity, now: datetime, *, moved: bool) -> None:
        """Take in what a counter says of an activity that is polled."""
        if moved:
            self.changed.add(counted.campaign_activity_id)
        self.activities[counted.campaign_activity_id] = self._kept(before, counted)
        self.weigh(counted.campaign_activity_id, now)

    def _kept(self, before: Activity, counted: Activity) -> Activity:
        """Save what the next turn must know; a counter's small steps back wait for a poll."""
        news = (
            counted.profile.uncounted,
            counted.state,
            counted.profile.counter is None,
        ) != (before.profile.uncounted, before.state, before.profile.counter is None)
        return self.saved(counted) if news else counted
