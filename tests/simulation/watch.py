"""What goes on while the schedule fires every minute, and what the rules demand of it.

Under every manner:
- 7: an open on the first page of an activity whose head can be read is published within half an
  hour, and within an hour and a quarter where the head could not be read before;
- 1: a gap is read on within half an hour once it is due, whatever fails above it;
- 6: a walk that finds nothing new is not begun every minute, an activity that the vendor does not
  know is asked for ever more rarely, and a reply with an odd counter is not read again at once;
- 1: a send is found within an hour and a quarter, and a search that fails is not repeated at once;
- an outage takes few requests, and the account is polled within two minutes of its end;
- a day that turns late is not given up.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import takewhile
from typing import TYPE_CHECKING

from constant_contact_emulator import Logged, Row, Ties
from email_opens.events import event_id
from email_opens.model import Gap, Open, State
from email_opens.turns.report import TurnReport
from tests.simulation.invocation import Invocation
from tests.simulation.rules import RowKey, vendor_row_key

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SOON = timedelta(minutes=30)
AFTER_A_REFUSAL = timedelta(minutes=75)
"""The longest pause after an activity's failure is an hour."""
WARM = timedelta(hours=5)
"""An activity with news this recent is polled every quarter of an hour at least."""
AMPLE = 5000
"""Requests with which no poll that is due must wait."""


