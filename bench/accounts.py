"""Many accounts in one stack: `python -m bench.accounts [--accounts N]`, about ten minutes.

Each account has e-mails of its own, a turn each minute at a second of its own, and the turns that
wake-ups start in between. The turns of all
accounts interleave at every call, on shared tables, in function instances that are used again for
whichever account comes next, as Lambda does. Then each account runs alone. Both must have the same
results: what was published and when, requests, and the state that is stored.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

from bench.cost.dynamodb import CountingDynamoDB
from bench.cost.usage import Meter
from bench.figures import Figure, show
from bench.freshness.account import (
    Account,
    AccountReport,
    activity_id,
    campaign_id,
    instant,
    stale,
)
from bench.freshness.world import DAY, HOUR, Send, World, draw_opens
from bench.interleaved import Interleaving
from email_opens.account import Tokens
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.vendor.access.token_storage import Remembered
from email_opens.adapters.vendor.access.tokens import TokenSource
from email_opens.adapters.vendor.session import Session
from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.model import (
    LEDGER_KEPT,
    Activity,
    CounterReadings,
    NewOpen,
    Page,
    RejectedRow,
)
from email_opens.ports import Delivery
from email_opens.turns.turns import Turns
from email_opens_cli.deployed.turns.schedules import first_event
from tests.fakes import MemoryCredentials

ACCOUNTS, EMAILS, MINUTES = 1_000, 20, 10
OPENS_A_SEND = 60.0
MINUTE = timedelta(minutes=1)
BEGINS = DAY
REQUESTS_A_DAY = 9_000


def world_of(number: int, emails: int) -> World:
    """Return the e-mails of an account, sent in the day before the simulation begins."""
    chance = Random(number)
    instants = sorted(chance.uniform(BEGINS - DAY / 2, BEGINS) for _ in range(emails))
    sends = [
        Send(
            number=number * emails + place,
            sent=sent,
            opens_a_second=0.0,
            opens=draw_opens(chance, sent, OPENS_A_SEND),
        )
        for place, sent in enumerate(instants)
    ]
    return World(sends=sends, begins=BEGINS, ends=BEGINS + HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an account has at the end."""

    published: Sequence[tuple[str, datetime]]
    """The ids of its events, and when each was published."""
    requests: int
    activities: Sequence[Activity]
    requests_spent: int
    turns: int


@dataclass(slots=True)
class Vendor:
    """The vendor: it serves each access token the e-mails of one account, and refuses others."""

    accounts: dict[str, Account] = field(default_factory=dict)
    """By access token."""


@dataclass(slots=True)
class TokenReport:
    """The Report port, which shows the vendor the access token of each request."""

    vendor: Vendor
    tokens: TokenSource
    clock: Interleaving
    budget: Budget
    requests: int = 0
    throttled: int = 0

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        return self._report(before).read(campaign_activity_id, link=link, rows=rows, before=before)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        return self._report(before).count(campaign_ids, before=before)

    def _report(self, before: datetime) -> AccountReport:
        self.requests += 1
        return AccountReport(self.vendor.accounts[self.tokens.access_token(before)], self.budget)


@dataclass(slots=True)
class Topic:
    """The Publisher port: the topic of all accounts."""

    published: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        events = self.published.setdefault(activity.account_id, [])
        events += [(new.event_id, now) for new in opens]
        return Delivery(settled=tuple(opens))

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        raise NotImplementedError(f"No row of {activity} should be rejected: {rows}")


