"""The rules that always hold, checked after every step of a world with faults."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from email_opens.events import event_id
from email_opens.model import Activity, NewOpen, Open, State
from email_opens.rounds import Rounds, Turn
from email_opens.scheduling import FINISHED_AFTER
from tests.fakes import FakeClock, MemoryLedger, MemoryTracking
from tests.simulation.world import START, Calls, Crash, World, WorldReport, crash

ACTIVITIES = ("a", "b")
LEASE = timedelta(seconds=60)
QUIET = START + FINISHED_AFTER - timedelta(days=3)
Alike = tuple[str, str, datetime, str | None]


def alike(row: Open) -> Alike:
    return row.campaign_activity_id, row.contact_id, row.created_time, row.device_type


ARRIVAL = {
    "activity_id": st.sampled_from(ACTIVITIES),
    "minutes_ago": st.one_of(st.integers(0, 2), st.integers(0, 300)),
    "contact": st.integers(0, 5),
    "device": st.integers(0, 1),
    "n": st.integers(1, 2),
}


class Subscriber:
    """The topic and who listens to it."""

    def __init__(self) -> None:
        self.received: list[NewOpen] = []

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        del activity, now
        self.received += opens
        return 0

    def set_aside(self, activity: Activity, rows: object) -> None:
        raise AssertionError((activity, rows))


class Rules(RuleBasedStateMachine):
    @initialize(
        seed=st.integers(0, 2**16),
        page_rows=st.integers(3, 6),
        unstable_ties=st.booleans(),
        from_now=st.booleans(),
    )
    def begin(self, seed: int, page_rows: int, unstable_ties: bool, from_now: bool) -> None:
        self.world = World(seed, page_rows)
        self.world.unstable_ties = unstable_ties
        self.clock = FakeClock(START)
        self.ledger = MemoryLedger()
        self.tracking = MemoryTracking()
        self.subscriber = Subscriber()
        self.most: Counter[Alike] = Counter()
        self.watermarks: dict[str, datetime] = {}
        self.faults = 0
        self.invocations = 0
        self.reports: list[WorldReport] = []
        self.tracked_from = START if from_now else None
        for activity_id in ACTIVITIES:
            self.world.rows[activity_id] = []
            self.tracking.add(
                Activity(
                    account_id="default",
                    campaign_activity_id=activity_id,
                    tracked_at=START,
                    tracked_from=self.tracked_from,
                )
            )

    def _arrive(
        self, activity_id: str, minutes_ago: int, contact: int, device: int, n: int
    ) -> None:
        created = self.clock.now().replace(second=0) - timedelta(minutes=minutes_ago)
        row = Open(activity_id, f"c{contact}", created, [None, "mobile"][device], "a@example.com")
        rows = self.world.rows[activity_id]
        rows.extend([row] * n)
        self.most[alike(row)] = max(self.most[alike(row)], rows.count(row))

    @rule(arrivals=st.lists(st.fixed_dictionaries(ARRIVAL), min_size=1, max_size=12))
    def opens_arrive(self, arrivals: list[dict[str, Any]]) -> None:
        for arrival in arrivals:
            self._arrive(**arrival)

    @rule(arrivals=st.lists(st.fixed_dictionaries(ARRIVAL), min_size=1, max_size=4))
    def opens_will_arrive_between_pages(self, arrivals: list[dict[str, Any]]) -> None:
        for arrival in arrivals:
            self.world.between_requests.append(partial(self._arrive, **arrival))

    @rule(activity_id=st.sampled_from(ACTIVITIES), which=st.integers(0, 1000))
    def a_row_is_withdrawn(self, activity_id: str, which: int) -> None:
        rows = self.world.rows[activity_id]
        if rows:
            del rows[which % len(rows)]

    @rule(minutes=st.sampled_from([1, 1, 2, 15, 60, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.sleep(minutes * 60)

    @rule()
    def the_schedule_fires(self) -> None:
        self.turn(Calls())

    @rule(number=st.integers(0, 30), late=st.booleans())
    def a_turn_is_killed(self, number: int, late: bool) -> None:
        calls = Calls()
        (calls.after if late else calls.before)[number] = crash
        self.faults += 1
        try:
            self.turn(calls)
        except Crash:
            self.clock.sleep(LEASE.total_seconds())

    @rule(number=st.integers(0, 30), expired=st.booleans())
    def another_turn_comes_between(self, number: int, expired: bool) -> None:
        calls = Calls()

        def another() -> None:
            if expired:
                self.clock.sleep(LEASE.total_seconds() + 1)
            self.turn(Calls())

        calls.before[number] = another
        self.faults += expired
        self.turn(calls)

    @rule(number=st.integers(0, 6), expire=st.booleans())
    def a_read_fails(self, number: int, expire: bool) -> None:
        self.turn(Calls(), fail_in=number, expire_links=expire)

    @rule(budget=st.integers(0, 6))
    def the_day_is_nearly_spent(self, budget: int) -> None:
        self.turn(Calls(), pages=budget)

    def turn(
        self,
        calls: Calls,
        *,
        fail_in: int | None = None,
        expire_links: bool = False,
        pages: int | None = None,
    ) -> Turn:
        def report(_: str, requests_left: int) -> Any:
            made = WorldReport(self.world, requests_left, pages)
            made.fail_in, made.expire_links = fail_in, expire_links
            return calls.through(made, "read")

        rounds = Rounds(
            tracking=calls.through(self.tracking, "lease", "release", "activities", "save"),
            ledger=calls.through(self.ledger, "fingerprints", "append"),
            publisher=calls.through(self.subscriber, "publish"),
            clock=self.clock,
            report=report,
            lookback=timedelta(hours=2),
            requests_per_day=10_000_000,
            requests_per_second=4,
        )
        self.invocations += 1
        now = self.clock.now()
        turn = rounds.take_turn(
            "default", holder=f"i{self.invocations}", before=now + LEASE, until=now + LEASE
        )
        for failure in turn.failures:
            assert isinstance(failure.error, Exception)
            assert "503" in str(failure.error), failure.error
        return turn

    @invariant()
    def nothing_is_invented_and_each_open_has_one_id(self) -> None:
        if not hasattr(self, "subscriber"):
            return
        for new in self.subscriber.received:
            assert new.occurrence <= self.most[alike(new.open)], new
            assert new.event_id == event_id(new.open, new.occurrence)

    @invariant()
    def without_a_fault_nothing_is_repeated(self) -> None:
        if hasattr(self, "subscriber") and not self.faults:
            ids = Counter(new.event_id for new in self.subscriber.received)
            assert not [identity for identity, times in ids.items() if times > 1]

    @invariant()
    def the_watermark_never_moves_back(self) -> None:
        if not hasattr(self, "tracking"):
            return
        for activity in self.tracking.activities("default"):
            before = self.watermarks.get(activity.campaign_activity_id)
            if before is not None:
                assert activity.watermark is not None
                assert activity.watermark >= before
            if activity.watermark is not None:
                self.watermarks[activity.campaign_activity_id] = activity.watermark

    # An activity that is quiet for long is finished, and read no more.
    @precondition(lambda self: hasattr(self, "world") and self.clock.now() < QUIET)
    @rule()
    def at_rest_every_visible_row_was_delivered(self) -> None:
        self.clock.sleep(LEASE.total_seconds() + 1)
        self.world.between_requests.clear()
        # While ties change places, a walk may pass a row without ever being shown it.
        unstable, self.world.unstable_ties = self.world.unstable_ties, False
        for _ in range(2):
            self.clock.sleep(24 * 3600)
            turn = self.turn(Calls())
            assert turn.leased
            assert turn.stopped is None
        self.world.unstable_ties = unstable
        for activity in self.tracking.activities("default"):
            assert activity.state is State.ACTIVE
            assert activity.gaps == ()
        delivered = {(alike(new.open), new.occurrence) for new in self.subscriber.received}
        for activity_id in ACTIVITIES:
            rows = [
                row
                for row in self.world.rows[activity_id]
                if self.tracked_from is None or row.created_time >= self.tracked_from
            ]
            missing = [row for row in rows if (alike(row), 1) not in delivered]
            assert not missing
            if len(self.world.rows[activity_id]) < self.world.page_rows:
                for key, times in Counter(map(alike, rows)).items():
                    assert (key, times) in delivered, "an identical twin was lost"


Rules.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestRules = Rules.TestCase
