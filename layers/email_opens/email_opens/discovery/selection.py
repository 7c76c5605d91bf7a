"""What was sent lately, and is not tracked yet. Pure.

A campaign is looked at once for each of its sends. It is named by a campaign id, and what is
tracked is its activities: the primary e-mail, and each resend.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from email_opens.discovery.campaigns import Campaign, CampaignActivity, SeenCampaign, Summary
from email_opens.model import Activity, State

TRACKED_ROLES = ("primary_email", "resend")
"""A permalink is a page: nobody is sent it, and nobody opens it."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which campaigns are tracked by their names: patterns with `*` and `?`, in any case."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def take(self, name: str | None) -> bool:
        """Say whether a campaign of this name is tracked; what is excluded is, whatever else."""
        return _any(self.include, name) and not _any(self.exclude, name)


def floor_of(seen: Mapping[str, SeenCampaign], lookback: timedelta, now: datetime) -> datetime:
    """Return from when on sends are looked for.

    The lookback, or further if nobody has looked for longer: then from the last send known.
    """
    latest = max((seen_campaign.last_sent for seen_campaign in seen.values()), default=now)
    return min(now - lookback, latest)


def worth_a_look(
    summaries: Iterable[Summary], seen: Mapping[str, SeenCampaign], floor: datetime, names: Names
) -> list[Summary]:
    """Return the sends that are new, or were left out by a name that is now taken."""
    return [
        one
        for one in summaries
        if one.last_sent >= floor and not _is_known(seen.get(one.campaign_id), one, names)
    ]


def still_of_use(seen: Mapping[str, SeenCampaign], floor: datetime) -> dict[str, SeenCampaign]:
    """Return the looks at sends that may be met again."""
    return {
        key: seen_campaign
        for key, seen_campaign in seen.items()
        if seen_campaign.last_sent >= floor
    }


def candidates(campaign: Campaign) -> list[CampaignActivity]:
    """Return the activities of a campaign that can be tracked."""
    return [one for one in campaign.activities if one.role in TRACKED_ROLES]


def first_tracked(
    account_id: str,
    campaign: Campaign,
    campaign_activity_id: str,
    sent_at: datetime | None,
    now: datetime,
) -> Activity:
    """Return an activity as it is tracked from now on, its opens from the beginning."""
    return Activity(
        account_id=account_id,
        campaign_activity_id=campaign_activity_id,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        sent_at=sent_at,
        tracked_at=now,
    )


def renewed(activity: Activity, campaign: Campaign, sent_at: datetime | None) -> Activity:
    """Return a tracked activity with what is known now; a later send wakes it if it is finished.

    One that a person has paused stays so, and one that cannot be read is left to a person.
    """
    if activity.state is State.BROKEN:
        return activity
    known = activity.sent_at or activity.progress.polled_at or activity.tracked_at
    wakes = activity.state is State.FINISHED and sent_at is not None and sent_at > known
    sends = [instant for instant in (activity.sent_at, sent_at) if instant]
    return replace(
        activity,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name or activity.campaign_name,
        sent_at=max(sends, default=None),
        state=State.ACTIVE if wakes else activity.state,
    )


def _is_known(seen_campaign: SeenCampaign | None, summary: Summary, names: Names) -> bool:
    if seen_campaign is None or seen_campaign.last_sent < summary.last_sent:
        return False
    return seen_campaign.left_out is None or not names.take(seen_campaign.left_out)


def _any(patterns: tuple[str, ...], name: str | None) -> bool:
    # A bracket is one: "[Test] *" is a name that people give.
    return any(
        fnmatchcase((name or "").casefold(), pattern.casefold().replace("[", "[[]"))
        for pattern in patterns
    )
