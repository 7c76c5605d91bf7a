"""How often a gap was tried without progress, and when it is tried again."""

from copy import replace
from datetime import datetime, timedelta

import pytest

from email_opens.model import Activity, Gap
from email_opens.polling.gaps import (
    LONG_PAUSE,
    PATIENCE,
    PAUSES,
    Stretch,
    advance,
    due,
    failed,
    unsettled,
)
from tests.contract.samples import ACTIVITY, varied
from tests.core.setup import DAY, at

NOW = at(60)
REACHED = at(20)
WALKED = Gap(at(0), REACHED, "2", rows_above=500, reached=REACHED, failures=2)
STRETCH = Stretch(top=REACHED, bottom=at(10), newest=None, link="3", ended=False, rows_above=900)


def tracked(*gaps: Gap) -> Activity:
    return varied(ACTIVITY, watermark=at(50), gaps=gaps)


def after(stretch: Stretch, gap: Gap | None = WALKED, *gaps: Gap) -> Gap:
    """Return the gap that a stretch leaves."""
    stored = tracked(*gaps, *([gap] if gap else []))
    _, left = advance(stored, stretch, at(0), gap, NOW)
    assert left is not None
    return left


def attempts(gap: Gap) -> tuple[datetime | None, int, datetime | None]:
    return gap.reached, gap.failures, gap.retry_at


# --- Progress ---


def test_a_stretch_that_reaches_older_rows_starts_the_count_anew() -> None:
    assert attempts(after(STRETCH)) == (at(10), 0, None)


def test_new_opens_at_the_row_reached_before_are_progress() -> None:
    found = replace(STRETCH, bottom=REACHED, new=(REACHED,))
    assert attempts(after(found)) == (REACHED, 0, None)


def test_new_opens_between_it_and_what_is_left_to_read_are_progress_too() -> None:
    again = replace(WALKED, ceiling=at(45), failures=7)
    found = replace(STRETCH, top=at(45), bottom=at(40), new=(at(45),), failed=True)
    assert attempts(after(found, again)) == (REACHED, 1, None)
    above = replace(found, new=(at(46),))
    assert after(above, again).failures == 8


def test_new_opens_above_it_are_no_progress() -> None:
    found = replace(STRETCH, bottom=REACHED, new=(at(21),))
    assert after(found).failures == 3


@pytest.mark.parametrize("bottom", [REACHED, at(21), None])
def test_a_stretch_that_reaches_nothing_older_is_a_failure(bottom: datetime | None) -> None:
    still = replace(STRETCH, bottom=bottom)
    assert attempts(after(still)) == (REACHED, 3, NOW + timedelta(minutes=1))


def test_rows_that_come_again_on_the_way_from_the_head_are_no_failure() -> None:
    again = replace(WALKED, link=None)
    down = replace(STRETCH, top=None, bottom=at(40), from_head=True)
    left = after(down, again)
    assert attempts(left) == (REACHED, 2, None)
    further = replace(STRETCH, top=None, bottom=at(30))
    assert attempts(after(further, left)) == (REACHED, 2, None)


def test_a_link_that_leads_to_other_rows_is_a_failure_until_older_ones_are_reached() -> None:
    above = replace(STRETCH, top=None, bottom=at(40), from_head=True)
    assert attempts(after(above, replace(WALKED, failures=0))) == (REACHED, 1, None)
    below = replace(STRETCH, top=None, from_head=True)
    assert attempts(after(below)) == (at(10), 0, None)


def test_a_request_that_fails_after_progress_is_the_first_failure() -> None:
    assert attempts(after(replace(STRETCH, failed=True))) == (at(10), 1, None)


@pytest.mark.parametrize(("failures", "link"), [(0, "3"), (1, "3"), (2, None), (3, "3"), (5, None)])
def test_every_third_failure_of_a_link_begins_again_from_the_head(
    failures: int, link: str | None
) -> None:
    failing = replace(STRETCH, bottom=REACHED, failed=True)
    left = after(failing, replace(WALKED, failures=failures))
    assert (left.link, left.rows_above) == (link, 900 if link else 0)


