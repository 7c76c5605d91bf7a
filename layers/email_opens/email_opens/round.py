"""The rounds of a turn: poll whoever is worth it, again and again, and work the gaps between.

Heads come first, all that are worth their price; then what deeper walks left, a stretch at a
time. So backfill never delays the live tail, and one activity's failure never stops another.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil, inf

from email_opens import probes
from email_opens.backlog import Backlog
from email_opens.budget import Budget
from email_opens.errors import (
    AccountStopped,
    ActivityFailed,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    LostRace,
    OutOfTime,
    QuotaExceeded,
    Throttled,
)
from email_opens.lifetime import depth_due, due, finished, wakes
from email_opens.model import (
    AUDIT_PAGE_ROWS,
    PAGE_ROWS,
    Activity,
    Learned,
    State,
    iso,
    next_day,
)
from email_opens.poller import Poller, Seen, Walk
from email_opens.ports import Clock, Report, Tracking
from email_opens.prospects import (
    born,
    countable,
    learned_of,
    missed_after,
    prior_of,
    prospect_of,
    unread,
)
from email_opens.rates import Estimate
from email_opens.scheduling import (
    FLOORS_SHARE,
    Counters,
    Plan,
    Poll,
    Probe,
    Prospect,
    choose,
    plan,
)
from email_opens.turn import Decision, Failure, Turn
from email_opens.walk import Depth, floor_of

MINUTE = timedelta(minutes=1)
ENOUGH = timedelta(seconds=1)
"""With less time than this no poll is begun."""
ASLEEP_EVERY = timedelta(hours=1)
"""Where only activities are left that are polled no more, their counters are asked for so often."""


@dataclass(slots=True, kw_only=True)
class Round:
    """An account's activities, in memory, as this turn has left them."""

    turn: Turn
    closed_until: datetime | None
    learned: Learned
    budget: Budget
    report: Report
    poller: Poller
    tracking: Tracking
    clock: Clock
    lookback: timedelta
    finished_after: timedelta
    campaigns_per_probe: int
    before: datetime
    stay_until: datetime
    """So long does it wait for what will be worth a request."""
    backlog: Backlog
    activities: dict[str, Activity] = field(default_factory=dict)
    """Those that are polled."""
    asleep: dict[str, Activity] = field(default_factory=dict)
    """Those that are polled no more, but wake when their campaign's counter moves."""
    prospects: dict[str, Prospect] = field(default_factory=dict)
    """Of those that have not failed in this turn."""
    changed: set[str] = field(default_factory=set)
    told: probes.Told = field(default_factory=probes.Told)
    prior: Estimate = field(default_factory=lambda: prior_of(()))
    aged_at: datetime = field(init=False)

    def work(self) -> None:
        """Poll, probe and wait until nothing is worth a request, or the time is over."""
        now = self.aged_at = self.clock.now()
        self._look(now)
        try:
            # The vendor opens at midnight, whatever is stored.
            if self.closed_until and now < self.closed_until <= next_day(now):
                opens_at = iso(self.closed_until)
                raise QuotaExceeded(
                    f"The day's quota is spent; it opens at {opens_at}.", self.closed_until
                )
            worth = self._planned(now)
            if self._only_asleep(now):
                self._probe(now, worth)
            while self._goes_on(worth):
                pass
        finally:
            if self.changed & self.prospects.keys():
                # What they told is not read yet: they are asked for again at once.
                self.learned = replace(self.learned, counted_at=None, told_until=None)
            self.turn.gaps = sum(len(one.gaps) for one in self.activities.values())

    def _look(self, now: datetime) -> None:
        every = self.tracking.activities(self.turn.account_id)
        self.turn.failures += [
            Failure(one.campaign_activity_id, ActivityFailed(one.last_error))
            for one in every
            if one.state is State.BROKEN
        ]
        tracked = [one for one in every if due(one, now)]
        # Who waits longest comes first among equals.
        tracked.sort(key=lambda activity: activity.polled_at or activity.tracked_at)
        self.turn.activities = len(tracked)
        self.activities = {one.campaign_activity_id: one for one in tracked}
        self.asleep = {
            one.campaign_activity_id: one
            for one in every
            if one.campaign_activity_id not in self.activities and wakes(one, now)
        }
        self.prior = prior_of(one for one in every if not unread(one, now))
        self.backlog.begin(tracked, now)
        for activity in tracked:
            self._weigh(activity, now)

    def _weigh(self, activity: Activity, now: datetime) -> None:
        changed = activity.campaign_activity_id in self.changed
        self.prospects[activity.campaign_activity_id] = prospect_of(
            activity, now, self.prior, self.learned, changed=changed
        )

    def _planned(self, now: datetime) -> Plan:
        seconds = max(MINUTE, next_day(now) - now).total_seconds()
        worth = plan(
            list(self.prospects.values()),
            requests=self.budget.left,
            seconds=seconds,
            counters=self._counters(),
        )
        self.turn.price = worth.price if worth.price < inf else None
        self.turn.shortfall = max(0, ceil(worth.floors - FLOORS_SHARE * self.budget.left))
        return worth

    def _counters(self) -> Counters:
        return Counters(
            lag_seconds=self.learned.lag_seconds,
            missed=self.learned.missed,
            campaigns_a_request=self.campaigns_per_probe,
        )

    def _goes_on(self, worth: Plan) -> bool:
        """Do what is best done now; say whether the turn goes on."""
        now = self.clock.now()
        if now + ENOUGH > self.before:
            return False
        elapsed = max(timedelta(), now - self.aged_at).total_seconds()
        self.aged_at = now
        for one in self.prospects.values():
            one.age += elapsed
        choice = choose(self.prospects.values(), worth, self._counters(), self._probed_ago(now))
        if isinstance(choice, Poll):
            one = choice.prospect
            self._tell(one.campaign_activity_id, choice.waiting, worth, one.cost, choice.why)
            self._poll(one, now)
        elif isinstance(choice, Probe):
            self._probe(now, worth)
        elif not self._below(now, worth):
            stays = (min(self.stay_until, self.before - ENOUGH) - now).total_seconds()
            if choice.seconds > stays:
                return False
            self.clock.sleep(choice.seconds)
        return True

    def _tell(
        self, activity_id: str | None, waiting: float, worth: Plan, cost: float, why: str
    ) -> None:
        self.turn.decide(
            Decision(
                campaign_activity_id=activity_id,
                waiting=waiting,
                price=worth.price,
                cost=cost,
                why=why,
            )
        )

    # --- Heads ---

    def _poll(self, prospect: Prospect, now: datetime) -> None:
        """Poll an activity from the head past its watermark; note what a deeper walk left."""
        activity_id = prospect.campaign_activity_id
        activity = self.activities[activity_id]
        depth = depth_due(activity, now, self.finished_after)
        again = depth is Depth.AUDIT and activity.watermark is not None
        campaign_told = self.told.opens.get(activity.campaign_id or "")

        def learn(polled: Activity, seen: Seen) -> Activity:
            missed = missed_after(self.learned.missed, prospect, born(seen.before), seen)
            self.learned = replace(self.learned, missed=missed)
            return learned_of(polled, seen, self.prior, campaign_told, self.lookback)

        settled = floor_of(activity, Depth.SWEEP, self.lookback, now)
        walk = Walk(
            activity=activity,
            depth=depth,
            floor=floor_of(activity, depth, self.lookback, now),
            pause=activity.watermark,
            # Within a gap nobody has looked yet.
            settled=settled if again and not activity.gaps else None,
            rows=AUDIT_PAGE_ROWS if again else PAGE_ROWS,
            learn=learn,
        )
        worked = self._isolated(walk)
        while worked and not walk.done and _in_the_watermarks_minute(walk):
            worked = self._isolated(walk)
        if worked:
            self.changed.discard(activity_id)
            self.backlog.leave(walk)
            self._weigh(self.activities[activity_id], self.clock.now())
            self._finish(activity_id)

    def _isolated(self, walk: Walk) -> bool:
        """Work a stretch; an activity of which that fails is left alone until the next turn."""
        activity_id = walk.activity.campaign_activity_id
        try:
            self.poller.work(walk, self.turn.facts, before=self.before)
        except (AccountStopped, OutOfTime):
            raise
        except (LostRace, LinkExpired):
            pass  # The winner's state stands; a link is found again in the next turn.
        except ActivityGone as error:
            self._fail(walk, error, State.GONE)
        except ActivityFailed as error:
            self._fail(walk, error, walk.activity.state)
        except Exception as error:  # noqa: BLE001 - recorded, and none of the others' business
            self.turn.failures.append(Failure(activity_id, error))
        else:
            return True
        finally:
            self.activities[activity_id] = walk.activity
        self.prospects.pop(activity_id, None)
        self.backlog.drop(activity_id)
        return False

    def _fail(self, walk: Walk, error: EmailOpensError, state: State) -> None:
        """Tell of a failure; the activity waits its turn like those that were polled."""
        self.turn.failures.append(Failure(walk.activity.campaign_activity_id, error))
        now = self.clock.now()
        walk.activity = self._saved(
            replace(walk.activity, state=state, polled_at=now, last_error=str(error))
        )

    def _finish(self, activity_id: str) -> None:
        """Read it no more if nobody has opened it for long."""
        activity = self.activities[activity_id]
        if activity.state is State.ACTIVE and finished(activity, self.finished_after):
            self.activities[activity_id] = self._saved(replace(activity, state=State.FINISHED))
            self.prospects.pop(activity_id, None)

    def _saved(self, activity: Activity) -> Activity:
        """Save what a lost race may as well leave unsaid."""
        try:
            return self.tracking.save(activity)
        except LostRace:
            return activity

    # --- Below the heads ---

    def _below(self, now: datetime, worth: Plan) -> bool:
        """Work a stretch of what deeper walks left; say whether there was one."""
        walk = self.backlog.next_walk(self.activities, now, worth.price, self.budget.spent)
        if walk is None:
            return False
        activity_id, spent = walk.activity.campaign_activity_id, self.budget.spent
        if self._isolated(walk):
            self.backlog.leave(walk)
            self._weigh(self.activities[activity_id], self.clock.now())
            self._finish(activity_id)
        self.backlog.note(walk, self.budget.spent - spent)
        return True

    # --- Counters ---

    def _probed_ago(self, now: datetime) -> float | None:
        if self.turn.uncounted is not None:
            return None
        counted_at = self.learned.counted_at
        if counted_at is None or counted_at > now:
            return inf
        return (now - counted_at).total_seconds()

    def _only_asleep(self, now: datetime) -> bool:
        if not any(countable(one) for one in self.asleep.values()):
            return False
        polled = any(one.countable for one in self.prospects.values())
        ago = self._probed_ago(now)
        return not polled and ago is not None and ago >= ASLEEP_EVERY.total_seconds()

    def _probe(self, now: datetime, worth: Plan) -> None:
        """Ask for the counters, and see whose has moved; the polls go on if that fails."""
        campaigns = probes.campaigns_of(
            [self.activities[one] for one, of in self.prospects.items() if of.countable],
            [one for one in self.asleep.values() if countable(one)],
            self.campaigns_per_probe,
        )
        cost = ceil(len(campaigns) / self.campaigns_per_probe)
        self._tell(None, 0.0, worth, cost, "the counters tell of many")
        self.turn.probes += 1
        told = probes.Told()
        try:
            probes.ask(self.report, told, campaigns, self.campaigns_per_probe, self.before)
        except (QuotaExceeded, Throttled, OutOfTime):
            raise
        except Exception as error:  # noqa: BLE001 - told of; the polls do without counters
            self.turn.uncounted = error
        self._take_in(told, now)

    def _take_in(self, told: probes.Told, now: datetime) -> None:
        learned = self.learned
        if self.turn.uncounted is None:
            lag = probes.lag_after(learned.lag_seconds, told, self.clock.now())
            learned = replace(learned, lag_seconds=lag, told_until=told.refreshed_at)
        else:
            missed = learned.missed + probes.FAILED_SHARE * (1 - learned.missed)
            learned = replace(learned, missed=missed, told_until=None)
        self.learned = replace(learned, counted_at=now)
        self.told = told
        for activity_id, activity in list(self.asleep.items()):
            counted, moved = probes.baseline(activity, told)
            if moved:
                del self.asleep[activity_id]
                self._counted(activity, replace(counted, state=State.ACTIVE), moved=True)
            else:
                self.asleep[activity_id] = self._kept(activity, counted)
        for activity_id in list(self.prospects):
            activity = self.activities[activity_id]
            counted, moved = probes.baseline(activity, told)
            self._counted(activity, counted, moved=moved)

    def _counted(self, before: Activity, counted: Activity, *, moved: bool) -> None:
        """Take in what a counter says of an activity that is polled."""
        if moved:
            self.changed.add(counted.campaign_activity_id)
        self.activities[counted.campaign_activity_id] = self._kept(before, counted)
        self._weigh(self.activities[counted.campaign_activity_id], self.clock.now())

    def _kept(self, before: Activity, counted: Activity) -> Activity:
        """Save what the next turn must know; a counter's small steps back wait for a poll."""
        news = (
            counted.uncounted,
            counted.state,
            counted.counter is None,
        ) != (before.uncounted, before.state, before.counter is None)
        return self._saved(counted) if news else counted


def _in_the_watermarks_minute(walk: Walk) -> bool:
    """Say whether a walk may finish the minute, however many rows it has.

    Cut there, it would be cut there again at each poll.
    """
    ceiling = walk.gap.ceiling if walk.gap else None
    return bool(walk.pause and ceiling and walk.pause <= ceiling < walk.pause + MINUTE)
