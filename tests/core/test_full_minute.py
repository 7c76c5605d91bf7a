"""A minute with more rows than a page is not read whole at every poll."""

from copy import replace

import pytest

from email_opens.allowance.budget import Budget
from email_opens.errors import ReportUnavailable
from email_opens.model import Gap
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import Core, at, row

PAGE = 3
PAGES = 5


def contacts(count: int, prefix: str = "c") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


@pytest.fixture
def core() -> Core:
    """Return an account whose newest minute has five pages and was read half a minute ago."""
    core = Core()
    core.track()
    core.arrive(row(-5))
    core.clock.instant = at(-2)
    core.take_turn()
    core.arrive(*(row(0, contact) for contact in contacts(PAGE * PAGES)))
    core.clock.instant = at(0.4)
    core.take_turn()
    core.polled.clear()
    assert len(core.published_minutes()) == 1 + PAGE * PAGES
    return core


def poll(core: Core, minute: float) -> int:
    """Take a turn at a minute past noon; return its requests."""
    core.clock.instant = at(minute)
    return core.take_turn().requests


def test_a_poll_without_news_reads_one_page_of_it(core: Core) -> None:
    assert poll(core, 0.8) == 1


def test_a_poll_reads_on_while_pages_have_news(core: Core) -> None:
    core.world.rows[next(iter(core.world.rows))][:0] = [
        row(0, contact) for contact in contacts(PAGE + 1, "new")
    ]
    assert poll(core, 0.8) == 3
    assert len(core.published_minutes()) == 1 + PAGE * PAGES + PAGE + 1


def test_it_is_read_whole_once_when_it_is_over(core: Core) -> None:
    assert [poll(core, minute) for minute in (1.2, 1.6, 2.0)] == [PAGES + 1, 1, 1]


def test_what_hides_behind_known_rows_waits_for_its_end(core: Core) -> None:
    core.arrive(row(0, "hidden"))
    poll(core, 0.8)
    assert len(core.published_minutes()) == 1 + PAGE * PAGES
    poll(core, 1.2)
    assert len(core.published_minutes()) == 1 + PAGE * PAGES + 1


def test_a_poll_that_fails_does_not_count_as_its_reading(core: Core) -> None:
    core.arrive(row(0, "hidden"))
    core.report_errors[ACTIVITY_ID] = ReportUnavailable("The vendor answered 503.")
    poll(core, 1.2)
    core.report_errors.clear()
    assert poll(core, 2.2) == PAGES + 1
    assert len(core.published_minutes()) == 1 + PAGE * PAGES + 1


def test_a_read_of_a_gap_does_not_count_as_its_reading(core: Core) -> None:
    core.arrive(row(0, "hidden"), *(row(number) for number in range(-20, -5)))
    poll(core, 0.8)
    gap = Gap(None, at(-10), f"{PAGE}/{PAGE * PAGES + 5}")
    activity = core.activity()
    core.tracking.save(replace(activity, progress=replace(activity.progress, gaps=(gap,))))
    core.clock.instant = at(1.1)
    core.work(core.world_report("default", Budget(100)), core.walk(gap=gap))
    assert (core.polled[-1:], core.published_minutes().count(0)) == ([ACTIVITY_ID], PAGE * PAGES)
    poll(core, 1.6)
    assert core.published_minutes().count(0) == PAGE * PAGES + 1


def test_sweeps_read_it_whole(core: Core) -> None:
    poll(core, 1.2)
    assert poll(core, 17) == PAGES + 1


def test_a_poll_that_stops_in_it_closes_no_gap_below(core: Core) -> None:
    activity_id = next(iter(core.world.rows))
    gap = Gap(None, None, None, failures=5, retry_at=at(500))
    activity = core.activity(activity_id)
    core.tracking.save(replace(activity, progress=replace(activity.progress, gaps=(gap,))))
    poll(core, 0.8)
    assert core.activity(activity_id).progress.gaps == (gap,)
