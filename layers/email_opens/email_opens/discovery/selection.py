"""The sends to track: those that are recent and not tracked yet. Pure.

A campaign is read once for each of its sends; one that fails is read again after a pause that
grows. What is tracked are its activities: the primary e-mail, and each resend.
"""

from collections.abc import Iterable
from copy import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from msgspec import Struct

from email_opens.discovery.campaigns import (
    Campaign,
    CampaignActivity,
    SearchMemory,
    SeenCampaign,
    Summary,
)
from email_opens.model import UNREADABLE, Activity, State

TRACKED_ROLES = ("primary_email", "resend")
"""A permalink is a page that is not sent, so it has no opens."""

MOST_RETRIES = 2
"""Campaigns that have failed before and that one search reads again, at most."""
RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(days=1)


class Names(Struct, frozen=True):
    """Which campaigns are tracked by their names: patterns with `*` and `?`, case ignored."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def take(self, name: str | None) -> bool:
        """Return whether a campaign of this name is tracked; `exclude` has precedence."""
        return _any(self.include, name) and not _any(self.exclude, name)


def floor_of(memory: SearchMemory, lookback: timedelta, now: datetime) -> datetime:
    """Return the instant from which sends are searched for.

    It is the lookback, or the last known send if no search has run for longer than that.
    """
    latest = max((campaign.last_sent for campaign in memory.campaigns.values()), default=now)
    return min(now - lookback, latest)


def recent(summaries: Iterable[Summary], floor: datetime) -> list[Summary]:
    """Return the last send of each campaign from the floor on, the latest first."""
    latest = {
        summary.campaign_id: summary for summary in sorted(summaries, key=lambda row: row.place)
    }
    return [row for row in reversed(latest.values()) if row.last_sent >= floor]


def to_read(
    sends: Iterable[Summary], memory: SearchMemory, names: Names, now: datetime
) -> list[Summary]:
    """Return the sends to read, in the order of `sends`, and last a few that failed before."""
    unseen: list[Summary] = []
    due: list[tuple[datetime, Summary]] = []
    for send in sends:
        if is_seen(send, memory, names):
            continue
        campaign = memory.campaigns.get(send.campaign_id)
        if campaign is None or not campaign.failures or campaign.last_sent < send.last_sent:
            unseen.append(send)
        elif campaign.retry_at is None or campaign.retry_at <= now:
            due.append((campaign.retry_at or now, send))
    due.sort(key=lambda item: item[0])
    return unseen + [send for _, send in due[:MOST_RETRIES]]


def is_seen(send: Summary, memory: SearchMemory, names: Names) -> bool:
    """Return whether a send was seen, so that it need not be read.

    A campaign that was left out by a name that is tracked now is not seen.
    """
    campaign = memory.campaigns.get(send.campaign_id)
    if campaign is None:
        return is_forgotten(send, memory)
    if campaign.failures or campaign.last_sent < send.last_sent:
        return False
    return campaign.left_out is None or not names.take(campaign.left_out)


def is_forgotten(send: Summary, memory: SearchMemory) -> bool:
    """Return whether a send counts as seen only because it lies in the forgotten range."""
    forgotten = memory.forgotten
    return (
        send.campaign_id not in memory.campaigns
        and forgotten is not None
        and forgotten.covers(send.place)
    )


def last_sends(activities: Iterable[Activity]) -> dict[str, datetime]:
    """Return the last send that is known of each campaign with a tracked activity."""
    sends: dict[str, datetime] = {}
    for activity in activities:
        if activity.campaign_id is not None and activity.sent_at is not None:
            known = sends.get(activity.campaign_id, activity.sent_at)
            sends[activity.campaign_id] = max(known, activity.sent_at)
    return sends


def after_failure(send: Summary, before: SeenCampaign | None, now: datetime) -> SeenCampaign:
    """Return a campaign that could not be read.

    The next search reads it again; after further failures it waits longer, up to a day.
    """
    again = before is not None and before.last_sent >= send.last_sent
    failures = 1 + (before.failures if before is not None and again else 0)
    pause = RETRY * (2 ** min(failures - 1, 10) - 1)
    return SeenCampaign(send.last_sent, failures=failures, retry_at=now + min(pause, LONGEST_RETRY))


def still_needed(memory: SearchMemory, floor: datetime) -> SearchMemory:
    """Return the campaigns that a later search may find again."""
    campaigns = {
        key: campaign for key, campaign in memory.campaigns.items() if campaign.last_sent >= floor
    }
    forgotten = memory.forgotten
    if forgotten is not None and forgotten.newest[0] < floor:
        forgotten = None
    return SearchMemory(campaigns, forgotten)


def trackable(campaign: Campaign) -> list[CampaignActivity]:
    """Return the activities of a campaign that can be tracked."""
    return [activity for activity in campaign.activities if activity.role in TRACKED_ROLES]


def first_tracked(
    account_id: str,
    campaign: Campaign,
    campaign_activity_id: str,
    sent_at: datetime | None,
    subject: str | None,
    now: datetime,
) -> Activity:
    """Return an activity as it is tracked from now on, with its opens from the beginning."""
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        subject=subject,
        sent_at=sent_at,
        tracked_at=now,
    )


def renewed(activity: Activity, campaign: Campaign, sent_at: datetime | None) -> Activity:
    """Return a tracked activity with its campaign's current data; a later send wakes it.

    An activity that a person has paused stays paused, and one that cannot be read is unchanged.
    """
    if activity.state in UNREADABLE:
        return activity
    last_known = activity.sent_at or activity.progress.polled_at or activity.tracked_at
    wakes = activity.state is State.FINISHED and sent_at is not None and sent_at > last_known
    sends = [instant for instant in (activity.sent_at, sent_at) if instant]
    return replace(
        activity,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name or activity.campaign_name,
        sent_at=max(sends, default=None),
        state=State.ACTIVE if wakes else activity.state,
    )


def _any(patterns: tuple[str, ...], name: str | None) -> bool:
    # A bracket stands for itself, since people give names such as "[Test] March".
    return any(
        fnmatchcase((name or "").casefold(), pattern.casefold().replace("[", "[[]"))
        for pattern in patterns
    )
