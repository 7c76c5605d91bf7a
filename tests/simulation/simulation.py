"""An account's world: the real core and vendor adapter, simulated time, and ports with fates.

Everything that happens follows from the scenario: the same scenario gives the same history.
"""

import random
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from constant_contact_emulator import (
    Behaviour,
    Fault,
    Kind,
    LastPage,
    Limits,
    ManualClock,
    Paging,
    Ties,
    TimeFormat,
    Vendor,
)
from email_opens.account import Tokens
from email_opens.adapters.vendor.access.token_storage import Remembered, Renewed
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.adapters.vendor.transport import Pace
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.model import Activity, State
from email_opens.ports import Report
from email_opens.turns.turns import Turns
from tests.fakes import MemoryCredentials, MemoryDecisions, MemoryLedger, MemoryTracking
from tests.memory_campaigns import MemorySeenCampaigns
from tests.simulation.invocation import Fate, Invocation, Message
from tests.simulation.ports import Ports, WatchedReport
from tests.simulation.rules import Rules
from tests.simulation.searching import SeenPorts, discovery_of
from tests.simulation.session import API_URL, VendorSession

ACCOUNT = "default"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
MOST_AT_ONCE = 3
PLENTY = 10_000
FIRST_FRESH_CONTACT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The constants of a scenario."""

    seed: int = 0
    activities: int = 2
    page_rows: int = 4
    paging: Paging = Paging.OFFSET
    ties: Ties = Ties.NEWEST_FIRST
    grain: timedelta = timedelta(minutes=1)
    link_lifetime: timedelta | None = None
    rotating: bool = True
    vendor_requests_per_day: int = PLENTY
    requests_per_day: int = PLENTY
    from_now: bool = False
    counters_stale_for: timedelta = timedelta()
    woken: bool = False
    """Whether a turn asks for the next one."""
    searching: bool = False
    """Whether turns search for new sends."""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What is wrong for longer than a few requests."""

    unread: set[str] = field(default_factory=set)
    """The activities whose head cannot be read."""
    unknown: set[str] = field(default_factory=set)
    """Those that the vendor says it does not know."""
    recovering: set[str] = field(default_factory=set)
    """The activities whose head could not be read before."""
    failing: set[str] = field(default_factory=set)
    """The contacts whose opens the topic neither accepts nor refuses."""
    odd_counters: bool = False
    nothing_is_read: bool = False
    queue_is_down: bool = False
    refused_stores: int = 0
    """How many of the next pairs of tokens the store refuses."""
    about_one_activity: bool = False
    """Some refusals that may be about the account are about one activity."""
    unsearched: bool = False
    """Requests of searches get no good reply."""


class SkewedClock:
    """An invocation's clock, off by some seconds; its sleep advances the world's time."""

    def __init__(self, world: ManualClock, skew: timedelta) -> None:
        self._world = world
        self._skew = skew

    def now(self) -> datetime:
        return self._world() + self._skew

    def sleep(self, seconds: float) -> None:
        self._world.advance(timedelta(seconds=seconds))


