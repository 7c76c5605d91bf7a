"""One turn of an account: poll where enough opens are waiting, then work on the gaps.

Heads come first, then the search for new sends, then what deeper walks have left, a stretch at a
time. So backfill never delays the live tail, and the failure of one activity never stops another.
"""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta
from math import inf

from msgspec import Struct

from email_opens.allowance.budget import Budget
from email_opens.errors import AccountStopped, ActivityFailed, OutOfTime
from email_opens.instants import seconds_since
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, UNREADABLE, Activity, Depth, State
from email_opens.polling.gaps import PATIENCE
from email_opens.polling.stretches import Walk
from email_opens.ports import Clock, Report
from email_opens.published import PublishedWindow
from email_opens.scheduling.choice import Poll, Probe, Why, choose
from email_opens.scheduling.lifecycle import depth_due, finished, stops_in_minute
from email_opens.scheduling.plan import Plan
from email_opens.turns.archive import page_to_probe
from email_opens.turns.backlog import Backlog
from email_opens.turns.isolation import Isolation
from email_opens.turns.probe import CounterProbe
from email_opens.turns.report import Failure, TurnReport
from email_opens.turns.roster import Roster
from email_opens.turns.searching import Searching
from email_opens.walk import Aim, floor_of

MINUTE = timedelta(minutes=1)
ENOUGH = timedelta(seconds=1)
"""With less time than this no poll is begun."""
SHORT_SECONDS = 2.0
"""The longest wait of a turn for what will be worth a request; before a longer one, it ends."""
SUSPECT_MINUTES = 5
"""After a killed turn, the suspect's head comes before backfill and searches for as many minutes,
then after them for as many, and so on."""


