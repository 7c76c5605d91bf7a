"""When the next turn is woken: at most twelve times a minute, and never after it."""

from datetime import timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.account import Chain
from email_opens.scheduling.wake_ups import CHAIN, MOST_WAKE_UPS, delay_seconds, wake_up_after
from tests.contract.samples import NOON

MINUTE_SECONDS = CHAIN.total_seconds()


@pytest.mark.parametrize(
    ("next_in_seconds", "left_seconds", "wake_ups_left", "delay"),
    [
        # As the next request is worth it, in whole seconds.
        (7.0, 60.0, 12, 7),
        (6.1, 60.0, 12, 7),
        (30.0, 40.0, 2, 30),
        # Spread over the rest of the minute.
        (3.0, 60.0, 12, 5),
        (3.0, 60.0, 10, 6),
        (2.5, 40.0, 4, 10),
        (2.5, 39.0, 2, 20),
        # Not sooner than a second.
        (0.2, 10.0, 12, 1),
        (-3.0, 10.0, 12, 1),
        # The schedule comes first.
        (59.5, 60.0, 12, None),
        (60.0, 60.0, 12, None),
        (inf, 60.0, 12, None),
        (3.0, 20.0, 1, None),
        (1.0, 1.0, 12, None),
        (1.0, -9.0, 12, None),
        (None, 60.0, 12, None),
        # All are used up.
        (3.0, 60.0, 0, None),
        (3.0, 60.0, -1, None),
        # The clock has jumped back.
        (3.0, 9e9, 12, 5),
    ],
)
def test_the_delay_is_that_of_the_next_request_and_spreads_the_wake_ups(
    next_in_seconds: float | None, left_seconds: float, wake_ups_left: int, delay: int | None
) -> None:
    assert (
        delay_seconds(next_in_seconds, left_seconds=left_seconds, wake_ups_left=wake_ups_left)
        == delay
    )


@given(
    next_in_seconds=st.none() | st.floats(allow_nan=False),
    left_seconds=st.floats(-1e6, 1e6),
    wake_ups_left=st.integers(-3, 20),
)
def test_a_delay_is_at_least_a_second_and_ends_before_the_minute(
    next_in_seconds: float | None, left_seconds: float, wake_ups_left: int
) -> None:
    delay = delay_seconds(next_in_seconds, left_seconds=left_seconds, wake_ups_left=wake_ups_left)
    if delay is not None:
        assert 1 <= delay < min(left_seconds, MINUTE_SECONDS)
        assert next_in_seconds is not None
        assert delay >= next_in_seconds
        assert delay >= min(left_seconds, MINUTE_SECONDS) / wake_ups_left


@given(st.lists(st.tuples(st.floats(0, 5), st.none() | st.floats(0, 20)), max_size=100))
def test_a_chain_is_woken_at_most_twelve_times_within_its_minute(
    turns: list[tuple[float, float | None]],
) -> None:
    """Each turn lasts for a while, and then says when the next request will be worth it."""
    chain, now, woken = Chain(NOON), NOON, 0
    for lasts, next_in_seconds in turns:
        now += timedelta(seconds=lasts)
        wake_up = wake_up_after(chain, token="t", next_in_seconds=next_in_seconds, now=now)
        if wake_up is None:
            break
        woken += 1
        assert wake_up.chain == Chain(NOON, woken)
        assert now + timedelta(seconds=1) <= wake_up.due_at < NOON + CHAIN
        chain, now = wake_up.chain, wake_up.due_at
    assert woken <= MOST_WAKE_UPS


def test_a_chain_whose_next_request_is_always_worth_it_lasts_the_whole_minute() -> None:
    chain, now, due = Chain(NOON), NOON, []
    while wake_up := wake_up_after(chain, token="t", next_in_seconds=0.0, now=now):
        chain, now = wake_up.chain, wake_up.due_at
        due.append((now - NOON).total_seconds())
    assert due == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]
