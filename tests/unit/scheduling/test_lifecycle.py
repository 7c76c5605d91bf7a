"""Whether an activity is polled, how deep, and when it is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from email_opens.model import Activity, Depth, Gap, State
from email_opens.scheduling.lifecycle import depth_due, due, finished, longest_interval, revived
from tests.contract.samples import ACTIVITY, NOON, varied

INSTANT = timedelta(microseconds=1)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
AGE = timedelta(days=60)


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
    assert depth_due(activity, NOON, AGE) is depth


@pytest.mark.parametrize(
    ("quiet", "every"),
    [
        (timedelta(hours=6), timedelta(hours=1)),
        (DAY - INSTANT, timedelta(hours=1)),
        (DAY, DAY),
    ],
)
def test_an_activity_that_nobody_opens_is_swept_more_rarely(
    quiet: timedelta, every: timedelta
) -> None:
    swept = walked(audited=timedelta(), swept=every)
    activity = varied(swept, watermark=NOON - quiet, sent_at=None)
    assert depth_due(activity, NOON, AGE) is Depth.SWEEP
    swept_later = varied(activity, swept_at=NOON - every + INSTANT)
    assert depth_due(swept_later, NOON, AGE) is Depth.TAIL


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
        )
        is depth
    )


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
