"""How a stretch of a walk moves the watermark, and which gaps it leaves."""

from copy import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.model import Activity, Gap
from email_opens.polling import gaps as rules
from email_opens.polling.gaps import Stretch
from tests.contract.samples import ACTIVITY, varied
from tests.core.setup import at

MOST_GAPS = 8
CUT = Stretch(top=None, bottom=at(20), newest=at(30), link="2", ended=False, rows_above=500)
ENDED = replace(CUT, ended=True)
FLOOR = at(10)


def advance(
    activity: Activity, stretch: Stretch, floor: datetime | None, walked: Gap | None
) -> tuple[Activity, Gap | None]:
    """Advance an activity, and leave out how often its gaps were tried."""
    advanced, left = rules.advance(activity, stretch, floor, walked, at(60))
    untried = tuple(map(as_untried, advanced.progress.gaps))
    return varied(advanced, gaps=untried), left and as_untried(left)


def as_untried(gap: Gap) -> Gap:
    return replace(gap, reached=None, failures=0, retry_at=None)


def with_gaps(*gaps: Gap, watermark: float = 15) -> Activity:
    return varied(ACTIVITY, watermark=at(watermark), gaps=gaps)


def gap(floor: float | None, ceiling: float | None, link: str | None = "9") -> Gap:
    return Gap(None if floor is None else at(floor), None if ceiling is None else at(ceiling), link)


# --- The watermark ---


def test_a_first_read_sets_the_watermark_to_its_newest_row() -> None:
    assert advance(ACTIVITY, ENDED, None, None)[0].progress.watermark == at(30)


@pytest.mark.parametrize(("before", "after"), [(29, 30), (31, 31)])
def test_the_watermark_moves_up_only(before: float, after: float) -> None:
    activity, _ = advance(with_gaps(watermark=before), ENDED, FLOOR, None)
    assert activity.progress.watermark == at(after)


def test_a_report_without_rows_sets_no_watermark() -> None:
    empty = replace(ENDED, bottom=None, newest=None)
    assert advance(ACTIVITY, empty, None, None)[0].progress.watermark is None


def test_the_walk_of_a_gap_leaves_the_watermark_alone() -> None:
    worked = gap(10, 40)
    assert advance(with_gaps(worked), ENDED, FLOOR, worked)[0].progress.watermark == at(15)


# --- The gap that a walk leaves ---


def test_a_walk_that_was_cut_leaves_a_gap_from_its_last_row_to_its_floor() -> None:
    left = Gap(FLOOR, at(20), "2", rows_above=500)
    activity, reported = advance(with_gaps(), CUT, FLOOR, None)
    assert (activity.progress.gaps, reported) == ((left,), left)


def test_a_walk_that_ended_leaves_no_gap() -> None:
    activity, reported = advance(with_gaps(), ENDED, FLOOR, None)
    assert (activity.progress.gaps, reported) == ((), None)


def test_the_gap_that_was_worked_is_replaced_by_what_is_left_of_it() -> None:
    worked = gap(10, 25)
    below = replace(CUT, top=at(25))
    activity, left = advance(with_gaps(worked), below, FLOOR, worked)
    assert (activity.progress.gaps, left) == (
        (Gap(FLOOR, at(20), "2", 500),),
        Gap(FLOOR, at(20), "2", 500),
    )


def test_the_gap_that_was_worked_to_its_end_is_closed() -> None:
    worked = gap(10, 25)
    activity, _ = advance(with_gaps(worked), replace(ENDED, top=at(25)), FLOOR, worked)
    assert activity.progress.gaps == ()


def test_a_stretch_of_a_gap_without_rows_leaves_its_ceiling() -> None:
    worked = gap(10, 25)
    empty = replace(CUT, top=at(25), bottom=None, newest=None)
    _, left = advance(with_gaps(worked), empty, FLOOR, worked)
    assert left == Gap(FLOOR, at(25), "2", 500)


def test_a_stretch_from_the_head_without_rows_leaves_a_gap_without_a_ceiling() -> None:
    empty = replace(CUT, bottom=None, newest=None)
    _, left = advance(with_gaps(), empty, FLOOR, None)
    assert left == Gap(FLOOR, None, "2", 500)


# --- Other gaps that were read on the way ---


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (gap(10, 25), False),
        (gap(11, 25), False),
        (gap(9, 25), True),
        (gap(None, 25), True),
        (gap(10, None), False),
    ],
)
def test_a_walk_from_the_head_that_ended_closes_gaps_above_its_floor(
    other: Gap, kept: bool
) -> None:
    activity, _ = advance(with_gaps(other), ENDED, FLOOR, None)
    assert activity.progress.gaps == ((other,) if kept else ())


def test_a_walk_through_the_whole_report_closes_every_gap() -> None:
    activity, _ = advance(with_gaps(gap(None, 25), gap(5, 10)), ENDED, None, None)
    assert activity.progress.gaps == ()


@pytest.mark.parametrize(
    ("other", "kept"),
    [(gap(21, 25), False), (gap(20, 25), True), (gap(None, 25), True)],
)
def test_a_cut_walk_closes_gaps_above_its_last_row_whose_ties_may_go_on(
    other: Gap, kept: bool
) -> None:
    # The floor is high, so that what is left covers no other gap.
    activity, _ = advance(with_gaps(other), CUT, at(20), None)
    assert (other in activity.progress.gaps) is kept


