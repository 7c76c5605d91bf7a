"""The search for new sends as a part of a turn."""

from collections.abc import Iterator
from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from email_opens.account import ExpectedSend
from email_opens.discovery.campaigns import Campaign, CampaignActivity
from email_opens.discovery.schedules import MOST_CAMPAIGNS
from email_opens.errors import AccountDisconnected, ActivityForbidden, OutOfTime, ReportUnavailable
from email_opens.model import State
from email_opens.scheduling.searches import (
    AGAIN,
    LATE,
    LONGEST,
    LONGEST_PAUSE,
    STRETCH_REQUESTS,
)
from email_opens.turns.searching import MOST_EXPECTED, NEXT_TURN_SECONDS, STRETCH
from email_opens.turns.turn import SHORT_SECONDS, SUSPECT_MINUTES
from tests.chains import turns_of_a_minute
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import Core, at, row
from tests.memory_campaigns import MemoryCampaigns
from tests.world import Crash

MINUTE = timedelta(minutes=1)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.campaigns = MemoryCampaigns(core.clock)
    return core


def campaigns(core: Core) -> MemoryCampaigns:
    assert core.campaigns
    return core.campaigns


def send(core: Core, name: str = "news", sent_at: datetime | None = None) -> str:
    """Send a campaign of this name; return the id of its activity."""
    activity_id = f"{name}-primary"
    activities = (CampaignActivity(activity_id, "primary_email"),)
    campaigns(core).known[name] = Campaign(name, name, activities=activities)
    campaigns(core).sent[name] = sent_at or core.clock.now()
    core.world.rows.setdefault(activity_id, [])
    return activity_id


def minutes(core: Core, number: int) -> Iterator[int]:
    """Yield numbers a minute apart, from now on."""
    begins = core.clock.now()
    for minute in range(number):
        core.clock.sleep((begins + minute * MINUTE - core.clock.now()).total_seconds())
        yield minute


def searched(core: Core) -> int:
    return campaigns(core).asked.count("summaries")


