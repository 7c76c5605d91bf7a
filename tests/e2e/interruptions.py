"""Walks of several pages, each interrupted by a fault at one of its calls and then resumed.

Each walk has its own account, send and part of the ledger, so that several can run at once.
The vendor returns pages of ten rows, as it may; a walk of two stretches then has few enough calls
to try every fault at each of them.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from constant_contact_emulator import Contact, Emulator, Reply, Request, Row
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.instants import iso
from email_opens_cli.demo.subscriber import ReportedOpen
from email_opens_cli.emails.activities import track_each
from tests.e2e.built_function import Artefact, RunningFunction, run_function
from tests.e2e.proxy import Calls, Fault, Point, Proxy
from tests.e2e.runtime_api import ANSWER_SECONDS, Outcome
from tests.e2e.trial import Trial, reported_open

PAGE_ROWS = 10
ROWS = 55
"""Six pages: the first stretch reads the four that can be in hand, the second the rest."""
KILLED_SECONDS = 22
"""The time limit of an invocation that will be killed: short, so that its lease expires soon.

The function reserves six of them for its end, and a walk takes one or two.
"""
KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
READ = "GET …/tracking/opens"
SAVE = "PutItem TrackingTable"


class SmallPages(Emulator):
    """A vendor that returns fewer rows than were requested."""

    def answer(self, request: Request) -> Reply:
        if "limit" in request.query:
            request = replace(request, query=request.query | {"limit": str(PAGE_ROWS)})
        return super().answer(request)


@dataclass(slots=True, kw_only=True)
class Walk:
    """A walk and its outcome."""

    point: Point | None
    account_id: str
    activity_id: str
    report: list[ReportedOpen]
    """The vendor's rows, newest first."""
    calls: Calls
    calls_after: Calls = field(default_factory=Calls)
    """The calls of the invocations that resumed the walk."""
    reconnected: bool = False
    """Whether a person had to connect the account again."""
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def opens(self) -> Counter[ReportedOpen]:
        """The opens that the subscriber received; each event id counts once."""
        return Counter({event["id"]: reported_open(event) for event in self.received}.values())

    @property
    def lost(self) -> int:
        return (Counter(self.report) - self.opens).total()

    @property
    def invented(self) -> int:
        """The events without a row of their own: invented, or a row under a second id."""
        return (self.opens - Counter(self.report)).total()

    @property
    def repeated(self) -> list[ReportedOpen]:
        """The opens that were received again under the same event id."""
        ids: set[str] = set()
        repeated = []
        for event in self.received:
            if event["id"] in ids:
                repeated.append(reported_open(event))
            ids.add(event["id"])
        return repeated

    @property
    def pages_in_hand(self) -> range:
        """The pages that were read but not yet recorded for certain when the fault happened."""
        until = self.calls.until_point
        before = until[:-1]
        recorded = len(before) - before[::-1].index(SAVE) if SAVE in before else 0
        return range(until[:recorded].count(READ), until.count(READ))

    @property
    def rows_in_hand(self) -> list[ReportedOpen]:
        pages = self.pages_in_hand
        return self.report[pages.start * PAGE_ROWS : pages.stop * PAGE_ROWS]

    @property
    def requests(self) -> int:
        """The number of requests for the report."""
        return (self.calls.made + self.calls_after.made).count(READ)


