"""What is left below the heads: whose stretch is worked next, and how much of it may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from email_opens.model import Activity, Gap
from email_opens.poller import Walk
from email_opens.walk import Depth

BACKFILL_AHEAD = timedelta(hours=1)
"""So far ahead of the clock may backfill spend the day's budget."""
BACKFILL_WORTH = 20.0
"""Open-seconds: below this price of a request the tails have enough, and backfill goes on."""
BACKFILL_SHARE = 0.05
"""Of the day's budget, while the tails could use all of it."""
BACKFILL_BLOCK = 20
"""Requests of that share which come at once, or each stretch would spend them on its place."""
BACKFILL_LEAVES = 10 * BACKFILL_BLOCK
"""With fewer requests left of the day, a block would be more than a tenth of what tails have."""


@dataclass(slots=True, kw_only=True)
class Backlog:
    """The activities with something below their heads, and the walks that are under way.

    Sweeps and gaps go before audits and backfill, which have a share of the day's requests.
    """

    requests_per_day: int
    spent_before: int
    """Requests of the day that were spent before this turn."""
    since: datetime | None = None
    """When the account was worked on last."""
    backfilled: int = 0
    waiting: dict[str, Walk | None] = field(default_factory=dict)
    """By activity, who was worked least lately first; a walk that is under way, if there is."""

    def begin(self, activities: Iterable[Activity], now: datetime) -> None:
        """Take in what earlier turns have left."""
        for one in activities:
            if one.progress.polled_at is not None and one.progress.polled_at <= now:
                self.since = max(self.since or one.progress.polled_at, one.progress.polled_at)
            if one.progress.gaps:
                self.waiting[one.campaign_activity_id] = None

    def leave(self, walk: Walk) -> None:
        """Take in what a stretch has left; its activity comes last then."""
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
        self, activities: Mapping[str, Activity], now: datetime, price: float, spent: int
    ) -> Walk | None:
        """Return the walk whose stretch is worked next, if one may be."""
        backfills = self._may_backfill(now, price, spent)
        walks = [_current(walk, activities[one]) for one, walk in self.waiting.items()]
        may = [walk for walk in walks if walk and (backfills or not _is_backfill(walk))]
        return min(
            may, key=lambda walk: (_is_backfill(walk), walk.depth is Depth.AUDIT), default=None
        )

    def _may_backfill(self, now: datetime, price: float, spent: int) -> bool:
        if price <= BACKFILL_WORTH:
            return self.spent_before + spent < backfill_budget(self.requests_per_day, now)
        left = self.requests_per_day - self.spent_before - spent
        share = backfill_share(self.requests_per_day, self.since or now, now)
        return self.backfilled < share and left >= min(BACKFILL_LEAVES, self.requests_per_day / 2)


def _is_backfill(walk: Walk) -> bool:
    return walk.floor == walk.activity.tracked_from


def _current(walk: Walk | None, activity: Activity) -> Walk | None:
    """Return the walk that goes on with an activity as it is now."""
    if walk is None or walk.gap not in activity.progress.gaps:
        gap = _next_gap(activity)
        if gap is None:
            return None
        return Walk(activity=activity, floor=gap.floor, gap=gap, rows_read=gap.rows_above)
    if walk.activity.version != activity.version:
        # Its head was polled meanwhile: what was published then stands in the ledger.
        walk.activity, walk.known = activity, None
    return walk


def _next_gap(activity: Activity) -> Gap | None:
    """Choose the gap to work: what sweeps left, newest first, before audits and backfill."""
    return max(
        activity.progress.gaps,
        key=lambda gap: (
            gap.floor != activity.tracked_from,
            gap.ceiling is None,
            gap.ceiling.timestamp() if gap.ceiling else 0.0,
        ),
        default=None,
    )


def backfill_budget(requests_per_day: int, now: datetime) -> int:
    """Return what may have been spent of the day for backfill to go on while tails have enough.

    It follows the clock, so that the evening's tails find their requests.
    """
    share = _share_of_day(now) + BACKFILL_AHEAD / timedelta(days=1)
    return int(requests_per_day * min(1.0, share))


def backfill_share(requests_per_day: int, since: datetime, now: datetime) -> int:
    """Return what backfill may spend of a stretch of the day though the tails could use it."""
    share = BACKFILL_SHARE * requests_per_day
    block = min(BACKFILL_BLOCK, max(1, ceil(share)))
    past = _share_of_day(since) if since.date() == now.date() else 0.0
    # A block comes as its part of the day begins: at its end, a share of one would never come.
    begun, before = (ceil(share / block * part) for part in (_share_of_day(now), past))
    return block * max(0, begun - before)


def _share_of_day(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (now - midnight) / timedelta(days=1)