class TestANewSend:
    def test_is_tracked_and_read_in_the_turn_that_finds_it(self, core: Core) -> None:
        activity_id = send(core)
        core.arrive(row(0), to=activity_id)
        turn = core.take_turn()
        assert turn.found
        assert [each.campaign_activity_id for each in turn.found.tracked] == [activity_id]
        assert (turn.counts.published, core.polled) == (1, [activity_id])

    def test_is_found_within_the_longest_interval(self, core: Core) -> None:
        for _ in minutes(core, 60):
            core.take_turn()
        activity_id = send(core)
        for _ in minutes(core, LONGEST // MINUTE):
            core.take_turn()
        assert ("default", activity_id) in core.tracking.items

    def test_is_found_within_two_minutes_at_an_hour_at_which_the_account_sends(
        self, core: Core
    ) -> None:
        for week in range(1, 5):
            core.track(
                campaign_activity_id=f"{week}",
                sent_at=core.clock.now() - week * timedelta(weeks=1),
                state=State.FINISHED,
            )
        for _ in minutes(core, 10):
            core.take_turn()
        activity_id = send(core)
        for _ in minutes(core, 3):
            core.take_turn()
        assert ("default", activity_id) in core.tracking.items

    def test_that_was_sent_again_is_read_as_it_is_stored(self, core: Core) -> None:
        activity_id = send(core, sent_at=at(-60))
        core.take_turn()
        send(core)
        core.arrive(row(0), to=activity_id)
        core.clock.sleep(LONGEST.total_seconds())
        core.take_turn()
        stored = core.activity(activity_id)
        assert stored.progress.watermark == at(0)
        assert stored.sent_at == campaigns(core).sent["news"]

    def test_that_a_person_has_untracked_is_not_tracked_again(self, core: Core) -> None:
        activity_id = send(core)
        core.take_turn()
        core.tracking.remove("default", activity_id)
        core.clock.sleep(LONGEST.total_seconds())
        core.take_turn()
        assert ("default", activity_id) not in core.tracking.items


class TestTheOrder:
    @pytest.fixture(autouse=True)
    def requests(self, core: Core) -> list[str]:
        """The requests for pages of reports, and those of searches, in their order."""
        campaigns(core).asked = core.polled
        return core.polled

    def test_is_heads_before_the_search(self, core: Core, requests: list[str]) -> None:
        core.track()
        core.take_turn()
        assert requests == [ACTIVITY_ID, "summaries", "scheduled"]

    def test_is_the_search_before_backfill(self, core: Core, requests: list[str]) -> None:
        core.track()
        core.arrive(*(row(number) for number in range(-60, 0)))
        core.take_turn()
        searched_at = requests.index("summaries")
        assert requests[searched_at + 1] == "scheduled"
        assert set(requests[:searched_at]) == set(requests[searched_at + 2 :]) == {ACTIVITY_ID}
        assert searched_at < len(requests) / 2

    def test_is_a_head_that_is_due_between_two_stretches(
        self, core: Core, requests: list[str]
    ) -> None:
        core.track(sent_at=core.clock.now())
        for number in range(3 * STRETCH_REQUESTS):
            send(core, f"{number}", at(-number))
        campaigns(core).seconds = 1.0
        core.take_turn()
        slow = [asked for asked in requests if asked not in core.world.rows or asked == ACTIVITY_ID]
        polls = [place for place, asked in enumerate(slow) if asked == ACTIVITY_ID]
        gaps = [after - before for before, after in pairwise(polls)]
        # A fresh send is due after 25 seconds, and a stretch of 12 seconds may be under way.
        assert gaps
        assert max(gaps) <= 25 + STRETCH.total_seconds()

    def test_is_a_new_send_before_the_next_stretch(self, core: Core, requests: list[str]) -> None:
        for number in range(STRETCH_REQUESTS):
            send(core, f"{number}", at(-number))
        core.take_turn()
        assert requests.index("0-primary") < requests.index(f"{STRETCH_REQUESTS - 1}")


class TestAStretch:
    def test_is_followed_by_others_in_the_same_turn(self, core: Core) -> None:
        for number in range(30):
            send(core, f"{number}", at(-number))
        turn = core.take_turn()
        assert turn.found
        assert (len(turn.found.tracked), searched(core)) == (30, 1)

    def test_is_continued_in_the_next_turn_if_the_time_is_over(self, core: Core) -> None:
        for number in range(30):
            send(core, f"{number}", at(-number))
        campaigns(core).seconds = 4.0
        tracked = []
        for _ in minutes(core, 8):
            found = core.take_turn().found
            tracked.append(len(found.tracked) if found else 0)
        assert sum(tracked) == 30
        assert sum(each > 0 for each in tracked) > 1
        read = [each for each in campaigns(core).asked if each in campaigns(core).known]
        assert len(read) < 2 * 30


class TestFailures:
    @pytest.mark.parametrize(
        "error", [ReportUnavailable("503."), ActivityForbidden("403."), ValueError("a secret")]
    )
    def test_of_a_search_are_reported_and_stop_no_poll(self, core: Core, error: Exception) -> None:
        core.track()
        core.arrive(row(0))
        campaigns(core).troubles["summaries"] = error
        turn = core.take_turn()
        assert (turn.unsearched, turn.completed, turn.counts.published) == (error, True, 1)

    def test_that_stop_the_account_stop_every_turn_until_it_is_connected(self, core: Core) -> None:
        """Also turns that have nothing else to read: an account that stops completes none."""
        error = AccountDisconnected("There are no credentials.")
        campaigns(core).troubles["summaries"] = error
        turns = [core.take_turn() for _ in minutes(core, 60)]
        assert {(turn.completed, turn.stopped) for turn in turns} == {(False, error)}
        campaigns(core).troubles.clear()
        assert core.take_turn().completed

    def test_in_a_row_are_followed_by_pauses_that_grow(self, core: Core) -> None:
        campaigns(core).troubles["summaries"] = ReportUnavailable("503.")
        failed_at = [minute for minute in minutes(core, 300) if core.take_turn().unsearched]
        pauses = [after - before for before, after in pairwise(failed_at)]
        assert pauses == sorted(pauses)
        assert pauses[-1] == LONGEST_PAUSE // MINUTE
        assert core.tracking.accounts["default"].searches.failures == len(failed_at)

    def test_end_with_the_next_completed_search(self, core: Core) -> None:
        campaigns(core).troubles["summaries"] = ReportUnavailable("503.")
        core.take_turn()
        campaigns(core).troubles.clear()
        core.clock.sleep(LONGEST.total_seconds())
        core.take_turn()
        searches = core.tracking.accounts["default"].searches
        assert (searches.failures, searches.completed_at) == (0, core.clock.now())

    def test_of_a_search_that_gets_nowhere_in_its_time_are_counted(self, core: Core) -> None:
        campaigns(core).seconds = STRETCH.total_seconds() + 1
        campaigns(core).troubles["summaries"] = OutOfTime("No time is left.")
        turn = core.take_turn()
        assert (type(turn.unsearched), turn.completed) == (OutOfTime, True)
        assert core.tracking.accounts["default"].searches.failures == 1

    def test_of_one_campaign_stop_no_other(self, core: Core) -> None:
        send(core, "bad")
        activity_id = send(core, "good")
        campaigns(core).troubles["bad"] = ReportUnavailable("503.")
        turn = core.take_turn()
        assert turn.found
        assert [each.campaign_id for each in turn.found.failures] == ["bad"]
        assert ("default", activity_id) in core.tracking.items

    def test_of_searches_that_kill_their_turns_keep_no_head_from_being_read(
        self, core: Core
    ) -> None:
        for name in ("a", "b"):
            core.track(campaign_activity_id=name)
            core.arrive(row(0), to=name)
        campaigns(core).troubles["summaries"] = Crash()  # type: ignore[assignment]
        for minute in minutes(core, 2 * SUSPECT_MINUTES):
            core.arrive(row(minute), to="a")
            core.arrive(row(minute), to="b")
            with suppress(Crash):
                core.take_turn()
        assert {core.activity(name).progress.watermark is None for name in "ab"} == {False}


class TestTheBudget:
    def test_of_searches_is_a_twentieth_of_the_day(self, core: Core) -> None:
        core.requests_per_day = 1000
        for _ in minutes(core, 12 * 60):
            core.take_turn()
        assert 20 <= searched(core) <= 25 + 1

    def test_that_is_nearly_spent_leaves_a_search_for_later_turns(self, core: Core) -> None:
        core.requests_per_day = 100
        for number in range(30):
            send(core, f"{number}", at(-number))
        turn = core.take_turn()
        assert turn.found
        assert STRETCH_REQUESTS <= turn.found.requests <= STRETCH_REQUESTS + 1
        core.clock.sleep(60)
        assert core.take_turn().found is None


class TestAScheduledSend:
    @pytest.fixture(autouse=True)
    def activity_id(self, core: Core) -> str:
        """Schedule a send for twenty minutes and a half from now."""
        activity_id = send(core)
        del campaigns(core).sent["news"]
        campaigns(core).schedules[activity_id] = core.clock.now() + 20.5 * MINUTE
        return activity_id

    def test_is_expected(self, core: Core, activity_id: str) -> None:
        core.take_turn()
        assert [(each.campaign_id, each.at) for each in expected(core)] == [
            ("news", campaigns(core).schedules[activity_id])
        ]

    def test_is_searched_for_in_the_first_turn_after_its_instant(
        self, core: Core, activity_id: str
    ) -> None:
        sent_at = campaigns(core).schedules[activity_id]
        for minute in minutes(core, 22):
            if core.clock.now() >= sent_at:
                campaigns(core).sent["news"] = sent_at
                campaigns(core).schedules.clear()
            core.take_turn()
            assert (("default", activity_id) in core.tracking.items) == (minute == 21)
        assert expected(core) == ()

    def test_is_searched_for_in_each_turn_until_it_is_late(
        self, core: Core, activity_id: str
    ) -> None:
        for _ in minutes(core, 21):
            core.take_turn()
        campaigns(core).schedules.pop(activity_id)
        campaigns(core).asked.clear()
        turns = LATE // MINUTE + 1
        for _ in minutes(core, turns):
            core.take_turn()
        assert searched(core) >= turns - 2
        core.clock.sleep(LONGEST.total_seconds())
        core.take_turn()
        assert expected(core) == ()

    def test_is_when_the_next_turn_is_to_begin(self, core: Core) -> None:
        core.take_turn()
        core.clock.sleep(20 * 60)
        assert core.take_turn().next_in_seconds == 30

    def test_is_waited_for_within_the_turn_if_it_is_sent_soon(
        self, core: Core, activity_id: str
    ) -> None:
        core.take_turn()
        core.clock.sleep(20.5 * 60 - SHORT_SECONDS)
        sent_at = campaigns(core).sent["news"] = campaigns(core).schedules[activity_id]
        core.take_turn()
        assert core.activity(activity_id).tracked_at - sent_at < timedelta(seconds=2)

    def test_that_is_listed_just_after_a_search_is_found_by_the_next_woken_turn(
        self, core: Core, activity_id: str
    ) -> None:
        core.take_turn()
        core.clock.sleep(20.5 * 60)
        sent_at = core.clock.now()
        for _ in turns_of_a_minute(core.turns(), core.clock):
            campaigns(core).sent["news"] = sent_at
        assert core.activity(activity_id).tracked_at == sent_at + AGAIN

    def test_is_searched_for_by_the_next_turn_once_this_one_has_searched(self, core: Core) -> None:
        core.take_turn()
        core.clock.sleep(20.5 * 60 - 1)
        core.tracking.accounts["default"] = replace(
            core.tracking.accounts["default"],
            searches=replace(core.tracking.accounts["default"].searches, tried_at=None),
        )
        turn = core.take_turn()
        assert (searched(core), turn.next_in_seconds) == (2, NEXT_TURN_SECONDS)

    @pytest.mark.parametrize("moved_by", [30 * MINUTE, -10 * MINUTE])
    def test_that_is_moved_is_expected_when_it_will_be_sent(
        self, core: Core, activity_id: str, moved_by: timedelta
    ) -> None:
        core.take_turn()
        campaigns(core).schedules[activity_id] += moved_by
        read_again(core)
        assert [each.at for each in expected(core)] == [campaigns(core).schedules[activity_id]]

    def test_that_is_unscheduled_is_not_expected(self, core: Core, activity_id: str) -> None:
        core.take_turn()
        del campaigns(core).schedules[activity_id]
        read_again(core)
        assert expected(core) == ()

    def test_that_is_deleted_is_not_expected(self, core: Core) -> None:
        core.take_turn()
        campaigns(core).known.clear()
        read_again(core)
        assert expected(core) == ()

    def test_that_cannot_be_read_hides_no_other(self, core: Core) -> None:
        schedule(core, "other", 40)
        campaigns(core).troubles["news"] = ReportUnavailable("503.")
        core.take_turn()
        assert [each.campaign_id for each in expected(core)] == ["other"]

    def test_is_one_of_the_next_few(self, core: Core) -> None:
        for number in range(2 * MOST_EXPECTED):
            schedule(core, f"{number}", 600 - number)
        core.take_turn()
        instants = [each.at for each in expected(core)]
        assert len(instants) == MOST_EXPECTED
        assert instants == sorted(instants)

    def test_is_remembered_instead_of_those_that_were_not_found_in_time(self, core: Core) -> None:
        for number in range(2 * MOST_EXPECTED):
            schedule(core, f"{number}", 60 * number + 60)
        core.take_turn()
        campaigns(core).troubles["summaries"] = ReportUnavailable("503.")
        core.clock.sleep(timedelta(minutes=60 * MOST_EXPECTED + 30).total_seconds())
        read_again(core)
        assert [each.at > core.clock.now() for each in expected(core)] == [True] * MOST_EXPECTED

    def test_is_read_in_stretches(self, core: Core) -> None:
        for number in range(MOST_CAMPAIGNS - 1):
            schedule(core, f"{number}", 600)
        core.track(sent_at=core.clock.now())
        campaigns(core).seconds = 1.0
        core.take_turn()
        assert core.polled.count(ACTIVITY_ID) > 1
        assert len(expected(core)) == MOST_EXPECTED

    def test_that_cannot_be_listed_is_reported_and_stops_no_search(self, core: Core) -> None:
        campaigns(core).troubles["scheduled"] = ReportUnavailable("503.")
        turns = [core.take_turn() for _ in minutes(core, 30)]
        assert [turn.unsearched is not None for turn in turns] == [True] + 29 * [False]
        assert all(turn.completed for turn in turns)
        assert searched(core) > 5


def schedule(core: Core, name: str, minute: float) -> None:
    """Schedule a campaign of this name for so many minutes from now."""
    activity_id = send(core, name)
    del campaigns(core).sent[name]
    campaigns(core).schedules[activity_id] = core.clock.now() + minute * MINUTE


def expected(core: Core) -> tuple[ExpectedSend, ...]:
    return core.tracking.accounts["default"].searches.expected


def read_again(core: Core) -> None:
    """Take a turn in which the schedules are due to be read again."""
    account = core.tracking.accounts["default"]
    core.tracking.accounts["default"] = replace(
        account, searches=replace(account.searches, schedules_due_at=None)
    )
    core.take_turn()


def test_the_schedules_take_a_hundredth_of_the_day(core: Core) -> None:
    for number in range(3):
        schedule(core, f"{number}", 2000)
    core.requests_per_day = 2400
    for _ in minutes(core, 12 * 60):
        core.take_turn()
    searches = ("summaries",)
    of_schedules = [each for each in campaigns(core).asked if each not in searches]
    assert 1 < len(of_schedules) <= 12 + 7


class TestAResend:
    @pytest.fixture(autouse=True)
    def activity_id(self, core: Core) -> str:
        """Send a campaign whose resend is scheduled for tomorrow."""
        activity_id = send(core)
        campaigns(core).resends[activity_id] = core.clock.now() + timedelta(days=1)
        core.take_turn()
        return activity_id

    def test_is_expected_after_the_first_send(self, core: Core, activity_id: str) -> None:
        assert [(each.resend_of, each.at) for each in expected(core)] == [
            (activity_id, campaigns(core).resends[activity_id])
        ]

    def test_that_is_unscheduled_is_not_expected(self, core: Core) -> None:
        campaigns(core).resends.clear()
        read_again(core)
        assert expected(core) == ()


def test_a_turn_reports_how_long_ago_a_search_was_completed(core: Core) -> None:
    assert core.take_turn().searched_seconds_ago == 0
    core.clock.sleep(60)
    assert core.take_turn().searched_seconds_ago == 60


def test_a_turn_without_discovery_reports_none() -> None:
    assert Core().take_turn().searched_seconds_ago is None
