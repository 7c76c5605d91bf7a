"""An account's world: the real core and vendor adapter, simulated time, ports with fates.

Everything that happens comes from the scenario: the same scenario, the same history.
"""

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from constant_contact_emulator import (
    Behaviour,
    LastPage,
    Limits,
    ManualClock,
    Paging,
    Ties,
    TimeFormat,
    Vendor,
)
from email_opens.adapters.vendor.api import VendorApi
from email_opens.adapters.vendor.oauth import TokenSource
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.errors import ActivityFailed, PublishFailed
from email_opens.model import Account, Activity, CounterReadings, NewOpen, Page, RejectedRow, Tokens
from email_opens.ports import Report
from email_opens.turns.budget import Budget
from email_opens.turns.lease import Leases
from email_opens.turns.turns import Turns
from tests.fakes import MemoryCredentials, MemoryLedger, MemoryTracking
from tests.simulation.invocation import Fate, Invocation
from tests.simulation.rules import Rules
from tests.simulation.session import API_URL, VendorSession

ACCOUNT = "default"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=60)
COMMIT = timedelta(seconds=10)
MOST_AT_ONCE = 3
PLENTY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scenario holds constant."""

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
    stays: bool = False
    """A turn waits for what soon will be worth a request."""


class SkewedClock:
    """An invocation's clock, some seconds off; who sleeps lets the world's time pass."""

    def __init__(self, world: ManualClock, skew: timedelta) -> None:
        self._world = world
        self._skew = skew

    def now(self) -> datetime:
        return self._world() + self._skew

    def sleep(self, seconds: float) -> None:
        self._world.advance(timedelta(seconds=seconds))


class TableThrottled(Exception):
    """What a table's client raises that has no capacity: nothing that the core knows."""


class Simulation:
    """The vendor, the stores, the subscriber, and the invocations that are under way."""

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
        self.credentials = MemoryCredentials()
        self.requests_per_day = setting.requests_per_day
        self.refused_opens = 0
        """So many of the next opens are refused by the topic for good."""
        self.invocations: list[Invocation] = []
        self.steps = 0
        self.crashes = 0
        self.interleavings = 0
        self.rules = Rules(self)
        self.connect()
        self.activity_ids = [self._track() for _ in range(setting.activities)]

    def connect(self) -> None:
        """Store tokens that are good, as a person does."""
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

    def _track(self) -> str:
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
        return activity_id

    def invoke(self, skew: timedelta = timedelta(), *, mortal: bool = True) -> Invocation | None:
        """Let the schedule fire; no more invocations are at work than `MOST_AT_ONCE`.

        One that is not mortal runs elsewhere than in Lambda: nobody ends it when its time is up.
        """
        self._forget_the_ended()
        if len(self.invocations) == MOST_AT_ONCE:
            return None
        clock = SkewedClock(self.clock, skew)
        holder = f"invocation {self.steps}"

        def work(invocation: Invocation) -> Any:
            until = clock.now() + TIMEOUT
            turns = self._turns(invocation, clock)
            before = until - COMMIT
            stay_until = before if self.setting.stays else None
            return turns.take_turn(
                ACCOUNT, holder=holder, before=before, until=until, stay_until=stay_until
            )

        invocation = Invocation(work, self.clock() + TIMEOUT, mortal=mortal)
        self.invocations.append(invocation)
        return invocation

    def step(self, invocation: Invocation, fate: Fate = Fate.WORKS) -> None:
        """Let an invocation make one call, and check the rules."""
        if invocation.ended:
            return
        self.steps += 1
        self.interleavings += len(self.invocations) > 1
        if fate is not Fate.WORKS:
            self.crashes += fate in (Fate.KILLED_BEFORE, Fate.KILLED_AFTER)
            self.rules.a_fault_happened()
        invocation.step(fate)
        self.rules.still_hold()
        if invocation.ended:
            self.rules.an_invocation_ended(invocation)
            self._forget_the_ended()

        self._end_the_overdue()

    def finish(self, invocation: Invocation) -> None:
        while not invocation.ended:
            self.step(invocation)

    def wait(self, time: timedelta) -> None:
        """Let time pass while nobody works."""
        self.clock.advance(time)
        self._end_the_overdue()

    def end_scarcity(self) -> None:
        """Give the key as many requests a day as the vendor gives."""
        self.requests_per_day = self.vendor.limits.per_day = PLENTY

    def close(self) -> None:
        """End the threads."""
        for invocation in self.invocations:
            invocation.kill()

    def _end_the_overdue(self) -> None:
        """Kill who has used up the time that Lambda gives; others go on without their lease."""
        for invocation in self.invocations:
            if self.clock() >= invocation.deadline and not invocation.overdue:
                invocation.overdue = True
                self.rules.a_fault_happened()
                if invocation.mortal:
                    self.crashes += 1
                    invocation.kill()
        self._forget_the_ended()

    def _forget_the_ended(self) -> None:
        self.invocations = [one for one in self.invocations if not one.ended]

    def _turns(self, invocation: Invocation, clock: SkewedClock) -> Turns:
        ports = Ports(self, invocation)
        session: Any = VendorSession(
            self.vendor,
            self.setting.page_rows,
            lambda act: invocation.call(act, requests.ConnectionError),
            lambda: self.rules.a_request_was_sent(clock.now()),
        )

        def report(account_id: str, budget: Budget) -> Report:
            tokens = TokenSource(account_id, ports, session, f"{API_URL}/oauth2/default/v1", clock)
            api = VendorApi(session, API_URL, tokens, clock, requests_per_second=4, budget=budget)
            real = ConstantContactReport(api)
            return WatchedReport(real, lambda page: self.rules.a_page_was_read(invocation, page))

        return Turns(
            leases=Leases(tracking=ports, clock=clock, requests_per_day=self.requests_per_day),
            tracking=ports,
            ledger=ports,
            publisher=ports,
            clock=clock,
            report=report,
            lookback=timedelta(hours=2),
        )


