"""The counters of an account's campaigns: one request tells who was opened of many.

A counter lets an activity be read sooner, or be left alone a little longer; never for good.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from email_opens.errors import NotCounted, ReportUnavailable
from email_opens.model import Activity, Counted
from email_opens.ports import Report

LAG_SHARE = 0.05
FAILED_SHARE = 0.25
"""A failure counts as if the counters had missed so many of the opens that they had told of."""
MOST_QUESTIONS = 40
"""Of one probe, when campaigns without a counter are looked for."""


@dataclass(slots=True)
class Told:
    """What a probe has brought."""

    opens: dict[str, int] = field(default_factory=dict)
    """By campaign."""
    refreshed_at: datetime | None = None
    without: set[str] = field(default_factory=set)
    """Campaigns of which the vendor knows no counter."""


@dataclass(slots=True)
class _Questions:
    report: Report
    before: datetime
    told: Told = field(default_factory=Told)
    asked: int = 0

    def ask(self, campaign_ids: Sequence[str]) -> None:
        """Ask for all; of those for which the vendor has no answer, halve by halve."""
        if self.asked >= MOST_QUESTIONS:
            raise ReportUnavailable("Too many campaigns have no counter; the others wait.")
        self.asked += 1
        try:
            self._note(campaign_ids, self.report.count(campaign_ids, before=self.before))
        except NotCounted:
            if len(campaign_ids) == 1:
                self.told.without.update(campaign_ids)
                return
            middle = len(campaign_ids) // 2
            self.ask(campaign_ids[:middle])
            self.ask(campaign_ids[middle:])

    def _note(self, campaign_ids: Sequence[str], counted: Counted) -> None:
        told = self.told
        told.opens.update({one: counted.opens[one] for one in campaign_ids if one in counted.opens})
        told.without.update(one for one in campaign_ids if one not in counted.opens)
        told.refreshed_at = min(told.refreshed_at or counted.refreshed_at, counted.refreshed_at)


def ask(
    report: Report, told: Told, campaign_ids: Sequence[str], at_once: int, before: datetime
) -> None:
    """Ask for the counters of campaigns, so many at once, and add to what is `told`.

    Raises:
        EmailOpensError: as `Report.count`, but for `NotCounted`; what was told by then is told.
    """
    questions = _Questions(report, before, told)
    for start in range(0, len(campaign_ids), at_once):
        questions.ask(campaign_ids[start : start + at_once])


def campaigns_of(
    countable: Iterable[Activity], asleep: Iterable[Activity], at_once: int
) -> list[str]:
    """Return whose counters to ask for: those of activities that are polled, each once.

    Where the last request has room, of those that are polled no more, the latest first.
    """
    wanted = list(dict.fromkeys(one.campaign_id for one in countable if one.campaign_id))
    room = -len(wanted) % at_once if wanted else at_once
    latest = sorted(asleep, key=lambda one: one.progress.polled_at or one.tracked_at, reverse=True)
    more = dict.fromkeys(one.campaign_id for one in latest if one.campaign_id)
    return wanted + [one for one in more if one not in wanted][:room]


def baseline(activity: Activity, told: Told) -> tuple[Activity, bool]:
    """Return an activity after a probe, and whether its counter says that there is more to read.

    A counter that counts up to after the last read is taken as it is where it says less than was
    expected of it: it does not count all rows, or some were withdrawn.
    """
    campaign_id, read_at = activity.campaign_id, activity.progress.polled_at
    if campaign_id in told.without:
        return replace(activity, profile=replace(activity.profile, uncounted=True)), False
    count = told.opens.get(campaign_id or "")
    if count is None or activity.profile.uncounted:
        return activity, False
    fresh = told.refreshed_at is not None and read_at is not None and told.refreshed_at > read_at
    counted = replace(activity, profile=replace(activity.profile, counter=count))
    if activity.profile.counter is None:
        # It may have been opened between the read and the count.
        return (activity, True) if fresh else (counted, False)
    if count > activity.profile.counter:
        return activity, True
    return (counted if fresh else activity), False


def lag_after(lag_seconds: float, told: Told, now: datetime) -> float:
    """Return how old counters are, after a probe."""
    if told.refreshed_at is None:
        return lag_seconds
    seen = max(timedelta(), now - told.refreshed_at).total_seconds()
    return lag_seconds + LAG_SHARE * (seen - lag_seconds)
