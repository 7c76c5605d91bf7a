"""What an account has sent, as Constant Contact lists it."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from email_opens.discovery.campaigns import Campaign
from email_opens.discovery.ports import Campaigns
from email_opens.errors import ActivityFailed, ActivityGone
from email_opens.ports import Report
from email_opens_cli.arguments.selection import NotSelected, Send

MOST_CAMPAIGNS = 500
"""The campaigns that one request lists."""


class SentCampaign(Struct, frozen=True, kw_only=True):
    """A campaign that was sent, latest at an instant."""

    campaign_id: str
    name: str | None
    last_sent: datetime | None

    @property
    def send(self) -> Send:
        """The campaign as it is chosen; its activities are not known yet."""
        return Send(self.campaign_id, self.campaign_id, self.name, self.last_sent)


def sent_campaigns(
    campaigns: Campaigns,
    names: Mapping[str, str | None],
    *,
    most: int = MOST_CAMPAIGNS,
    before: datetime,
) -> list[SentCampaign]:
    """Return the campaigns that were sent last, the latest first, with their names.

    `names` are those that are known; one more request is sent if some are missing.
    """
    summaries = campaigns.summaries(link=None, before=before).summaries[:most]
    known = dict(names)
    if any(not known.get(summary.campaign_id) for summary in summaries):
        known |= campaigns.names(before=before)
    return [
        SentCampaign(
            campaign_id=summary.campaign_id,
            name=known.get(summary.campaign_id),
            last_sent=summary.last_sent,
        )
        for summary in summaries
    ]


def find_by_id(
    wanted: str, campaigns: Campaigns, report: Report, *, before: datetime
) -> tuple[Campaign | None, str | None]:
    """Return the campaign of an id, and the id of the activity if it is one.

    An activity may have no campaign, if Constant Contact has only a report of its opens.

    Raises:
        NotSelected: it is the id of neither.
        ActivityFailed: Constant Contact does not answer.
    """
    failure: ActivityFailed | None = None
    try:
        campaign = campaigns.campaign(wanted, before=before)
        if campaign is not None:
            return campaign, None
        owner = campaigns.campaign_of(wanted, before=before)
        if owner is not None:
            return campaigns.campaign(owner, before=before), wanted
    except ActivityFailed as error:
        failure = error
    try:
        report.read(wanted, link=None, rows=1, before=before)
    except ActivityGone:
        raise failure or NotSelected(
            f"Constant Contact has no e-mail and no campaign with the id {wanted}. "
            "`email-opens campaigns` lists what the account has sent."
        ) from None
    return None, wanted
