"""Walks of several pages, each disturbed at one of its calls and then taken up again.

Each has an account, a send and a part of the ledger to itself, so that several run at once.
The vendor gives ten rows a page, as it may: then every call of a walk of two stretches can be
disturbed in every way.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from constant_contact_emulator import Contact, Emulator, Reply, Request, Row
from email_opens.adapters.dynamodb import DynamoDBTracking
from email_opens.model import iso
from email_opens_cli import tracked
from email_opens_cli.subscriber import Seen
from tests.e2e.built_function import Artefact, Running, running
from tests.e2e.proxy import Calls, Fault, Point, Proxy
from tests.e2e.runtime_api import ANSWER_SECONDS, Outcome
from tests.e2e.trial import Trial, seen

PAGE_ROWS = 10
ROWS = 55
"""Six pages: the first stretch works the four that may be in hand, the second the rest."""
MORTAL_SECONDS = 22
"""What an invocation that will be killed may take, so that its lease is soon over.

The function keeps ten of them for its end, and a walk takes one or two.
"""
KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
READ = "GET …/tracking/opens"
SAVE = "PutItem TrackingTable"


class SmallPages(Emulator):
    """A vendor that gives fewer rows than are asked for."""

    def answer(self, request: Request) -> Reply:
        if "limit" in request.query:
            request = replace(request, query=request.query | {"limit": str(PAGE_ROWS)})
        return super().answer(request)


@dataclass(slots=True, kw_only=True)
class Disturbed:
    """A walk, and what came of it."""

    point: Point | None
    account_id: str
    activity_id: str
    report: list[Seen]
    """The vendor's rows, newest first."""
    calls: Calls
    calls_after: Calls = field(default_factory=Calls)
    """Those of the invocation, or invocations, that took it up again."""
    reconnected: bool = False
    """A person had to connect the account again."""
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def opens(self) -> Counter[Seen]:
        """What the subscriber has, an event id counted once."""
        return Counter({event["id"]: seen(event) for event in self.received}.values())

    @property
    def lost(self) -> int:
        return (Counter(self.report) - self.opens).total()

    @property
    def invented(self) -> int:
        """Events that are no row, or a row's under a second id."""
        return (self.opens - Counter(self.report)).total()

    @property
    def repeated(self) -> list[Seen]:
        """What came again under the same event id."""
        ids: set[str] = set()
        again = []
        for event in self.received:
            if event["id"] in ids:
                again.append(seen(event))
            ids.add(event["id"])
        return again

    @property
    def pages_in_hand(self) -> range:
        """The pages that were read, and not recorded for certain, when the fault struck."""
        until = self.calls.until_point
        before = until[:-1]
        recorded = len(before) - before[::-1].index(SAVE) if SAVE in before else 0
        return range(until[:recorded].count(READ), until.count(READ))

    @property
    def rows_in_hand(self) -> list[Seen]:
        pages = self.pages_in_hand
        return self.report[pages.start * PAGE_ROWS : pages.stop * PAGE_ROWS]

    @property
    def requests(self) -> int:
        """Requests for the report."""
        return (self.calls.made + self.calls_after.made).count(READ)


@dataclass(frozen=True, slots=True)
class Line:
    """A function, and the proxies between it and its servers."""

    function: Running
    proxies: tuple[Proxy, Proxy]

    def hand_out(self, walk: Disturbed, calls: Calls) -> None:
        """Let the function have a walk's account; what it calls is counted in `calls`."""
        for proxy in self.proxies:
            proxy.calls = calls
        self.function.api.hand_out({"account_id": walk.account_id})

    def invoke(self, walk: Disturbed, calls: Calls) -> Outcome:
        self.hand_out(walk, calls)
        return self.function.outcome()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where walks are disturbed: a stack, a vendor, and the artefact that is to be run."""

    artefact: Artefact
    trial: Trial
    vendor: Emulator
    environment: dict[str, str]
    tracking: DynamoDBTracking
    folder: Path
    free: SimpleQueue[Line] = field(default_factory=SimpleQueue)
    """Functions that are at no work."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def begin(self, point: Point | None) -> Disturbed:
        """Connect an account whose access token has ended, and track a send of its own."""
        account_id = f"disturbed-{next(self.numbers)}"
        world = self.vendor.world
        activity_id = world.add_campaign(account_id=account_id).activity_id
        sent_at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=ROWS + 1)
        world.send(activity_id, at=sent_at, contacts=ROWS)
        world.add_rows(activity_id, rows(sent_at, world.contacts(ROWS)))
        walk = Disturbed(
            point=point,
            account_id=account_id,
            activity_id=activity_id,
            report=[
                Seen(activity_id, row.contact.contact_id, row.created, row.device_type)
                for row in world.rows(activity_id)
            ],
            calls=Calls(point),
        )
        self.connect(walk, expires_at=iso(sent_at))
        tracked.track(self.tracking, account_id, [activity_id], since=None, now=sent_at)
        return walk

    def connect(self, walk: Disturbed, **other: str) -> None:
        """Connect a walk's account, as a person does."""
        name = self.environment["CREDENTIALS_PREFIX"] + walk.account_id
        held = self.vendor.credentials(walk.account_id) | other
        ssm = self.trial.aws.client("ssm")
        ssm.put_parameter(Name=name, Type="SecureString", Value=json.dumps(held), Overwrite=True)

    def disturb(self, point: Point) -> Disturbed:
        """Make a walk one of whose calls comes to harm."""
        return self._killed(point) if point.fault in KILLS else self.walk(point)

    def walk(self, point: Point | None) -> Disturbed:
        """Let a process that lives on make a walk."""
        walk = self.begin(point)
        with self._lent() as line:
            line.invoke(walk, walk.calls)
        return walk

    def _killed(self, point: Point) -> Disturbed:
        """Let a process of its own begin a walk, and be killed."""
        walk = self.begin(point)
        with self.line(seconds=MORTAL_SECONDS) as line:
            walk.calls.kill = line.function.kill
            line.hand_out(walk, walk.calls)
            line.function.process.wait(timeout=ANSWER_SECONDS)
        return walk

    def again(self, walk: Disturbed) -> None:
        """Take a walk up again when the account's lease is over, as the schedule would."""
        account = self.tracking.account(walk.account_id)
        if account and account.lease_until:
            # The deployed function goes by the machine's clock.
            time.sleep(max(0.0, (account.lease_until - datetime.now(UTC)).total_seconds()))
        with self._lent() as line:
            outcome = line.invoke(walk, walk.calls_after)
            if "email-opens connect" in (outcome.body.get("stopped") or ""):
                walk.reconnected = True
                self.connect(walk)
                line.invoke(walk, walk.calls_after)

    @contextmanager
    def _lent(self) -> Iterator[Line]:
        line = self.free.get()
        try:
            yield line
        finally:
            self.free.put(line)

    @contextmanager
    def line(self, *, seconds: float = ANSWER_SECONDS) -> Iterator[Line]:
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
            with running(self.artefact, environment, folder, seconds=seconds) as function:
                yield Line(function, (aws, vendor))


def rows(sent_at: datetime, contacts: list[Contact]) -> Iterator[Row]:
    """Make a report: an open an hour, and on each page a pair that is alike in everything."""
    for place in range(ROWS):
        same = place - (place % PAGE_ROWS == PAGE_ROWS // 2)
        created = sent_at + timedelta(hours=ROWS - same)
        yield Row(contacts[same], created, "mobile", created)