@dataclass(slots=True)
class Stack:
    """A stack with accounts: shared tables, a topic, and the function's instances."""

    numbers: Sequence[int]
    emails: int = EMAILS
    clock: Interleaving = field(default_factory=lambda: Interleaving(instant(BEGINS)))
    vendor: Vendor = field(default_factory=Vendor)
    topic: Topic = field(default_factory=Topic)
    credentials: MemoryCredentials = field(default_factory=MemoryCredentials)
    instances: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    _dynamodb: CountingDynamoDB = field(init=False)
    _free: list[Turns] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dynamodb = CountingDynamoDB(Meter(self.clock))
        for number in self.numbers:
            self._connect(number)
        # Calls take no time, since an instance that has not seen an account needs more of them.
        self._dynamodb.seconds = 0.0

    @property
    def tracking(self) -> DynamoDBTracking:
        return DynamoDBTracking(self._dynamodb, "tracking")  # type: ignore[arg-type]

    def run(self, minutes: int) -> Mapping[str, Result]:
        """Take a turn of each account in each minute; return the results by account."""
        for minute in range(minutes):
            for number in self.numbers:
                account_id = name(number)
                first = first_event(account_id, instant(BEGINS))
                self.clock.at(first + minute * MINUTE, partial(self._turn, account_id))
        self.clock.run()
        self._dynamodb.seconds = None
        return {name(number): self._result(name(number)) for number in self.numbers}

    def _connect(self, number: int) -> None:
        """Store an account's credentials, and track its e-mails."""
        account_id, token = name(number), f"access-{number}"
        account = Account(world_of(number, self.emails), self.clock, stale(0))
        self.vendor.accounts[token] = account
        self.credentials.tokens[account_id] = Tokens(
            client_id="bench",
            refresh_token="none",
            access_token=token,
            expires_at=self.clock.now() + timedelta(days=1),
        )
        for send in account.world.sends:
            account.track(send)
            self.tracking.add(
                Activity(
                    account_id=account_id,
                    campaign_activity_id=activity_id(send),
                    campaign_id=campaign_id(send),
                    campaign_name=f"Of {account_id}",
                    sent_at=instant(send.sent),
                    tracked_at=instant(send.sent),
                )
            )

    def ask(self, account_id: str, *, token: str, seconds: int) -> None:
        """Wake an account's next turn, as the port WakeUps."""
        self.clock.at(
            self.clock.now() + timedelta(seconds=seconds), partial(self._turn, account_id, token)
        )

    def _turn(self, account_id: str, woken_by: str | None = None) -> None:
        """Take an account's turn on a free instance of the function, or on a new one."""
        turns = self._free.pop() if self._free else self._instance()
        number = self.turns[account_id] = self.turns.get(account_id, 0) + 1
        until = self.clock.now() + MINUTE
        report = turns.take_turn(
            account_id,
            holder=f"{account_id}-{number}",
            before=until - timedelta(seconds=6),
            until=until,
            wake_ups=self,
            woken_by=woken_by,
        )
        self._free.append(turns)
        if report.failures or not report.completed:
            raise SystemExit(f"A turn of {account_id} failed: {report}")
        self.requests[account_id] = self.requests.get(account_id, 0) + report.requests

    def _instance(self) -> Turns:
        """Return a new instance, which remembers tokens as the deployed function does."""
        self.instances += 1
        remembered: dict[str, Remembered] = {}
        session = Session()

        def report(account_id: str, budget: Budget) -> TokenReport:
            tokens = TokenSource(
                account_id,
                self.credentials,
                session,
                "https://vendor.invalid",
                self.clock,
                remembered=remembered,
            )
            return TokenReport(self.vendor, tokens, self.clock, budget)

        return Turns(
            leases=Leases(
                tracking=self.tracking, clock=self.clock, requests_per_day=REQUESTS_A_DAY
            ),
            tracking=self.tracking,
            ledger=DynamoDBLedger(self._dynamodb, "ledger", LEDGER_KEPT, self.clock),  # type: ignore[arg-type]
            decisions=DynamoDBDecisions(self._dynamodb, "ledger", LEDGER_KEPT, self.clock),  # type: ignore[arg-type]
            publisher=self.topic,
            clock=self.clock,
            report=report,
            lookback=timedelta(hours=2),
        )

    def _result(self, account_id: str) -> Result:
        tracking = DynamoDBTracking(self._dynamodb, "tracking")  # type: ignore[arg-type]
        account = tracking.account(account_id)
        return Result(
            published=self.topic.published.get(account_id, []),
            requests=self.requests[account_id],
            activities=tracking.activities(account_id),
            requests_spent=account.requests_spent if account else 0,
            turns=self.turns[account_id],
        )


def name(number: int) -> str:
    return f"account-{number}"


def differing(accounts: int, emails: int, minutes: int) -> tuple[list[str], Stack]:
    """Return the accounts whose results beside others differ from those alone, and the stack."""
    together = Stack(range(accounts), emails)
    results = together.run(minutes)
    alone = [Stack([number], emails).run(minutes) for number in range(accounts)]
    return [
        account_id
        for each in alone
        for account_id, result in each.items()
        if results[account_id] != result
    ], together


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N", help="(%(default)s)")
    accounts = parser.parse_args().accounts
    started = time.monotonic()
    others, stack = differing(accounts, EMAILS, MINUTES)
    published = sum(map(len, stack.topic.published.values()))
    show(
        f"{accounts:,} accounts of {EMAILS} e-mails in one stack, {MINUTES} minutes",
        [
            Figure(
                "accounts that have other results than alone", f"{len(others)}", "0", not others
            ),
            Figure("turns", f"{sum(stack.turns.values()):,}"),
            Figure("requests", f"{sum(stack.requests.values()):,}"),
            Figure("opens published", f"{published:,}"),
            Figure("turns at once, at most", f"{stack.clock.most_at_once:,}"),
            Figure("instances of the function", f"{stack.instances:,}"),
        ],
        f"It took {time.monotonic() - started:.0f} s.",
    )


if __name__ == "__main__":
    main()
