"""An account's turn: take the lease, poll what is due, work the gaps, give the lease back.

Heads come first, all of them; then what deeper walks left, newest first. So backfill never
delays the live tail, and one activity's failure never stops another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from email_opens.errors import (
    AccountStopped,
    ActivityFailed,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    LostRace,
    OutOfTime,
    QuotaExceeded,
)
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, Activity, Gap, State, iso, next_day
from email_opens.poller import Facts, Poller, Walk
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.scheduling import backfill_budget, depth_due, due, finished, forecast
from email_opens.walk import Depth, floor_of

MINUTE = timedelta(minutes=1)
LEASE_AGAIN = timedelta(seconds=2)
LEASE_PATIENCE = timedelta(seconds=16)
"""So long does a turn wait for an account that another works on."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An activity that failed alone, or of which nobody could say what happened."""

    campaign_activity_id: str
    error: Exception


@dataclass(slots=True)
class Turn:
    """What an invocation did for an account."""

    account_id: str
    leased: bool = True
    activities: int = 0
    requests: int = 0
    throttled: int = 0
    gaps: int = 0
    forecast: int = 0
    """Requests that the whole day takes at the pace so far."""
    facts: Facts = field(default_factory=Facts)
    failures: list[Failure] = field(default_factory=list)
    stopped: EmailOpensError | None = None
    """Why the account's turn ended early, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What a turn needs of the outside; `report` gets the requests that it may spend."""

    tracking: Tracking
    ledger: Ledger
    publisher: Publisher
    clock: Clock
    report: Callable[[str, int], Report]
    """From an account's id and the requests that may be spent."""
    lookback: timedelta
    requests_per_day: int
    requests_per_second: int

    def take_turn(self, account_id: str, *, holder: str, before: datetime, until: datetime) -> Turn:
        """Work one round of an account, beginning no request after `before`.

        The lease ends at `until`, the instant at which this invocation is dead for certain.
        """
        turn = Turn(account_id)
        patient_until = self.clock.now() + LEASE_PATIENCE
        while True:
            now = self.clock.now()
            most = int((until - now).total_seconds() * self.requests_per_second) + 1
            account = self.tracking.lease(
                account_id,
                holder=holder,
                now=now,
                until=until,
                reserve=most,
                budget=self.requests_per_day,
            )
            if account is not None:
                break
            # Discovery holds the account for moments; another turn holds it for longer than this.
            if now + LEASE_AGAIN > min(before, patient_until):
                turn.leased = False
                return turn
            self.clock.sleep(LEASE_AGAIN.total_seconds())
        budget = max(0, min(most, self.requests_per_day - account.requests_spent))
        report = self.report(account_id, budget)
        try:
            _Round(
                turn=turn,
                closed_until=account.closed_until,
                report=report,
                poller=Poller(report, self.ledger, self.publisher, self.tracking, self.clock),
                tracking=self.tracking,
                clock=self.clock,
                lookback=self.lookback,
                # What is reserved is reserved of today.
                before=min(before, next_day(now)),
                backfill_requests=backfill_budget(self.requests_per_day, now)
                - account.requests_spent,
            ).work()
        except (AccountStopped, OutOfTime) as error:
            # Its traceback would hold the walk, and all that it knows, into the next invocation.
            turn.stopped = error.with_traceback(None)
        finally:
            turn.requests, turn.throttled = report.requests, report.throttled
            spent = account.requests_spent + report.requests
            turn.forecast = forecast(spent, self.requests_per_day, now)
            stopped = turn.stopped
            self.tracking.release(
                account_id,
                holder=holder,
                day=now.date().isoformat(),
                unused=budget - report.requests,
                closed_until=stopped.until if isinstance(stopped, QuotaExceeded) else None,
                last_error=str(stopped) if isinstance(stopped, AccountStopped) else None,
            )
        return turn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One pass over an account's due activities."""

    turn: Turn
    closed_until: datetime | None
    report: Report
    poller: Poller
    tracking: Tracking
    clock: Clock
    lookback: timedelta
    before: datetime
    backfill_requests: int
    """How many requests may be sent before backfill waits for a later round."""
    activities: dict[str, Activity] = field(default_factory=dict)
    """Those that are due, as this round has left them."""

    def work(self) -> None:
        """Poll every head, then go on below them."""
        now = self.clock.now()
        every = self.tracking.activities(self.turn.account_id)
        self.turn.failures += [
            Failure(one.campaign_activity_id, ActivityFailed(one.last_error))
            for one in every
            if one.state is State.BROKEN
        ]
        tracked = [one for one in every if due(one, now)]
        # Who waits longest comes first, so that a round that ends early leaves nobody out for long.
        tracked.sort(key=lambda activity: activity.polled_at or activity.tracked_at)
        self.turn.activities = len(tracked)
        self.activities.update({a.campaign_activity_id: a for a in tracked})
        try:
            # The vendor opens at midnight, whatever is stored.
            if self.closed_until and now < self.closed_until <= next_day(now):
                opens_at = iso(self.closed_until)
                raise QuotaExceeded(
                    f"The day's quota is spent; it opens at {opens_at}.", self.closed_until
                )
            walks = [self._head(activity) for activity in tracked]
            self._gaps([walk for walk in walks if walk is not None])
            self._finish()
        finally:
            self.turn.gaps = sum(len(one.gaps) for one in self.activities.values())

    def _head(self, activity: Activity) -> Walk | None:
        """Poll an activity from the head past its watermark; return what a deeper walk left."""
        now = self.clock.now()
        depth = depth_due(activity, now)
        again = depth is Depth.AUDIT and activity.watermark is not None
        # Within a gap nobody has looked yet.
        settled = floor_of(activity, Depth.SWEEP, self.lookback, now)
        walk = Walk(
            activity=activity,
            depth=depth,
            floor=floor_of(activity, depth, self.lookback, now),
            pause=activity.watermark,
            settled=settled if again and not activity.gaps else None,
            rows=AUDIT_PAGE_ROWS if again else PAGE_ROWS,
        )
        worked = self._isolated(walk)
        while worked and not walk.done and _in_the_watermarks_minute(walk):
            worked = self._isolated(walk)
        return walk if worked else None

    def _gaps(self, walks: list[Walk]) -> None:
        """Work what is left below the heads, a stretch of each activity in turn.

        What the walks of this round left goes on where it stands; an older gap reads its last
        page again.
        """
        while walks:
            below = (walk if not walk.done else _resumed(walk.activity) for walk in walks)
            walks = [
                walk
                for walk in below
                if walk is not None and self._may_go_on(walk) and self._isolated(walk)
            ]

    def _finish(self) -> None:
        """Read those no more that nobody has opened for long."""
        for activity_id, activity in self.activities.items():
            if activity.state is State.ACTIVE and finished(activity):
                done = replace(activity, state=State.FINISHED)
                self.activities[activity_id] = self._saved(done)

    def _may_go_on(self, walk: Walk) -> bool:
        backfill = walk.floor == walk.activity.tracked_from
        return not backfill or self.report.requests < self.backfill_requests

    def _isolated(self, walk: Walk) -> bool:
        """Work a stretch; say whether the walk can go on in this round."""
        try:
            self.poller.work(walk, self.turn.facts, before=self.before)
        except (AccountStopped, OutOfTime):
            raise
        except (LostRace, LinkExpired):
            # The winner's state stands; a link is found again in the next round.
            return False
        except ActivityGone as error:
            self._fail(walk, error, State.GONE)
            return False
        except ActivityFailed as error:
            self._fail(walk, error, walk.activity.state)
            return False
        except Exception as error:  # noqa: BLE001 - recorded, and none of the others' business
            self.turn.failures.append(Failure(walk.activity.campaign_activity_id, error))
            return False
        finally:
            self.activities[walk.activity.campaign_activity_id] = walk.activity
        return True

    def _fail(self, walk: Walk, error: EmailOpensError, state: State) -> None:
        """Tell of a failure; the activity waits its turn like those that were polled."""
        self.turn.failures.append(Failure(walk.activity.campaign_activity_id, error))
        now = self.clock.now()
        walk.activity = self._saved(
            replace(walk.activity, state=state, polled_at=now, last_error=str(error))
        )

    def _saved(self, activity: Activity) -> Activity:
        """Save what a lost race may as well leave unsaid."""
        try:
            return self.tracking.save(activity)
        except LostRace:
            return activity


def _in_the_watermarks_minute(walk: Walk) -> bool:
    """Say whether a walk may finish the minute, however many rows it has.

    Cut there, it would be cut there again at each poll.
    """
    ceiling = walk.gap.ceiling if walk.gap else None
    return bool(walk.pause and ceiling and walk.pause <= ceiling < walk.pause + MINUTE)


def _resumed(activity: Activity) -> Walk | None:
    """Return a walk that goes on with a gap of an activity, if there is one."""
    gap = _next_gap(activity)
    if gap is None:
        return None
    return Walk(activity=activity, floor=gap.floor, gap=gap, rows_read=gap.rows_above)


def _next_gap(activity: Activity) -> Gap | None:
    """Choose the gap to work: what sweeps left, newest first, before audits and backfill."""
    return max(
        activity.gaps,
        key=lambda gap: (
            gap.floor != activity.tracked_from,
            gap.ceiling is None,
            gap.ceiling.timestamp() if gap.ceiling else 0.0,
        ),
        default=None,
    )
