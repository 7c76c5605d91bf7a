"""Each contact has one first open of an activity, and it stays the first."""

import json
from collections.abc import Sequence
from datetime import datetime

import pytest

from email_opens.errors import ActivityFailed
from email_opens.events import event_id
from email_opens.model import Activity, NewOpen
from email_opens.polling.first_opens import recall
from email_opens.ports import Delivery
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import Core, row
from tests.fakes import MemoryDecisions, MemoryPublisher
from tests.world import Calls, Crash, crash


class MarkedPublisher(MemoryPublisher):
    """It also keeps whether each open is published as a first one."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[str, bool | None]] = []
        """Event ids and marks, in the order of publication."""

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        self.marks += [(new.event_id, new.first_open) for new in opens]
        return super().publish(activity, opens, now)


class BusyDecisions(MemoryDecisions):
    """Decisions that cannot be stored."""

    def decide(self, *_: object) -> dict[bytes, bytes]:
        raise ActivityFailed("The table has no capacity.")


@pytest.fixture
def publisher() -> MarkedPublisher:
    return MarkedPublisher()


@pytest.fixture
def core(publisher: MarkedPublisher) -> Core:
    core = Core(publisher=publisher, decisions=MemoryDecisions())
    core.track()
    return core


def poll(core: Core, publisher: MarkedPublisher) -> dict[str, bool | None]:
    """Take a turn; return the marks of the events that it publishes."""
    publisher.marks.clear()
    core.take_turn()
    core.clock.sleep(60)
    return dict(publisher.marks)


def test_the_oldest_of_the_opens_read_together_is_first(
    core: Core, publisher: MarkedPublisher
) -> None:
    early, late, other = row(-5, "ann"), row(-3, "ann"), row(-4, "bo")
    core.arrive(late, other, early)
    assert poll(core, publisher) == {
        event_id(early, 1): True,
        event_id(late, 1): False,
        event_id(other, 1): True,
    }


def test_twins_are_one_first_open_and_one_that_is_not(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.arrive(row(-5, "ann"), row(-5, "ann"))
    assert sorted(map(bool, poll(core, publisher).values())) == [False, True]


def test_a_later_open_of_the_contact_is_not_first(core: Core, publisher: MarkedPublisher) -> None:
    core.arrive(row(-5, "ann"))
    poll(core, publisher)
    core.arrive(row(0, "ann"))
    assert poll(core, publisher) == {event_id(row(0, "ann"), 1): False}


def test_an_older_open_that_is_found_later_is_not_first(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.arrive(row(-5, "ann"))
    poll(core, publisher)
    core.arrive(row(-30, "ann"))
    assert poll(core, publisher) == {event_id(row(-30, "ann"), 1): False}


def test_the_contact_has_a_first_open_of_each_activity(
    core: Core, publisher: MarkedPublisher
) -> None:
    other = "5b1e0a52-0000-4000-8000-0000000000cc"
    core.track(campaign_activity_id=other)
    core.arrive(row(-5, "ann"))
    core.arrive(row(-5, "ann"), to=other)
    assert list(poll(core, publisher).values()) == [True, True]


def test_an_open_that_is_published_again_after_a_crash_is_marked_as_before(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.arrive(row(-5, "ann"))
    ledger = core.ledger
    calls = Calls()
    calls.before = {0: crash}
    core.ledger = calls.through(ledger, "append")
    with pytest.raises(Crash):
        core.take_turn()
    core.ledger = ledger
    assert ledger.entries == {}
    assert publisher.marks == [(event_id(row(-5, "ann"), 1), True)]
    # Meanwhile an older open of the contact has appeared.
    core.arrive(row(-6, "ann"))
    core.clock.sleep(120)
    assert poll(core, publisher) == {
        event_id(row(-5, "ann"), 1): True,
        event_id(row(-6, "ann"), 1): False,
    }


def test_nothing_is_published_while_nothing_can_be_decided(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.decisions = BusyDecisions()
    core.arrive(row(-5, "ann"))
    assert poll(core, publisher) == {}
    core.decisions = MemoryDecisions()
    assert poll(core, publisher) == {event_id(row(-5, "ann"), 1): True}


def test_without_decisions_no_open_is_marked(core: Core, publisher: MarkedPublisher) -> None:
    core.decisions = None
    core.arrive(row(-5, "ann"))
    assert list(poll(core, publisher).values()) == [None]


def test_what_was_decided_is_recalled_and_decides_nothing(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.arrive(row(-5, "ann"), row(-3, "ann"))
    poll(core, publisher)
    opens = [
        NewOpen(event_id(each, 1), 1, each)
        for each in (row(-5, "ann"), row(-3, "ann"), row(-4, "bo"))
    ]
    assert core.decisions
    for _ in range(2):
        marked = recall(core.decisions, ACTIVITY_ID, opens)
        assert [new.first_open for new in marked] == [True, False, None]


def test_the_published_event_is_the_same_with_and_without_the_mark(
    core: Core, publisher: MarkedPublisher
) -> None:
    core.arrive(row(-5, "ann"))
    poll(core, publisher)
    (body,) = publisher.published
    assert "first_open" not in json.loads(body)["data"]
