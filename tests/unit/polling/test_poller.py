"""One stretch of a walk: what is read, and what is published of it."""

import json
from collections.abc import Sequence
from copy import replace
from datetime import datetime

import pytest

from email_opens.allowance.budget import Budget
from email_opens.events import event_id
from email_opens.model import Activity, NewOpen, Page
from email_opens.polling.poller import PollCounts
from email_opens.ports import Delivery
from tests.contract.samples import ACTIVITY_ID, NOON
from tests.core.setup import (
    FIVE_PAGES,
    LEASE,
    Core,
    Pages,
    RecordingLedger,
    at,
    published_opens,
    rejected,
    report_of,
    row,
)
from tests.fakes import MemoryPublisher


class DatedPublisher(MemoryPublisher):
    def __init__(self) -> None:
        super().__init__()
        self.instants: list[datetime] = []

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        self.instants.append(now)
        return super().publish(activity, opens, now)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


# --- Reading ---


def test_new_opens_of_several_pages_are_published_oldest_first(core: Core) -> None:
    core.work(report_of((row(3, "cy"), row(2, "bo")), (row(1, "ann"),)), core.walk())
    assert published_opens(core) == [("ann", 1), ("bo", 2), ("cy", 3)]


def test_a_walk_reads_on_to_its_floor_and_no_further(core: Core) -> None:
    report = report_of((row(4),), (row(3),), (row(1),), (row(0),))
    core.work(report, core.walk(floor=at(3)))
    assert report.links == [None, "2", "3"]


def test_a_row_that_comes_again_on_the_next_page_is_published_once(core: Core) -> None:
    core.work(report_of((row(2), row(1)), (row(1),)), core.walk())
    assert published_opens(core) == [("ann", 1), ("ann", 2)]


def test_a_row_that_was_published_before_is_not_published_again(core: Core) -> None:
    core.work(report_of((row(1),)), core.walk())
    core.work(report_of((row(2, "bo"), row(1))), core.walk())
    assert published_opens(core) == [("ann", 1), ("bo", 2)]


def test_a_walk_pauses_where_others_go_first(core: Core) -> None:
    report = report_of((row(4),), (row(3),), (row(2),), (row(1),))
    walk = core.walk(pause=at(3))
    core.work(report, walk)
    assert (report.links, walk.done) == ([None, "2", "3"], False)


def test_a_walk_requests_pages_of_its_size(core: Core) -> None:
    core.world.rows[ACTIVITY_ID] = [row(number) for number in range(3)]
    report = core.world_report("default", Budget(100))
    core.work(report, core.walk(rows=499))
    assert len(published_opens(core)) == 3
    assert report.requests == 2


def test_an_empty_page_with_a_next_link_is_passed(core: Core) -> None:
    core.work(report_of((row(2),), (), (row(1),)), core.walk())
    assert published_opens(core) == [("ann", 1), ("ann", 2)]


def test_the_ledger_is_not_read_below_the_floor(core: Core) -> None:
    core.ledger = ledger = RecordingLedger()
    core.work(report_of((row(130), row(0))), core.walk(floor=at(120)))
    assert ledger.reads == [("14", "14")]


def test_each_request_knows_the_end_of_the_time(core: Core) -> None:
    report, walk = report_of(*FIVE_PAGES), core.walk()
    core.work(report, walk)
    core.work(report, walk)
    assert report.deadlines == {core.clock.now() + LEASE}


# --- Rows that are no opens ---


def test_rejected_rows_are_set_aside_once(core: Core) -> None:
    report = Pages({None: Page(None, (row(1),), (rejected("a"),))})
    counts = core.work(report, core.walk())
    again = core.work(report, core.walk())
    assert (len(core.publisher.dead_letters), counts.rejected, again.rejected) == (1, 1, 0)


def test_an_open_that_the_topic_refuses_is_counted_as_a_dead_letter(core: Core) -> None:
    core.publisher.refused = {event_id(row(1), 1)}
    counts = core.work(report_of((row(2), row(1))), core.walk())
    assert (counts.published, counts.dead_lettered) == (2, 1)


def test_the_opens_of_a_page_with_rejected_rows_are_published(core: Core) -> None:
    core.work(Pages({None: Page(None, (row(1),), (rejected("a"),))}), core.walk())
    assert published_opens(core) == [("ann", 1)]


def test_rejected_rows_of_several_pages_are_set_aside(core: Core) -> None:
    report = report_of((row(2),), (row(1),))
    report.pages |= {
        link: replace(page, rejected=(rejected(page.link or "1"),))
        for link, page in report.pages.items()
        if isinstance(page, Page)
    }
    core.work(report, core.walk())
    assert [json.loads(body)["row"] for body, _ in core.publisher.dead_letters] == ["1", "2"]


def test_counts_add_up_over_the_stretches_of_a_turn(core: Core) -> None:
    core.publisher.refused = {event_id(row(number), 1) for number in (1, 2)}
    counts = PollCounts()
    for number in (1, 2):
        page = Page(None, (row(number),), (rejected(str(number)),))
        core.work(Pages({None: page}), core.walk(), counts=counts)
        core.tracking.save(core.activity())
    assert (counts.published, counts.dead_lettered, counts.rejected) == (2, 2, 2)


# --- Delays ---


def test_delays_are_recorded_for_opens_since_tracking_began(core: Core) -> None:
    core.clock.instant = at(60)
    began = core.activity().tracked_at
    old = (began - NOON).total_seconds() / 60
    counts = core.work(report_of((row(59), row(old), row(old - 1))), core.walk())
    assert sorted(counts.delays_seconds) == [60, (at(60) - began).total_seconds()]


def test_opens_are_published_as_of_now(core: Core) -> None:
    core.publisher = publisher = DatedPublisher()
    core.work(report_of((row(1),)), core.walk())
    assert publisher.instants == [core.clock.now()]


def test_a_head_without_rows_ends_the_stretch(core: Core) -> None:
    report = report_of((), (row(1),))
    walk = core.walk()
    core.work(report, walk)
    assert (report.links, walk.done) == ([None], False)
