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
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, Activity, Gap, State, iso
from email_opens.poller import MINUTE, Facts, Poller, Walk
from email_opens.ports import Clock, Ledger, Publisher, Report, Tracking
from email_opens.scheduling import depth_due, quiet
from email_opens.walk import Depth, floor_of


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
        if account is None:
            turn.leased = False
            return turn
        budget = max(0, min(most, self.requests_per_day - account.requests_spent))
        report = self.report(account_id, budget)
        try:
            if account.closed_until and account.closed_until > now:
                raise QuotaExceeded(
                    f"The day's quota is spent; it opens at {iso(account.closed_until)}.",
                    account.closed_until,
                )
            self._round(turn, report, before)
        except (AccountStopped, OutOfTime) as error:
            turn.stopped = error
        finally:
            turn.requests, turn.throttled = report.requests, report.throttled
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

    def _round(self, turn: Turn, report: Report, before: datetime) -> None:
        poller = Poller(report, self.ledger, self.publisher, self.tracking, self.clock)
        tracked = [a for a in self.tracking.activities(turn.account_id) if a.state is State.ACTIVE]
        tracked.sort(key=lambda a: a.polled_at or a.tracked_at)
        turn.activities = len(tracked)
        left: dict[str, Activity] = {a.campaign_activity_id: a for a in tracked}
        try:
            under_way = [
                walk
                for activity in tracked
                if (walk := self._head(turn, poller, activity, before, left)) is not None
            ]
            self._gaps(turn, poller, under_way, before, left)
        finally:
            turn.gaps = sum(len(activity.gaps) for activity in left.values())

    def _head(
        self,
        turn: Turn,
        poller: Poller,
        activity: Activity,
        before: datetime,
        left: dict[str, Activity],
    ) -> Walk | None:
        """Poll an activity from the head past its watermark; return what a deeper walk left."""
        now = self.clock.now()
        depth = depth_due(activity, now)
        if quiet(activity, now) and not activity.gaps:
            depth = Depth.AUDIT
        begun = replace(
            activity,
            swept_at=now if depth >= Depth.SWEEP else activity.swept_at,
            audited_at=now if depth is Depth.AUDIT else activity.audited_at,
        )
        again = depth is Depth.AUDIT and activity.watermark is not None
        walk = Walk(
            activity=begun,
            floor=floor_of(activity, depth, self.lookback),
            pause=activity.watermark,
            rows=AUDIT_PAGE_ROWS if again else PAGE_ROWS,
        )
        try:
            worked = self._isolated(turn, poller, walk, before)
            while worked and not walk.done and self._in_the_watermarks_minute(walk):
                worked = self._isolated(turn, poller, walk, before)
        finally:
            left[activity.campaign_activity_id] = walk.activity
        if worked and walk.done and depth is Depth.AUDIT and quiet(walk.activity, now):
            self._write(walk, replace(walk.activity, state=State.FINISHED))
        return walk if worked else None

    @staticmethod
    def _in_the_watermarks_minute(walk: Walk) -> bool:
        """Say whether a walk may finish the minute, however many rows it has.

        Cut there, it would be cut there again at each poll.
        """
        ceiling = walk.gap.ceiling if walk.gap else None
        return bool(walk.pause and ceiling and walk.pause <= ceiling < walk.pause + MINUTE)

    def _gaps(
        self,
        turn: Turn,
        poller: Poller,
        under_way: list[Walk],
        before: datetime,
        left: dict[str, Activity],
    ) -> None:
        """Work what is left below the heads, a stretch of each activity in turn.

        What the walks of this round left goes on where it stands; an older gap reads its last
        page again.
        """
        walks = list(under_way)
        while walks:
            going: list[Walk] = []
            for walk in walks:
                current = walk
                if walk.done:
                    gap = _next_gap(walk.activity)
                    if gap is None:
                        continue
                    current = Walk(
                        activity=walk.activity,
                        floor=gap.floor,
                        gap=gap,
                        rows_read=gap.rows_above,
                    )
                try:
                    worked = self._isolated(turn, poller, current, before)
                finally:
                    left[current.activity.campaign_activity_id] = current.activity
                if worked:
                    going.append(current)
            walks = going

    def _isolated(self, turn: Turn, poller: Poller, walk: Walk, before: datetime) -> bool:
        """Work a stretch; say whether the walk can go on in this round."""
        activity_id = walk.activity.campaign_activity_id
        try:
            poller.work(walk, turn.facts, before=before)
        except (AccountStopped, OutOfTime):
            raise
        except (LostRace, LinkExpired):
            # The winner's state stands; a link is found again in the next round.
            return False
        except ActivityGone as error:
            turn.failures.append(Failure(activity_id, error))
            self._write(walk, replace(walk.activity, state=State.GONE, last_error=str(error)))
            return False
        except ActivityFailed as error:
            turn.failures.append(Failure(activity_id, error))
            self._write(walk, replace(walk.activity, last_error=str(error)))
            return False
        except Exception as error:  # noqa: BLE001 - recorded, and none of the others' business
            turn.failures.append(Failure(activity_id, error))
            return False
        return True

    def _write(self, walk: Walk, activity: Activity) -> None:
        """Save what a lost race may as well leave unsaid."""
        try:
            walk.activity = self.tracking.save(activity)
        except LostRace:
            return


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