class Simulation:
    """The vendor, the stores, the subscriber, and the running invocations."""

    def __init__(self, setting: Setting) -> None:
        random.seed(setting.seed)  # the adapters' jitter
        self.setting = setting
        self.clock = ManualClock(START)
        self.vendor = Vendor(
            clock=self.clock,
            seed=setting.seed,
            behaviour=Behaviour(
                paging=setting.paging,
                ties=setting.ties,
                last_page=tuple(LastPage),
                time_formats=tuple(TimeFormat),
                link_lifetime=setting.link_lifetime,
                counters_stale_for=setting.counters_stale_for,
            ),
            limits=Limits(per_day=setting.vendor_requests_per_day),
            rotating=setting.rotating,
            hang=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
        )
        self.tracking = MemoryTracking()
        self.ledger = MemoryLedger()
        self.decisions = MemoryDecisions()
        self.seen = MemorySeenCampaigns()
        self.credentials = MemoryCredentials()
        self.requests_per_day = setting.requests_per_day
        self.refused_opens = 0
        """How many of the next opens the topic will permanently refuse."""
        self.trouble = Trouble()
        self.start = START
        self.fresh_contacts = FIRST_FRESH_CONTACT
        """The number of the next contact that has opened nothing yet."""
        self._passing: list[Fault] = []
        self.messages: list[Message] = []
        """The queue of wake-ups, the latest last."""
        self.invocations: list[Invocation] = []
        self.steps = 0
        self.kills = 0
        self.interleaved_calls = 0
        self.rules = Rules(self)
        self.connect()
        for _ in range(setting.activities):
            self._track()

    @property
    def activity_ids(self) -> list[str]:
        """Everything that was sent, tracked or not."""
        activities = self.vendor.world.activities.values()
        return [activity.campaign_activity_id for activity in activities if activity.sent]

    @property
    def tracked_ids(self) -> list[str]:
        tracked = self.tracking.items
        return [each for each in self.activity_ids if (ACCOUNT, each) in tracked]

    def connect(self) -> None:
        """Store valid tokens, as a person would."""
        grant = self.vendor.connect()
        self.credentials.store(
            ACCOUNT,
            Tokens(
                client_id=grant.client_id,
                refresh_token=grant.refresh_token,
                access_token=grant.access_token,
                expires_at=grant.expires_at,
            ),
        )

    def _track(self) -> None:
        campaign = self.vendor.world.add_campaign()
        activity_id = campaign.activity_id
        self.vendor.world.send(activity_id)
        self.tracking.add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=activity_id,
                campaign_id=campaign.campaign_id,
                tracked_at=START,
                tracked_from=START if self.setting.from_now else None,
            )
        )

    def invoke(
        self,
        skew: timedelta = timedelta(),
        *,
        times_out: bool = True,
        message: Message | None = None,
    ) -> Invocation | None:
        """Start an invocation, unless `MOST_AT_ONCE` are running.

        The schedule starts it, or a message. One that does not time out runs outside Lambda and
        continues past its deadline.
        """
        self._remove_ended()
        if len(self.invocations) == MOST_AT_ONCE:
            return None
        clock = SkewedClock(self.clock, skew)
        holder = f"invocation {self.steps}"

        def work(invocation: Invocation) -> Any:
            until = clock.now() + TIMEOUT
            turns = self._turns(invocation, clock)
            return turns.take_turn(
                message.account_id if message else ACCOUNT,
                holder=holder,
                before=until - COMMIT,
                until=until,
                wake_ups=Ports(self, invocation) if self.setting.woken else None,
                woken_by=message.token if message else None,
            )

        invocation = Invocation(
            work,
            self.clock() + TIMEOUT,
            times_out=times_out,
            first_request=len(self.vendor.requests),
        )
        self.invocations.append(invocation)
        return invocation

    def step(self, invocation: Invocation, fate: Fate = Fate.SUCCEEDS) -> None:
        """Make one call of an invocation, and check the rules."""
        if invocation.ended:
            return
        self.steps += 1
        self.vendor.world.send_scheduled()
        self.interleaved_calls += len(self.invocations) > 1
        if fate is not Fate.SUCCEEDS:
            self.kills += fate in (Fate.KILLED_BEFORE, Fate.KILLED_AFTER)
            self.rules.a_fault_happened()
        invocation.step(fate)
        self.rules.still_hold()
        if invocation.ended:
            self.rules.an_invocation_ended(invocation)
            self._remove_ended()

        self._end_overdue()

    def finish(self, invocation: Invocation) -> None:
        while not invocation.ended:
            self.step(invocation)

    def wait(self, time: timedelta) -> None:
        """Let time pass while no invocation runs."""
        self.clock.advance(time)
        self.vendor.world.send_scheduled()
        self._end_overdue()

    def end_scarcity(self) -> None:
        """Raise the budget and the vendor's quota to more than any turn needs.

        The account forgets how little the quota left to it before.
        """
        self.requests_per_day = self.vendor.limits.per_day = PLENTY
        accounts = self.tracking.accounts
        accounts |= {name: replace(accounts[name], key_share=None) for name in accounts}

    def add_passing_fault(self, kind: Kind, **details: Any) -> None:
        """Queue a fault that a few requests end."""
        self._passing.append(self.vendor.faults.add(kind, **details))

    def end_passing_faults(self) -> None:
        for fault in self._passing:
            self.vendor.faults.remove(fault)
        self._passing.clear()

    def mend(self) -> None:
        """End everything that is wrong, except for what is lost."""
        self.vendor.faults.clear()
        self.refused_opens = 0
        for campaign in self.vendor.world.campaigns.values():
            campaign.odd_counter = None
        self.vendor.limits.turns_late = timedelta()
        self.vendor.limits.through_gateway = False
        self.trouble = Trouble(recovering=self.trouble.unread | self.trouble.recovering)

    def revive(self) -> None:
        """Activate what is paused or gone, as a person does."""
        for activity in self.tracking.activities(ACCOUNT):
            if activity.state in (State.PAUSED, State.GONE):
                self.tracking.save(replace(activity, state=State.ACTIVE, missing_since=None))

    def close(self) -> None:
        """End all threads."""
        for invocation in self.invocations:
            invocation.kill()

    def _end_overdue(self) -> None:
        """Kill the invocations past their deadline; those that do not time out lose their lease."""
        for invocation in self.invocations:
            if self.clock() >= invocation.deadline and not invocation.overdue:
                invocation.overdue = True
                self.rules.a_fault_happened()
                if invocation.times_out:
                    self.kills += 1
                    invocation.kill()
        self._remove_ended()

    def _remove_ended(self) -> None:
        self.invocations = [invocation for invocation in self.invocations if not invocation.ended]

    def _turns(self, invocation: Invocation, clock: SkewedClock) -> Turns:
        ports = Ports(self, invocation)
        session: Any = VendorSession(
            self.vendor,
            self.setting.page_rows,
            lambda action: invocation.call(action, requests.ConnectionError),
            on_start=lambda: self.rules.a_request_began(invocation),
            on_target=lambda target: self.rules.a_request_was_sent(clock.now(), target),
            on_reply=lambda *reply: self.rules.a_reply_was_received(clock.now(), *reply),
        )

        pace, renewed, remembered = Pace(), dict[str, Renewed](), dict[str, Remembered]()

        def connect(account_id: str, budget: Budget) -> VendorApi:
            tokens = TokenSource(
                account_id,
                ports,
                session,
                f"{API_URL}/oauth2/default/v1",
                clock,
                until=budget.lease_until,
                renewed=renewed,
                remembered=remembered,
            )
            return VendorApi(
                session, API_URL, tokens, clock, requests_per_second=4, budget=budget, pace=pace
            )

        def report(account_id: str, budget: Budget) -> Report:
            real = ConstantContactReport(connect(account_id, budget))
            return WatchedReport(real, lambda page: self.rules.a_page_was_read(invocation, page))

        leases = Leases(tracking=ports, clock=clock, requests_per_day=self.requests_per_day)
        searching = discovery_of(leases, SeenPorts(self.seen, invocation), connect)
        return Turns(
            leases=leases,
            tracking=ports,
            ledger=ports,
            decisions=ports,
            publisher=ports,
            discovery=searching if self.setting.searching else None,
            clock=clock,
            report=report,
            lookback=timedelta(hours=2),
        )
