"""The core over its fakes, and short helpers for the tests of the core."""

import json
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from email_opens.allowance.budget import Budget
from email_opens.allowance.lease import Leases
from email_opens.discovery.report import Found
from email_opens.discovery.search import Search
from email_opens.discovery.selection import Names
from email_opens.errors import LinkExpired, OutOfTime
from email_opens.events import bucket, event_id, fingerprint
from email_opens.instants import utc
from email_opens.model import PAGE_ROWS, Activity, Depth, Gap, NewOpen, Open, Page, RejectedRow
from email_opens.polling.poller import PollCounts, Poller
from email_opens.polling.stretches import Walk
from email_opens.ports import Credentials, Tracking, WakeUps
from email_opens.published import PublishedWindow
from email_opens.scheduling.choice import Poll, Why
from email_opens.turns.discovery import Discovery
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import Turns
from email_opens.walk import Aim
from tests.chains import turns_of_a_minute
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open, varied
from tests.fakes import FakeClock, MemoryDecisions, MemoryLedger, MemoryPublisher, MemoryTracking
from tests.memory_campaigns import MemoryCampaigns, MemorySeenCampaigns
from tests.world import Calls, World, WorldReport

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEASE = timedelta(seconds=60)
LOOKBACK = timedelta(hours=2)


def at(minute: float) -> datetime:
    """Return the instant this many minutes past noon."""
    return NOON + timedelta(minutes=minute)


def row(minute: float, contact: str = "ann", device: str | None = "mobile") -> Open:
    return Open(ACTIVITY_ID, contact, at(minute), device, f"{contact}@example.org")


def rejected(text: str) -> RejectedRow:
    return RejectedRow(text, "The row is not an open.", text)


FIVE_PAGES = [(row(number),) for number in range(5, 0, -1)]
"""One page more than a stretch of a walk holds."""


class RecordingLedger(MemoryLedger):
    """A ledger that lists in `reads` the hours of the day that were read, or `rejected`."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, str]] = []

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        self.reads.append(
            (first_bucket.removeprefix("2026-03-02T"), last_bucket.removeprefix("2026-03-02T"))
        )
        return super().fingerprints(campaign_activity_id, first_bucket, last_bucket)

    def publish(self, *opens: Open) -> None:
        """Record opens, each as a first occurrence."""
        for new in first_occurrences(*opens):
            name = bucket(new.open.created_time)
            self.append(ACTIVITY_ID, {name: {fingerprint(new.event_id)}})


class Pages:
    """The Report port over pages that a test has written, by link."""

    def __init__(self, pages: Mapping[str | None, Page | Exception]) -> None:
        self.pages = dict(pages)
        self.requests = 0
        self.throttled = 0
        self.links: list[str | None] = []
        """The links that were requested."""
        self.deadlines: set[datetime] = set()

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        del campaign_activity_id, rows
        self.requests += 1
        self.deadlines.add(before)
        self.links.append(link)
        page = self.pages.get(link) or LinkExpired("A next link no longer works.")
        if isinstance(page, Exception):
            raise page
        return page


def report_of(*pages: tuple[Open, ...]) -> Pages:
    """Return a report whose second page is at link `2` and whose third is at `3`."""
    links = [None, *(str(number) for number in range(2, len(pages) + 1))]
    following = [*links[1:], None]
    return Pages(
        {
            link: Page(link, opens, next_link=below)
            for link, opens, below in zip(links, pages, following, strict=True)
        }
    )


class FailingReport(WorldReport):
    """A world's report that fails for some activities, and lists the requested activity ids."""

    def __init__(
        self,
        world: World,
        budget: Budget,
        pages: int,
        errors: Mapping[str, Exception],
        polled: list[str],
        clock: FakeClock,
    ) -> None:
        super().__init__(world, budget, pages)
        self._errors = errors
        self._polled = polled
        self._clock = clock

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        if self._clock.now() >= before:
            raise OutOfTime("No time is left.")
        page = super().read(campaign_activity_id, link=link, rows=rows, before=before)
        self._polled.append(campaign_activity_id)
        if campaign_activity_id in self._errors:
            raise self._errors[campaign_activity_id]
        return page


