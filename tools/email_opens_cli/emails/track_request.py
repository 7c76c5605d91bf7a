"""E-mails that a person wants tracked: looked up at Constant Contact, and tracked."""

from collections import deque
from collections.abc import Iterator
from copy import replace
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.allowance.lease import Lease
from email_opens.discovery.campaigns import Campaign
from email_opens.discovery.ports import Campaigns
from email_opens.discovery.selection import first_tracked
from email_opens.discovery.tracker import sends, subject
from email_opens.errors import EmailOpensError, InvalidInput
from email_opens.instants import iso
from email_opens.model import Activity
from email_opens.model import activity_id as parse_activity
from email_opens.ports import Report
from email_opens_cli.arguments.selection import Send, select, select_each
from email_opens_cli.emails.activities import send_of
from email_opens_cli.emails.sent import find_by_id, sent_campaigns
from email_opens_cli.terminal.console import say
from email_opens_cli.terminal.words import named, titled

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens


class Choice(Struct, frozen=True):
    """A campaign to track with all of its e-mails, or one e-mail."""

    campaign_id: str | None = None
    last_sent: datetime | None = None
    """The last send of the campaign; None: that is not known."""
    activity_id: str | None = None
    """The only e-mail of the campaign to track; None: all are tracked."""


class TrackRequest(Struct, kw_only=True):
    """The e-mails that a person wants tracked: all are looked up before the first is tracked."""

    wired: "EmailOpens"
    account_id: str
    since: datetime | None
    weight: float = 1.0
    _queries: deque[str] = field(default_factory=deque)
    _choices: dict[Choice, None] = field(default_factory=dict)
    _campaigns: dict[str, Campaign] = field(default_factory=dict)
    """The campaigns that were read."""
    _listed: dict[str, Send] | None = None
    """The campaigns that were sent last, once they were read."""
    _tracked: dict[str, Activity] = field(default_factory=dict)

    def ask(self, queries: list[str]) -> bool:
        """Take queries; return whether Constant Contact has to be asked about any.

        The ids of tracked e-mails are answered at once.
        """
        self._tracked = {
            activity.campaign_activity_id: activity
            for activity in self.wired.tracking.activities(self.account_id)
        }
        self._queries.extend(queries)
        if any(uuid_of(query) not in self._tracked for query in queries):
            return True
        for activity_id in dict.fromkeys(map(uuid_of, queries)):
            self._report_tracked(self._tracked[activity_id or ""])
        return False

    def work(self, lease: Lease) -> bool:
        """Look up and track e-mails while the lease lasts; return whether all are tracked."""
        # Imported late, or `--help` would load them.
        from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns  # noqa: PLC0415
        from email_opens.adapters.vendor.report import ConstantContactReport  # noqa: PLC0415

        api = self.wired.connect(self.account_id, lease.budget)
        campaigns, report = ConstantContactCampaigns(api), ConstantContactReport(api)
        while self._queries:
            choices = self._look_up(self._queries[0], campaigns, report, lease.before)
            self._choices |= dict.fromkeys(choices)
            self._queries.popleft()
        while self._choices:
            choice = next(iter(self._choices))
            for activity in list(self._activities(choice, campaigns, lease.before)):
                self._add(activity)
            del self._choices[choice]
        return True

    def _look_up(
        self, query: str, campaigns: Campaigns, report: Report, before: datetime
    ) -> list[Choice]:
        """Return what a query stands for.

        Raises:
            NotSelected: it stands for nothing, or for several campaigns.
        """
        wanted = uuid_of(query)
        if wanted in self._tracked:
            return [Choice(activity_id=wanted)]
        if wanted is not None:
            campaign, activity_id = find_by_id(wanted, campaigns, report, before=before)
            if campaign is None:
                return [Choice(activity_id=activity_id)]
            self._campaigns[campaign.campaign_id] = campaign
            return [Choice(campaign.campaign_id, None, activity_id)]
        listed = self._list(campaigns, before)
        tracked = [send_of(activity) for activity in self._tracked.values()]
        others = [send for send in tracked if send.campaign_id not in listed]
        if not select(query, (*listed.values(), *others)).matches:
            # The beginning of the id of a tracked e-mail, perhaps.
            others = tracked
        chosen = select_each(
            [query],
            (*listed.values(), *others),
            kind="e-mail of the last 500 campaigns",
            remedy="`email-opens campaigns` lists what the account has sent.",
        )
        return [
            Choice(send.campaign_id, send.sent_at)
            if send.campaign_id in listed and send not in tracked
            else Choice(activity_id=send.activity_id)
            for send in chosen
        ]

    def _list(self, campaigns: Campaigns, before: datetime) -> dict[str, Send]:
        if self._listed is None:
            names = {
                activity.campaign_id: activity.campaign_name
                for activity in self._tracked.values()
                if activity.campaign_id
            }
            self._listed = {
                campaign.campaign_id: campaign.send
                for campaign in sent_campaigns(campaigns, names, before=before)
            }
        return self._listed

    def _activities(
        self, choice: Choice, campaigns: Campaigns, before: datetime
    ) -> Iterator[Activity]:
        """Yield the e-mails of a choice as they are tracked from now on."""
        now = self.wired.clock.now()
        if choice.campaign_id is None:
            yield Activity(
                account_id=self.account_id,
                campaign_activity_id=choice.activity_id or "",
                tracked_at=now,
            )
            return
        campaign = self._campaigns.get(choice.campaign_id) or campaigns.campaign(
            choice.campaign_id, before=before
        )
        found = (
            []
            if campaign is None or campaign.removed
            else sends(campaigns, campaign, last_sent=choice.last_sent, before=before)
        )
        found = [item for item in found if choice.activity_id in (None, item[0])]
        if campaign is None or not found:
            title = titled(choice.campaign_id, campaign.name if campaign else None)
            raise EmailOpensError(
                f"Campaign {title} has no e-mail to track: it was deleted at Constant Contact, or "
                "is of a kind that is not sent."
            )
        for activity_id, sent_at in found:
            tracked = activity_id in self._tracked
            letter = None if tracked else subject(campaigns, activity_id, before=before)
            yield first_tracked(self.account_id, campaign, activity_id, sent_at, letter, now)

    def _add(self, activity: Activity) -> None:
        activity_id = activity.campaign_activity_id
        activity = replace(activity, tracked_from=self.since, weight=self.weight)
        if self.wired.tracking.add(activity):
            begins = "the beginning" if self.since is None else iso(self.since)
            say(f"{named(activity)} is tracked, from {begins}.")
        else:
            self._report_tracked(self._tracked.get(activity_id, activity))

    def _report_tracked(self, activity: Activity) -> None:
        say(f"{named(activity)} is tracked already; nothing was changed.")


def uuid_of(query: str) -> str | None:
    """Return a query that is a UUID in its canonical form; None: it is none."""
    try:
        return parse_activity(query)
    except InvalidInput:
        return None