def test_a_lost_link_begins_again_from_the_head_at_once() -> None:
    left = after(replace(STRETCH, failed=True, lost=True))
    assert (left.link, left.rows_above, left.ceiling) == (None, 0, at(10))


# --- Pauses ---


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(0, None), (1, None), (2, 1), (3, 5), (4, 15), (5, 60), (6, 240), (7, 1440), (99, 1440)],
)
def test_pauses_grow_up_to_a_day(failures: int, minutes: int | None) -> None:
    still = replace(STRETCH, bottom=REACHED)
    left = after(still, replace(WALKED, failures=failures))
    assert left.retry_at == (None if minutes is None else NOW + timedelta(minutes=minutes))


def test_there_are_three_attempts_before_the_first_pause() -> None:
    assert (PATIENCE, len(PAUSES)) == (3, 6)


BROKEN = replace(WALKED, failures=5, retry_at=at(500))
DEEPER = at(-9)
"""The floor of walks that go below what is broken."""


def test_a_walk_above_what_is_broken_does_not_wait_with_it() -> None:
    head = Stretch(top=None, bottom=at(55), newest=at(58), link=None, ended=False, from_head=True)
    activity, left = advance(tracked(BROKEN), replace(head, failed=True), DEEPER, None, NOW)
    assert left is not None
    assert (attempts(left), activity.progress.gaps) == ((at(55), 1, None), (BROKEN, left))


def test_a_walk_that_has_come_down_to_it_waits_with_it() -> None:
    above = Gap(DEEPER, at(30), "2", reached=at(30))
    down = replace(STRETCH, top=at(30), bottom=REACHED)
    activity, left = advance(tracked(BROKEN, above), down, DEEPER, above, NOW)
    assert left is not None
    assert (attempts(left), activity.progress.gaps) == ((REACHED, 5, at(500)), (left,))


def test_a_walk_that_gets_below_it_does_not_wait() -> None:
    above = Gap(DEEPER, at(30), "2", reached=at(30))
    down = replace(STRETCH, top=at(30), bottom=at(10))
    assert attempts(advance(tracked(BROKEN, above), down, DEEPER, above, NOW)[1] or WALKED) == (
        at(10),
        0,
        None,
    )


@pytest.mark.parametrize(
    ("pause", "expected"), [(None, True), (-DAY, True), (DAY, False), (DAY * 1.01, True)]
)
def test_a_gap_waits_for_its_pause_but_not_longer_than_any(
    pause: timedelta | None, expected: bool
) -> None:
    retry_at = None if pause is None else NOW + pause
    assert due(replace(WALKED, retry_at=retry_at), NOW) is expected


# --- What cannot be read at all ---


def test_an_attempt_that_reads_nothing_is_a_failure() -> None:
    again = failed(WALKED, NOW, expired=False, most=99)
    assert again == replace(WALKED, failures=3, retry_at=NOW + PAUSES[0], link=None, rows_above=0)


def test_an_expired_link_begins_again_from_the_head_at_the_first_failure() -> None:
    fresh = replace(WALKED, failures=0)
    assert failed(fresh, NOW, expired=True, most=99) == replace(
        fresh, failures=1, link=None, rows_above=0
    )
    assert failed(fresh, NOW, expired=False, most=99) == replace(fresh, failures=1)


def test_failures_are_counted_up_to_a_limit() -> None:
    assert failed(replace(WALKED, failures=5), NOW, expired=False, most=5).failures == 5


def test_a_first_walk_over_empty_pages_counts_one_failure() -> None:
    empty = replace(STRETCH, top=None, bottom=None, from_head=True)
    assert after(empty, None).failures == 1


def test_fresh_rows_above_the_gap_are_no_progress() -> None:
    above = replace(STRETCH, bottom=at(30), fresh=True)
    assert after(above).failures == 3
    at_its_ceiling = replace(STRETCH, bottom=REACHED, fresh=True)
    assert after(at_its_ceiling).failures == 2