def test_a_cut_walk_without_rows_closes_no_gap() -> None:
    empty = replace(CUT, top=at(25), bottom=None, newest=None)
    other, worked = gap(21, 25), gap(22, 24)
    activity, _ = advance(with_gaps(other, worked), empty, at(22), worked)
    assert other in activity.progress.gaps


@pytest.mark.parametrize(("ceiling", "kept"), [(25, False), (26, True), (None, True)])
def test_the_walk_of_a_gap_closes_others_below_its_start_only(
    ceiling: float | None, kept: bool
) -> None:
    worked, other = gap(10, 25), gap(12, ceiling)
    below = replace(ENDED, top=at(25))
    activity, _ = advance(with_gaps(worked, other), below, FLOOR, worked)
    assert activity.progress.gaps == ((other,) if kept else ())


# --- Gaps within one another ---


@pytest.mark.parametrize(
    "outer", [gap(10, 20), gap(10, None), gap(None, 20), gap(9, 21), gap(None, None)]
)
def test_what_is_left_within_another_gap_is_dropped(outer: Gap) -> None:
    activity, left = advance(with_gaps(outer), CUT, FLOOR, None)
    assert (activity.progress.gaps, left) == ((outer,), None)


@pytest.mark.parametrize("inner", [gap(10, 19), gap(11, 20), gap(15, 15)])
def test_a_gap_within_what_is_left_is_dropped(inner: Gap) -> None:
    activity, left = advance(with_gaps(inner), CUT, FLOOR, None)
    assert activity.progress.gaps == (left,)


@pytest.mark.parametrize("other", [gap(9, 19), gap(None, 19)])
def test_gaps_of_which_neither_holds_the_other_are_kept(other: Gap) -> None:
    activity, left = advance(with_gaps(other), CUT, FLOOR, None)
    assert activity.progress.gaps == (other, left)


def test_a_gap_without_a_ceiling_lies_within_none_that_has_one() -> None:
    empty = replace(CUT, bottom=None, newest=None)
    other = gap(None, 20)
    activity, left = advance(with_gaps(other), empty, FLOOR, None)
    assert activity.progress.gaps == (other, left)


# --- Too many gaps ---


def ladder(count: int) -> list[Gap]:
    """Return gaps of which none holds another, above what a walk of these tests reads."""
    return [gap(-100 - number, -90 - number) for number in range(count)]


def test_as_many_gaps_as_may_be_are_kept() -> None:
    activity, left = advance(with_gaps(*ladder(MOST_GAPS - 1)), CUT, FLOOR, None)
    assert activity.progress.gaps == (*ladder(MOST_GAPS - 1), left)


def test_too_many_gaps_become_one_from_the_head_to_the_lowest_floor() -> None:
    activity, _ = advance(with_gaps(*ladder(MOST_GAPS)), CUT, FLOOR, None)
    assert activity.progress.gaps == (gap(-100 - MOST_GAPS + 1, None, None),)


def test_too_many_gaps_become_one_to_the_end_of_the_report_if_one_goes_there() -> None:
    whole = gap(None, -200)
    activity, _ = advance(with_gaps(*ladder(MOST_GAPS - 1), whole), CUT, FLOOR, None)
    assert activity.progress.gaps == (gap(None, None, None),)


# --- Whatever the gaps ---

gaps = st.builds(
    lambda floor, height, link: gap(floor, floor + height, link),
    st.integers(-50, 40),
    st.integers(0, 30),
    st.sampled_from([None, "8", "9"]),
)
stretches = st.builds(
    lambda bottom, height, ended: replace(
        CUT, bottom=at(bottom), newest=at(bottom + height), ended=ended
    ),
    st.integers(-50, 40),
    st.integers(0, 30),
    st.booleans(),
)


@given(st.lists(gaps, max_size=MOST_GAPS + 2), stretches, st.integers(-50, 40))
def test_each_minute_that_was_not_read_stays_within_a_gap(
    before: list[Gap], stretch: Stretch, floor: int
) -> None:
    activity, _ = advance(with_gaps(*before), stretch, at(floor), None)
    assert stretch.bottom is not None
    for minute in range(-60, 80):
        owed = any(_holds(other, minute) for other in before)
        read = at(minute) > stretch.bottom or (stretch.ended and minute >= floor)
        if owed and not read:
            assert any(_holds(other, minute) for other in activity.progress.gaps)


@given(st.lists(gaps, max_size=MOST_GAPS + 2), stretches, st.integers(-50, 40))
def test_a_walk_that_was_cut_leaves_all_down_to_its_floor_within_a_gap(
    before: list[Gap], stretch: Stretch, floor: int
) -> None:
    cut = replace(stretch, ended=False)
    activity, _ = advance(with_gaps(*before), cut, at(floor), None)
    assert cut.bottom is not None
    for minute in range(floor, 80):
        if at(minute) <= cut.bottom:
            assert any(_holds(other, minute) for other in activity.progress.gaps)


def _holds(one: Gap, minute: float) -> bool:
    covers = one.ceiling is None or at(minute) <= one.ceiling
    return covers and (one.floor is None or one.floor <= at(minute))
