"""The rounds of a turn: poll whoever is worth it, again and again, and work the gaps between.

Heads come first, all that are worth their price; then what deeper walks left, a stretch at a
time. So backfill never delays the live tail, and one activity's failure never stops another.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil, inf

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
from email_opens.instants import iso, next_day
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, Activity, State
from email_opens.poller import Polled, Poller, Walk
from email_opens.ports import Clock, Report
from email_opens.scheduling.candidates import after_poll, born, missed_after
from email_opens.scheduling.choice import Candidate, Plan, Poll, Probe, choose
from email_opens.scheduling.lifecycle import depth_due, finished
from email_opens.turns.backlog import Backlog
from email_opens.turns.budget import Budget
from email_opens.turns.probe import CounterProbe
from email_opens.turns.report import Decision, Failure, TurnReport
from email_opens.turns.roster import Roster
from email_opens.walk import Depth, floor_of

MINUTE = timedelta(minutes=1)
ENOUGH = timedelta(seconds=1)
"""With less time than this no poll is begun."""
LEAVING_SECONDS = 2.0
AWAY_SECONDS = 8.0
"""So long does nobody look after a turn: what fresh sends need by then is done as it ends."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """An account's rounds in this turn."""

    turn: TurnReport
    closed_until: datetime | None
    tracked: Roster
    budget: Budget
    report: Report
    poller: Poller
    clock: Clock
    lookback: timedelta
    finished_after: timedelta
    before: datetime
    stay_until: datetime
    """So long does it wait for what will be worth a request."""
    backlog: Backlog
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
            if self.turn.uncounted is None and self.tracked.only_asleep(now):
                self._probe(now, worth)
            while self._goes_on(worth):
                pass
        finally:
            self.tracked.forget_untold()
            self.turn.gaps = sum(len(one.progress.gaps) for one in self.tracked.activities.values())

    def _look(self, now: datetime) -> None:
        every = self.tracked.tracking.activities(self.turn.account_id)
        self.turn.failures += [
            Failure(one.campaign_activity_id, ActivityFailed(one.last_error))
            for one in every
            if one.state is State.BROKEN
        ]
        self.tracked.take(every, now)
        self.turn.activities = len(self.tracked.activities)
        self.backlog.begin(self.tracked.activities.values(), now)

    def _planned(self, now: datetime) -> Plan:
        worth = self.tracked.plan(now, self.budget.left, self.backlog.requests_per_day)
        self.turn.price = worth.price if worth.price < inf else None
        self.turn.shortfall = max(0, ceil(worth.floors - self.budget.left))
        return worth

    def _goes_on(self, worth: Plan) -> bool:
        """Do what is best done now; say whether the turn goes on."""
        now = self.clock.now()
        if now + ENOUGH > self.before:
            return False
        candidates = self.tracked.candidates.values()
        elapsed = max(timedelta(), now - self.aged_at).total_seconds()
        self.aged_at = now
        for one in candidates:
            one.age += elapsed
        stays = (min(self.stay_until, self.before - ENOUGH) - now).total_seconds()
        leaves = stays < LEAVING_SECONDS
        if leaves:
            worth = replace(worth, hot_seconds=worth.hot_seconds - AWAY_SECONDS)
        counted_ago = None if self.turn.uncounted else self.tracked.counted_ago(now)
        choice = choose(
            candidates,
            worth,
            self.tracked.counter_trust,
            counted_ago,
            self.tracked.campaigns_per_probe,
        )
        if isinstance(choice, Poll):
            one = choice.candidate
            self._tell(one.campaign_activity_id, choice.waiting, worth, one.cost, choice.why)
            self._poll(one, now)
        elif isinstance(choice, Probe):
            self._probe(now, worth)
        elif not self._below(now, worth):
            seconds = choice.seconds
            if seconds > stays:
                if leaves or not any(one.hot for one in candidates):
                    return False
                seconds = stays - LEAVING_SECONDS / 2
            self.clock.sleep(seconds)
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

    def _poll(self, candidate: Candidate, now: datetime) -> None:
        """Poll an activity from the head past its watermark; note what a deeper walk left."""
        activity_id = candidate.campaign_activity_id
        activity = self.tracked.activities[activity_id]
        depth = depth_due(activity, now, self.finished_after)
        again = depth is Depth.AUDIT and activity.progress.watermark is not None
        campaign_told = self.tracked.told.opens.get(activity.campaign_id or "")

        def learn(polled: Activity, seen: Polled) -> Activity:
            counter_trust = self.tracked.counter_trust
            missed = missed_after(counter_trust.missed, candidate, born(seen.before), seen)
            self.tracked.counter_trust = replace(counter_trust, missed=missed)
            return after_poll(polled, seen, self.tracked.prior, campaign_told, self.lookback)

        settled = floor_of(activity, Depth.SWEEP, self.lookback, now)
        walk = Walk(
            activity=activity,
            depth=depth,
            floor=floor_of(activity, depth, self.lookback, now),
            pause=activity.progress.watermark,
            # Within a gap nobody has looked yet.
            settled=settled if again and not activity.progress.gaps else None,
            rows=AUDIT_PAGE_ROWS if again else PAGE_ROWS,
            learn=learn,
        )
        worked = self._isolated(walk)
        while worked and not walk.done and _in_the_watermarks_minute(walk):
            worked = self._isolated(walk)
        if worked:
            self.tracked.changed.discard(activity_id)
            self._leave(walk)

    def _isolated(self, walk: Walk) -> bool:
        """Work a stretch; an activity of which that fails is left alone until the next turn."""
        activity_id = walk.activity.campaign_activity_id
        try:
            self.poller.work(walk, self.turn.counts, before=self.before)
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
            self.tracked.activities[activity_id] = walk.activity
        self.tracked.drop(activity_id)
        self.backlog.drop(activity_id)
        return False

    def _fail(self, walk: Walk, error: EmailOpensError, state: State) -> None:
        """Tell of a failure; the activity waits its turn like those that were polled."""
        self.turn.failures.append(Failure(walk.activity.campaign_activity_id, error))
        now = self.clock.now()
        walk.activity = self.tracked.saved(
            replace(
                walk.activity,
                state=state,
                progress=replace(walk.activity.progress, polled_at=now),
                last_error=str(error),
            )
        )

    def _leave(self, walk: Walk) -> None:
        """Note what a walk has left; read no more of what nobody has opened for long."""
        self.backlog.leave(walk)
        activity, activity_id = walk.activity, walk.activity.campaign_activity_id
        if activity.state is State.ACTIVE and finished(activity, self.finished_after):
            over = self.tracked.saved(replace(activity, state=State.FINISHED))
            self.tracked.activities[activity_id] = over
            self.tracked.drop(activity_id)
        else:
            self.tracked.weigh(activity_id, self.clock.now())

    # --- Below the heads ---

    def _below(self, now: datetime, worth: Plan) -> bool:
        """Work a stretch of what deeper walks left; say whether there was one."""
        walk = self.backlog.next_walk(self.tracked.activities, now, worth.price, self.budget.spent)
        if walk is None:
            return False
        spent = self.budget.spent
        if self._isolated(walk):
            self._leave(walk)
        self.backlog.note(walk, self.budget.spent - spent)
        return True

    # --- Counters ---

    def _probe(self, now: datetime, worth: Plan) -> None:
        """Ask for the counters, and see whose has moved; the polls go on if that fails."""
        campaigns, at_once = self.tracked.campaigns(), self.tracked.campaigns_per_probe
        cost = ceil(len(campaigns) / at_once)
        self._tell(None, 0.0, worth, cost, "the counters tell of many")
        self.turn.probes += 1
        probe = CounterProbe(self.report, self.before)
        try:
            probe.read(campaigns, at_once)
        except (QuotaExceeded, Throttled, OutOfTime):
            raise
        except Exception as error:  # noqa: BLE001 - told of; the polls do without counters
            self.turn.uncounted = error
        self.tracked.take_in(
            probe.readings, now, self.clock.now(), whole=self.turn.uncounted is None
        )


def _in_the_watermarks_minute(walk: Walk) -> bool:
    """Say whether a walk may finish the minute, however many rows it has.

    Cut there, it would be cut there again at each poll.
    """
    ceiling = walk.gap.ceiling if walk.gap else None
    return bool(walk.pause and ceiling and walk.pause <= ceiling < walk.pause + MINUTE)
