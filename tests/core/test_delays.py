"""How late opens are published, as messages, metrics and `status` show it."""

import pytest

from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import Entry, Receiver, reasons
from tests.contract.samples import ACTIVITY, NOON, new_open
from tests.core.setup import Core, at, row
from tests.fakes import FakeClock


@pytest.fixture
def core() -> Core:
    core = Core(clock=FakeClock(at(60)))
    core.track(tracked_at=at(0))
    return core


def test_a_delay_is_what_has_passed_since_the_open(core: Core) -> None:
    core.arrive(row(59), row(50))
    assert list(core.take_turn().counts.delays_seconds) == [600, 60]


def test_opens_from_before_the_tracking_are_published_without_a_delay(core: Core) -> None:
    core.arrive(row(59), row(-50))
    turn = core.take_turn()
    assert (core.published_minutes(), [*turn.counts.delays_seconds]) == ([-50, 59], [60])


@pytest.mark.parametrize(("seconds_later", "delay"), [(90, "90"), (0, "0"), (-90, "-90")])
def test_subscribers_receive_the_time_from_created_to_published(
    clock: FakeClock, seconds_later: int, delay: str
) -> None:
    """A row that is dated in the future has a negative delay, which numeric filters accept."""
    sent: list[Entry] = []

    def send(entries: list[Entry]) -> dict[str, list[Entry]]:
        sent.extend(entries)
        return {"Successful": entries}

    publisher = SnsPublisher(Receiver(name="The topic", send=send), reasons([]), clock)
    now = new_open().open.created_time + (at(seconds_later / 60) - NOON)
    assert publisher.publish(ACTIVITY, [new_open()], now).failure is None
    (entry,) = sent
    assert entry["MessageAttributes"]["delay_seconds"] == {
        "DataType": "Number",
        "StringValue": delay,
    }