# --- Opens that could not be delivered ---


def test_what_was_not_delivered_is_a_gap_from_the_head_that_waits() -> None:
    activity = unsettled(tracked(WALKED), at(5), 3, NOW)
    assert activity.progress.gaps == (
        WALKED,
        Gap(at(5), None, None, reached=at(5), failures=3, retry_at=NOW + PAUSES[0]),
    )


def test_its_pauses_grow_with_each_attempt() -> None:
    (gap,) = unsettled(tracked(), at(5), 5, NOW).progress.gaps
    assert (gap.failures, gap.retry_at) == (5, NOW + PAUSES[2])
    (gap,) = unsettled(tracked(), at(5), 0, NOW).progress.gaps
    assert (gap.failures, gap.retry_at) == (0, None)


def test_it_replaces_gaps_that_it_covers_and_is_dropped_within_another() -> None:
    inner, outer = Gap(at(6), at(9), "7"), Gap(None, None, None)
    assert len(unsettled(tracked(inner), at(5), 3, NOW).progress.gaps) == 1
    assert unsettled(tracked(outer), at(5), 3, NOW).progress.gaps == (outer,)


# --- Gaps within a gap that waits ---


def test_a_gap_at_the_place_where_another_is_stuck_waits_with_it() -> None:
    broken = replace(WALKED, failures=5, retry_at=at(500))
    cut = replace(STRETCH, top=None, bottom=REACHED, newest=at(55))
    activity, left = advance(tracked(broken), cut, at(15), None, NOW)
    assert (activity.progress.gaps, left) == ((broken,), None)


def test_a_gap_above_that_place_does_not_wait() -> None:
    broken = Gap(None, None, None, reached=REACHED, failures=5, retry_at=at(500))
    cut = replace(STRETCH, top=None, bottom=at(30), newest=at(55))
    activity, left = advance(tracked(broken), cut, at(25), None, NOW)
    assert left is not None
    assert (left.retry_at, activity.progress.gaps) == (None, (broken, left))


@pytest.mark.parametrize(("pause", "waits"), [(LONG_PAUSE, False), (LONG_PAUSE * 1.1, True)])
def test_only_a_long_pause_outlasts_a_walk_above_it(pause: timedelta, waits: bool) -> None:
    broken = Gap(None, REACHED, "2", reached=REACHED, failures=5, retry_at=NOW + pause)
    cut = replace(STRETCH, top=None, bottom=at(30), newest=at(55))
    activity, left = advance(tracked(broken), cut, None, None, NOW)
    assert activity.progress.gaps == ((broken, left) if waits else (left,))


def test_a_walk_that_stops_in_a_full_minute_leaves_no_gap_and_closes_none_below() -> None:
    stopped = replace(STRETCH, top=None, bottom=at(50), newest=at(50), stopped=True)
    at_its_floor = Gap(at(50), None, None, failures=5, retry_at=at(500))
    activity, left = advance(tracked(at_its_floor), stopped, at(50), None, NOW)
    assert (activity.progress.gaps, left) == ((at_its_floor,), None)


def test_too_many_gaps_keep_the_count_of_failures() -> None:
    many = [
        replace(WALKED, floor=at(number), ceiling=at(number + 1), failures=number)
        for number in range(8)
    ]
    activity = unsettled(tracked(*many), at(-5), 3, NOW)
    assert [gap.failures for gap in activity.progress.gaps] == [3]
    apart = unsettled(tracked(*many), at(7.5), 3, NOW)
    assert [(gap.floor, gap.failures) for gap in apart.progress.gaps] == [(at(0), 7)]


def test_too_many_gaps_keep_the_lowest_row_that_was_reached() -> None:
    many = [
        replace(WALKED, floor=at(number), ceiling=at(number + 1), reached=at(number))
        for number in range(8)
    ]
    (gap,) = unsettled(tracked(*many), at(7.5), 3, NOW).progress.gaps
    assert gap.reached == at(0)
