"""What a stretch makes of its activity when only some of its opens were delivered."""

from collections.abc import Sequence
from copy import replace
from datetime import datetime
from typing import Any

import pytest

from email_opens.errors import (
    AccountStopped,
    EmailOpensError,
    PagingBroken,
    PublishFailed,
    ReportUnavailable,
)
from email_opens.events import bucket, event_id, fingerprint
from email_opens.model import Activity, Gap, NewOpen, Page, RejectedRow
from email_opens.polling.gaps import PATIENCE, PAUSES
from email_opens.polling.poller import PAGES_IN_HAND, PollCounts, Poller
from email_opens.polling.stretches import MOST_UNDELIVERED, Walk
from email_opens.ports import Delivery
from email_opens.published import PublishedWindow
from email_opens.walk import Aim
from tests.contract.samples import ACTIVITY_ID, varied
from tests.core.setup import FIVE_PAGES, LEASE, Core, Pages, at, rejected, report_of, row
from tests.fakes import MemoryPublisher


class FailingPublisher(MemoryPublisher):
    """A publisher that fails for all opens but the first."""

    def __init__(self, failure: EmailOpensError) -> None:
        super().__init__()
        self.failure = failure

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        delivery = super().publish(activity, opens[:1], now)
        return replace(delivery, failure=self.failure)

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        delivery = super().set_aside(activity, rows[:1])
        return replace(delivery, failure=self.failure)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def gap_after(core: Core, gap: Gap | None = None) -> Gap:
    """Return the gap for what a partial delivery of a one-page report has left."""
    with pytest.raises(EmailOpensError):
        core.work(report_of((row(3), row(2))), core.walk(gap=gap))
    (left,) = core.activity().progress.gaps
    return left


def test_its_gap_waits_a_minute_after_a_first_failure(core: Core) -> None:
    core.publisher.failing = {event_id(row(3), 1)}
    left = gap_after(core)
    assert (left.failures, left.retry_at) == (PATIENCE, core.clock.now() + PAUSES[0])


@pytest.mark.parametrize(("before", "after"), [(0, 3), (2, 3), (3, 4), (4, 5), (5, 5)])
def test_its_gap_counts_one_failure_more_up_to_a_limit(core: Core, before: int, after: int) -> None:
    core.publisher.failing = {event_id(row(3), 1)}
    left = gap_after(core, Gap(None, None, None, failures=before))
    assert left.failures == after <= MOST_UNDELIVERED


def test_a_failure_that_is_not_the_activitys_own_is_not_counted(core: Core) -> None:
    core.publisher = FailingPublisher(AccountStopped("The output is closed."))
    left = gap_after(core, Gap(None, None, None, failures=4))
    assert (left.failures, left.retry_at) == (0, None)


def test_its_gap_reaches_from_the_head_down_to_the_last_row(core: Core) -> None:
    core.publisher = FailingPublisher(PublishFailed("The topic is down."))
    left = gap_after(core)
    assert (left.floor, left.ceiling, left.link, left.reached) == (at(2), None, None, at(2))


def test_rows_alone_that_cannot_be_set_aside_leave_a_gap_to_the_end(core: Core) -> None:
    core.publisher = FailingPublisher(PublishFailed("The queue is down."))
    page = Page(None, (), (rejected("a"), rejected("b")))
    with pytest.raises(PublishFailed):
        core.work(Pages({None: page}), core.walk())
    (left,) = core.activity().progress.gaps
    assert (left.floor, left.ceiling, left.link) == (None, None, None)


# --- What the scheduler learns from ---


def polled_down_to(core: Core, report: Any, aim: Aim) -> datetime | None:
    """Return how far down a stretch from the head has read, as the scheduler is told."""
    walk = Walk.from_head(core.activity(), aim, PublishedWindow(core.ledger, ACTIVITY_ID))
    poller = Poller(report, core.ledger, core.publisher, core.tracking, core.clock)
    return poller.read_on(walk, PollCounts(), before=core.clock.now() + LEASE).polled.down_to


def test_a_walk_that_was_cut_has_read_down_to_its_last_row(core: Core) -> None:
    assert polled_down_to(core, report_of(*FIVE_PAGES), Aim(floor=None)) == at(2)


def test_a_walk_that_is_done_has_read_everything(core: Core) -> None:
    assert polled_down_to(core, report_of((row(2),), (row(1),)), Aim(floor=None)) is None


