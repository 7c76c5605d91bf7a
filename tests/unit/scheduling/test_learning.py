"""What polls and readings of the counters teach the scheduler."""

from datetime import datetime, timedelta

import pytest

from email_opens.account import CounterTrust, Hours
from email_opens.model import Activity, CounterReadings, Estimate, Polled
from email_opens.scheduling.candidates import after_poll, missed_after, prior_of
from email_opens.scheduling.counters import trust_after, trust_after_failure
from email_opens.scheduling.lifecycle import born
from email_opens.scheduling.rates import rate_at
from email_opens.turns.probe import CounterProbe
from tests.contract.samples import ACTIVITY, NOON, varied
from tests.unit.scheduling.offered import candidate

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LOOKBACK = 2 * HOUR
PRIOR = prior_of(())
READ = varied(
    ACTIVITY,
    sent_at=NOON - 6 * HOUR,
    polled_at=NOON - MINUTE,
    watermark=NOON - 2 * MINUTE,
    estimate=Estimate(4.0, 8000.0),
)


def learned(*opens: datetime, activity: Activity = READ) -> Estimate:
    """Return the estimate of an activity after a poll at noon that found opens."""
    estimate = polled_at_noon(*opens, activity=activity).profile.estimate
    assert estimate is not None
    return estimate


def polled_at_noon(*opens: datetime, activity: Activity = READ) -> Activity:
    polled = Polled(before=activity, opens=opens, pages=1, down_to=None, at=NOON)
    after, _ = after_poll(activity, polled, PRIOR, None, LOOKBACK, Hours())
    return after


class TestTheRate:
    def test_counts_late_rows_within_the_lookback_like_others(self) -> None:
        late = READ.progress.polled_at
        assert late is not None
        assert learned(late - HOUR, late - LOOKBACK) == learned(NOON, NOON)
        assert learned(late - HOUR).opens_a_second > learned().opens_a_second

    def test_counts_no_rows_below_the_lookback(self) -> None:
        """Those of backfill and of audits say nothing about the time that the poll covers."""
        assert learned(NOON - MINUTE - LOOKBACK - timedelta(seconds=1)) == learned()

    def test_of_a_first_read_counts_no_opens_from_before_the_send(self) -> None:
        unread = varied(ACTIVITY, sent_at=NOON - 6 * HOUR)
        assert learned(NOON - 7 * HOUR, activity=unread) == learned(activity=unread)
        assert learned(NOON - 5 * HOUR, activity=unread) != learned(activity=unread)


class TestASurge:
    """A week-old e-mail that suddenly gets opens as after a send."""

    OLD = varied(READ, sent_at=NOON - 7 * 24 * HOUR)

    def test_makes_the_age_count_from_the_last_poll_before_it(self) -> None:
        surged = polled_at_noon(*[NOON] * 20, activity=self.OLD)
        assert born(surged) == self.OLD.progress.polled_at
        assert rate_at(learned(*[NOON] * 20, activity=self.OLD), 60) > 0.1

    def test_is_expected_to_fade_as_a_send_does(self) -> None:
        estimate = learned(*[NOON] * 20, activity=self.OLD)
        assert rate_at(estimate, 6 * 3600) < rate_at(estimate, 60) / 5

    def test_leaves_the_rate_that_other_sends_are_expected_to_have_as_it_was(self) -> None:
        """By the age of the real send, the rate at that send would be a thousand times as high."""
        surged = polled_at_noon(*[NOON] * 20, activity=self.OLD)
        assert prior_of([surged]).opens_a_second < 1

    def test_is_none_of_a_few_opens_more_nor_of_fewer(self) -> None:
        assert born(polled_at_noon(*[NOON] * 3, activity=self.OLD)) == self.OLD.sent_at
        assert born(polled_at_noon(activity=self.OLD)) == self.OLD.sent_at

    def test_is_none_of_less_than_twice_what_was_expected(self) -> None:
        busy = varied(self.OLD, estimate=Estimate(40.0, 0.003))
        due = rate_at(Estimate(40.0, 0.003), 7 * 24 * 3600) * 60
        assert due > 100
        much, twice = ([NOON] * round(due * times) for times in (1.9, 2.1))
        assert born(polled_at_noon(*much, activity=busy)) == self.OLD.sent_at
        assert born(polled_at_noon(*twice, activity=busy)) == self.OLD.progress.polled_at

    def test_ends_with_the_next_send(self) -> None:
        surged = varied(self.OLD, surged_at=NOON - HOUR)
        assert born(surged) == NOON - HOUR
        assert born(varied(surged, sent_at=NOON)) == NOON


class TestTheShareThatTheCountersMiss:
    def test_grows_with_opens_that_a_counter_should_have_counted(self) -> None:
        still = candidate(idle=600.0, clear=60.0, countable=True)
        counted = NOON - timedelta(seconds=60) - 2 * MINUTE
        polled = Polled(before=READ, opens=(counted,), pages=1, down_to=None, at=NOON)
        assert missed_after(0.0, still, polled) > 0

    def test_does_not_grow_with_opens_that_came_after_the_count(self) -> None:
        still = candidate(idle=600.0, clear=60.0, countable=True)
        polled = Polled(before=READ, opens=(NOON,), pages=1, down_to=None, at=NOON)
        assert missed_after(0.5, still, polled) < 0.5

    def test_grows_with_a_probe_that_fails(self) -> None:
        assert trust_after_failure(CounterTrust(missed=0.2), NOON).missed > 0.2


def readings(*minutes_ago: float | None) -> CounterReadings:
    """Return the readings of several replies together, each refreshed so many minutes ago."""
    together = CounterReadings()
    for number, minutes in enumerate(minutes_ago):
        refreshed_at = None if minutes is None else NOON - minutes * MINUTE
        together |= CounterReadings(opens={str(number): number}, refreshed_at=refreshed_at)
    return together


class TestSeveralReplies:
    @pytest.mark.parametrize("minutes", [(5, 30, 1), (30, 5), (1, 30), (None, 30, 2)])
    def test_are_as_current_as_the_oldest_of_them(self, minutes: tuple[float | None, ...]) -> None:
        """An instant at which only some counters were current would hide the others' opens."""
        assert readings(*minutes).refreshed_at == NOON - 30 * MINUTE

    def test_of_a_probe_are_as_current_as_the_oldest_of_them(self) -> None:
        class Counters:
            requests = throttled = 0

            def count(self, campaign_ids: tuple[str, ...], *, before: datetime) -> CounterReadings:
                del before
                minutes = {"a": 1, "b": 30, "c": 5}[campaign_ids[0]]
                return CounterReadings({campaign_ids[0]: 1}, NOON - minutes * MINUTE)

        probe = CounterProbe(Counters(), NOON)  # type: ignore[arg-type] # reads no report
        probe.read(["a", "b", "c"], 1)
        assert probe.readings.refreshed_at == NOON - 30 * MINUTE
        assert trust_after(CounterTrust(), probe.readings, NOON, NOON).current_until == (
            NOON - 30 * MINUTE
        )


class TestTheLagOfTheCounters:
    def test_follows_their_age(self) -> None:
        lag = trust_after(CounterTrust(), readings(10), NOON, NOON).lag_seconds
        assert 0 < lag < 600

    def test_is_never_negative_when_the_vendors_clock_is_ahead(self) -> None:
        trust = CounterTrust(lag_seconds=1.0)
        for _ in range(100):
            trust = trust_after(trust, readings(-600), NOON, NOON)
        assert 0 <= trust.lag_seconds < 1
