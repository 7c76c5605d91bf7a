"""What is due now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.model import Activity, Gap, State
from email_opens.scheduling import backfill_budget, depth_due, due, finished, forecast
from email_opens.walk import Depth
from tests.contract.samples import ACTIVITY, NOON

INSTANT = timedelta(microseconds=1)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
AGE = timedelta(days=60)


@pytest.mark.parametrize("state", State)
def test_only_an_active_activity_is_due_soon_after_a_poll(state: State) -> None:
    polled = replace(ACTIVITY, state=state, polled_at=NOON)
    assert due(polled, NOON) is (state is State.ACTIVE)


@pytest.mark.parametrize(("waited", "expected"), [(DAY - INSTANT, False), (DAY, True)])
def test_a_gone_activity_is_due_daily(waited: timedelta, expected: bool) -> None:
    assert due(replace(ACTIVITY, state=State.GONE, polled_at=NOON), NOON + waited) is expected


def test_a_gone_activity_that_was_never_polled_is_due() -> None:
    assert due(replace(ACTIVITY, state=State.GONE), NOON)


def walked(audited: timedelta, swept: timedelta) -> Activity:
    """Return an activity that was audited and swept so long before noon."""
    return replace(ACTIVITY, audited_at=NOON - audited, swept_at=NOON - swept)


@pytest.mark.parametrize(
    ("activity", "depth"),
    [
        (ACTIVITY, Depth.AUDIT),
        (walked(audited=DAY, swept=timedelta()), Depth.AUDIT),
        (walked(audited=DAY - INSTANT, swept=QUARTER), Depth.SWEEP),
        (replace(ACTIVITY, audited_at=NOON), Depth.SWEEP),
        (walked(audited=DAY - INSTANT, swept=QUARTER - INSTANT), Depth.TAIL),
    ],
)
def test_an_activity_is_audited_daily_and_swept_each_quarter(
    activity: Activity, depth: Depth
) -> None:
    assert depth_due(activity, NOON) is depth


LONG_AGO = NOON - 2 * AGE
OLD = replace(ACTIVITY, sent_at=LONG_AGO, watermark=LONG_AGO, tracked_at=LONG_AGO)


@pytest.mark.parametrize(
    "activity",
    [replace(OLD, sent_at=NOON), replace(OLD, watermark=NOON), replace(OLD, tracked_at=NOON)],
)
@pytest.mark.parametrize(("waited", "expected"), [(AGE - INSTANT, False), (AGE, True)])
def test_an_activity_is_finished_by_an_audit_sixty_days_after_its_last_news(
    activity: Activity, waited: timedelta, expected: bool
) -> None:
    assert finished(replace(activity, audited_at=NOON + waited)) is expected


def test_an_activity_without_any_open_is_finished_as_long_after_its_tracking_began() -> None:
    assert finished(replace(ACTIVITY, audited_at=ACTIVITY.tracked_at + AGE))


def test_an_activity_that_was_never_audited_is_not_finished() -> None:
    assert not finished(OLD)


def test_an_activity_with_a_gap_is_not_finished() -> None:
    gap = Gap(floor=None, ceiling=None, link=None)
    assert not finished(replace(OLD, audited_at=NOON, gaps=(gap,)))


@pytest.mark.parametrize(
    ("audited_at", "depth"),
    [(LONG_AGO + AGE - INSTANT, Depth.AUDIT), (LONG_AGO + AGE, Depth.TAIL)],
)
def test_an_activity_is_audited_once_when_it_has_become_quiet(
    audited_at: datetime, depth: Depth
) -> None:
    now = LONG_AGO + AGE
    assert depth_due(replace(OLD, audited_at=audited_at, swept_at=now), now) is depth


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [
        (0, 0, 1000),
        (0, 1, 1016),
        (11, 0, 12_000),
        (12, 30, 13_500),
        (23, 0, 24_000),
        (23, 30, 24_000),
    ],
)
def test_backfill_may_spend_an_hour_ahead_of_the_clock(
    hour: int, minute: int, expected: int
) -> None:
    now = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    assert backfill_budget(24_000, now) == expected


def test_backfill_counts_from_the_very_midnight() -> None:
    midnight = datetime(2026, 3, 2, 0, 0, 59, 999_999, tzinfo=UTC)
    assert backfill_budget(86_400_000_000, midnight) == 3_659_999_999


@pytest.mark.parametrize(
    ("hour", "spent", "expected"),
    [(0, 1000, 0), (0, 2000, 24_000), (12, 13_000, 24_000), (12, 25_000, 48_000), (12, 0, 0)],
)
def test_a_forecast_goes_on_at_the_days_pace_less_what_backfill_is_ahead(
    hour: int, spent: int, expected: int
) -> None:
    now = datetime(2026, 3, 2, hour, tzinfo=UTC)
    assert forecast(spent, 24_000, now) == expected
