"""The sends to track: those that are recent and not tracked yet. Pure.

A campaign is read once for each of its sends. What is tracked are its activities: the primary
e-mail, and each resend.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from email_opens.discovery.campaigns import Campaign, CampaignActivity, SeenCampaign, Summary
from email_opens.model import Activity, State

TRACKED_ROLES = ("primary_email", "resend")
"""A permalink is a page that is not sent, so it has no opens."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which campaigns are tracked by their names: patterns with `*` and `?`, case ignored."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def take(self, name: str | None) -> bool:
        """Return whether a campaign of this name is tracked; `exclude` has precedence."""
        return _any(self.include, name) and not _any(self.exclude, name)


def floor_of(seen: Mapping[str, SeenCampaign], lookback: timedelta, now: datetime) -> datetime:
    """Return the instant from which sends are searched for.

    It is the lookback, or the last known send if no search has run for longer than that.
    """
    latest = max((campaign.last_sent for campaign in seen.values()), default=now)
    return min(now - lookback, latest)


def to_read(
    summaries: Iterable[Summary],
    seen: Mapping[str, SeenCampaign],
    floor: datetime,
    names: Names,
) -> list[Summary]:
    """Return the sends that are new, or were left out by a name that is tracked now."""
    return [
        summary
        for summary in summaries
        if summary.last_sent >= floor
        and not _is_seen(seen.get(summary.campaign_id), summary, names)
    ]


def still_needed(seen: Mapping[str, SeenCampaign], floor: datetime) -> dict[str, SeenCampaign]:
    """Return the campaigns that a later search may find again."""
    return {key: campaign for key, campaign in seen.items() if campaign.last_sent >= floor}


def trackable(campaign: Campaign) -> list[CampaignActivity]:
    """Return the activities of a campaign that can be tracked."""
    return [activity for activity in campaign.activities if activity.role in TRACKED_ROLES]


def first_tracked(
    account_id: str,
    campaign: Campaign,
    campaign_activity_id: str,
    sent_at: datetime | None,
    now: datetime,
) -> Activity:
    """Return an activity as it is tracked from now on, with its opens from the beginning."""
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        sent_at=sent_at,
        tracked_at=now,
    )


def renewed(activity: Activity, campaign: Campaign, sent_at: datetime | None) -> Activity:
    """Return a tracked activity with its campaign's current data; a later send wakes it.

    An activity that a person has paused stays paused, and one that cannot be read is unchanged.
    """
    if activity.state is State.BROKEN:
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


def _is_seen(campaign: SeenCampaign | None, summary: Summary, names: Names) -> bool:
    if campaign is None or campaign.last_sent < summary.last_sent:
        return False
    return campaign.left_out is None or not names.take(campaign.left_out)


def _any(patterns: tuple[str, ...], name: str | None) -> bool:
    # A bracket stands for itself, since people give names such as "[Test] March".
    return any(
        fnmatchcase((name or "").casefold(), pattern.casefold().replace("[", "[[]"))
        for pattern in patterns
    )
