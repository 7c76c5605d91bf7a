"""What searches remember, and what that saves: campaigns are read once, also when there are many.

A memory with room for 20 campaigns stands for the full item of DynamoDB.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from copy import replace
from datetime import timedelta
from itertools import repeat

import pytest

from email_opens.discovery.campaigns import Forgotten
from email_opens.discovery.report import Found
from email_opens.discovery.search import MOST_FAILURES_IN_A_ROW
from email_opens.discovery.selection import MOST_RETRIES, Names
from email_opens.errors import OutOfTime, ReportUnavailable
from email_opens.scheduling.searches import STRETCH_REQUESTS
from email_opens.turns.discovery import PAUSE
from tests.fakes import FakeClock
from tests.memory_campaigns import MemorySeenCampaigns
from tests.unit.discovery.setup import LOOKBACK, MINUTE, World
from tests.world import Calls, Crash, crash

INTERVAL = timedelta(minutes=15)
ROOM = 20
SENDS = 3 * ROOM


def send_many(world: World, number: int, ages: Iterator[timedelta] | None = None) -> None:
    """Send campaigns, a minute apart or as long ago as `ages` says."""
    for count in range(number):
        world.send(f"{count:04}", ago=next(ages) if ages else (1 + count) * MINUTE)


def search_until_done(world: World, *, within: timedelta = MINUTE) -> list[Found]:
    """Search every 15 minutes until nothing is left."""
    found: list[Found] = []
    while not found or found[-1].stopped:
        found.append(world.search(within=within))
        world.clock.sleep((INTERVAL - within).total_seconds())
    return found


def campaigns(world: World) -> list[str]:
    """Take what was requested, subjects excepted."""
    return [name for name in world.asked() if not name.startswith("subject")]


def read(world: World) -> Counter[str]:
    """Take how often each campaign was read."""
    return Counter(name for name in campaigns(world) if name != "summaries")


@pytest.fixture
def full() -> World:
    """More sends than the memory has room for, all of them tracked."""
    world = World(seen=MemorySeenCampaigns(most=ROOM))
    send_many(world, SENDS)
    search_until_done(world)
    assert len(world.tracked()) == SENDS
    world.asked()
    return world


class TestAThousandSends:
    @pytest.fixture
    def world(self) -> World:
        world = World()
        send_many(world, 1000)
        world.campaigns.seconds = 0.25
        return world

    def test_are_read_once_over_several_searches(self, world: World) -> None:
        found = search_until_done(world, within=2 * MINUTE)
        assert len(found) > 1
        assert read(world) == dict.fromkeys(world.campaigns.known, 1)

    def test_cost_the_pages_of_the_list_once_they_are_seen(self, world: World) -> None:
        search_until_done(world, within=2 * MINUTE)
        world.asked()
        found = world.search()
        assert (world.asked(), found.requests) == (["summaries"] * 2, 2)

    def test_spend_no_more_than_the_budget_of_a_day(self, world: World) -> None:
        world.requests_per_day = 1400
        for _ in range(20):
            world.search(within=2 * MINUTE)
        assert len(world.asked()) == 1400
        world.clock.sleep(timedelta(days=1).total_seconds())
        world.search(within=10 * MINUTE)
        assert len(world.tracked()) == 1000


class TestAMemoryThatOverflows:
    @pytest.mark.parametrize("ages", [None, lambda: repeat(MINUTE)], ids=["apart", "ties"])
    def test_lets_each_send_be_read_once(
        self, ages: Callable[[], Iterator[timedelta]] | None
    ) -> None:
        world = World(seen=MemorySeenCampaigns(most=ROOM))
        send_many(world, SENDS, ages() if ages else None)
        # Each search is cut short after a stretch.
        found = search_until_done(world, within=PAUSE)
        assert len(found) > SENDS / STRETCH_REQUESTS
        assert read(world) == dict.fromkeys(world.campaigns.known, 1)
        assert len(world.tracked()) == SENDS

    def test_counts_the_sends_that_it_has_no_room_for(self, full: World) -> None:
        assert full.search().forgotten == SENDS - ROOM

    def test_costs_no_request_for_what_it_has_no_room_for(self, full: World) -> None:
        full.search()
        assert read(full) == {}

    def test_does_not_bring_back_what_a_person_has_untracked(self, full: World) -> None:
        for activity_id in full.tracked():
            full.tracking.remove("default", activity_id)
        full.search()
        assert full.tracked() == {}

    def test_lets_a_new_send_be_found(self, full: World) -> None:
        full.send("news")
        assert [activity.campaign_id for activity in full.search().tracked] == ["news"]

    def test_lets_a_later_send_of_a_forgotten_campaign_be_found(self, full: World) -> None:
        (oldest, *_) = sorted(full.campaigns.sent, reverse=True)
        full.send(oldest, roles="primary_email resend")
        full.campaigns.runs[f"{oldest}-resend"] = full.clock.now() - MINUTE
        full.search()
        assert f"{oldest}-resend" in full.tracked()

    def test_lets_a_send_that_the_list_shows_late_be_found_among_the_remembered(
        self, full: World
    ) -> None:
        border = full.campaigns.sent[f"{ROOM - 1:04}"]
        full.send("late", ago=full.clock.now() - border - MINUTE / 2)
        assert [activity.campaign_id for activity in full.search().tracked] == ["late"]

    def test_takes_a_send_that_the_list_shows_late_among_the_forgotten_for_seen(
        self, full: World
    ) -> None:
        border = full.campaigns.sent[f"{ROOM:04}"]
        full.send("late", ago=full.clock.now() - border + MINUTE / 2)
        assert full.search().tracked == []

    def test_keeps_a_campaign_that_failed(self) -> None:
        world = World(seen=MemorySeenCampaigns(most=ROOM))
        send_many(world, SENDS)
        world.campaigns.troubles["0030"] = ReportUnavailable("Not now.")
        search_until_done(world)
        world.campaigns.troubles.clear()
        world.search()
        assert "0030-primary_email" in world.tracked()

    def test_goes_on_below_a_campaign_that_a_spent_budget_has_cut_short(self) -> None:
        world = World(seen=MemorySeenCampaigns(most=1), requests_per_day=3)
        send_many(world, 6)
        for _ in range(6):
            world.search()
            world.clock.sleep(timedelta(days=1).total_seconds())
        assert len(world.tracked()) == 6

    def test_goes_on_below_a_campaign_that_the_end_of_a_lease_has_cut_short(self) -> None:
        world = World(seen=MemorySeenCampaigns(most=1))
        send_many(world, 9)
        world.campaigns.seconds = 5
        assert world.search(within=5 * MINUTE).stopped is None
        assert world.leases > 1
        assert len(world.tracked()) == 9

    def test_forgets_the_range_once_it_is_older_than_the_lookback(self, full: World) -> None:
        assert isinstance(full.seen.load("default").forgotten, Forgotten)
        full.clock.sleep(LOOKBACK.total_seconds())
        full.send("news")
        full.search()
        assert full.seen.load("default").forgotten is None


class TestAMemoryThatIsLost:
    @pytest.fixture
    def world(self) -> World:
        world = World()
        send_many(world, 30)
        search_until_done(world)
        world.seen.seen.clear()
        world.asked()
        return world

    def test_costs_no_request_for_what_is_tracked(self, world: World) -> None:
        found = world.search()
        assert world.asked() == ["summaries"]
        assert found.stopped is None

    def test_is_rebuilt_from_what_is_tracked(self, world: World) -> None:
        world.search()
        world.tracking.remove("default", "0007-primary_email")
        world.search()
        assert "0007-primary_email" not in world.tracked()

    def test_lets_a_later_send_be_found(self, world: World) -> None:
        world.send("0007", ago=timedelta())
        world.search()
        assert read(world) == {"0007": 1}

    def test_does_not_hide_a_campaign_whose_activity_has_no_known_send(self, world: World) -> None:
        activity = world.tracked()["0007-primary_email"]
        world.tracking.save(replace(activity, sent_at=None))
        world.search()
        assert read(world) == {"0007": 1}


class SearchesInThePause(FakeClock):
    """In the first pause of a search, another search does all of its work."""

    world: World | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.world and seconds == PAUSE.total_seconds():
            world, self.world = self.world, None
            world.search()


@pytest.mark.parametrize("names", [Names(), Names(exclude=("*",))], ids=["tracked", "left out"])
def test_two_searches_at_once_read_each_campaign_once(names: Names) -> None:
    clock = SearchesInThePause()
    world = World(clock=clock, names=names)
    send_many(world, 5 * STRETCH_REQUESTS)
    clock.world = world
    assert world.search().stopped is None
    assert read(world) == dict.fromkeys(world.campaigns.known, 1)


class TestFailures:
    def test_in_a_row_end_the_search_and_the_next_goes_on_below(self) -> None:
        world = World()
        send_many(world, 10)
        for number in range(2 * MOST_FAILURES_IN_A_ROW - 1):
            world.campaigns.troubles[f"{number:04}"] = ReportUnavailable("Not now.")
        found = world.search()
        assert isinstance(found.stopped, ReportUnavailable)
        assert (len(found.failures), found.unread) == (MOST_FAILURES_IN_A_ROW, 5)
        assert world.search().stopped is None
        assert list(world.tracked()) == ["0009-primary_email"]

    def test_with_a_success_between_them_do_not_end_the_search(self) -> None:
        world = World()
        send_many(world, 4 * MOST_FAILURES_IN_A_ROW)
        for number in range(0, 4 * MOST_FAILURES_IN_A_ROW, 2):
            world.campaigns.troubles[f"{number:04}"] = ReportUnavailable("Not now.")
        found = world.search()
        assert found.stopped is None
        assert len(found.failures) == 2 * MOST_FAILURES_IN_A_ROW

    def test_of_many_campaigns_that_never_end_do_not_spend_the_day(self) -> None:
        world = World()
        send_many(world, 100)
        for name in world.campaigns.known:
            world.campaigns.troubles[name] = ReportUnavailable("Never.")
        for _ in range(24):
            search_every_15_minutes(world, 4)
        requests = len([name for name in world.asked() if name != "summaries"])
        # Each once, and a few of them again at each search.
        assert requests <= 100 + 96 * MOST_RETRIES

    def test_of_one_campaign_are_rarely_repeated(self) -> None:
        world = World()
        world.send("bad")
        world.campaigns.troubles["bad"] = ReportUnavailable("Never.")
        search_every_15_minutes(world, 96)
        assert 5 <= read(world)["bad"] <= 8

    def test_are_retried_after_the_new_sends(self) -> None:
        world = World()
        world.send("bad")
        world.campaigns.troubles["bad"] = ReportUnavailable("Not now.")
        world.search()
        world.asked()
        world.send("news", ago=10 * MINUTE)
        world.search()
        assert campaigns(world) == ["summaries", "news", "bad"]


def search_every_15_minutes(world: World, times: int) -> None:
    for _ in range(times):
        world.search()
        world.clock.sleep(INTERVAL.total_seconds())


def test_a_campaign_that_the_vendor_knows_only_later_is_tracked_then() -> None:
    world = World()
    campaign = world.send("news")
    del world.campaigns.known["news"]
    assert world.search().removed == ["news"]
    world.campaigns.known["news"] = campaign
    world.search()
    assert list(world.tracked()) == ["news-primary_email"]


def test_what_is_left_out_by_its_name_is_tracked_later_if_it_is_remembered() -> None:
    world = World(seen=MemorySeenCampaigns(most=ROOM), names=Names(exclude=("0*",)))
    send_many(world, SENDS)
    search_until_done(world)
    world.names = Names()
    search_until_done(world)
    assert len(world.tracked()) == ROOM


def test_what_a_search_leaves_for_the_next_is_reported() -> None:
    world = World()
    send_many(world, 20)
    found = world.search(within=PAUSE)
    assert isinstance(found.stopped, OutOfTime)
    assert found.unread == 20 - STRETCH_REQUESTS // 2


class TestACampaignThatIsTrackedInPart:
    @pytest.fixture
    def world(self) -> World:
        """A campaign that the vendor lists with its last send first."""
        world = World()
        world.send("news", roles="resend primary_email")
        world.campaigns.runs = {
            "news-resend": world.campaigns.sent["news"],
            "news-primary_email": world.campaigns.sent["news"] - INTERVAL,
        }
        return world

    def test_because_a_request_failed_is_tracked_whole_by_the_next_search(
        self, world: World
    ) -> None:
        world.campaigns.troubles["news-primary_email"] = ReportUnavailable("Not now.")
        world.search()
        world.campaigns.troubles.clear()
        world.search()
        assert world.tracked().keys() == {"news-resend", "news-primary_email"}

    def test_because_the_budget_was_spent_is_tracked_whole_the_next_day(self, world: World) -> None:
        world.requests_per_day = 3
        world.search()
        world.clock.sleep(timedelta(days=1).total_seconds())
        world.requests_per_day = 10
        world.search()
        assert world.tracked().keys() == {"news-resend", "news-primary_email"}

    def test_because_the_search_was_killed_is_tracked_whole_by_the_next_one(
        self, world: World
    ) -> None:
        calls, tracking = Calls(), world.tracking
        calls.before = {1: crash}
        world.tracking = calls.through(tracking, "add")
        with pytest.raises(Crash):
            world.search()
        world.tracking = tracking
        world.search()
        assert world.tracked().keys() == {"news-resend", "news-primary_email"}
