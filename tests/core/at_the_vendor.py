"""The core with the real adapters of the vendor, over the emulator and simulated time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from constant_contact_emulator import Kind, Limits, ManualClock, Vendor
from email_opens.account import Account, Tokens
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.model import PAGE_ROWS, Activity
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import Turns
from tests.chains import MINUTE, turns_of_a_minute
from tests.fakes import MemoryCredentials, MemoryLedger, MemoryPublisher, MemoryTracking
from tests.simulation.session import API_URL, VendorSession
from tests.simulation.simulation import SkewedClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COMMIT = timedelta(seconds=6)
OPENS = "/tracking/opens"


@dataclass(slots=True)
class VendorCore:
    """An account that tracks sends of the emulator, with a turn a minute."""

    emails: int
    woken: bool = False
    """Whether turns are woken between those of the schedule."""
    began: datetime = NOON
    world: ManualClock = field(init=False)
    vendor: Vendor = field(init=False)
    clock: SkewedClock = field(init=False)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    credentials: MemoryCredentials = field(default_factory=MemoryCredentials)
    activity_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = ManualClock(self.began)
        self.vendor = Vendor(clock=self.world, limits=Limits(), hang=self._hang)
        self.clock = SkewedClock(self.world, timedelta())
        grant = self.vendor.connect()
        tokens = Tokens(
            client_id=grant.client_id,
            refresh_token=grant.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
        )
        self.credentials.store("default", tokens)
        for _ in range(self.emails):
            campaign = self.vendor.world.add_campaign()
            self.vendor.world.send(campaign.activity_id)
            activity = Activity(
                account_id="default",
                campaign_activity_id=campaign.activity_id,
                campaign_id=campaign.campaign_id,
                tracked_at=self.began,
                sent_at=self.began,
            )
            assert self.tracking.add(activity)
            self.activity_ids.append(campaign.activity_id)

    def _hang(self, seconds: float) -> None:
        self.world.advance(timedelta(seconds=seconds))

    @property
    def account(self) -> Account:
        return self.tracking.accounts["default"]

    @property
    def requests(self) -> int:
        """The requests to the API that the vendor has received."""
        return sum(request.path.startswith("/v3/") for request in self.vendor.requests)

    def open(self, activity_id: str, contacts: int) -> None:
        for contact in range(contacts):
            self.vendor.world.add_open(activity_id, contact)

    def fail(self, kind: Kind = Kind.STATUS, path: str = "/v3/", **details: Any) -> None:
        """Let the vendor fail until `recover`."""
        self.vendor.faults.add(kind, path=path, times=10**9, **details)

    def recover(self) -> None:
        self.vendor.faults.clear()

    def connect(self, account_id: str, budget: Budget) -> VendorApi:
        session: Any = VendorSession(self.vendor, PAGE_ROWS, lambda action: action(), lambda: None)
        tokens = TokenSource(
            account_id, self.credentials, session, f"{API_URL}/oauth2/default/v1", self.clock
        )
        return VendorApi(session, API_URL, tokens, self.clock, requests_per_second=4, budget=budget)

    def take_turn(self) -> TurnReport:
        """Take a turn, and let the time pass until the schedule starts the next one.

        If turns are woken in between, they are taken too, and the report of the last is returned.
        """
        now = self.world()
        turns = Turns(
            leases=Leases(tracking=self.tracking, clock=self.clock, requests_per_day=10_000),
            tracking=self.tracking,
            ledger=self.ledger,
            publisher=self.publisher,
            clock=self.clock,
            report=lambda account_id, budget: ConstantContactReport(
                self.connect(account_id, budget)
            ),
            lookback=timedelta(hours=2),
        )
        of_the_minute = turns_of_a_minute(turns, self.clock, commit=COMMIT)
        turn = next(of_the_minute)
        if self.woken:
            *_, turn = [turn, *of_the_minute]
        self.world.advance(max(timedelta(), now + MINUTE - self.world()))
        return turn