@dataclass(frozen=True, slots=True)
class ProxiedFunction:
    """A function, and the proxies between it and its servers."""

    function: RunningFunction
    proxies: tuple[Proxy, Proxy]

    def start(self, walk: Walk, calls: Calls) -> None:
        """Start an invocation for a walk's account; `calls` counts its calls."""
        for proxy in self.proxies:
            proxy.calls = calls
        self.function.api.send({"account_id": walk.account_id})

    def invoke(self, walk: Walk, calls: Calls) -> Outcome:
        self.start(walk, calls)
        return self.function.outcome()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRunner:
    """Runs walks with a stack, a vendor and the built function, and interrupts them."""

    artefact: Artefact
    trial: Trial
    vendor: Emulator
    environment: dict[str, str]
    tracking: DynamoDBTracking
    folder: Path
    idle: SimpleQueue[ProxiedFunction] = field(default_factory=SimpleQueue)
    """Functions that run no walk."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_walk(self, point: Point | None) -> Walk:
        """Connect an account with an expired access token, and track a send of its own."""
        account_id = f"interrupted-{next(self.numbers)}"
        world = self.vendor.world
        activity_id = world.add_campaign(account_id=account_id).activity_id
        sent_at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=ROWS + 1)
        world.send(activity_id, at=sent_at, contacts=ROWS)
        world.add_rows(activity_id, rows(sent_at, world.contacts(ROWS)))
        walk = Walk(
            point=point,
            account_id=account_id,
            activity_id=activity_id,
            report=[
                ReportedOpen(activity_id, row.contact.contact_id, row.created, row.device_type)
                for row in world.rows(activity_id)
            ],
            calls=Calls(point),
        )
        self.connect(walk, expires_at=iso(sent_at))
        track_each(self.tracking, account_id, [activity_id], since=None, now=sent_at)
        return walk

    def connect(self, walk: Walk, **other: str) -> None:
        """Connect a walk's account, as a person would."""
        name = self.environment["CREDENTIALS_PREFIX"] + walk.account_id
        credentials = self.vendor.credentials(walk.account_id) | other
        ssm = self.trial.aws.client("ssm")
        ssm.put_parameter(
            Name=name, Type="SecureString", Value=json.dumps(credentials), Overwrite=True
        )

    def interrupt(self, point: Point) -> Walk:
        """Run a walk with a fault at one of its calls."""
        return self._run_and_kill(point) if point.fault in KILLS else self.run(point)

    def run(self, point: Point | None) -> Walk:
        """Run a walk in a process that stays alive."""
        walk = self.new_walk(point)
        with self._borrowed() as proxied:
            proxied.invoke(walk, walk.calls)
        return walk

    def _run_and_kill(self, point: Point) -> Walk:
        """Start a walk in a process of its own, which is killed."""
        walk = self.new_walk(point)
        with self.start_function(seconds=KILLED_SECONDS) as proxied:
            walk.calls.kill = proxied.function.kill
            proxied.start(walk, walk.calls)
            proxied.function.process.wait(timeout=ANSWER_SECONDS)
        return walk

    def resume(self, walk: Walk) -> None:
        """Resume a walk when the account's lease has expired, as the schedule would."""
        account = self.tracking.account(walk.account_id)
        if account and account.lease_until:
            # A lease expires in real time: the function, a process, reads the machine's clock.
            time.sleep(max(0.0, (account.lease_until - datetime.now(UTC)).total_seconds()))
        with self._borrowed() as proxied:
            outcome = proxied.invoke(walk, walk.calls_after)
            if "email-opens connect" in (outcome.body.get("stopped") or ""):
                walk.reconnected = True
                self.connect(walk)
                proxied.invoke(walk, walk.calls_after)

    @contextmanager
    def _borrowed(self) -> Iterator[ProxiedFunction]:
        proxied = self.idle.get()
        try:
            yield proxied
        finally:
            self.idle.put(proxied)

    @contextmanager
    def start_function(self, *, seconds: float = ANSWER_SECONDS) -> Iterator[ProxiedFunction]:
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        with Proxy(self.trial.aws.url) as aws, Proxy(self.vendor.url) as vendor:
            environment = self.environment | {
                "AWS_ENDPOINT_URL": aws.url,
                "CONSTANT_CONTACT_API_URL": vendor.url,
                "CONSTANT_CONTACT_AUTH_URL": self.vendor.auth_url.replace(
                    self.vendor.url, vendor.url
                ),
            }
            with run_function(self.artefact, environment, folder, seconds=seconds) as function:
                yield ProxiedFunction(function, (aws, vendor))


def rows(sent_at: datetime, contacts: list[Contact]) -> Iterator[Row]:
    """Yield the rows of a report: an open an hour, and on each page a pair of identical rows."""
    for place in range(ROWS):
        same = place - (place % PAGE_ROWS == PAGE_ROWS // 2)
        created = sent_at + timedelta(hours=ROWS - same)
        yield Row(contacts[same], created, "mobile", created)