@dataclass(slots=True)
class Core:
    """The core's ports, in memory, and an account that tracks what a test adds."""

    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    decisions: MemoryDecisions | None = None
    world: World = field(default_factory=lambda: steady_world(page_rows=3))
    report_errors: dict[str, Exception] = field(default_factory=dict)
    """What the report of an activity raises, by activity id."""
    requests_per_day: int = 10_000
    campaigns_per_probe: int = 150
    requests_in_time: int = 1000
    """A turn runs out of time after this many requests."""
    polled: list[str] = field(default_factory=list)
    """The activity id of each page request."""
    throttled: int = 0
    """The throttled requests that each report counts."""
    campaigns: MemoryCampaigns | None = None
    """What the account has sent; None: turns do not search for it."""
    credentials: Credentials | None = None
    """Where an account is looked up that has nothing to read; None: it is not."""
    seen: MemorySeenCampaigns = field(default_factory=MemorySeenCampaigns)
    reports: list[FailingReport] = field(default_factory=list)

    def track(self, **changes: Any) -> Activity:
        """Track an activity with an empty report; without a campaign id it has no counter."""
        activity = varied(ACTIVITY, **({"campaign_id": None} | changes))
        assert self.tracking.add(activity)
        self.world.rows.setdefault(activity.campaign_activity_id, [])
        return activity

    def activity(self, campaign_activity_id: str = ACTIVITY_ID) -> Activity:
        return self.tracking.items["default", campaign_activity_id]

    def walk(
        self,
        floor: datetime | None = None,
        depth: Depth = Depth.TAIL,
        *,
        gap: Gap | None = None,
        settled: datetime | None = None,
        pause: datetime | None = None,
        rows: int = PAGE_ROWS,
    ) -> Walk:
        """Return a walk from the head, or the walk of `gap`."""
        window = PublishedWindow(self.ledger, ACTIVITY_ID)
        if gap is not None:
            return Walk.of_gap(self.activity(), gap, window)
        aim = Aim(floor=floor, depth=depth, settled=settled, pause=pause, rows=rows)
        return Walk.from_head(self.activity(), aim, window)

    def work(
        self, report: Any, walk: Walk, calls: Calls | None = None, counts: PollCounts | None = None
    ) -> PollCounts:
        """Work a stretch of a walk; `calls` may stop it at any call that writes."""
        counts = counts or PollCounts()
        through = (calls or Calls()).through
        poller = Poller(
            report,
            through(self.ledger, "append"),
            through(self.publisher, "publish", "set_aside"),
            through(self.tracking, "save"),
            self.clock,
        )
        poller.work(walk, counts, before=self.clock.now() + LEASE)
        return counts

    def world_report(self, account_id: str, budget: Budget) -> FailingReport:
        assert account_id == "default"
        self.reports.append(
            FailingReport(
                self.world,
                budget,
                self.requests_in_time,
                self.report_errors,
                self.polled,
                self.clock,
            )
        )
        self.reports[-1].throttled = self.throttled
        return self.reports[-1]

    def turns(self, calls: Calls | None = None) -> Turns:
        """Return the turns; `calls` may act before or after each write of an activity."""
        tracking = (calls or Calls()).through(self.tracking, "save")
        return Turns(
            leases=Leases(
                tracking=tracking, clock=self.clock, requests_per_day=self.requests_per_day
            ),
            tracking=tracking,
            ledger=self.ledger,
            publisher=self.publisher,
            decisions=self.decisions,
            discovery=self._discovery(tracking),
            credentials=self.credentials,
            clock=self.clock,
            report=self.world_report,
            lookback=LOOKBACK,
            campaigns_per_probe=self.campaigns_per_probe,
        )

    def _discovery(self, tracking: Tracking) -> Discovery | None:
        if self.campaigns is None:
            return None

        def begin(account_id: str) -> Search:
            return Search(
                tracking=tracking,
                seen=self.seen,
                clock=self.clock,
                lookback=timedelta(days=7),
                names=Names(),
                found=Found(account_id),
            )

        leases = Leases(tracking=tracking, clock=self.clock, requests_per_day=self.requests_per_day)
        return Discovery(
            leases=leases, clock=self.clock, begin=begin, campaigns=self._campaigns_within
        )

    def _campaigns_within(self, account_id: str, budget: Budget) -> MemoryCampaigns:
        assert account_id == "default"
        assert self.campaigns
        self.campaigns.budget, self.campaigns.requests = budget, 0
        return self.campaigns

    def take_turn(
        self,
        calls: Calls | None = None,
        holder: str = "turn",
        *,
        wake_ups: WakeUps | None = None,
        woken_by: str | None = None,
    ) -> TurnReport:
        """Take a turn of a minute at most; `calls` as for `turns`."""
        until = self.clock.now() + LEASE
        return self.turns(calls).take_turn(
            "default",
            holder=holder,
            before=until,
            until=until,
            wake_ups=wake_ups,
            woken_by=woken_by,
        )

    def take_turns(self, calls: Calls | None = None) -> list[TurnReport]:
        """Take the scheduled turn of a minute, and those that are woken after it."""
        return list(turns_of_a_minute(self.turns(calls), self.clock))

    def arrive(self, *opens: Open, to: str = ACTIVITY_ID) -> None:
        """Add opens to an activity's report."""
        self.world.rows[to] += [replace(row, campaign_activity_id=to) for row in opens]

    def published_minutes(self, campaign_activity_id: str = ACTIVITY_ID) -> list[int]:
        """Return the minutes past noon of an activity's opens, in order of publication."""
        events = [json.loads(body)["data"] for body in self.publisher.published]
        return [
            int((utc(data["created_time"]) - NOON).total_seconds() // 60)
            for data in events
            if data["campaign_activity_id"] == campaign_activity_id
        ]


def polls(turn: TurnReport) -> list[tuple[str, Why]]:
    """Return which activities a turn has polled, and why."""
    decisions = (one for one in turn.decisions if isinstance(one, Poll))
    return [(poll.candidate.campaign_activity_id, poll.why) for poll in decisions]


def steady_world(page_rows: int) -> World:
    """Return a world of small pages whose rows of the same instant keep their order."""
    world = World(0, page_rows)
    world.unstable_ties = False
    return world


def first_occurrences(*opens: Open) -> list[NewOpen]:
    """Return opens as new opens, each a first occurrence."""
    return [replace(new_open(), event_id=event_id(row, 1), open=row) for row in opens]


def published_opens(core: Core) -> list[tuple[str, int]]:
    """Return the contact and minute of each published open, in order of publication."""
    events = [json.loads(body) for body in core.publisher.published]
    return [(event["subject"], int(event["time"][14:16])) for event in events]
