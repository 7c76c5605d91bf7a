"""Whether an activity is polled, how deep, and when it is over."""

from copy import replace
from datetime import datetime, timedelta

import pytest

from email_opens.model import Activity, Depth, Estimate, Gap, State
from email_opens.scheduling.lifecycle import (
    EARLY,
    depth_due,
    due,
    finished,
    longest_interval,
    missing,
    revived,
    stops_in_minute,
    wakes,
)
from email_opens.scheduling.rates import fall
from tests.contract.samples import ACTIVITY, NOON, varied

INSTANT = timedelta(microseconds=1)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
AGE = timedelta(days=60)
REQUESTS = 9_000
LOOKBACK = timedelta(hours=2)


@pytest.mark.parametrize("state", State)
def test_only_an_active_activity_is_due_soon_after_a_poll(state: State) -> None:
    polled = varied(ACTIVITY, state=state, polled_at=NOON)
    assert due(polled, NOON) is (state is State.ACTIVE)


@pytest.mark.parametrize(("waited", "expected"), [(DAY - INSTANT, False), (DAY, True)])
def test_a_gone_activity_is_due_daily(waited: timedelta, expected: bool) -> None:
    assert (
        due(
            varied(ACTIVITY, state=State.GONE, polled_at=NOON),
            NOON + waited,
        )
        is expected
    )


def test_a_gone_activity_that_was_never_polled_is_due() -> None:
    assert due(replace(ACTIVITY, state=State.GONE), NOON)


def walked(audited: timedelta, swept: timedelta) -> Activity:
    """Return an activity that was audited and swept so long before noon."""
    return varied(ACTIVITY, watermark=NOON, audited_at=NOON - audited, swept_at=NOON - swept)


@pytest.mark.parametrize(
    ("activity", "depth"),
    [
        (ACTIVITY, Depth.AUDIT),
        (walked(audited=DAY, swept=timedelta()), Depth.AUDIT),
        (walked(audited=DAY - INSTANT, swept=QUARTER), Depth.SWEEP),
        (varied(ACTIVITY, audited_at=NOON), Depth.SWEEP),
        (walked(audited=DAY - INSTANT, swept=QUARTER - INSTANT), Depth.TAIL),
    ],
)
def test_an_activity_is_audited_daily_and_swept_each_quarter(
    activity: Activity, depth: Depth
) -> None:
    assert depth_due(activity, NOON, AGE, LOOKBACK, requests_per_day=REQUESTS) is depth


def test_an_activity_with_many_rows_within_the_lookback_is_swept_more_rarely() -> None:
    """At five opens a second, a sweep of two hours reads 72 pages."""
    rate = 5.0 / fall(29.96 * DAY.total_seconds())
    swept = walked(audited=timedelta(), swept=LOOKBACK / 2)
    busy = varied(swept, sent_at=NOON - 30 * DAY, estimate=Estimate(40.0, 40.0 / rate))
    assert depth_due(busy, NOON, AGE, LOOKBACK, requests_per_day=REQUESTS) is Depth.TAIL
    assert depth_due(busy, NOON, AGE, LOOKBACK / 4, requests_per_day=REQUESTS) is Depth.SWEEP
    swept_earlier = varied(busy, swept_at=NOON - 1.1 * LOOKBACK)
    assert depth_due(swept_earlier, NOON, AGE, LOOKBACK, requests_per_day=REQUESTS) is Depth.SWEEP
    few, none = REQUESTS // 2, 0
    assert depth_due(swept_earlier, NOON, AGE, LOOKBACK, requests_per_day=few) is Depth.TAIL
    assert depth_due(swept_earlier, NOON, AGE, LOOKBACK, requests_per_day=none) is Depth.TAIL


@pytest.mark.parametrize(
    ("quiet", "every"),
    [
        (timedelta(hours=6), timedelta(hours=1)),
        (DAY - INSTANT, timedelta(hours=1)),
        (DAY, DAY),
    ],
)
def test_an_activity_without_opens_is_swept_more_rarely(quiet: timedelta, every: timedelta) -> None:
    swept = walked(audited=timedelta(), swept=every)
    activity = varied(swept, watermark=NOON - quiet, sent_at=None)
    assert depth_due(activity, NOON, AGE, LOOKBACK, requests_per_day=REQUESTS) is Depth.SWEEP
    swept_later = varied(activity, swept_at=NOON - every + INSTANT)
    assert depth_due(swept_later, NOON, AGE, LOOKBACK, requests_per_day=REQUESTS) is Depth.TAIL


