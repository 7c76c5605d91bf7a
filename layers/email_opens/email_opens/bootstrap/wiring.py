"""The parts that the product has on AWS and without it: leases, connections and turns."""

from collections.abc import Callable
from functools import cache
from typing import Protocol

from email_opens.adapters.vendor.access.token_storage import Remembered, Renewed
from email_opens.adapters.vendor.access.tokens import RECONNECT, TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.replies.contacts import Contacts
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.vendor.session import Session
from email_opens.adapters.vendor.transport import Pace
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.config.settings import Settings
from email_opens.discovery.ports import Campaigns, SeenCampaigns
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.discovery.selection import Names
from email_opens.ports import Clock, Credentials, Decisions, Ledger, Publisher, Report, Tracking
from email_opens.turns.discovery import Discovery
from email_opens.turns.turn import SHORT_SECONDS
from email_opens.turns.turns import Turns


class Connect(Protocol):
    """Makes the connection of an account to the vendor within a budget."""

    def __call__(
        self, account_id: str, budget: Budget, credentials: Credentials | None = None
    ) -> VendorApi:
        """Connect with the credentials that are stored, or with others."""


def leases_of(settings: Settings, tracking: Tracking, clock: Clock) -> Leases:
    return Leases(tracking=tracking, clock=clock, requests_per_day=settings.requests_to_spend)


def connection(
    settings: Settings,
    stored: Credentials,
    clock: Clock,
    reconnect: str = RECONNECT,
    waits: Waits = UNCUT,
) -> Connect:
    session, auth_url = Session(settings.network), settings.constant_contact_auth_url
    renewed: dict[str, Renewed] = {}
    remembered: dict[str, Remembered] = {}
    paces: dict[str, Pace] = {}

    def connect(
        account_id: str, budget: Budget, credentials: Credentials | None = None
    ) -> VendorApi:
        tokens = TokenSource(
            account_id,
            credentials or stored,
            session,
            auth_url,
            clock,
            reconnect=reconnect,
            waits=waits,
            until=budget.lease_until,
            renewed=renewed if credentials is None else {},
            remembered=remembered if credentials is None else {},
        )
        return VendorApi(
            session,
            settings.constant_contact_api_url,
            tokens,
            clock,
            requests_per_second=settings.requests_per_second,
            budget=budget,
            waits=waits,
            pace=paces.setdefault(account_id, Pace()),
        )

    return connect


def reports_of(
    settings: Settings, connect: Connect, salt: Callable[[], str]
) -> Callable[[str, Budget], ConstantContactReport]:
    """Return what makes the report of an account within a budget.

    `salt` returns the salt of hashed addresses, and is called at most once.
    """
    contacts = Contacts(settings.contact_details, cache(salt))
    return lambda account_id, budget: ConstantContactReport(connect(account_id, budget), contacts)


def campaigns_of(connect: Connect) -> Callable[[str, Budget], Campaigns]:
    """Return what makes the campaigns of an account within a budget."""
    return lambda account_id, budget: ConstantContactCampaigns(connect(account_id, budget))


def discovery_of(
    settings: Settings,
    leases: Leases,
    seen: SeenCampaigns,
    campaigns: Callable[[str, Budget], Campaigns],
) -> Discovery:
    def begin(account_id: str) -> Search:
        return Search(
            tracking=leases.tracking,
            seen=seen,
            clock=leases.clock,
            lookback=settings.discovery_lookback,
            names=Names(settings.include_names, settings.exclude_names),
            found=Found(account_id),
        )

    return Discovery(leases=leases, clock=leases.clock, begin=begin, campaigns=campaigns)


def turns_of(
    settings: Settings,
    leases: Leases,
    ledger: Ledger,
    publisher: Publisher,
    report: Callable[[str, Budget], Report],
    *,
    decisions: Decisions | None,
    discovery: Discovery | None = None,
    credentials: Credentials | None = None,
    longest_wait_seconds: float = SHORT_SECONDS,
) -> Turns:
    return Turns(
        leases=leases,
        tracking=leases.tracking,
        ledger=ledger,
        publisher=publisher,
        decisions=decisions,
        discovery=discovery,
        credentials=credentials,
        clock=leases.clock,
        report=report,
        lookback=settings.lookback,
        finished_after=settings.finished_after,
        campaigns_per_probe=settings.campaigns_per_probe,
        longest_wait_seconds=longest_wait_seconds,
    )
