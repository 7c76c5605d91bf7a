"""The composition root without AWS: all state is in one file. It imports nothing of AWS."""

from collections.abc import Callable

from msgspec import Struct

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.local.credentials import RECONNECT, SqliteCredentials
from email_opens.adapters.local.decisions import SqliteDecisions
from email_opens.adapters.local.ledger import SqliteLedger
from email_opens.adapters.local.salt import SqliteSalt
from email_opens.adapters.local.seen_campaigns import SqliteSeenCampaigns
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.bootstrap.wiring import (
    Connect,
    campaigns_of,
    connection,
    discovery_of,
    leases_of,
    reports_of,
    turns_of,
)
from email_opens.config.settings import Settings
from email_opens.discovery.ports import Campaigns
from email_opens.model import Activity
from email_opens.ports import Clock, Credentials, Publisher, Tracking
from email_opens.turns.discovery import Discovery
from email_opens.turns.turn import SHORT_SECONDS
from email_opens.turns.turns import Turns


class Watch(Struct, frozen=True, kw_only=True):
    """The product without AWS, wired."""

    turns: Turns
    discovery: Discovery
    leases: Leases
    connect: Connect
    campaigns: Callable[[str, Budget], Campaigns]
    """Makes the campaigns of an account within a budget."""
    report: Callable[[str, Budget], ConstantContactReport]
    """Makes the report of an account within a budget."""
    tracking: Tracking
    credentials: SqliteCredentials
    clock: Clock


def bootstrap_watch(
    settings: Settings,
    state: StateFile,
    publisher: Publisher,
    *,
    clock: Clock | None = None,
    waits: Waits = UNCUT,
    reconnect: str = RECONNECT,
    on_save: Callable[[Activity], None] = lambda _: None,
    on_lease: Callable[[Budget], None] = lambda _: None,
    first_opens: bool = False,
    once: bool = False,
) -> Watch:
    """Wire the product over one file.

    A signal cuts `waits`. `reconnect` is the command that connects the account again. `on_save` is
    called with each activity that has been saved, and `on_lease` with each budget that requests are
    sent within. `first_opens` decides which opens are a contact's first. With `once`, a turn
    ends as soon as everything is read.
    """
    clock = clock or SystemClock()
    tracking, credentials = SqliteTracking(state, on_save), SqliteCredentials(state, reconnect)
    leases = leases_of(settings, tracking, clock)
    # The path of a file may hold braces.
    template = reconnect.replace("{", "{{").replace("}", "}}")
    within_budgets = connection(settings, credentials, clock, template, waits)

    def connect(
        account_id: str, budget: Budget, credentials: Credentials | None = None
    ) -> VendorApi:
        on_lease(budget)
        return within_budgets(account_id, budget, credentials)

    report = reports_of(settings, connect, SqliteSalt(state))
    campaigns = campaigns_of(connect)
    return Watch(
        turns=turns_of(
            settings,
            leases,
            SqliteLedger(state),
            publisher,
            report,
            # A line has no attributes, which would say whether an open is a contact's first.
            decisions=SqliteDecisions(state) if first_opens else None,
            longest_wait_seconds=0.0 if once else SHORT_SECONDS,
        ),
        discovery=discovery_of(settings, leases, SqliteSeenCampaigns(state), campaigns),
        leases=leases,
        connect=connect,
        campaigns=campaigns,
        report=report,
        tracking=tracking,
        credentials=credentials,
        clock=clock,
    )
