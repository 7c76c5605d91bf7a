"""What is a hint, of the vendor or of the store, overrules no person and outlasts no day."""

from datetime import datetime, timedelta

import pytest

from email_opens.account import Account
from email_opens.instants import next_day
from email_opens.model import CounterReadings, Gap, Page, State
from tests.core.setup import DAY, HOUR, Core, Pages, at, row
from tests.fakes import FakeClock

CAMPAIGN = "campaign"


@pytest.fixture
def core() -> Core:
    return Core()


# --- What a person has paused ---


@pytest.mark.parametrize("asleep", [False, True], ids=["alone", "beside a finished one"])
def test_a_counter_that_moves_wakes_nothing_that_a_person_has_paused(
    core: Core, asleep: bool
) -> None:
    core.world.refreshed_at = core.clock.now()
    core.world.counters = {CAMPAIGN: 9}
    core.track(
        state=State.PAUSED, campaign_id=CAMPAIGN, counter=0, polled_at=at(0) - HOUR, watermark=at(0)
    )
    core.arrive(row(100))
    if asleep:
        core.track(
            campaign_activity_id="b",
            campaign_id=CAMPAIGN,
            counter=9,
            state=State.FINISHED,
            polled_at=at(0) - HOUR,
        )
    for _ in range(3):
        core.take_turn()
        core.clock.sleep(HOUR.total_seconds())
    assert core.activity().state is State.PAUSED
    assert (core.polled, core.published_minutes()) == ([], [])
    assert bool(core.world.counted) is asleep  # For the other one, and never for this one alone.


# --- When a closed quota opens ---


@pytest.mark.parametrize(
    ("closed_for", "polls"),
    [
        (timedelta(minutes=1), False),
        (next_day(at(0)) - at(0), False),
        (next_day(at(0)) - at(0) + timedelta(seconds=1), True),
        (30 * DAY, True),
        (2000 * 365 * DAY, True),
        (timedelta(0), True),
        (-DAY, True),
    ],
)
def test_a_quota_is_closed_until_midnight_at_the_latest(
    core: Core, closed_for: timedelta, polls: bool
) -> None:
    core.clock.instant = at(0)
    core.tracking.accounts["default"] = Account(
        account_id="default", closed_until=at(0) + closed_for
    )
    core.track()
    core.arrive(row(-1))
    turn = core.take_turn()
    assert (core.published_minutes() == [-1], turn.requests > 0) == (polls, polls)


# --- How current several replies are ---


def test_opens_that_the_older_of_two_replies_does_not_count_are_expected(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.campaigns_per_probe = 1
    ages = {"one": timedelta(minutes=1), "two": timedelta(minutes=40)}
    for name in ages:
        core.world.counters[name] = 0
        core.track(
            campaign_activity_id=name,
            campaign_id=name,
            counter=0,
            tracked_at=at(0) - 9 * DAY,
            polled_at=at(0) - HOUR,
            swept_at=at(0) - HOUR,
            audited_at=at(0) - HOUR,
            watermark=at(0) - 2 * DAY,
        )

    def count(campaign_ids: tuple[str, ...]) -> CounterReadings:
        (name,) = campaign_ids
        return CounterReadings({name: 0}, core.clock.now() - ages[name])

    monkeypatch.setattr(core.world, "count", count)
    now = core.clock.now()
    core.take_turn()
    assert core.tracking.accounts["default"].counter_trust.current_until == now - ages["two"]


# --- When an activity was sent ---


def first_read(core: Core, *opens: datetime, **known: datetime | None) -> datetime | None:
    """Return when an activity was sent, as far as a first read of its report shows."""
    core.clock.instant = at(120)
    core.track(**known)
    core.arrive(*(row((instant - at(0)).total_seconds() / 60) for instant in opens))
    for _ in range(9):
        core.take_turn()
        core.clock.sleep(60)
        if not core.activity().progress.gaps:
            break
    return core.activity().sent_at


@pytest.mark.parametrize("pages", [1, 2, 4, 5, 9], ids="{} pages".format)
def test_the_oldest_open_of_a_report_that_was_read_whole_becomes_the_instant_of_the_send(
    core: Core, pages: int
) -> None:
    instants = [at(-minute) for minute in range(3 * pages)]
    assert first_read(core, *instants) == instants[-1]


@pytest.mark.parametrize("instant", [at(120), at(0) - 400 * DAY], ids=["now", "ledger's end"])
def test_an_open_at_the_very_bounds_shows_the_send(core: Core, instant: datetime) -> None:
    assert first_read(core, instant, tracked_at=at(0)) == instant


def test_empty_last_pages_show_the_send_as_the_row_above_them(core: Core) -> None:
    core.track(watermark=at(5), gaps=(Gap(None, at(-5), "3"),))
    (gap,) = core.activity().progress.gaps
    core.work(Pages({"3": Page("3", (), next_link="4"), "4": Page("4", ())}), core.walk(gap=gap))
    assert core.activity().sent_at == at(-5)


def test_a_known_instant_of_the_send_is_kept(core: Core) -> None:
    assert first_read(core, at(3), at(2), sent_at=at(1)) == at(1)


def test_a_report_read_down_to_the_start_of_tracking_does_not_show_the_send(
    core: Core,
) -> None:
    assert first_read(core, at(3), at(2), at(-5), tracked_from=at(0)) is None


def test_a_report_without_rows_does_not_show_the_send(core: Core) -> None:
    assert first_read(core) is None


@pytest.mark.parametrize("instant", [at(121), at(0) - 500 * DAY], ids=["future", "ancient"])
def test_a_row_that_cannot_be_near_the_send_does_not_show_it(core: Core, instant: datetime) -> None:
    assert first_read(core, instant) is None


def test_a_first_read_that_was_cut_short_does_not_show_the_send_yet(core: Core) -> None:
    core.clock.instant = at(120)
    core.requests_in_time = 2
    core.track()
    core.arrive(*(row(-minute) for minute in range(30)))
    core.take_turn()
    assert core.activity().sent_at is None
    assert core.activity().progress.gaps


# --- What late rows teach ---


def rate_after(*late: int) -> float:
    """Return the rate of an activity, in opens a second, after a poll that found late rows."""
    core = Core(clock=FakeClock(at(1)))
    core.track(sent_at=at(0))
    for minute, opens in ((1, [1]), (130, [129]), (150, late)):
        core.clock.instant = at(minute)
        core.arrive(*map(row, opens))
        core.take_turn()
    estimate = core.activity().profile.estimate
    assert estimate
    return estimate.opens_a_second


def test_a_late_row_is_counted_in_the_rate_of_its_activity() -> None:
    assert rate_after(100, 101, 102) > rate_after()