class Watch:
    """The turns and the requests since it began."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._began = simulation.clock()
        self._first = self._seen = len(simulation.vendor.requests)
        self._fresh: dict[str, RowKey] = {}
        self._fruitless: Counter[str] = Counter()
        """Turns that read below the head of an activity and found nothing new in it."""
        self._news = Counter(simulation.rules.news)
        self._probes = 0
        self._kills = simulation.kills
        self._earlier = simulation.activity_ids
        """What had been sent as it began."""
        self._due: dict[tuple[str, Gap], datetime] = {}
        """Since when a gap might have been read on, as it is."""

    def add_fresh_opens(self) -> None:
        """Add an open that is new in every respect to each activity that is opened often enough."""
        simulation, now = self._simulation, self._simulation.clock()
        grain, world = simulation.setting.grain, simulation.vendor.world
        for activity_id in simulation.tracked_ids:
            activity = simulation.tracking.items["default", activity_id]
            news = activity.progress.watermark or activity.tracked_at
            if now - max(news, activity.tracked_at) > WARM:
                continue
            contact = world.contacts(simulation.fresh_contacts + 1)[simulation.fresh_contacts]
            simulation.fresh_contacts += 1
            row = Row(contact, now - (now - simulation.start) % grain, "mobile", now)
            world.add_rows(activity_id, [row])
            self._fresh[activity_id] = vendor_row_key(activity_id, row)
            simulation.rules.a_row_appeared(self._fresh[activity_id])

    def note(self, invocation: Invocation) -> None:
        """Note what a turn has done."""
        simulation = self._simulation
        requests = simulation.vendor.requests[self._seen :]
        self._seen = len(simulation.vendor.requests)
        for activity_id in simulation.activity_ids:
            if (
                self._reads_below(activity_id, requests)
                and simulation.rules.news[activity_id] == self._news[activity_id]
            ):
                self._fruitless[activity_id] += 1
        self._news = Counter(simulation.rules.news)
        if isinstance(invocation.result, TurnReport):
            self._probes += invocation.result.probes
        now = simulation.clock()
        self._due = {
            key: self._due.get(key, now)
            for key in self._gaps()
            if key[1].retry_at is None or key[1].retry_at <= now
        }

    def _reads_below(self, activity_id: str, requests: Sequence[Logged]) -> bool:
        """Return whether a turn read below the head of an activity, and below its first open.

        A page of nothing but malformed rows has no instant, so the page below it belongs to a poll.
        """
        targets = [sent.path for sent in requests if f"{activity_id}/tracking" in sent.path]
        links = sum("next=" in target for target in targets)
        rows = self._simulation.vendor.world.rows(activity_id)
        malformed = sum(1 for _ in takewhile(lambda row: row.raw is not None, rows))
        pages = malformed // self._simulation.setting.page_rows
        return links > pages * (len(targets) - links)

    def check_news(self) -> None:
        """Require that the fresh opens were published, where nothing of the account hinders it."""
        simulation = self._simulation
        trouble, passed = simulation.trouble, simulation.clock() - self._began
        if passed < SOON or not self.can_poll():
            return
        for activity_id, row in self._fresh.items():
            activity = simulation.tracking.items["default", activity_id]
            was_unread = activity_id in trouble.recovering
            if (
                activity_id in trouble.unread
                or row[1] in trouble.failing
                or not simulation.rules.rows[row]
                or (trouble.queue_is_down and simulation.refused_opens)
                or activity.state is State.PAUSED
                or (was_unread and passed < AFTER_A_REFUSAL)
                or not self._is_on_the_head_page(row)
            ):
                continue
            simulation.rules.require(
                simulation.rules.delivered[event_id(Open(*row, email_address=""), 1)],
                "7: an open was not published in time though its head could be read",
            )
            trouble.recovering.discard(activity_id)

    def _is_on_the_head_page(self, row: RowKey) -> bool:
        """Return whether a row is on the first page in whatever order its ties are."""
        rows = self._simulation.rules.rows
        above = sum(
            number for other, number in rows.items() if other[0] == row[0] and other[2] >= row[2]
        )
        return above < self._simulation.setting.page_rows

    def check_gaps(self) -> None:
        """Require that a gap is read on once it is due, whatever fails above it."""
        simulation = self._simulation
        if not self.can_poll():
            return
        for (activity_id, _), since in self._due.items():
            activity = simulation.tracking.items["default", activity_id]
            simulation.rules.require(
                simulation.clock() - since < SOON
                or activity_id in simulation.trouble.unread
                or activity.state is not State.ACTIVE,
                "1: a gap was due and was not read on for half an hour",
            )

    def check_requests(self) -> None:
        """Require that requests which bring nothing are not repeated for ever."""
        simulation = self._simulation
        minutes = (simulation.clock() - self._began) / timedelta(minutes=1)
        rules, requests = simulation.rules, simulation.vendor.requests[self._first :]
        trouble = simulation.trouble
        # An open that cannot be delivered is new at each poll, so the page below it is read too.
        undelivered = bool(trouble.failing) or trouble.queue_is_down
        for activity_id, turns in self._fruitless.items():
            rules.require(
                undelivered or turns <= 8 + minutes / 6,
                f"6: {turns} turns of {minutes:.0f} minutes read below the head of "
                f"{activity_id} and found nothing",
            )
        for activity_id in trouble.unknown:
            times = sum(f"{activity_id}/tracking" in sent.path for sent in requests)
            rules.require(
                times <= 8 + minutes / 4, f"6: an unknown activity was asked for {times} times"
            )
        counters = sum("/stats/" in sent.path for sent in requests)
        # A killed turn tells nothing of its probe, neither here nor to the next turn.
        probes = self._probes + simulation.kills - self._kills
        rules.require(
            counters <= probes + 4 or not trouble.odd_counters,
            f"6: {probes} probes took {counters} requests for counters",
        )

    def check_sends(self) -> None:
        """Require that sends are found, and that a search that fails is repeated ever more rarely.

        A campaign that could not be read waits for longer.
        """
        simulation, passed = self._simulation, self._simulation.clock() - self._began
        if not simulation.setting.searching or not self.can_poll():
            return
        if simulation.trouble.unsearched:
            targets = [sent.path for sent in simulation.vendor.requests[self._first :]]
            listed = sum("/email_campaign_summaries" in target for target in targets)
            simulation.rules.require(
                listed <= 16 + passed / timedelta(minutes=5),
                f"6: {listed} requests listed the sends though searches fail",
            )
        elif passed >= AFTER_A_REFUSAL:
            seen = simulation.seen.load("default").campaigns.values()
            simulation.rules.require(
                set(self._earlier) <= set(simulation.tracked_ids)
                or any(campaign.failures for campaign in seen),
                "1: a send was not found in time",
            )

    def check_rows(self) -> None:
        """Require that a row that is not published lies in a gap, so that something says so.

        Rows that came late, or behind which others were withdrawn, wait for sweeps and audits.
        """
        simulation, rules = self._simulation, self._simulation.rules
        if simulation.clock() - self._began < SOON or not self.can_poll() or rules.withdrawn:
            return
        for activity in simulation.tracking.activities("default"):
            activity_id = activity.campaign_activity_id
            if activity_id in simulation.trouble.unread or activity.state is not State.ACTIVE:
                continue
            for row in simulation.vendor.world.rows(activity_id):
                late = row.visible_from - row.created
                if (
                    row.visible_from > self._began
                    or late > timedelta(minutes=1)
                    or row.contact.contact_id in simulation.trouble.failing
                    or simulation.trouble.queue_is_down
                    or not rules.must_be_delivered(activity, row)
                ):
                    continue
                rules.require(
                    rules.delivered[event_id(Open(*vendor_row_key(activity_id, row), ""), 1)]
                    or not rules.is_passed(activity, row.created),
                    "1: a row was passed that was never read",
                )

    def check_spent_quota(self) -> None:
        """Require that a spent quota is not asked for again and again."""
        sent = self._sent()
        self._simulation.rules.require(sent <= 8, f"6: a spent quota took {sent} requests")

    def check_outage(self) -> None:
        """Require that an outage takes few requests."""
        simulation = self._simulation
        minutes = (simulation.clock() - self._began) / timedelta(minutes=1)
        sent = self._sent()
        simulation.rules.require(
            sent <= 40 + 4 * minutes, f"6: an outage of {minutes:.0f} minutes took {sent} requests"
        )

    def check_answered(self, rule: str) -> None:
        """Require that at least one request got a good reply."""
        simulation = self._simulation
        good = any(
            sent.status == HTTPStatus.OK and "/v3/" in sent.path
            for sent in simulation.vendor.requests[self._first :]
        )
        readable = any(
            activity.state is State.ACTIVE
            and activity.campaign_activity_id not in simulation.trouble.unread
            for activity in simulation.tracking.activities("default")
        )
        simulation.rules.require(good or not readable, rule)

    def _gaps(self) -> list[tuple[str, Gap]]:
        return [
            (activity.campaign_activity_id, gap)
            for activity in self._simulation.tracking.activities("default")
            for gap in activity.progress.gaps
        ]

    def _sent(self) -> int:
        requests = self._simulation.vendor.requests[self._first :]
        return sum(sent.path.startswith("/v3/") for sent in requests)

    def can_poll(self) -> bool:
        """Return whether nothing of the account keeps its activities from being polled."""
        simulation, now = self._simulation, self._simulation.clock()
        account, limits = simulation.tracking.account("default"), simulation.vendor.limits
        ties = simulation.vendor.world.behaviour.ties
        return (
            account is not None
            and account.opens_at(now) is None
            and simulation.requests_per_day - account.requests_on(now) > AMPLE
            and (limits.per_day or 0) - max(limits.spent.values(), default=0) > AMPLE
            and ties is not Ties.SHUFFLED
            and not simulation.trouble.nothing_is_read
        )