class WatchedReport:
    """The real report; the rules hear of each page that it returns."""

    def __init__(self, real: ConstantContactReport, heard: Callable[[Page], None]) -> None:
        self._real = real
        self._heard = heard

    def read(self, campaign_activity_id: str, **how: Any) -> Page:
        page = self._real.read(campaign_activity_id, **how)
        self._heard(page)
        return page

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        return self._real.count(campaign_ids, before=before)

    @property
    def requests(self) -> int:
        return self._real.requests

    @property
    def throttled(self) -> int:
        return self._real.throttled


class Ports:
    """All ports but the report, over the simulation's stores; each call has a fate."""

    def __init__(self, simulation: Simulation, invocation: Invocation) -> None:
        self._simulation = simulation
        self._invocation = invocation

    def _table[Answer](self, act: Any) -> Any:
        return self._invocation.call(act, TableThrottled)

    # --- Tracking ---

    def lease(self, account_id: str, **how: Any) -> Account | None:
        leased: Account | None = self._table(
            lambda: self._simulation.tracking.lease(account_id, **how)
        )
        return leased

    def release(self, account_id: str, **how: Any) -> None:
        self._table(lambda: self._simulation.tracking.release(account_id, **how))

    def reserve(self, account_id: str, **how: Any) -> bool:
        reserved: bool = self._table(lambda: self._simulation.tracking.reserve(account_id, **how))
        return reserved

    def account(self, account_id: str) -> Account | None:
        return self._simulation.tracking.account(account_id)

    def activities(self, account_id: str) -> list[Activity]:
        found: list[Activity] = self._table(
            lambda: self._simulation.tracking.activities(account_id)
        )
        return found

    def add(self, activity: Activity) -> bool:
        return self._simulation.tracking.add(activity)

    def save(self, activity: Activity) -> Activity:
        def act() -> Activity:
            key = activity.account_id, activity.campaign_activity_id
            before = self._simulation.tracking.items[key]
            saved = self._simulation.tracking.save(activity)
            self._simulation.rules.an_activity_was_saved(self._invocation, before, saved)
            return saved

        written: Activity = self._table(act)
        return written

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        return self._simulation.tracking.remove(account_id, campaign_activity_id)

    # --- Ledger ---

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = self._table(
            lambda: self._simulation.ledger.fingerprints(
                campaign_activity_id, first_bucket, last_bucket
            )
        )
        return found

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        def act(taken: Mapping[str, Collection[bytes]] = entries) -> None:
            self._simulation.rules.the_ledger_grows(taken)
            self._simulation.ledger.append(campaign_activity_id, taken)

        self._invocation.call(
            act,
            lambda: ActivityFailed("The ledger has no capacity."),
            lambda: act(dict(list(entries.items())[: len(entries) // 2])),
        )

    # --- Publisher ---

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        del activity, now

        def act(delivered: Sequence[NewOpen] = opens) -> int:
            refused = min(self._simulation.refused_opens, len(delivered))
            self._simulation.refused_opens -= refused
            self._simulation.rules.opens_were_delivered(delivered)
            return refused

        return self._invocation.call(
            act,
            lambda: PublishFailed("The topic is down."),
            lambda: act(opens[: len(opens) // 2]),
        )

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        del activity
        told = list(rows)
        self._invocation.call(
            lambda: self._simulation.rules.rows_were_set_aside(told),
            lambda: PublishFailed("The dead-letter queue is down."),
            lambda: self._simulation.rules.rows_were_set_aside(told[: len(told) // 2]),
        )

    # --- Credentials ---

    def load(self, account_id: str) -> Tokens:
        loaded: Tokens = self._table(lambda: self._simulation.credentials.load(account_id))
        return loaded

    def store(self, account_id: str, tokens: Tokens) -> None:
        self._table(lambda: self._simulation.credentials.store(account_id, tokens))