LONG_AGO = NOON - 2 * AGE
OLD = varied(ACTIVITY, sent_at=LONG_AGO, watermark=LONG_AGO, tracked_at=LONG_AGO)


@pytest.mark.parametrize(
    "activity",
    [
        replace(OLD, sent_at=NOON),
        varied(OLD, watermark=NOON),
        replace(OLD, tracked_at=NOON),
    ],
)
@pytest.mark.parametrize(("waited", "expected"), [(AGE - INSTANT, False), (AGE, True)])
def test_an_activity_is_finished_by_an_audit_sixty_days_after_its_last_news(
    activity: Activity, waited: timedelta, expected: bool
) -> None:
    assert finished(varied(activity, audited_at=NOON + waited), AGE) is expected


def test_an_activity_without_any_open_is_finished_as_long_after_its_tracking_began() -> None:
    assert finished(
        varied(ACTIVITY, audited_at=ACTIVITY.tracked_at + AGE),
        AGE,
    )


def test_an_activity_that_was_never_audited_is_not_finished() -> None:
    assert not finished(OLD, AGE)


def test_an_activity_with_a_gap_is_not_finished() -> None:
    gap = Gap(floor=None, ceiling=None, link=None)
    assert not finished(varied(OLD, audited_at=NOON, gaps=(gap,)), AGE)


@pytest.mark.parametrize(
    ("audited_at", "depth"),
    [(LONG_AGO + AGE - INSTANT, Depth.AUDIT), (LONG_AGO + AGE, Depth.TAIL)],
)
def test_an_activity_is_audited_once_when_it_has_become_quiet(
    audited_at: datetime, depth: Depth
) -> None:
    now = LONG_AGO + AGE
    assert (
        depth_due(
            varied(OLD, audited_at=audited_at, swept_at=now),
            now,
            AGE,
            LOOKBACK,
            requests_per_day=REQUESTS,
        )
        is depth
    )


# --- What the vendor does not know ---

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("missing_minutes", "pause_minutes"),
    [(0, 1), (0.8, 1), (1, 5), (5.6, 5), (6, 15), (20.4, 15), (21, 60), (1000, 60)],
)
def test_a_missing_activity_is_due_after_a_pause_that_grows(
    missing_minutes: float, pause_minutes: float
) -> None:
    activity = varied(ACTIVITY, missing_since=NOON - missing_minutes * MINUTE, polled_at=NOON)
    pause = pause_minutes * MINUTE - EARLY
    assert [due(activity, NOON + after) for after in (pause - MINUTE / 60, pause)] == [False, True]


@pytest.mark.parametrize("state", [State.ACTIVE, State.GONE])
def test_a_missing_activity_does_not_wait_for_a_clock_that_has_jumped_back(state: State) -> None:
    later = NOON + timedelta(days=30)
    assert due(varied(ACTIVITY, state=state, missing_since=later, polled_at=later), NOON)


def test_a_missing_activity_that_is_paused_is_not_due() -> None:
    activity = varied(ACTIVITY, state=State.PAUSED, missing_since=NOON, polled_at=NOON)
    assert not due(activity, NOON + timedelta(days=9))


@pytest.mark.parametrize("state", [State.ACTIVE, State.PAUSED])
def test_an_activity_is_missing_since_the_first_such_answer(state: State) -> None:
    activity = varied(ACTIVITY, state=state)
    first = missing(activity, NOON)
    assert (first.missing_since, first.state) == (NOON, state)
    later = missing(first, NOON + timedelta(hours=23))
    assert (later.missing_since, later.state) == (NOON, state)


def test_an_activity_is_gone_a_day_after_the_first_such_answer() -> None:
    activity = missing(varied(ACTIVITY, missing_since=NOON), NOON + timedelta(days=1))
    assert activity.state is State.GONE


def test_an_instant_of_the_future_does_not_keep_an_activity_missing() -> None:
    activity = varied(ACTIVITY, missing_since=NOON + timedelta(days=9))
    assert missing(activity, NOON).missing_since == NOON


def test_a_moved_counter_wakes_a_missing_activity() -> None:
    activity = varied(ACTIVITY, missing_since=NOON)
    assert [wakes(activity, NOON), wakes(ACTIVITY, NOON)] == [True, False]


