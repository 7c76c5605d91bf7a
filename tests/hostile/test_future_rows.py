"""Rows dated in the future are published once and affect no other row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.model import Open, State
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import DAY, Core, at, row

YEAR_2099 = datetime(2099, 1, 1, tzinfo=UTC)
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
PAGE = 3
"""Rows of a page in these worlds."""
POLLS = 40
"""A minute apart, so that some of them are sweeps."""

futures = pytest.mark.parametrize(
    "future", [at(121), YEAR_2099, LAST_SECOND], ids=["soon", "2099", "9999"]
)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    core.arrive(row(0, "old"))
    return core


def dated(instant: datetime, contact: str = "future") -> Open:
    return Open(ACTIVITY_ID, contact, instant, "mobile", f"{contact}@example.org")


def polls(core: Core, count: int = POLLS) -> Iterator[int]:
    """Poll once a minute; yield the number of requests of each poll."""
    for _ in range(count):
        yield core.take_turn().requests
        core.clock.sleep(60)


def contacts(core: Core) -> list[str]:
    return sorted(body.split('"subject":"')[1].split('"')[0] for body in core.publisher.published)


@futures
def test_a_future_row_is_published_once_no_matter_how_often_it_is_read(
    core: Core, future: datetime
) -> None:
    core.arrive(dated(future))
    list(polls(core))
    assert contacts(core) == ["future", "old"]


@futures
def test_a_future_row_never_moves_the_watermark_past_now(core: Core, future: datetime) -> None:
    core.arrive(dated(future))
    for _ in polls(core):
        watermark = core.activity().progress.watermark
        assert watermark is not None
        assert watermark <= core.clock.now()


@futures
def test_rows_that_arrive_beside_a_future_row_are_published_once(
    core: Core, future: datetime
) -> None:
    core.arrive(dated(future))
    arrived = ["future", "old"]
    for number, _ in enumerate(polls(core)):
        arrived.append(f"c{number}")
        core.arrive(dated(core.clock.now(), arrived[-1]))
    list(polls(core, 1))
    assert contacts(core) == sorted(arrived)


@futures
def test_a_late_row_beside_a_future_row_is_published_once(core: Core, future: datetime) -> None:
    core.arrive(dated(future))
    list(polls(core, 3))
    core.arrive(row(60, "late"))
    list(polls(core, 20))
    assert contacts(core) == ["future", "late", "old"]


@futures
def test_each_of_many_future_rows_is_published_once(core: Core, future: datetime) -> None:
    for number, _ in enumerate(polls(core, 10)):
        core.arrive(dated(future - timedelta(seconds=number), f"f{number}"))
    list(polls(core, 20))
    assert contacts(core) == sorted(["old", *(f"f{number}" for number in range(10))])


@futures
@pytest.mark.parametrize("rows", [1, 2])
def test_future_rows_on_a_page_with_others_cost_no_extra_request(
    core: Core, future: datetime, rows: int
) -> None:
    core.arrive(*(dated(future, f"f{number}") for number in range(rows)))
    list(polls(core, 2))
    assert max(polls(core, 10)) == 1


@futures
@pytest.mark.parametrize("pages", [1, 3, 9], ids="{} pages".format)
def test_future_rows_that_fill_pages_cost_an_idle_poll_those_pages_and_one_more(
    core: Core, future: datetime, pages: int
) -> None:
    core.arrive(*(dated(future, f"f{number}") for number in range(pages * PAGE)))
    list(polls(core, 2))
    assert max(polls(core, 10)) == pages + 1


@futures
def test_future_rows_that_fill_more_pages_than_a_poll_holds_are_published_once(
    core: Core, future: datetime
) -> None:
    core.arrive(*(dated(future, f"f{number:02}") for number in range(9 * PAGE)))
    list(polls(core))
    assert contacts(core) == [*(f"f{number:02}" for number in range(9 * PAGE)), "old"]
    assert core.activity().progress.gaps == ()


@futures
def test_future_rows_are_published_once_when_their_walk_is_cut_short(
    core: Core, future: datetime
) -> None:
    core.arrive(*(dated(future, f"f{number:02}") for number in range(9 * PAGE)))
    core.requests_in_time = 6
    list(polls(core))
    assert contacts(core) == [*(f"f{number:02}" for number in range(9 * PAGE)), "old"]


def test_a_future_row_is_not_published_again_when_the_clock_reaches_it(core: Core) -> None:
    core.arrive(dated(core.clock.now() + timedelta(minutes=5)))
    list(polls(core, 20))
    assert contacts(core) == ["future", "old"]


def test_an_open_of_the_current_minute_is_published_without_waiting_for_a_sweep(core: Core) -> None:
    core.arrive(dated(YEAR_2099))
    core.clock.sleep(30)
    core.take_turn()
    core.arrive(row(120, "now"))
    core.clock.sleep(5 * 60)
    core.take_turn()
    assert "now" in contacts(core)


def test_an_activity_with_a_future_row_is_still_finished(core: Core) -> None:
    core.arrive(dated(YEAR_2099))
    for _ in range(62):
        core.take_turn()
        core.clock.sleep(DAY.total_seconds())
    assert core.activity().state is State.FINISHED
