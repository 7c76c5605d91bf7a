"""The tracking of what a campaign has sent."""

from datetime import UTC, datetime

from msgspec import Struct, field

from email_opens.discovery.campaigns import Campaign, SeenCampaign, Summary
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.report import Found
from email_opens.discovery.selection import Names, first_tracked, last_sends, renewed, trackable
from email_opens.errors import ActivityFailed, EmailOpensError, LostRace
from email_opens.model import Activity, State
from email_opens.ports import Clock, Tracking

_NEVER = datetime.min.replace(tzinfo=UTC)


def sends(
    campaigns: Campaigns, campaign: Campaign, *, last_sent: datetime | None, before: datetime
) -> list[tuple[str, datetime | None]]:
    """Return the activities of a campaign, and when each was last sent; None: that is not known.

    The one that was sent last comes last. `last_sent` is the last send of the campaign, if that is
    known.
    """
    ids = list(dict.fromkeys(activity.campaign_activity_id for activity in trackable(campaign)))
    # A single activity was sent with its campaign.
    single = {ids[0]: last_sent} if len(ids) == 1 else {}
    sent = {
        activity_id: single.get(activity_id) or campaigns.last_run(activity_id, before=before)
        for activity_id in ids
    }
    return sorted(sent.items(), key=lambda item: item[1] or _NEVER)


def subject(campaigns: Campaigns, campaign_activity_id: str, *, before: datetime) -> str | None:
    """Return the subject line of an activity that is not tracked yet; None: it cannot be read."""
    try:
        return campaigns.subject(campaign_activity_id, before=before)
    except ActivityFailed:
        return None


class Tracker(Struct, kw_only=True):
    """Reads campaigns and tracks what they have sent, for one stretch of a search."""

    tracking: Tracking
    clock: Clock
    names: Names
    campaigns: Campaigns
    floor: datetime
    """Sends before this instant are not tracked."""
    before: datetime
    """No request begins later."""
    found: Found
    """What was done is added to it."""
    _activities: dict[str, Activity] | None = None
    """The tracked activities by their ids, once they were read."""
    _last_sends: dict[str, datetime] = field(default_factory=dict)
    """The last sends of their campaigns."""

    def last_send(self, campaign_id: str) -> datetime | None:
        """Return the last send of a campaign that is tracked; None: no send of it is."""
        self._tracked()
        return self._last_sends.get(campaign_id)

    def track(self, summary: Summary) -> tuple[SeenCampaign | None, Exception | None]:
        """Read a campaign and track what it sent.

        Returns what to remember, None if it is to be read again, and why it failed.
        """
        tracked = self._tracked()
        try:
            campaign = self.campaigns.campaign(summary.campaign_id, before=self.before)
            if campaign is None:
                # The list has it, so the vendor may know it later.
                self.found.removed.append(summary.campaign_id)
                return None, None
            if campaign.removed:
                self.found.removed.append(summary.campaign_id)
            elif not self.names.take(campaign.name):
                self.found.left_out.append(summary.campaign_id)
                return SeenCampaign(summary.last_sent, left_out=campaign.name or ""), None
            else:
                self._track(campaign, summary, tracked)
        except (ActivityFailed, LostRace) as error:
            return None, error
        except EmailOpensError:
            raise
        except Exception as error:  # noqa: BLE001 - reported, and it stops no other campaign
            return None, error
        return SeenCampaign(summary.last_sent), None

    def _tracked(self) -> dict[str, Activity]:
        """Return the tracked activities by their ids, read once."""
        if self._activities is None:
            activities = self.tracking.activities(self.found.account_id)
            self._activities = {activity.campaign_activity_id: activity for activity in activities}
            self._last_sends = last_sends(activities)
        return self._activities

    def _track(self, campaign: Campaign, summary: Summary, tracked: dict[str, Activity]) -> None:
        """Track each activity that was sent lately, or that is still to be sent.

        The one that was sent last comes last: once it is tracked, all of them are.
        """
        sent = sends(self.campaigns, campaign, last_sent=summary.last_sent, before=self.before)
        for activity_id, sent_at in sent:
            activity = tracked.get(activity_id)
            if activity is not None:
                self._renew(activity, renewed(activity, campaign, sent_at))
            elif sent_at is None or sent_at >= self.floor:
                activity = first_tracked(
                    self.found.account_id,
                    campaign,
                    activity_id,
                    sent_at,
                    subject(self.campaigns, activity_id, before=self.before),
                    self.clock.now(),
                )
                if self.tracking.add(activity):
                    self.found.tracked.append(activity)

    def _renew(self, before: Activity, renewed_activity: Activity) -> None:
        if renewed_activity == before:
            return
        stored = self.tracking.save(renewed_activity)
        self.found.renewed.append(stored)
        if (before.state, stored.state) == (State.FINISHED, State.ACTIVE):
            self.found.woken.append(stored)
