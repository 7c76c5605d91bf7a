"""A search beside polls: when it holds the account, and what stops it."""

from copy import replace
from datetime import timedelta

import pytest

from email_opens.errors import (
    AccountDisconnected,
    OutOfTime,
    QuotaExceeded,
)
from email_opens.instants import next_day
from email_opens.scheduling.searches import STRETCH_REQUESTS
from email_opens.turns.discovery import PAUSE
from tests.fakes import FakeClock
from tests.unit.discovery.setup import MINUTE, World


class TakenInThePause(FakeClock):
    """Whenever the search pauses, a poll takes the account."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds and self.world:
            self.world.hold(until=self.now() + 2 * MINUTE)
            self.world = None


@pytest.fixture
def world() -> World:
    return World()


class TestTheLease:
    def test_is_released_for_a_pause_after_some_requests(self) -> None:
        world = World()
        for number in range(STRETCH_REQUESTS):
            world.send(f"{number}")
        began = world.clock.now()
        found = world.search()
        assert len(found.tracked) == STRETCH_REQUESTS
        # One request more than two for each campaign, and a pause between two stretches.
        assert world.clock.now() - began == PAUSE

    def test_that_ends_before_the_search_is_taken_once_more(self, world: World) -> None:
        for number in range(5):
            world.send(f"{number}")
        world.campaigns.seconds = 5
        assert world.search(within=2 * MINUTE).stopped is None
        assert len(world.tracked()) == 5

    def test_counts_as_taken_if_another_takes_it_in_a_pause(self) -> None:
        clock = TakenInThePause()
        world = World(clock=clock)
        for number in range(2 * STRETCH_REQUESTS):
            world.send(f"{number}")
        clock.world = world
        found = world.search()
        assert (found.leased, len(found.tracked)) == (True, STRETCH_REQUESTS // 2)

    def test_is_released_at_the_end(self, world: World) -> None:
        world.search()
        assert world.tracking.accounts["default"].lease_holder is None

    def test_ends_with_the_instant_at_which_the_search_was_completed(self, world: World) -> None:
        world.send("news")
        world.search()
        assert world.tracking.accounts["default"].searches.completed_at == world.clock.now()

    def test_of_a_search_that_is_stopped_completes_none(self, world: World) -> None:
        world.send("news")
        until = next_day(world.clock.now())
        world.campaigns.troubles["summaries"] = QuotaExceeded("Spent.", until)
        world.search()
        assert world.tracking.accounts["default"].searches.completed_at is None

    def test_gives_back_what_was_not_spent(self, world: World) -> None:
        world.send("news")
        world.search()
        assert world.tracking.accounts["default"].requests_spent == 3

    def test_that_a_poll_holds_is_waited_for(self, world: World) -> None:
        world.send("news")
        world.hold(until=world.clock.now() + timedelta(seconds=20))
        assert world.search().leased
        assert len(world.tracked()) == 1

    def test_that_is_never_free_leaves_all_to_the_next_search(self, world: World) -> None:
        world.hold(until=world.clock.now() + 2 * MINUTE)
        found = world.search()
        assert (found.leased, world.asked()) == (False, [])

    def test_can_be_waited_for_beyond_the_time_of_the_search(self, world: World) -> None:
        world.hold(until=world.clock.now() + 3 * MINUTE)
        found = world.search(wait=5 * MINUTE)
        assert (found.leased, len(found.tracked)) == (True, 0)
        world.send("news")
        assert len(world.search(wait=0 * MINUTE).tracked) == 1

    def test_is_not_waited_for_without_a_wait(self, world: World) -> None:
        world.hold(until=world.clock.now() + MINUTE)
        before = world.clock.now()
        assert not world.search(wait=0 * MINUTE).leased
        assert world.clock.now() == before


class TestASearchThatIsStopped:
    def test_by_the_quota_closes_the_account(self, world: World) -> None:
        until = next_day(world.clock.now())
        world.campaigns.troubles["summaries"] = QuotaExceeded("Spent.", until)
        assert isinstance(world.search().stopped, QuotaExceeded)
        assert world.tracking.accounts["default"].closed_until == until

    def test_by_a_closed_quota_sends_no_request_and_keeps_it_closed(self, world: World) -> None:
        until = next_day(world.clock.now())
        self.store(world, closed_until=until)
        assert isinstance(world.search().stopped, QuotaExceeded)
        assert (world.asked(), world.tracking.accounts["default"].closed_until) == ([], until)

    def test_by_no_quota_that_is_closed_for_longer_than_the_day(self, world: World) -> None:
        self.store(world, closed_until=next_day(world.clock.now()) + MINUTE)
        assert world.search().stopped is None

    def test_by_a_spent_budget_reports_that(self) -> None:
        world = World(requests_per_day=1)
        world.send("news")
        assert isinstance(world.search().stopped, OutOfTime)
        assert world.asked() == ["summaries"]

    def test_by_the_end_of_its_time_is_continued_by_the_next(self, world: World) -> None:
        for number in range(3 * STRETCH_REQUESTS):
            world.send(f"{number}")
        found = world.search(within=PAUSE)
        assert isinstance(found.stopped, OutOfTime)
        assert len(world.tracked()) == STRETCH_REQUESTS // 2
        world.search()
        assert len(world.tracked()) == 3 * STRETCH_REQUESTS

    def test_by_a_disconnected_account_stores_that_error(self, world: World) -> None:
        world.campaigns.troubles["summaries"] = AccountDisconnected("Connect it.")
        world.search()
        assert world.tracking.accounts["default"].last_error == "Connect it."

    def test_by_nothing_keeps_the_error_of_a_poll(self, world: World) -> None:
        self.store(world, last_error="A poll's.")
        world.search()
        assert world.tracking.accounts["default"].last_error == "A poll's."

    def store(self, world: World, **what: object) -> None:
        """Let a poll change the account."""
        world.hold(until=world.clock.now())
        account = world.tracking.accounts["default"]
        world.tracking.accounts["default"] = replace(account, **what)  # type: ignore[arg-type]
