from datetime import datetime, timedelta

import pytest

from email_opens.discovery.ports import Campaigns
from email_opens.errors import OutOfTime
from email_opens.instants import next_day
from email_opens.turns.visits import COMMIT, LEASE, Visit
from tests.unit.discovery.setup import MINUTE, World


class Noted:
    """Work that notes when it may ask, and the lease that it has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.before: datetime | None = None
        self.lease_until: datetime | None = None

    def __call__(self, campaigns: Campaigns, before: datetime) -> None:
        del campaigns
        self.before = before
        self.lease_until = self._world.tracking.accounts["default"].lease_until


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def noted(world: World) -> Noted:
    return Noted(world)


def visit(world: World, noted: Noted, within: timedelta = MINUTE) -> Visit:
    return world.visiting().visit(
        "default", holder="visit", before=world.clock.now() + within, work=noted
    )


def test_a_visit_leases_the_account_for_moments(world: World, noted: Noted) -> None:
    visit(world, noted)
    assert noted.lease_until == world.clock.now() + LEASE


def test_a_visit_asks_nothing_when_the_lease_is_about_to_end(world: World, noted: Noted) -> None:
    visit(world, noted)
    assert noted.before == world.clock.now() + LEASE - COMMIT


def test_a_visit_ends_with_its_invocation(world: World, noted: Noted) -> None:
    visit(world, noted, within=timedelta(seconds=5))
    assert noted.before == world.clock.now() + timedelta(seconds=5)


def test_a_visit_ends_at_midnight_with_its_budget(world: World, noted: Noted) -> None:
    midnight = next_day(world.clock.now())
    world.clock.instant = midnight - timedelta(seconds=2)
    visit(world, noted)
    assert noted.before == midnight


def test_a_visit_while_another_holds_the_account_does_nothing(world: World, noted: Noted) -> None:
    world.hold(until=world.clock.now() + MINUTE)
    assert not visit(world, noted).leased
    assert noted.before is None


def test_a_visit_reserves_what_the_pace_allows_within_the_lease(world: World, noted: Noted) -> None:
    visit(world, noted)
    assert world.visits == [LEASE.total_seconds() * 4 + 1]


def test_a_visit_reserves_no_more_than_the_day_has_left() -> None:
    world = World(requests_per_day=3)
    visit(world, Noted(world))
    assert world.visits == [3]


def test_an_error_that_nobody_foresaw_gives_the_lease_back(world: World) -> None:
    def broken(campaigns: Campaigns, before: datetime) -> None:
        campaigns.summaries(link=None, before=before)
        raise KeyError("nobody foresaw it")

    with pytest.raises(KeyError):
        world.visiting().visit(
            "default", holder="visit", before=world.clock.now() + MINUTE, work=broken
        )
    account = world.tracking.accounts["default"]
    assert (account.lease_holder, account.requests_spent) == (None, 1)


def test_a_visit_tells_why_it_stopped(world: World) -> None:
    stop = OutOfTime("No time is left.")

    def stopped(campaigns: Campaigns, before: datetime) -> None:
        del campaigns, before
        raise stop

    done = world.visiting().visit(
        "default", holder="visit", before=world.clock.now() + MINUTE, work=stopped
    )
    assert done.stopped is stop
