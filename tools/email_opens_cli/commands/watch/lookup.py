"""Campaigns that a search does not find: those that are named by an id, and older ones by name."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from email_opens.discovery.campaigns import Campaign
from email_opens.discovery.selection import first_tracked, renewed
from email_opens.discovery.tracker import sends, subject
from email_opens.errors import ActivityFailed, EmailOpensError
from email_opens.model import Activity
from email_opens.turns.probe import CounterProbe
from email_opens_cli.arguments.selection import Send

if TYPE_CHECKING:
    from email_opens.allowance.lease import Lease
    from email_opens.bootstrap.watch import Watch
    from email_opens.discovery.ports import Campaigns

HOLDER = "email-opens watch"
"""Always the same, so that a watch takes over the lease of one that was killed."""
LASTS = timedelta(seconds=30)
COMMIT = timedelta(seconds=5)
"""The end of the lease, kept to record what was found."""


class Lookup(Struct, frozen=True):
    """Reads single campaigns of an account and tracks them."""

    product: "Watch"
    account_id: str
    since: datetime | None
    """The opens of what is tracked now are published from this instant on; None: all are."""

    def campaigns(self) -> list[Send]:
        """Return the campaigns that one request lists, by their ids.

        Raises:
            EmailOpensError: they cannot be read.
        """
        with self._vendor() as (campaigns, before):
            names = campaigns.names(before=before)
        return [Send(campaign_id, campaign_id, name) for campaign_id, name in names.items()]

    def counters(self, campaign_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the vendor's counters of opens by campaign id, as far as they can be read."""
        if not campaign_ids:
            return {}
        with suppress(EmailOpensError), self._lease() as lease:
            probe = CounterProbe(self.product.report(self.account_id, lease.budget), lease.before)
            with suppress(ActivityFailed):
                probe.read(campaign_ids, self.product.turns.campaigns_per_probe)
            return probe.readings.opens
        return {}

    def track(self, wanted_id: str) -> list[Activity]:
        """Track an activity by its id, or all of a campaign; return what is tracked of them.

        What the vendor does not know is not tracked.

        Raises:
            EmailOpensError: it cannot be read.
        """
        with self._vendor() as (campaigns, before):
            campaign_id = campaigns.campaign_of(wanted_id, before=before)
            campaign = campaigns.campaign(campaign_id or wanted_id, before=before)
            if campaign is None or campaign.removed:
                return []
            return [
                self._tracked(campaign, activity_id, sent_at, campaigns, before)
                for activity_id, sent_at in sends(
                    campaigns, campaign, last_sent=None, before=before
                )
                if campaign_id is None or activity_id == wanted_id
            ]

    def _tracked(
        self,
        campaign: Campaign,
        activity_id: str,
        sent_at: datetime | None,
        campaigns: "Campaigns",
        before: datetime,
    ) -> Activity:
        tracking, now = self.product.tracking, self.product.clock.now()
        stored = {a.campaign_activity_id: a for a in tracking.activities(self.account_id)}
        if activity_id in stored:
            return tracking.save(renewed(stored[activity_id], campaign, sent_at))
        letter = subject(campaigns, activity_id, before=before)
        activity = first_tracked(self.account_id, campaign, activity_id, sent_at, letter, now)
        activity = replace(activity, tracked_from=self.since)
        tracking.add(activity)
        return activity

    @contextmanager
    def _vendor(self) -> Iterator[tuple["Campaigns", datetime]]:
        with self._lease() as lease:
            yield self.product.campaigns(self.account_id, lease.budget), lease.before

    def _lease(self) -> AbstractContextManager["Lease"]:
        leases = self.product.leases
        return leases.hold(self.account_id, holder=HOLDER, lasts=LASTS, commit=COMMIT)
