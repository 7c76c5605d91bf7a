"""The activities of a turn, as far as the turns of `tests/core` do not show them."""

import pytest

from email_opens.account import CounterTrust
from email_opens.turns.roster import Roster
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON
from tests.fakes import MemoryTracking


@pytest.fixture
def roster() -> Roster:
    roster = Roster(
        tracking=MemoryTracking(), counter_trust=CounterTrust(), campaigns_per_probe=150
    )
    roster.load([ACTIVITY], NOON)
    return roster


def test_a_dropped_activity_may_be_dropped_again(roster: Roster) -> None:
    roster.drop(ACTIVITY_ID)
    roster.drop(ACTIVITY_ID)
    assert roster.candidates == {}


def test_no_activity_is_the_longest_unread_if_all_were_dropped(roster: Roster) -> None:
    assert roster.longest_unread() == roster.candidates[ACTIVITY_ID]
    roster.drop(ACTIVITY_ID)
    assert roster.longest_unread() is None