class Turn(Struct, kw_only=True):
    """The work of a turn, under the account's lease."""

    turn_report: TurnReport
    roster: Roster
    budget: Budget
    report: Report
    isolation: Isolation
    clock: Clock
    lookback: timedelta
    finished_after: timedelta
    before: datetime
    chain_began_at: datetime
    backlog: Backlog
    longest_wait_seconds: float = SHORT_SECONDS
    searching: Searching | None = None
    """The search for new sends; None: the turn does not search."""
    was_killed: bool = False
    """The last turn was killed: what it was reading comes last in this one."""
    _suspect: str | None = None
    """The activity that the killed turn was probably reading."""
    _spent_at: datetime | None = None
    """When the plan last allowed a request."""

    def work(self) -> None:
        """Poll and probe until nothing is worth a request, or the time is over.

        Raises:
            AccountStopped, OutOfTime: no other request can be sent.
        """
        now = self.clock.now()
        self._load(now)
        try:
            self.budget.check_open()
            plan = self._plan(now)
            self._spent_at = self.roster.spent_at(now)
            if self.budget.outage.testing:
                self._test_the_vendor(now)
            if self.roster.only_asleep(now):
                self._probe(now)
            while self._goes_on(plan):
                pass
        finally:
            self.roster.forget_unread()
            activities = self.roster.activities.values()
            self.turn_report.gaps = sum(len(activity.progress.gaps) for activity in activities)

    def _load(self, now: datetime) -> None:
        stored = self.roster.tracking.current(self.turn_report.account_id)
        self.turn_report.failures = [
            Failure(activity.campaign_activity_id, ActivityFailed(activity.last_error))
            for activity in stored
            if activity.state in UNREADABLE
        ]
        self.roster.load(stored, now)
        polled = self.roster.activities
        failed = [activity_id for activity_id in polled if polled[activity_id].last_error]
        self.budget.outage = self.budget.outage.knowing(failed, polled)
        self.turn_report.activities = len(self.roster.activities)
        self.backlog.begin(self.roster.activities.values(), now)
        if self.turn_report.woken:
            self._leave_to_the_schedule(failed)

    def _leave_to_the_schedule(self, failed: Iterable[str]) -> None:
        """Leave activities that failed in this chain alone: once a minute is enough for them.

        A gap that cannot be read for long leaves its error, although the head is read.
        """
        for activity_id in failed:
            progress = self.roster.activities[activity_id].progress
            earlier = progress.worked_at and progress.worked_at < self.chain_began_at
            if not earlier and not any(gap.failures >= PATIENCE for gap in progress.gaps):
                self.roster.drop(activity_id)
                self.backlog.drop(activity_id)

    def _plan(self, now: datetime) -> Plan:
        plan = self.roster.plan(now, self.budget.left)
        self.turn_report.price = plan.price if plan.price < inf else None
        self.turn_report.shortfall = plan.shortfall
        return plan

    def _goes_on(self, plan: Plan) -> bool:
        """Do what is worth most now; return whether the turn goes on."""
        now = self.clock.now()
        if now + ENOUGH > self.before:
            return False
        candidates = [
            candidate
            for activity_id, candidate in self.roster.candidates.items()
            if activity_id != self._suspect
        ]
        choice = choose(
            candidates,
            plan,
            self.roster.counter_trust,
            None if self.turn_report.uncounted else self.roster.probed_seconds_ago(now),
            spent_seconds_ago=seconds_since(self._spent_at, now),
            now=now,
            campaigns_per_probe=self.roster.campaigns_per_probe,
        )
        if isinstance(choice, Poll) and self.was_killed:
            # The killed turn chose in the same order, so it was probably reading what comes first.
            self.was_killed, self._suspect = False, choice.candidate.campaign_activity_id
        elif isinstance(choice, Poll):
            self._poll(choice, now)
        elif isinstance(choice, Probe):
            self._probe(now)
        elif self._search(now) or self._work_below(now, plan):
            pass
        elif self._suspect is not None:
            self._suspect = None
        else:
            return self._waits(min(choice.seconds, self._seconds_until_send(now)), now)
        return True

    def _waits(self, seconds: float, now: datetime) -> bool:
        """Wait until something is worth a request, if that is soon; return whether it was."""
        left = (self.before - ENOUGH - now).total_seconds()
        if seconds > min(left, self.longest_wait_seconds):
            self.turn_report.next_in_seconds = seconds if seconds < inf else None
            return False
        self.clock.sleep(seconds)
        return True

    # --- Heads ---

    def _poll(self, poll: Poll, now: datetime) -> None:
        """Poll an activity from the head past its watermark; note what a deeper walk left."""
        candidate = poll.candidate
        activity_id = candidate.campaign_activity_id
        self.turn_report.decisions.append(poll)
        activity = self.roster.activities[activity_id]
        window = PublishedWindow(self.backlog.ledger, activity_id)
        walk = Walk.from_head(activity, self._aim(activity, now), window)
        worked = self.isolation.work(walk, candidate)
        while worked and not walk.done and _in_the_watermarks_minute(walk):
            worked = self.isolation.work(walk)
        if poll.why not in (Why.FRESH, Why.OVERDUE):
            self._spent_at = self.clock.now()
        if not worked:
            self.roster.drop(activity_id)
        else:
            self._leave(walk)

    def _test_the_vendor(self, now: datetime) -> None:
        """Poll the activity that was polled longest ago: if the vendor fails, the turn ends."""
        candidate = next(iter(self.roster.candidates.values()), None)
        if candidate is not None:
            waiting = candidate.waiting(self.roster.counter_trust.missed, now)
            self._poll(Poll(candidate, waiting, Why.OVERDUE), now)

    def _aim(self, activity: Activity, now: datetime) -> Aim:
        day = self.backlog.requests_per_day
        depth = depth_due(activity, now, self.finished_after, self.lookback, requests_per_day=day)
        watermark = activity.progress.watermark
        audits_again = depth is Depth.AUDIT and watermark is not None
        # Earlier walks have not read the rows of a gap.
        settled = audits_again and not activity.progress.gaps
        lookback = floor_of(activity, Depth.SWEEP, self.lookback, now)
        return Aim(
            depth=depth,
            floor=floor_of(activity, depth, self.lookback, now),
            compared_from=lookback,
            full_minute=watermark if stops_in_minute(activity, depth, now) else None,
            pause=watermark,
            settled=lookback if settled else None,
            rows=AUDIT_PAGE_ROWS if audits_again else PAGE_ROWS,
        )

    def _leave(self, walk: Walk) -> None:
        """Note what a walk has left; finish an activity that has long not been opened."""
        self.backlog.leave(walk)
        activity, activity_id = walk.activity, walk.activity.campaign_activity_id
        if activity.state is State.ACTIVE and finished(activity, self.finished_after):
            over = self.roster.save(replace(activity, state=State.FINISHED))
            self.roster.activities[activity_id] = over
            self.roster.drop(activity_id)
        else:
            self.roster.weigh(activity_id, self.clock.now())

    # --- Below the heads ---

    def _search(self, now: datetime) -> bool:
        """Work on the search for new sends for a stretch, if one is due; return whether one was."""
        return self.searching is not None and self._may_work_below(now) and self.searching.work(now)

    def _work_below(self, now: datetime, plan: Plan) -> bool:
        """Work on a stretch of what deeper walks left; return whether there was one."""
        spent = self.budget.spent
        walk = self.backlog.next_walk(
            self.roster.activities, now, plan.price, spent, backfills=self._may_work_below(now)
        )
        if walk is None:
            return False
        if self.isolation.work(walk):
            self._leave(walk)
        self.backlog.note(walk, self.budget.spent - spent)
        return True

    def _seconds_until_send(self, now: datetime) -> float:
        return inf if self.searching is None else self.searching.seconds_until_send(now)

    def _may_work_below(self, now: datetime) -> bool:
        """Return whether backfill and the search for new sends may go before the suspect's head.

        If every turn is killed, by that head or by one of these, each still has minutes in which it
        comes first.
        """
        return self._suspect is None or now.minute // SUSPECT_MINUTES % 2 == 1

    # --- Counters ---

    def _probe(self, now: datetime) -> None:
        """Read the counters to see which have moved; if that fails, polls go on without them."""
        archived = page_to_probe(self.roster, self.turn_report.account_id, now)
        campaign_ids = self.roster.campaigns_to_probe(now, archived)
        if not campaign_ids:
            return
        self.turn_report.decisions.append(Probe())
        self.turn_report.probes += 1
        probe = CounterProbe(self.report, self.before)
        try:
            probe.read(campaign_ids, self.roster.campaigns_per_probe)
        except (AccountStopped, OutOfTime):
            raise
        except Exception as error:  # noqa: BLE001 - reported; the polls go on without counters
            self.turn_report.uncounted = error
        failed = self.turn_report.uncounted is not None
        self._spent_at = self.clock.now()
        self.roster.take_readings(probe.readings, now, self.clock.now(), failed=failed)


def _in_the_watermarks_minute(walk: Walk) -> bool:
    """Return whether a walk may finish the minute of the watermark, however many rows it has.

    If it was cut there, it would be cut there again at each poll.
    """
    pause, ceiling = walk.aim.pause, walk.gap.ceiling if walk.gap else None
    return bool(pause and ceiling and pause <= ceiling < pause + MINUTE)