def test_a_walk_that_stopped_in_a_full_minute_has_read_everything(core: Core) -> None:
    core.ledger.append(ACTIVITY_ID, {bucket(at(2)): {fingerprint(event_id(row(2), 1))}})
    aim = Aim(floor=at(0), full_minute=at(2))
    assert polled_down_to(core, report_of((row(2),), (row(1),)), aim) is None


# --- What counts as progress ---


def test_fresh_rows_of_the_instant_where_a_gap_begins_are_progress(core: Core) -> None:
    gap = Gap(None, at(2), "2", reached=at(2), failures=2)
    pages = [(row(3),), (row(2, "bob"),), (row(2, "cy"),), (row(2, "di"),), (row(2, "ed"),)]
    report = report_of(*pages, (row(2, "flo"),))
    for shown in ("bob", "cy", "di", "ed"):
        mark = fingerprint(event_id(row(2, shown), 1))
        core.ledger.append(ACTIVITY_ID, {bucket(at(2)): {mark}})
    core.tracking.save(varied(core.activity(), watermark=at(3), gaps=(gap,)))
    core.work(report, core.walk(gap=gap))
    (left,) = core.activity().progress.gaps
    assert (left.link, left.failures, left.retry_at) == ("5", 2, None)


def test_a_new_open_where_a_gap_is_stuck_is_progress(core: Core) -> None:
    gap = Gap(None, at(2), "2", reached=at(2), failures=7)
    report = report_of((row(3),), (row(2, "new"),))
    report.pages["2"] = Page("2", (row(2, "old"), row(2, "new")), next_link="3")
    report.pages["3"] = ReportUnavailable("The vendor answered 503.")
    mark = fingerprint(event_id(row(2, "old"), 1))
    core.ledger.append(ACTIVITY_ID, {bucket(at(2)): {mark}})
    core.tracking.save(varied(core.activity(), watermark=at(3), gaps=(gap,)))
    with pytest.raises(ReportUnavailable):
        core.work(report, core.walk(gap=gap))
    (left,) = core.activity().progress.gaps
    assert left.failures == 1


def walk_to_pages_alike(core: Core) -> Walk:
    """Begin a walk that comes down, a page at a time, to rows of the instant of an old failure."""
    gap = Gap(None, at(2), None, reached=at(2), failures=7)
    core.tracking.save(varied(core.activity(), watermark=at(7), gaps=(gap,)))
    core.ledger.append(ACTIVITY_ID, {bucket(at(2)): {fingerprint(event_id(row(2), 1))}})
    return core.walk(pause=at(7))


def test_a_page_whose_rows_are_all_like_those_above_it_is_no_failure(core: Core) -> None:
    walk = walk_to_pages_alike(core)
    report = report_of((row(6),), (row(2),), (row(2),), (row(1),), (row(0),))
    for _ in range(3):
        core.work(report, walk)
    assert walk.gap
    assert (walk.gap.link, walk.gap.failures, walk.gap.retry_at) == ("3", 7, None)
    core.work(report, walk)
    assert (walk.gap.link, walk.gap.failures) == ("4", 0)


def test_as_many_such_pages_as_a_stretch_may_have_are_one(core: Core) -> None:
    walk = walk_to_pages_alike(core)
    report = report_of((row(6),), *[(row(2),)] * 9)
    for _ in range(1 + PAGES_IN_HAND):
        core.work(report, walk)
    with pytest.raises(PagingBroken):
        core.work(report, walk)
    assert walk.gap
    assert (walk.gap.link, walk.gap.failures) == ("6", 8)


def test_malformed_rows_are_progress_until_they_are_set_aside(core: Core) -> None:
    gap = Gap(None, at(9), "2", reached=at(9), failures=2)
    core.tracking.save(varied(core.activity(), watermark=at(9), gaps=(gap,)))
    report = report_of((row(9),), *[()] * 9)
    for link in range(2, 10):
        malformed = rejected(str(min(link, 5)))
        report.pages[str(link)] = Page(
            str(link), (), rejected=(malformed,), next_link=str(link + 1)
        )
    core.work(report, core.walk(gap=gap))
    (left,) = core.activity().progress.gaps
    assert (left.link, left.failures, left.retry_at) == ("5", 2, None)
    with pytest.raises(PagingBroken):
        core.work(report, core.walk(gap=left))
