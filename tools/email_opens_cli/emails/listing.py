"""The campaigns that an account has sent, with what is tracked of them."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.allowance.lease import Lease
from email_opens.discovery.tracker import sends
from email_opens.model import Activity
from email_opens_cli.emails.sent import SentCampaign, sent_campaigns

if TYPE_CHECKING:
    from email_opens.bootstrap.product import WiredDiscovery


class Email(Struct, frozen=True, kw_only=True):
    """An e-mail of a campaign, tracked or not."""

    activity_id: str
    sent_at: datetime | None
    state: str | None
    """None: it is not tracked."""


class ListedCampaign(Struct, frozen=True, kw_only=True):
    """A campaign that was sent, and what is tracked of it."""

    sent: SentCampaign
    emails: tuple[Email, ...]
    """Those that are tracked, or all if they were read."""
    left_out: bool

    @property
    def tracked(self) -> str:
        """The states of its tracked e-mails, in few words."""
        states = Counter(email.state for email in self.emails if email.state)
        several = states.total() > 1
        words = [f"{number} {state}" if several else state for state, number in states.items()]
        return ", ".join(words) or ("left out" if self.left_out else "no")


class Listing(Struct, kw_only=True):
    """The campaigns that an account has sent, as they are being read."""

    wired: "WiredDiscovery"
    account_id: str
    last: int
    each: bool
    """Whether each e-mail is read, tracked or not."""
    on_read: Callable[[int], None] = lambda _: None
    _sent: list[SentCampaign] | None = None
    _emails: dict[str, tuple[Email, ...]] = field(default_factory=dict)
    """By campaign id: the e-mails that were read."""

    def work(self, lease: Lease) -> bool:
        """Read campaigns while the lease lasts; return whether all were read."""
        vendor = self.wired.campaigns(self.account_id, lease.budget)
        if self._sent is None:
            known = self._names()
            self._sent = sent_campaigns(vendor, known, most=self.last, before=lease.before)
        states = {
            activity.campaign_activity_id: activity.state.value for activity in self._tracked()
        }
        for campaign in self._sent if self.each else ():
            campaign_id = campaign.campaign_id
            if campaign_id in self._emails:
                continue
            found = vendor.campaign(campaign_id, before=lease.before)
            sent = found and sends(vendor, found, last_sent=campaign.last_sent, before=lease.before)
            self._emails[campaign_id] = tuple(
                Email(activity_id=activity_id, sent_at=sent_at, state=states.get(activity_id))
                for activity_id, sent_at in sent or ()
            )
            self.on_read(len(self._emails))
        return True

    def campaigns(self) -> list[ListedCampaign]:
        """Return the campaigns that were read."""
        tracked: dict[str | None, list[Email]] = defaultdict(list)
        for activity in self._tracked():
            tracked[activity.campaign_id].append(
                Email(
                    activity_id=activity.campaign_activity_id,
                    sent_at=activity.sent_at,
                    state=activity.state.value,
                )
            )
        seen = self.wired.seen.load(self.account_id).campaigns
        left_out = {key for key, campaign in seen.items() if campaign.left_out is not None}
        return [
            ListedCampaign(
                sent=campaign,
                emails=self._emails.get(campaign.campaign_id)
                or tuple(tracked[campaign.campaign_id]),
                left_out=campaign.campaign_id in left_out,
            )
            for campaign in self._sent or ()
        ]

    def _tracked(self) -> list[Activity]:
        return self.wired.tracking.activities(self.account_id)

    def _names(self) -> dict[str, str | None]:
        """Return the names of campaigns that are stored."""
        seen = self.wired.seen.load(self.account_id).campaigns
        names = {key: campaign.left_out for key, campaign in seen.items()}
        return names | {
            activity.campaign_id: activity.campaign_name
            for activity in self._tracked()
            if activity.campaign_id
        }
