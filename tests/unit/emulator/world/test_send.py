"""Simulated sends, and the clock that runs fast."""

from datetime import timedelta

from constant_contact_emulator import FastClock, ManualClock, Send, World, simulate_send
from tests.unit.emulator.client import START


def simulate(contacts: int, *, seed: int = 1, send: Send | None = None) -> tuple[World, str]:
    world = World(ManualClock(START), seed=1)
    activity_id = world.add_campaign().activity_id
    sent_at = START - timedelta(days=40)
    simulate_send(world, activity_id, contacts, sent_at=sent_at, seed=seed, send=send)
    return world, activity_id


def visible_rows(world: World, activity_id: str) -> list[tuple[object, ...]]:
    return [(row.contact, row.created, row.device_type) for row in world.rows(activity_id)]


def test_the_same_seed_gives_the_same_send() -> None:
    assert visible_rows(*simulate(500)) == visible_rows(*simulate(500))


def test_another_seed_gives_another_send() -> None:
    assert visible_rows(*simulate(500)) != visible_rows(*simulate(500, seed=2))


def test_a_send_has_about_one_row_for_each_contact() -> None:
    world, activity_id = simulate(20_000)
    assert 0.7 < world.count_rows(activity_id) / 20_000 < 1.3


def test_opens_become_fewer_as_after_real_sends() -> None:
    world, activity_id = simulate(20_000)
    ages = [row.created - (START - timedelta(days=40)) for row in world.rows(activity_id)]

    def share(hours: float) -> float:
        return sum(age <= timedelta(hours=hours) for age in ages) / len(ages)

    assert 0.10 < share(1) < 0.33
    assert 0.45 < share(6) < 0.65
    assert 0.70 < share(24) < 0.86
    assert 0.90 < share(168) < 0.99


def test_opens_appear_as_time_passes() -> None:
    clock = ManualClock(START)
    world = World(clock, seed=1)
    activity_id = world.add_campaign().activity_id
    rows = simulate_send(world, activity_id, 1000)
    counts = []
    for _ in range(4):
        counts.append(world.count_rows(activity_id))
        clock.advance(timedelta(days=10))
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == rows


def test_late_rows_appear_after_their_time() -> None:
    clock = ManualClock(START)
    world = World(clock, seed=1)
    activity_id = world.add_campaign().activity_id
    simulate_send(world, activity_id, 500, send=Send(late=1.0))
    clock.advance(timedelta(minutes=30))
    assert all(
        row.visible_from.replace(second=0, microsecond=0) >= row.created
        for row in world.rows(activity_id)
    )
    before = world.count_rows(activity_id)
    clock.advance(timedelta(hours=1))
    rows = world.rows(activity_id)
    assert sum(row.created < START + timedelta(minutes=30) for row in rows) > before


def test_the_grain_is_a_minute_by_default() -> None:
    world, activity_id = simulate(200)
    assert {row.created.second for row in world.rows(activity_id)} == {0}
    world, activity_id = simulate(200, send=Send(grain=timedelta(seconds=1)))
    assert {row.created.microsecond for row in world.rows(activity_id)} == {0}
    assert len({row.created.second for row in world.rows(activity_id)}) > 10


def test_a_fast_clock_runs_ahead_of_real_time() -> None:
    clock = FastClock(1_000_000, START)
    first = clock()
    while clock() <= first + timedelta(seconds=10):
        pass
    assert clock() > START
