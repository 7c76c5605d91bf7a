"""When an account's new sends are searched for."""

from copy import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.account import ExpectedSend, Searches
from email_opens.scheduling.searches import (
    AGAIN,
    FAILURES_OVERDUE,
    LATE,
    LONGEST,
    LONGEST_PAUSE,
    OVERDUE,
    SCHEDULES_SHARE,
    SHARE,
    SHORTEST,
    STRETCH_REQUESTS,
    continues,
    expected_after,
    interval,
    is_due,
    next_for_send,
    overdue,
    rates,
    schedules_due,
    schedules_pause,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WEEK = 7 * DAY
REQUESTS = 9000
ENOUGH = int(STRETCH_REQUESTS / SHARE)

INSTANTS = st.integers(0, 8 * 7 * 24 * 60).map(lambda minutes: MONDAY - minutes * MINUTE)
SENDS = st.lists(INSTANTS, max_size=100)
SENDS_THAT_COUNT = st.lists(
    st.integers(0, 20 * 24 * 60).map(lambda minutes: MONDAY - minutes * MINUTE), max_size=100
)
"""Sends that count on each day of the next week."""
NOW = st.integers(0, 7 * 24 * 60 - 1).map(lambda minutes: MONDAY + minutes * MINUTE)
BUDGETS = st.integers(0, 300_000)


def weekly(hour: int) -> list[datetime]:
    """Return a send of each of the last weeks, on Mondays at an hour."""
    return [MONDAY + hour * HOUR - number * WEEK for number in range(1, 5)]


def rest_of_day(now: datetime) -> timedelta:
    return DAY - (now - MONDAY) % DAY


def every(sends: list[datetime], now: datetime, left: int = REQUESTS) -> timedelta:
    return interval(sends, now, requests_per_day=REQUESTS, requests_left=left)


class TestTheInterval:
    def test_of_an_account_that_has_sent_nothing_spends_its_share_evenly(self) -> None:
        found = {every([], MONDAY + hour * HOUR) for hour in range(24)}
        assert found == {DAY / ((SHARE - SCHEDULES_SHARE) * REQUESTS)}

    @pytest.mark.parametrize(
        ("hour", "at_most"), [(9, 2 * MINUTE), (10, 1.5 * MINUTE), (11, 2 * MINUTE), (3, LONGEST)]
    )
    def test_is_shorter_around_the_hour_of_a_weekly_send(
        self, hour: int, at_most: timedelta
    ) -> None:
        assert every(weekly(10), MONDAY + hour * HOUR) <= at_most

    def test_is_as_short_across_the_end_of_a_week(self) -> None:
        sunday_night = MONDAY - HOUR
        assert every(weekly(0), sunday_night) < every(weekly(0), sunday_night - 3 * HOUR)

    def test_does_not_follow_sends_of_long_ago(self) -> None:
        assert every([MONDAY + 10 * HOUR - 5 * WEEK], MONDAY + 10 * HOUR) == every([], MONDAY)

    @pytest.mark.parametrize(("sends_a_day", "searches"), [(5, 300), (10, 240), (20, 180)])
    def test_leaves_of_its_share_what_new_sends_take_and_keeps_half_of_it(
        self, sends_a_day: int, searches: int
    ) -> None:
        sends = [MONDAY - day * DAY for day in range(1, 29) for _ in range(sends_a_day)]
        found = sum(HOUR / every(sends, MONDAY + hour * HOUR) for hour in range(24))
        assert found == pytest.approx(searches, rel=0.02)

    def test_grows_as_requests_are_spent(self) -> None:
        noon = MONDAY + 12 * HOUR
        assert every([], noon, left=450) == 10 * every([], noon, left=4500)

    def test_is_not_shorter_in_the_evening_of_a_day_that_has_spent_little(self) -> None:
        assert every([], MONDAY + 23 * HOUR) == every([], MONDAY)

    def test_without_a_request_left_is_a_day(self) -> None:
        assert every([], MONDAY + 12 * HOUR, left=0) == DAY

    @given(SENDS, NOW, BUDGETS, BUDGETS)
    def test_is_bounded(self, sends: list[datetime], now: datetime, most: int, left: int) -> None:
        found = interval(sends, now, requests_per_day=most, requests_left=left)
        allowed = min(most * (LONGEST / DAY), left * (LONGEST / rest_of_day(now)))
        assert found >= SHORTEST
        assert found <= LONGEST + MINUTE or allowed * (SHARE - SCHEDULES_SHARE) / 2 < 1

    @given(SENDS, NOW, st.integers(1, 20_000))
    def test_takes_no_more_than_the_share_of_a_day(
        self, sends: list[datetime], now: datetime, most: int
    ) -> None:
        midnight = MONDAY + (now - MONDAY) // DAY * DAY
        searches = sum(
            HOUR
            / interval(sends, midnight + hour * HOUR, requests_per_day=most, requests_left=most)
            for hour in range(24)
        )
        assert searches <= SHARE * most * 1.0001

    @given(NOW, st.integers(1, REQUESTS))
    def test_takes_no_more_than_the_share_of_what_is_left(self, now: datetime, left: int) -> None:
        assert rest_of_day(now) / every([], now, left) <= SHARE * left + 1e-3

    @given(SENDS_THAT_COUNT, st.integers(0, 6), BUDGETS)
    def test_is_shorter_in_the_hours_of_a_day_with_more_sends(
        self, sends: list[datetime], day: int, most: int
    ) -> None:
        hours = [MONDAY + day * DAY + hour * HOUR for hour in range(24)]
        found = [
            (
                rates(sends, now)[24 * day + now.hour],
                interval(sends, now, requests_per_day=most, requests_left=10**9),
            )
            for now in hours
        ]
        by_rate = [every for _, every in sorted(found, key=lambda each: each[0])]
        assert all(later <= earlier + MINUTE / 600 for earlier, later in pairwise(by_rate))


class TestASearch:
    COMPLETED = Searches(completed_at=MONDAY, tried_at=MONDAY)

    def test_is_due_at_once_in_a_new_account(self) -> None:
        assert is_due(Searches(), HOUR, 0, MONDAY)

    @pytest.mark.parametrize(("minutes", "due"), [(4, False), (5, True)])
    def test_is_due_after_the_interval(self, minutes: int, due: bool) -> None:
        now = MONDAY + minutes * MINUTE
        assert is_due(self.COMPLETED, 5 * MINUTE, REQUESTS, now) == due

    def test_is_due_if_the_clock_has_jumped_back(self) -> None:
        assert is_due(self.COMPLETED, HOUR, REQUESTS, MONDAY - MINUTE)

    @pytest.mark.parametrize(("left", "due"), [(ENOUGH, True), (ENOUGH - 1, False)])
    def test_that_was_not_completed_continues_if_requests_are_left(
        self, left: int, due: bool
    ) -> None:
        unfinished = Searches(completed_at=MONDAY - HOUR, tried_at=MONDAY)
        assert is_due(unfinished, HOUR, left, MONDAY + MINUTE) == due
        assert continues(left) == due

    @pytest.mark.parametrize(
        ("failures", "pause"),
        [
            (1, 2 * SHORTEST),
            (2, 4 * SHORTEST),
            (3, 8 * SHORTEST),
            (9, LONGEST_PAUSE),
            (10**9, LONGEST_PAUSE),
        ],
    )
    def test_that_failed_is_due_after_a_pause_that_grows(
        self, failures: int, pause: timedelta
    ) -> None:
        failed = Searches(tried_at=MONDAY, failures=failures)
        assert not is_due(failed, SHORTEST, REQUESTS, MONDAY + pause - MINUTE / 60)
        assert is_due(failed, SHORTEST, REQUESTS, MONDAY + pause)

    def test_that_failed_waits_for_the_interval_too(self) -> None:
        failed = Searches(tried_at=MONDAY, failures=1)
        assert not is_due(failed, HOUR, REQUESTS, MONDAY + 59 * MINUTE)


class TestTheSchedules:
    def test_are_due_at_once_in_a_new_account(self) -> None:
        assert schedules_due(Searches(), ENOUGH, MONDAY)

    def test_are_not_read_with_few_requests_left(self) -> None:
        assert not schedules_due(Searches(), ENOUGH - 1, MONDAY)

    @pytest.mark.parametrize(
        ("pause", "due"), [(HOUR, False), (timedelta(), True), (-HOUR, True), (29 * DAY, True)]
    )
    def test_are_due_at_their_instant_unless_that_is_too_far_away(
        self, pause: timedelta, due: bool
    ) -> None:
        assert schedules_due(Searches(schedules_due_at=MONDAY + pause), ENOUGH, MONDAY) == due

    @given(st.integers(1, 60), NOW, st.integers(1, REQUESTS), st.integers(1, REQUESTS))
    def test_take_no_more_than_their_share(
        self, requests: int, now: datetime, most: int, left: int
    ) -> None:
        pause = schedules_pause(requests, now, requests_per_day=most, requests_left=left)
        day_share, rest_share = SCHEDULES_SHARE * most, SCHEDULES_SHARE * left
        assert pause <= 4 * WEEK
        if pause < 4 * WEEK:
            assert requests * (DAY / pause) <= day_share * 1.001
            assert requests * (rest_of_day(now) / pause) <= rest_share * 1.001


class TestAScheduledSend:
    AT = MONDAY + HOUR
    COMPLETED = Searches(
        completed_at=MONDAY, tried_at=MONDAY, expected=(ExpectedSend("news", MONDAY + HOUR),)
    )

    @pytest.mark.parametrize(
        ("since", "due"),
        [(-MINUTE, False), (timedelta(), True), (LATE - MINUTE, True), (LATE, False)],
    )
    def test_is_searched_for_from_its_instant_until_it_is_late(
        self, since: timedelta, due: bool
    ) -> None:
        assert is_due(self.COMPLETED, DAY, REQUESTS, self.AT + since) == due

    @pytest.mark.parametrize(
        ("tried", "pause"),
        [
            (timedelta(), AGAIN),
            (0.5 * MINUTE, AGAIN),
            (2 * MINUTE, 0.5 * MINUTE),
            (LATE - MINUTE, SHORTEST),
        ],
    )
    def test_is_searched_for_again_after_a_pause_that_grows_to_that_of_other_searches(
        self, tried: timedelta, pause: timedelta
    ) -> None:
        tried_at = self.AT + tried
        searched = replace(self.COMPLETED, completed_at=tried_at, tried_at=tried_at)
        assert next_for_send(searched, tried_at) == tried_at + pause
        assert not is_due(searched, DAY, REQUESTS, tried_at + pause - MINUTE / 60)
        assert is_due(searched, DAY, REQUESTS, tried_at + pause)

    def test_is_searched_for_at_its_instant_although_an_earlier_one_was_not_found(self) -> None:
        soon = self.AT + MINUTE / 60
        expected = (ExpectedSend("news", self.AT), ExpectedSend("other", soon))
        searched = replace(self.COMPLETED, tried_at=self.AT, expected=expected)
        assert next_for_send(searched, self.AT) == soon

    def test_is_not_searched_for_while_searches_fail(self) -> None:
        failed = replace(self.COMPLETED, tried_at=self.AT - MINUTE, failures=5)
        assert not is_due(failed, MINUTE, REQUESTS, self.AT)

    @pytest.mark.parametrize(
        ("found", "now", "expected"),
        [
            ({}, MONDAY, True),
            ({}, AT + LATE - MINUTE, True),
            ({}, AT + LATE, False),
            ({"news": AT}, AT, False),
            ({"news": AT - DAY}, AT, True),
            ({"other": AT}, AT, True),
        ],
    )
    def test_is_expected_until_it_is_found_or_late(
        self, found: dict[str, datetime], now: datetime, expected: bool
    ) -> None:
        assert bool(expected_after(self.COMPLETED.expected, found, now)) == expected


@pytest.mark.parametrize(
    ("ago", "every", "expected"),
    [
        (OVERDUE, MINUTE, False),
        (OVERDUE + MINUTE, MINUTE, True),
        (OVERDUE + MINUTE, 3 * HOUR, False),
        (6 * HOUR + MINUTE, 3 * HOUR, True),
    ],
)
def test_a_search_is_overdue_after_two_hours_and_two_intervals(
    ago: timedelta, every: timedelta, *, expected: bool
) -> None:
    assert overdue(Searches(completed_at=MONDAY - ago), every, MONDAY) == expected


@pytest.mark.parametrize("failures", [0, FAILURES_OVERDUE - 1, FAILURES_OVERDUE])
def test_the_first_search_is_overdue_after_failures(failures: int) -> None:
    assert overdue(Searches(failures=failures), MINUTE, MONDAY) == (failures >= FAILURES_OVERDUE)
