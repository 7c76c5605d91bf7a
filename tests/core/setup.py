"""The core over its fakes, and short words for what the tests of the core need."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from email_opens.errors import LinkExpired, OutOfTime
from email_opens.events import bucket, event_id, fingerprint
from email_opens.instants import utc
from email_opens.model import PAGE_ROWS, Activity, Depth, Gap, NewOpen, Open, Page, RejectedRow
from email_opens.poller import PollCounts, Poller, Walk
from email_opens.published import PublishedWindow
from email_opens.turns.budget import Budget
from email_opens.turns.lease import Leases
from email_opens.turns.report import TurnReport
from email_opens.turns.turns import Turns
from email_opens.walk import Aim
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open, varied
from tests.fakes import FakeClock, MemoryLedger, MemoryPublisher, MemoryTracking
from tests.world import Calls, World, WorldReport

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEASE = timedelta(seconds=60)
LOOKBACK = timedelta(hours=2)


def at(minute: float) -> datetime:
    """Return the instant so many minutes past noon."""
    return NOON + timedelta(minutes=minute)


def row(minute: float, contact: str = "ann", device: str | None = "mobile") -> Open:
    return Open(ACTIVITY_ID, contact, at(minute), device, f"{contact}@example.org")


def rejected(text: str) -> RejectedRow:
    return RejectedRow(text, "The row is no open.")


FIVE_PAGES = [(row(number),) for number in range(5, 0, -1)]
"""One more than a stretch of a walk holds."""


class AskedLedger(MemoryLedger):
    """A ledger that keeps in `asked` the hours of the day that were read, or `rejected`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        self.asked.append(
            (first_bucket.removeprefix("2026-03-02T"), last_bucket.removeprefix("2026-03-02T"))
        )
        return super().fingerprints(campaign_activity_id, first_bucket, last_bucket)

    def publish(self, *opens: Open) -> None:
        """Know opens, each as the first of its like."""
        for new in found(*opens):
            name = bucket(new.open.created_time)
            self.append(ACTIVITY_ID, {name: {fingerprint(new.event_id)}})


class Pages:
    """The Report port over pages as a test has written them, by link."""

    def __init__(self, pages: Mapping[str | None, Page | Exception]) -> None:
        self.pages = dict(pages)
        self.requests = 0
        self.throttled = 0
        self.links: list[str | None] = []
        """What was asked for."""
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
    """Return a report whose second page lies at link `2`, its third at `3`."""
    links = [None, *(str(number) for number in range(2, len(pages) + 1))]
    following = [*links[1:], None]
    return Pages(
        {
            link: Page(link, opens, next_link=below)
            for link, opens, below in zip(links, pages, following, strict=True)
        }
    )


class TroubledReport(WorldReport):
    """A world's report that fails for some activities, and keeps who was asked for in `asked`."""

    def __init__(
        self,
        world: World,
        budget: Budget,
        pages: int,
        troubles: Mapping[str, Exception],
        asked: list[str],
        clock: FakeClock,
    ) -> None:
        super().__init__(world, budget, pages)
        self._troubles = troubles
        self._asked = asked
        self._clock = clock

    def read(
        self, campaign_activity_id: str, *, link: str | None, rows: int, before: datetime
    ) -> Page:
        if self._clock.now() >= before:
            raise OutOfTime("No time is left.")
        page = super().read(campaign_activity_id, link=link, rows=rows, before=before)
        self._asked.append(campaign_activity_id)
        if campaign_activity_id in self._troubles:
            raise self._troubles[campaign_activity_id]
        return page


@dataclass(slots=True)
class Core:
    """The core's outside, in memory, and an account that tracks what a test adds."""

    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    tracking: MemoryTracking = field(default_factory=MemoryTracking)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    world: World = field(default_factory=lambda: steady_world(page_rows=3))
    troubles: dict[str, Exception] = field(default_factory=dict)
    """What an activity's report raises."""
    requests_per_day: int = 10_000
    campaigns_per_probe: int = 150
    stays: timedelta = timedelta()
    """So long does a turn wait for what will be worth a request."""
    requests_in_time: int = 1000
    """A turn is out of time after so many."""
    asked: list[str] = field(default_factory=list)
    """Whose report was asked for, page by page."""
    throttled: int = 0
    """So many requests each report says were refused for their pace."""
    reports: list[TroubledReport] = field(default_factory=list)

    def track(self, **changes: Any) -> Activity:
        """Track an activity, with an empty report; no counter is asked for of it by itself."""
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
        """Begin a walk from the head, or that of a gap."""
        window = PublishedWindow(self.ledger, ACTIVITY_ID)
        if gap is not None:
            return Walk.of_gap(self.activity(), gap, window)
        aim = Aim(floor=floor, depth=depth, settled=settled, pause=pause, rows=rows)
        return Walk.from_head(self.activity(), aim, window)

    def work(
        self, report: Any, walk: Walk, calls: Calls | None = None, counts: PollCounts | None = None
    ) -> PollCounts:
        """Work a stretch of a walk; `calls` may stop it at any call that changes something."""
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

    def world_report(self, account_id: str, budget: Budget) -> TroubledReport:
        assert account_id == "default"
        self.reports.append(
            TroubledReport(
                self.world, budget, self.requests_in_time, self.troubles, self.asked, self.clock
            )
        )
        self.reports[-1].throttled = self.throttled
        return self.reports[-1]

    def take_turn(self, calls: Calls | None = None, holder: str = "one") -> TurnReport:
        """Take a turn; `calls` may do something before or after each write of an activity."""
        tracking = (calls or Calls()).through(self.tracking, "save")
        turns = Turns(
            leases=Leases(
                tracking=tracking, clock=self.clock, requests_per_day=self.requests_per_day
            ),
            tracking=tracking,
            ledger=self.ledger,
            publisher=self.publisher,
            clock=self.clock,
            report=self.world_report,
            lookback=LOOKBACK,
            campaigns_per_probe=self.campaigns_per_probe,
        )
        now = self.clock.now()
        until = now + LEASE
        return turns.take_turn(
            "default", holder=holder, before=until, until=until, stay_until=now + self.stays
        )

    def arrive(self, *opens: Open, to: str = ACTIVITY_ID) -> None:
        """Let opens come into an activity's report."""
        self.world.rows[to] += [replace(one, campaign_activity_id=to) for one in opens]

    def published_minutes(self, campaign_activity_id: str = ACTIVITY_ID) -> list[int]:
        """Return, in order of publication, the minutes past noon of an activity's opens."""
        events = [json.loads(body)["data"] for body in self.publisher.published]
        return [
            int((utc(data["created_time"]) - NOON).total_seconds() // 60)
            for data in events
            if data["campaign_activity_id"] == campaign_activity_id
        ]


def steady_world(page_rows: int) -> World:
    """Return a world of small pages whose ties keep their order."""
    world = World(0, page_rows)
    world.unstable_ties = False
    return world


def found(*opens: Open) -> list[NewOpen]:
    """Return opens as new ones, each the first of its like."""
    return [replace(new_open(), event_id=event_id(one, 1), open=one) for one in opens]


def published(core: Core) -> list[tuple[str, int]]:
    """Return contact and minute of what was published, in its order."""
    events = [json.loads(body) for body in core.publisher.published]
    return [(event["subject"], int(event["time"][14:16])) for event in events]
