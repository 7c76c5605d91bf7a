"""A watch over hours of simulated time: how soon it shows opens, and what joins."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from constant_contact_emulator import Send, simulate_send
from email_opens.model import PAGE_ROWS
from email_opens_cli.commands.watch.emails import SEARCH_EVERY
from email_opens_cli.deployed.turns.reports import TURN
from tests.unit.cli.watch.simulated import BEGINS, SimulatedWatch, simulated_watch

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PACE = timedelta(seconds=1) / 4
"""Between two requests, by default."""


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[SimulatedWatch]:
    with simulated_watch(tmp_path) as watch:
        yield watch


def send(watch: SimulatedWatch, opens: int, *, age: timedelta = timedelta()) -> str:
    """Send an e-mail that so many contacts have opened at once."""
    world, sent_at = watch.vendor.world, watch.clock.now() - age
    activity_id = world.add_campaign().activity_id
    world.send(activity_id, at=sent_at)
    for contact in range(opens):
        world.add_open(activity_id, contact, at=sent_at)
    return activity_id


def test_an_open_in_the_first_hour_is_shown_within_half_a_minute(watch: SimulatedWatch) -> None:
    activity_id = watch.vendor.world.add_campaign().activity_id
    opens_once = Send(again=0.0, identical=0.0)
    simulate_send(watch.vendor.world, activity_id, 1_000, sent_at=BEGINS, send=opens_once)
    watch.run(20 * MINUTE)
    appeared = {
        row.contact.contact_id: row.visible_from for row in watch.vendor.world.rows(activity_id)
    }
    delays = [at - appeared[new.open.contact_id] for new, at in watch.publisher.published]
    assert len(delays) > 20
    assert sum(delays, timedelta()) / len(delays) <= timedelta(seconds=8)
    assert max(delays) <= timedelta(seconds=30)


def test_what_the_first_search_left_over_is_read_at_once(watch: SimulatedWatch) -> None:
    for _ in range(12):
        send(watch, opens=1, age=HOUR)
    watch.run(MINUTE)
    assert len(watch.publisher.published) == 12


def test_a_send_that_comes_later_joins(watch: SimulatedWatch) -> None:
    send(watch, opens=1, age=HOUR)
    watch.run(MINUTE)
    send(watch, opens=1)
    watch.run(SEARCH_EVERY + MINUTE)
    assert len(watch.publisher.published) == 2


def test_a_send_joins_while_the_watch_goes_on(watch: SimulatedWatch) -> None:
    sent: list[str] = []

    def send_later(*_: str) -> None:
        if not sent and watch.clock.now() >= BEGINS + MINUTE:
            sent.append(send(watch, opens=1))

    send(watch, opens=1)
    watch.vendor.world.before_request(send_later)
    watch.run(MINUTE + SEARCH_EVERY + 2 * MINUTE)
    joined_at = watch.publisher.published[-1][1]
    assert len(watch.publisher.published) == 2
    assert joined_at - BEGINS <= MINUTE + SEARCH_EVERY + MINUTE


def test_once_reads_a_report_that_takes_several_turns(watch: SimulatedWatch) -> None:
    activity_id = watch.vendor.world.add_campaign().activity_id
    rows = 30_000
    sent_at = BEGINS - timedelta(days=6)
    watch.vendor.world.send(activity_id, at=sent_at)
    for number, contact in enumerate(watch.vendor.world.contacts(rows)):
        at = sent_at + number * timedelta(seconds=10)
        watch.vendor.world.add_open(activity_id, contact, at=at)
    watch.settings["REQUESTS_PER_SECOND"] = "1"
    assert watch.run(HOUR, once=True) == 0
    assert watch.clock.now() - BEGINS > TURN
    assert len(watch.publisher.published) == rows
    assert watch.standing.up_to_date


def test_once_spends_its_requests_on_the_pages_and_ends_with_the_last_one(
    watch: SimulatedWatch,
) -> None:
    send(watch, opens=20_000, age=timedelta(days=6))
    assert watch.run(HOUR, once=True) == 0
    pages, found_with, counters = 20_000 // PAGE_ROWS, 4, 1
    most = pages + found_with + counters
    assert watch.standing.requests <= most
    assert watch.clock.now() - BEGINS <= most * PACE


def test_once_does_not_wait_for_what_may_come(watch: SimulatedWatch) -> None:
    for _ in range(3):
        send(watch, opens=300, age=5 * MINUTE)
    watch.settings["REQUESTS_PER_DAY"] = "1000000"
    assert watch.run(HOUR, once=True) == 0
    assert watch.clock.now() - BEGINS <= watch.standing.requests * PACE
    assert watch.standing.requests < 20


def test_once_ends_when_there_is_nothing_to_read(watch: SimulatedWatch) -> None:
    assert watch.run(HOUR, once=True) == 0


def test_a_fixed_interval_takes_fewer_requests(watch: SimulatedWatch) -> None:
    send(watch, opens=1)
    watch.run(HOUR, every=10 * MINUTE)
    assert watch.standing.requests < 30
