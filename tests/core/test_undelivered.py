"""What was acknowledged is recorded once, whatever becomes of its neighbours."""

import json
from collections import Counter

import pytest

from email_opens.adapters.local.lines import OutputClosed
from email_opens.errors import PublishFailed
from email_opens.events import event_id
from email_opens.model import NewOpen, Page
from email_opens.ports import Delivery
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import Core, Pages, at, rejected, report_of, row

POLLS = 10
OPENS = 45


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def times_published(core: Core) -> Counter[str]:
    return Counter(json.loads(body)["id"] for body in core.publisher.published)


def test_a_message_that_never_goes_through_repeats_no_other(core: Core) -> None:
    bad = event_id(row(-3), 1)
    core.publisher.failing = {bad}
    core.arrive(*(row(-number) for number in range(OPENS)))
    published = 0
    for _ in range(POLLS):
        turn = core.take_turn()
        published += turn.counts.published
        core.clock.sleep(60)
    assert set(times_published(core).values()) == {1}
    assert bad not in times_published(core)
    assert published == core.activity().counts.published == OPENS - 1


def test_it_is_published_when_it_goes_through_again(core: Core) -> None:
    core.publisher.failing = {event_id(row(-3), 1)}
    core.arrive(*(row(-number) for number in range(OPENS)))
    core.take_turn()
    core.publisher.failing = set()
    core.clock.sleep(60)
    core.take_turn()
    assert times_published(core) == {event_id(row(-number), 1): 1 for number in range(OPENS)}
    assert core.activity().progress.gaps == ()


def test_its_attempts_wait_longer_each_time_and_are_reported(core: Core) -> None:
    core.publisher.failing = {event_id(row(-30), 1)}
    core.arrive(*(row(-number) for number in range(OPENS)))
    failed_at = []
    for minute in range(60):
        if core.take_turn().failures:
            failed_at.append(minute)
        core.clock.sleep(60)
    assert failed_at == [0, 1, 6, 21, 36, 51]


def test_its_attempts_begin_at_the_link_of_its_stretch(core: Core) -> None:
    core.publisher.failing = {event_id(row(-930), 1)}
    core.arrive(*(row(-number) for number in range(1000)))
    for minutes in (0, 1, 2):
        core.clock.sleep(60 * minutes)
        core.take_turn()
    assert len(core.published_minutes()) == 999
    before = len(core.polled)
    core.clock.sleep(300)
    assert core.take_turn().failures
    assert len(core.polled) - before < 10


def test_while_it_fails_the_rest_advances(core: Core) -> None:
    core.publisher.failing = {event_id(row(0), 1)}
    core.arrive(row(0), row(-1))
    core.take_turn()
    core.arrive(row(125))
    core.clock.sleep(600)
    core.take_turn()
    assert core.published_minutes() == [-1, 125]
    assert core.activity().progress.watermark == at(125)


def test_a_failure_at_the_head_holds_up_no_gap(core: Core) -> None:
    core.arrive(*(row(-number) for number in range(OPENS)))
    core.requests_in_time = 4
    core.take_turn()
    assert core.activity().progress.gaps
    core.publisher.failing = {event_id(row(1), 1)}
    core.arrive(row(1))
    core.requests_in_time = 1000
    core.clock.sleep(60)
    core.take_turn()
    assert sorted(core.published_minutes()) == [-number for number in reversed(range(OPENS))]


def test_the_failure_stays_the_last_error_while_it_lasts(core: Core) -> None:
    core.publisher.failing = {event_id(row(0), 1)}
    core.arrive(row(0), row(-1))
    core.take_turn()
    core.clock.sleep(30)
    core.take_turn()
    assert core.activity().last_error == "The topic is down."


def test_a_row_that_cannot_be_set_aside_repeats_no_open(core: Core) -> None:
    core.publisher.queue_is_down = True
    page = Page(None, tuple(row(-number) for number in range(20)), (rejected("a"),))
    for _ in range(POLLS):
        with pytest.raises(PublishFailed):
            core.work(Pages({None: page}), core.walk())
    assert len(times_published(core)) == sum(times_published(core).values()) == 20


def test_a_row_that_could_not_be_set_aside_is_set_aside_once_the_queue_works(core: Core) -> None:
    core.publisher.queue_is_down = True
    report = report_of((row(2), row(1)), (row(0),))
    report.pages[None] = Page(None, (row(2), row(1)), (rejected("a"),), next_link="2")
    with pytest.raises(PublishFailed):
        core.work(report, core.walk())
    core.publisher.queue_is_down = False
    (gap,) = core.activity().progress.gaps
    core.work(report, core.walk(gap=gap))
    assert [json.loads(body)["row"] for body, _ in core.publisher.dead_letters] == ["a"]
    assert set(times_published(core).values()) == {1}


def test_a_topic_that_accepts_nothing_leaves_the_activity_as_it_was(core: Core) -> None:
    core.publisher.topic_is_down = True
    core.arrive(row(0), row(-1))
    for _ in range(POLLS):
        core.take_turn()
        core.clock.sleep(60)
    assert (core.activity().progress.watermark, core.ledger.entries) == (None, {})
    core.publisher.topic_is_down = False
    core.take_turn()
    assert core.published_minutes() == [-1, 0]


def test_a_refused_open_without_a_dead_letter_queue_repeats_no_other(core: Core) -> None:
    core.publisher.refused = {event_id(row(-3), 1)}
    core.publisher.queue_is_down = True
    core.arrive(*(row(-number) for number in range(20)))
    for _ in range(POLLS):
        core.take_turn()
        core.clock.sleep(60)
    assert len(times_published(core)) == sum(times_published(core).values()) == 19
    assert ACTIVITY_ID in core.polled


def test_an_output_whose_reader_has_closed_it_is_no_error_of_the_account(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = OutputClosed("The reader of the output has closed it.")
    closed = Delivery[NewOpen](settled=(), failure=failure)
    monkeypatch.setattr(core.publisher, "publish", lambda *_: closed)
    core.arrive(row(0))
    assert core.take_turn().stopped is failure
    assert core.tracking.accounts["default"].last_error is None
