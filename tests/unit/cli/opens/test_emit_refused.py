"""What `email-opens emit` refuses, what refuses its events, and what interrupts it."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from email_opens.adapters.aws.publishing.receivers import Entry, Receiver
from email_opens.errors import PublishFailed
from email_opens.model import Activity, NewOpen
from email_opens.ports import Delivery
from email_opens_cli.commands.opens import emit as command
from email_opens_cli.commands.opens.emit import Emission
from email_opens_cli.commands.opens.samples import Kind, samples
from email_opens_cli.deployed import destinations
from email_opens_cli.deployed.destinations import Destination
from tests.conftest import Aws, subscribe
from tests.contract.samples import NOON
from tests.fakes import FakeClock
from tests.unit.cli.opens.emitting import emit, queue, received, topic
from tests.unit.cli.world import World, complaint, run


@pytest.mark.usefixtures("aws")
class TestRefuses:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--to", "nonsense"], "is not a destination"),
            (["--to", "arn:aws:sqs:eu-west-1:123456789012:q"], "is not a destination"),
            (["--to", "arn:aws:sns:eu-west-1:123456789012:nowhere"], "There is no queue or topic"),
            (
                ["--to", "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere"],
                "There is no queue or topic",
            ),
            (["--count", "0"], "--count needs a whole number from 1 to 10000"),
            (["--count", "10001"], "--count needs a whole number from 1 to 10000"),
            (["--seed", "x"], "--seed needs a whole number of 0 or more"),
            (["--at", "soon"], "“soon” is not an instant"),
            (["--at", "2999-01-01"], "lies in the future"),
            (["--at", "beginning"], "--at needs an instant from 2000 on"),
            (["--at", "0001-01-01"], "--at needs an instant from 2000 on"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_bad_input_before_anything_is_sent(
        self, aws: Aws, arguments: list[str], message: str
    ) -> None:
        to = queue(aws)
        assert message in complaint(run("emit", "--to", to, "--yes", *arguments), 2)
        assert received(aws, to) == []

    def test_to_leave_out_the_destination(self) -> None:
        assert "--to" in complaint(run("emit", "--yes"), 2)


class TestTheTopicOfAStack:
    def test_is_refused(self, world: World) -> None:
        assert "the stack's own topic" in complaint(emit(world.aws.topic_arn), 2)
        assert world.received() == []

    def test_is_refused_by_its_name_where_no_stack_is_known(self, aws: Aws) -> None:
        to, url = topic(aws, "mine-opens"), queue(aws)
        subscribe(aws.sns, aws.sqs, to, url)
        assert "the topic of the stack “mine”" in complaint(emit(to), 2)
        assert received(aws, url) == []

    def test_is_refused_by_its_name_if_it_is_fifo(self, aws: Aws) -> None:
        to = topic(aws, "mine-opens.fifo", FifoTopic="true")
        assert "the topic of the stack “mine”" in complaint(emit(to), 2)

    def test_is_accepted_when_all_subscribers_are_meant(self, world: World) -> None:
        result = emit(world.aws.topic_arn, "--all-subscribers")
        assert len(world.received()) == 20
        assert result.stdout.endswith(" --all-subscribers`.\n")

    def test_needs_no_stack_to_be_found_for_a_queue(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMAIL_OPENS_STACK", "there-is-none")
        assert emit(queue(aws)).exit_code == 0

    def test_is_not_searched_in_vain(self, aws: Aws) -> None:
        error = complaint(emit(topic(aws), "--stack", "there-is-none"), 2)
        assert "There is no stack “there-is-none”" in error


def receiver(*, refuses: str | None = None, sender_fault: bool = True) -> Receiver:
    """Return a receiver that refuses the messages with a word in their bodies."""

    def send(entries: list[Entry]) -> dict[str, Any]:
        bad = [entry for entry in entries if refuses and refuses in entry["MessageBody"]]
        fault = {"Code": "TooLong", "Message": "too long", "SenderFault": sender_fault}
        return {
            "Successful": [entry for entry in entries if entry not in bad],
            "Failed": [fault | {"Id": entry["Id"]} for entry in bad],
        }

    return Receiver(name="The destination", send=send)


class TestADestinationThatRefuses:
    def test_is_asked_for_each_event_and_counted_by_kind(self) -> None:
        to = Destination(receiver(refuses="wearable"), FakeClock())
        emission = Emission(to, samples(10, 1, NOON), NOON)
        emission.send()
        assert emission.sent == Counter(set(Kind) - {Kind.UNKNOWN_DEVICE})
        assert to.refused == ["TooLong: too long"]
        assert emission.distinct == 8

    def test_ends_the_sending_if_it_may_accept_later(self) -> None:
        to = Destination(receiver(refuses="wearable", sender_fault=False), FakeClock())
        emission = Emission(to, samples(10, 1, NOON), NOON)
        with pytest.raises(PublishFailed, match="did not accept 1 messages"):
            emission.send()
        assert 0 < emission.total < 9

    @pytest.mark.parametrize("sender_fault", [True, False])
    def test_ends_the_command_with_1_after_its_report(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch, *, sender_fault: bool
    ) -> None:
        to = Destination(receiver(refuses="wearable", sender_fault=sender_fault), FakeClock())
        monkeypatch.setattr(destinations, "destination", lambda *_: to)
        result = emit(queue(aws), "--count", "10", "--json")
        assert complaint(result, 1).startswith("The destination ")
        assert json.loads(result.stdout)["sent"] == sum(json.loads(result.stdout)["kinds"].values())


class Interrupted(Destination):
    """A destination during whose second batch a person presses Ctrl-C."""

    def __init__(self) -> None:
        super().__init__(receiver(), FakeClock())
        self._calls = 0

    def send(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        self._calls += 1
        if self._calls == 2:
            raise KeyboardInterrupt
        return super().send(activity, opens, now)


def test_ctrl_c_during_the_sending_says_how_far_it_came(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "destination", lambda *_: Interrupted())
    to = queue(aws)
    error = complaint(emit(to), 130)
    assert f"Interrupted: {to} has accepted at least " in error


def test_progress_is_shown_for_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_AT_ONCE", 4)
    shown: list[int] = []
    emission = Emission(Destination(receiver(), FakeClock()), samples(30, 1, NOON), NOON)
    emission.on_sent = shown.append
    emission.send()
    assert shown == sorted(shown)
    assert shown[-1] == 30
    assert max(later - earlier for earlier, later in pairwise(shown)) <= 4
