"""The same opens again, under the same ids, to one destination only."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.aws.publisher import Receiver
from email_opens.errors import PublishFailed
from email_opens.events import bucket, event_id, fingerprint
from email_opens.instants import iso, utc
from email_opens.model import Page
from email_opens.turns.lease import NO_WAIT
from email_opens_cli.commands.opens.replay import Replay, opens_again
from email_opens_cli.deployed.destinations import Destination, destination
from email_opens_cli.deployed.leases import work_in_leases
from tests.conftest import Aws, subscribe
from tests.contract.samples import ACTIVITY, NOON, new_open
from tests.core.setup import report_of, row
from tests.fakes import FakeClock
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.terminal.slow import slow_product
from tests.unit.cli.world import ONE, World, complaint, run

DAY = timedelta(days=1)


def queue(aws: Aws, name: str = "warehouse", **attributes: str) -> str:
    return aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["id"] for event in events)


@pytest.fixture
def published(world: World) -> tuple[str, list[dict[str, Any]]]:
    """An activity of three opens that were published, and their events."""
    activity_id = world.opened(3)
    run("track", activity_id)
    run("poll")
    return activity_id, world.received()


type Published = tuple[str, list[dict[str, Any]]]


def replay(activity_id: str, to: str, *arguments: str) -> Any:
    return run("replay", activity_id, "--since", "beginning", "--to", to, "--yes", *arguments)


class TestCommand:
    def test_sends_the_same_events_to_a_queue(self, world: World, published: Published) -> None:
        activity_id, events = published
        to = queue(world.aws)
        assert "Sent 3 opens" in replay(activity_id, to).stdout
        assert ids(world.received(to)) == ids(events)

    def test_sends_them_to_a_topic(self, world: World, published: Published) -> None:
        activity_id, events = published
        topic_arn = world.aws.sns.create_topic(Name="warehouse")["TopicArn"]
        to = queue(world.aws)
        subscribe(world.aws.sns, world.aws.sqs, topic_arn, to)
        replay(activity_id, topic_arn)
        assert ids(world.received(to)) == ids(events)

    def test_sends_them_to_an_ordered_queue(self, world: World, published: Published) -> None:
        activity_id, events = published
        to = queue(world.aws, "warehouse.fifo", FifoQueue="true")
        replay(activity_id, to)
        assert ids(world.received(to)) == ids(events)

    def test_sends_nobody_else_anything(self, world: World, published: Published) -> None:
        replay(published[0], queue(world.aws))
        assert world.received() == []

    def test_leaves_ledger_and_watermark_as_they_were(
        self, world: World, published: Published
    ) -> None:
        before = world.activities(), world.aws.dynamodb.scan(TableName="ledger")["Items"]
        replay(published[0], queue(world.aws))
        after = world.activities(), world.aws.dynamodb.scan(TableName="ledger")["Items"]
        assert after == before

    def test_counts_its_requests(self, world: World, published: Published) -> None:
        replay(published[0], queue(world.aws))
        account = world.tracking.account("default")
        assert account
        assert (account.requests_spent, account.lease_holder) == (2, None)

    def test_sends_only_what_lies_between(self, world: World, published: Published) -> None:
        activity_id, _ = published
        now = world.vendor.world.clock().replace(microsecond=0)
        for days in (3, 2, 1):
            world.vendor.world.add_open(activity_id, 9, at=now - days * DAY)
        to = queue(world.aws)
        between = ("--since", iso(now - 2 * DAY), "--until", iso(now - DAY))
        run("replay", activity_id, *between, "--to", to, "--yes")
        assert [event["time"] for event in world.received(to)] == [iso(now - 2 * DAY)]

    def test_asks_on_a_terminal(self, world: World, published: Published) -> None:
        to = queue(world.aws)
        asked = ("replay", published[0], "--since", "beginning", "--to", to)
        shown = run_in_terminal(*asked, typed="n\n", columns=40)
        assert "has 3 opens" in shown.text
        assert world.received(to) == []

    def test_sends_what_was_confirmed(self, world: World, published: Published) -> None:
        to = queue(world.aws)
        asked = ("replay", published[0], "--since", "beginning", "--to", to)
        assert run_in_terminal(*asked, typed="y\n").exit_code == 0
        assert len(world.received(to)) == 3

    def test_asks_for_a_word_where_nobody_can_be_asked(
        self, world: World, published: Published
    ) -> None:
        to = queue(world.aws)
        result = run("replay", published[0], "--since", "beginning", "--to", to)
        assert "add --yes" in complaint(result, 2)

    def test_says_that_the_account_is_at_work_elsewhere(
        self, world: World, published: Published
    ) -> None:
        now = world.vendor.world.clock()
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=1), reserve=1, budget=9
        )
        assert "Try again in a minute" in complaint(
            replay(published[0], queue(world.aws), "--wait", "0s"), 1
        )

    def test_says_that_the_day_is_spent(
        self, world: World, published: Published, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        said = complaint(replay(published[0], queue(world.aws)), 1)
        assert "budget of requests is spent" in said

    def test_keeps_the_day_closed(self, world: World, published: Published) -> None:
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        complaint(replay(published[0], queue(world.aws)), 1)
        assert "it opens at" in complaint(replay(published[0], queue(world.aws)), 1)

    def test_refuses_what_is_not_tracked(self, world: World) -> None:
        assert "Not tracked" in complaint(replay(ONE, queue(world.aws)), 1)

    def test_refuses_an_empty_stretch(self, world: World, published: Published) -> None:
        until = iso(world.vendor.world.clock() - DAY)
        arguments = ("--since", until, "--until", until, "--to", queue(world.aws))
        assert "nothing between" in complaint(run("replay", published[0], *arguments), 2)

    @pytest.mark.parametrize(
        ("to", "said"),
        [
            ("nonsense", "is not a destination"),
            ("arn:aws:sqs:eu-west-1:123456789012:q", "is not a destination"),
            ("arn:aws:sns:eu-west-1:123456789012:nowhere", "There is no queue or topic"),
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere",
                "There is no queue or topic",
            ),
        ],
    )
    def test_refuses_a_destination_that_is_none(
        self, published: Published, to: str, said: str
    ) -> None:
        assert said in complaint(replay(published[0], to), 2)

    def test_refuses_the_topic_of_all(self, world: World, published: Published) -> None:
        said = complaint(replay(published[0], world.aws.topic_arn), 2)
        assert "all subscribers" in said


class TestTwins:
    ROW = new_open().open
    FIRST, SECOND = event_id(ROW, 1), event_id(ROW, 2)

    def test_on_one_page_are_two(self) -> None:
        page = Page(None, (self.ROW, self.ROW))
        assert [new.event_id for new in opens_again(page, None, NOON + DAY, {})] == [
            self.FIRST,
            self.SECOND,
        ]

    def test_of_which_one_lies_on_another_page_are_told_by_the_ledger(self) -> None:
        ledger = {bucket(NOON): {fingerprint(self.FIRST), fingerprint(self.SECOND)}}
        again = opens_again(Page(None, (self.ROW,)), None, NOON + DAY, ledger)
        assert [new.event_id for new in again] == [self.FIRST, self.SECOND]

    def test_of_another_device_are_none(self) -> None:
        page = Page(None, (self.ROW, replace(self.ROW, device_type=None)))
        assert {new.occurrence for new in opens_again(page, None, NOON + DAY, {})} == {1}


class TestOverSeveralLeases:
    """Each page takes longer than one lease lasts."""

    @pytest.fixture
    def to(self, aws: Aws) -> str:
        return queue(aws)

    @staticmethod
    def replayed(aws: Aws, to: str, *failing: str | None) -> list[int]:
        """Replay three pages of an open each; return the minutes of what was sent."""
        pages = report_of((row(3),), (row(2),), (row(1),))
        wired, report = slow_product(aws, pages)
        report.failing = set(failing)
        (activity,) = wired.tracking.activities("default")
        sent_to = destination(to, wired.settings.opens_topic_arn, wired.clock)
        replayed = Replay(wired, activity, None, NOON + DAY, sent_to)
        work_in_leases(wired.leases, "default", "replay", replayed.work, wait=NO_WAIT)
        got = aws.sqs.receive_message(QueueUrl=to, MaxNumberOfMessages=10)["Messages"]
        return sorted(utc(json.loads(one["Body"])["time"]).minute for one in got)

    def test_goes_on_where_it_stood(self, aws: Aws, to: str) -> None:
        assert self.replayed(aws, to) == [1, 2, 3]

    def test_sends_nothing_twice_when_a_link_fails(self, aws: Aws, to: str) -> None:
        assert self.replayed(aws, to, "3") == [1, 2, 3]


def refusing(*, sender_fault: bool) -> Receiver:
    """Return a receiver that refuses every message: for good, or for now."""
    fault = {"Code": "TooLong", "Message": "too long", "SenderFault": sender_fault}
    return Receiver(
        name="The destination",
        send=lambda entries: {"Failed": [fault | {"Id": entry["Id"]} for entry in entries]},
    )


class TestDestination:
    def test_that_refuses_for_good_is_told(self) -> None:
        to = Destination(refusing(sender_fault=True), FakeClock())
        assert to.send(ACTIVITY, [new_open()], NOON) == 0
        assert to.refused == ["TooLong: too long"]

    def test_that_takes_nothing_for_now_fails(self) -> None:
        to = Destination(refusing(sender_fault=False), FakeClock())
        with pytest.raises(PublishFailed, match="The destination did not take 1 messages"):
            to.send(ACTIVITY, [new_open()], NOON)
