"""What is left below the heads: which stretch comes next, and how much backfill may spend."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct, field

from email_opens.model import Activity, Depth, Gap
from email_opens.polling.gaps import due
from email_opens.polling.stretches import Walk
from email_opens.ports import Ledger
from email_opens.published import PublishedWindow

BACKFILL_AHEAD = timedelta(hours=1)
"""How far backfill may spend the day's budget ahead of the clock."""
BACKFILL_WORTH = 20.0
"""Open-seconds: below this price of a request the tails have enough, and backfill continues."""
BACKFILL_SHARE = 0.05
"""Backfill's share of the day's budget while the tails could use all of it."""
BACKFILL_BLOCK = 20
"""Requests of that share which are granted at once, since each stretch first finds its place."""
BACKFILL_LEAVES = 10 * BACKFILL_BLOCK
"""With fewer requests left of the day, a block would be over a tenth of what the tails have."""


class Backlog(Struct, kw_only=True):
    """The activities with gaps below their heads, and the walks that are under way.

    Sweeps and gaps go before audits and backfill, which have a share of the day's requests.
    """

    ledger: Ledger
    requests_per_day: int
    spent_before: int
    """Requests of the day that were spent before this turn."""
    since: datetime | None = None
    """When the account was last worked on."""
    backfilled: int = 0
    waiting: dict[str, Walk | None] = field(default_factory=dict)
    """By activity, the one read longest ago first: its walk, if one is under way."""

    def begin(self, activities: Iterable[Activity], now: datetime) -> None:
        """Add what earlier turns have left."""
        for activity in activities:
            worked_at = activity.progress.worked_at
            if worked_at is not None and worked_at <= now:
                self.since = max(self.since or worked_at, worked_at)
            if activity.progress.gaps:
                self.waiting[activity.campaign_activity_id] = None

    def leave(self, walk: Walk) -> None:
        """Add what a stretch has left, behind all others."""
        activity_id = walk.activity.campaign_activity_id
        earlier = self.waiting.pop(activity_id, None)
        if not walk.done:
            self.waiting[activity_id] = walk
        elif walk.activity.progress.gaps:
            self.waiting[activity_id] = earlier

    def drop(self, activity_id: str) -> None:
        """Leave an activity alone for the rest of the turn."""
        self.waiting.pop(activity_id, None)

    def note(self, walk: Walk, requests: int) -> None:
        """Count what a stretch has spent."""
        if _is_backfill(walk):
            self.backfilled += requests

    def next_walk(
        self,
        activities: Mapping[str, Activity],
        now: datetime,
        price: float,
        spent: int,
        *,
        backfills: bool = True,
    ) -> Walk | None:
        """Return the walk whose next stretch is read now; None: none may be read now.

        `backfills` is whether backfill may go on.
        """
        backfills = backfills and self._may_backfill(now, price, spent)
        walks = [
            self._current(walk, activities[activity_id], now)
            for activity_id, walk in self.waiting.items()
        ]
        allowed = [walk for walk in walks if walk and (backfills or not _is_backfill(walk))]
        return min(
            allowed,
            key=lambda walk: (_is_backfill(walk), walk.aim.depth is Depth.AUDIT),
            default=None,
        )

    def _current(self, walk: Walk | None, activity: Activity, now: datetime) -> Walk | None:
        """Return the walk that continues with an activity as it is now; None: none is due."""
        gaps = [gap for gap in activity.progress.gaps if due(gap, now)]
        if walk is None or walk.gap not in gaps:
            gap = _next_gap(activity, gaps)
            return None if gap is None else Walk.of_gap(activity, gap, self._window(activity))
        if walk.activity.version != activity.version:
            # Its head was polled meanwhile, and what was published then is in the ledger.
            walk.activity, walk.window = activity, self._window(activity)
        return walk

    def _window(self, activity: Activity) -> PublishedWindow:
        return PublishedWindow(self.ledger, activity.campaign_activity_id)

    def _may_backfill(self, now: datetime, price: float, spent: int) -> bool:
        if price <= BACKFILL_WORTH:
            return self.spent_before + spent < backfill_budget(self.requests_per_day, now)
        left = self.requests_per_day - self.spent_before - spent
        share = backfill_share(self.requests_per_day, self.since or now, now)
        return self.backfilled < share and left >= min(BACKFILL_LEAVES, self.requests_per_day / 2)


def _is_backfill(walk: Walk) -> bool:
    return walk.aim.floor == walk.activity.tracked_from


def _next_gap(activity: Activity, gaps: Iterable[Gap]) -> Gap | None:
    """Return the gap to work on: those of sweeps, newest first, before audits and backfill."""
    return max(
        gaps,
        key=lambda gap: (
            gap.floor != activity.tracked_from,
            gap.ceiling is None,
            gap.ceiling.timestamp() if gap.ceiling else 0.0,
        ),
        default=None,
    )


def backfill_budget(requests_per_day: int, now: datetime) -> int:
    """Return the requests that may be spent of the day before backfill pauses for the tails.

    It follows the clock, so that requests are left for the evening's tails.
    """
    share = _share_of_day(now) + BACKFILL_AHEAD / timedelta(days=1)
    return int(requests_per_day * min(1.0, share))


def backfill_share(requests_per_day: int, since: datetime, now: datetime) -> int:
    """Return the requests that backfill may spend from `since` to `now` though tails need them."""
    share = BACKFILL_SHARE * requests_per_day
    block = min(BACKFILL_BLOCK, max(1, ceil(share)))
    past = _share_of_day(since) if since.date() == now.date() else 0.0
    # A block is granted as its part of the day begins: at the end, the last one would be late.
    begun, before = (ceil(share / block * part) for part in (_share_of_day(now), past))
    return block * max(0, begun - before)


def _share_of_day(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (now - midnight) / timedelta(days=1)
