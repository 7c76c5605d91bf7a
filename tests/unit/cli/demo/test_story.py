"""The story of the demo: its acts, and what it concludes."""

import pytest

from email_opens_cli.demo.story import LONGEST, UNDER_WAY
from embedded_aws import EmbeddedAwsFailed
from tests.unit.cli.demo.stories import HIDDEN, Told, tell


@pytest.fixture(scope="module")
def told() -> Told:
    return tell()


def test_the_acts_are_announced_in_their_order(told: Told) -> None:
    acts = [
        "Two e-mails are tracked.",
        "Killed function: ",
        "still holds the lease",
        "The lease has expired.",
        "✓ All 120 opens of the backlog were received",
        "Identical opens: ",
        "✓ Both were received, as two opens with different ids",
        "Late row: ",
        "✓ The late row was found and received.",
        "The last opens",
        "Every open was received exactly once",
    ]
    places = [told.output.index(act) for act in acts]
    assert places == sorted(places)


def test_the_story_succeeds_if_each_open_was_received_once(told: Told) -> None:
    assert told.code == 0
    assert "Rows in the vendor's report  143\nOpens received               143\n" in told.output


def test_the_function_is_not_invoked_before_the_killed_turns_lease_has_expired(told: Told) -> None:
    assert told.function.lease
    assert not told.function.polled_under_a_lease


def test_a_quick_machine_tells_the_story_within_a_minute(told: Told) -> None:
    assert told.seconds < 60


def test_opens_are_shown_with_the_name_of_their_email(told: Told) -> None:
    assert "  Live: pat@example.com opened on mobile, 0 s ago" in told.output


def test_an_open_that_does_not_arrive_in_time_is_under_way() -> None:
    told = tell(withholds=HIDDEN)
    assert told.code == UNDER_WAY
    assert told.seconds < LONGEST.total_seconds() + 5
    assert "Still under way              Live: 0 not reported yet, 1 not received" in told.output
    assert "exactly once" not in told.output


def test_an_open_that_is_received_twice_fails_the_story() -> None:
    told = tell(repeats=True)
    assert told.code == 1
    assert "Repeated                     1" in told.output


def test_a_function_that_cannot_be_killed_is_an_error() -> None:
    with pytest.raises(EmbeddedAwsFailed, match="process"):
        tell(can_be_killed=False)


@pytest.fixture(scope="module")
def slow() -> Told:
    return tell(times_out=True)


class TestATurnThatTimesOut:
    def test_does_not_fail_the_story(self, slow: Told) -> None:
        assert slow.code == 0
        assert "The turn took too long on this machine, and was ended." in slow.output

    def test_keeps_its_lease_until_it_expires(self, slow: Told) -> None:
        assert not slow.function.polled_under_a_lease

    def test_repeats_opens_under_the_same_ids_only(self, slow: Told) -> None:
        assert "Opens received               143\n" in slow.output
        assert "Repeated                     0\n" in slow.output
        assert "Dropped, as their id had been received before: 1\n" in slow.output
