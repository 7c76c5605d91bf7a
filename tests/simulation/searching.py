"""The search for new sends over the simulation's stores, where each call has a fate."""

from collections.abc import Callable
from datetime import timedelta

from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.discovery.campaigns import SearchMemory
from email_opens.discovery.ports import SeenCampaigns
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.discovery.selection import Names
from email_opens.turns.discovery import Discovery
from tests.simulation.invocation import Invocation
from tests.simulation.ports import TableThrottled

LOOKBACK = timedelta(days=60)
"""Longer than a scenario, since a search finds no send that is older."""


class SeenPorts:
    """The port `SeenCampaigns` of an invocation."""

    def __init__(self, seen: SeenCampaigns, invocation: Invocation) -> None:
        self._seen = seen
        self._invocation = invocation

    def load(self, account_id: str) -> SearchMemory:
        return self._invocation.call(lambda: self._seen.load(account_id), TableThrottled)

    def store(self, account_id: str, memory: SearchMemory) -> None:
        self._invocation.call(lambda: self._seen.store(account_id, memory), TableThrottled)


def discovery_of(
    leases: Leases, seen: SeenCampaigns, connect: Callable[[str, Budget], VendorApi]
) -> Discovery:
    def begin(account_id: str) -> Search:
        return Search(
            tracking=leases.tracking,
            seen=seen,
            clock=leases.clock,
            lookback=LOOKBACK,
            names=Names(),
            found=Found(account_id),
        )

    return Discovery(
        leases=leases,
        clock=leases.clock,
        begin=begin,
        campaigns=lambda *account: ConstantContactCampaigns(connect(*account)),
    )