@pytest.mark.parametrize("state", [State.PAUSED, State.BROKEN])
def test_a_moved_counter_wakes_nothing_that_a_person_has_paused(state: State) -> None:
    assert not wakes(varied(ACTIVITY, state=state, missing_since=NOON), NOON)


# --- The audit after a long first read ---


def test_an_audit_is_due_when_one_was_arranged_however_long_the_report() -> None:
    audited = timedelta(hours=24)
    activity = varied(walked(audited, timedelta()), reported=100_000, audit_at=NOON, watermark=NOON)
    due_at = [
        depth_due(activity, NOON + after, timedelta(days=60), LOOKBACK, requests_per_day=REQUESTS)
        for after in (-MINUTE, timedelta())
    ]
    assert due_at == [Depth.TAIL, Depth.AUDIT]


# --- A minute with more rows than a page ---


@pytest.mark.parametrize(
    ("polled_seconds", "now_seconds", "stops"),
    [(10, 59, True), (10, 60, False), (59, 61, False), (60, 61, True), (900, 999, True)],
)
def test_a_full_minute_is_read_whole_by_the_first_poll_after_its_end(
    polled_seconds: int, now_seconds: int, stops: bool
) -> None:
    activity = varied(ACTIVITY, watermark=NOON, head_at=NOON + timedelta(seconds=polled_seconds))
    now = NOON + timedelta(seconds=now_seconds)
    assert stops_in_minute(activity, Depth.TAIL, now) is stops


@pytest.mark.parametrize("depth", [Depth.SWEEP, Depth.AUDIT])
def test_deeper_walks_read_it_whole(depth: Depth) -> None:
    activity = varied(ACTIVITY, watermark=NOON, head_at=NOON)
    assert not stops_in_minute(activity, depth, NOON)


@pytest.mark.parametrize("changes", [{"watermark": None}, {"head_at": None}])
def test_a_first_read_reads_it_whole(changes: dict[str, None]) -> None:
    activity = varied(ACTIVITY, **({"watermark": NOON, "head_at": NOON} | changes))
    assert not stops_in_minute(activity, Depth.TAIL, NOON)


# --- Revived by a consent ---

MISSING = varied(
    ACTIVITY,
    sent_at=NOON - DAY / 2,
    polled_at=NOON - INSTANT,
    last_error="The vendor does not know this activity.",
    missing_since=NOON - QUARTER / 3,
)


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (State.ACTIVE, State.ACTIVE),
        (State.GONE, State.ACTIVE),
        (State.PAUSED, State.PAUSED),
        (State.FINISHED, State.FINISHED),
    ],
)
def test_an_activity_that_the_vendor_did_not_know_is_revived_in_the_state_of_a_person(
    state: State, again: State
) -> None:
    activity = revived(replace(MISSING, state=state), NOON)
    assert (activity.state, activity.missing_since, activity.last_error) == (again, None, None)


def test_a_gone_activity_of_an_older_version_is_revived() -> None:
    activity = revived(replace(MISSING, state=State.GONE, missing_since=None), NOON)
    assert (activity.state, activity.last_error) == (State.ACTIVE, None)


@pytest.mark.parametrize("missing_for", [QUARTER / 3, DAY, 3 * DAY])
def test_a_revived_activity_is_overdue(missing_for: timedelta) -> None:
    activity = revived(replace(MISSING, missing_since=NOON - missing_for), NOON)
    polled_at = activity.progress.polled_at
    assert polled_at is not None
    assert NOON - polled_at >= longest_interval(activity, NOON)
    assert due(activity, NOON)


def test_a_revived_send_that_was_read_is_not_read_for_the_first_time() -> None:
    fresh = varied(MISSING, sent_at=NOON - QUARTER / 2)
    assert revived(fresh, NOON).progress.polled_at == fresh.sent_at


def test_a_revived_activity_keeps_its_watermark_and_its_rate() -> None:
    activity = varied(MISSING, watermark=NOON - QUARTER)
    again = revived(activity, NOON)
    assert again.progress.watermark == activity.progress.watermark
    assert again.profile == activity.profile


@pytest.mark.parametrize("state", [state for state in State if state is not State.GONE])
def test_an_activity_that_the_vendor_knows_is_not_revived(state: State) -> None:
    activity = varied(ACTIVITY, state=state, polled_at=NOON, last_error="It failed.")
    assert revived(activity, NOON) == activity
