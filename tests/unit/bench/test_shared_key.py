"""The key that several stacks share in `bench.freshness.shared_key`."""

import pytest

from bench.freshness.account import Account, instant
from bench.freshness.shared_key import PACE, QUOTA, Key, optimum, optimum_together
from bench.freshness.world import DAY, World, draw_world
from tests.fakes import FakeClock


def account_at(now: float) -> Account:
    return Account(World(sends=[], begins=0.0, ends=DAY), FakeClock(instant(now)))


def test_a_key_refuses_every_request_after_the_days_quota() -> None:
    key = Key(begins=0.0)
    answers = [key.refuses(account_at(number)) for number in range(QUOTA + 2)]
    assert answers == QUOTA * [False] + 2 * [True]
    assert key.refused_at == {0: QUOTA}
    assert not key.refuses(account_at(DAY))


def test_a_key_refuses_nothing_before_it_is_shared() -> None:
    key = Key(begins=DAY)
    assert not any(key.refuses(account_at(number)) for number in range(QUOTA + 1))


def test_a_key_keeps_the_pace_of_all_stacks_together() -> None:
    key, accounts = Key(begins=0.0), [account_at(0.5) for _ in range(PACE + 1)]
    for account in accounts:
        key.refuses(account)
    assert [account.now() for account in accounts] == PACE * [0.5] + [1.0]


def test_the_optimum_of_like_stacks_is_as_good_apart_as_together() -> None:
    world = draw_world(seed=1, activities=5, days=1)
    together = optimum_together([world, world], 0, 2_000)
    assert optimum([world, world], 0, 1_000) == pytest.approx(together)
