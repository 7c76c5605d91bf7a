"""`email-opens replay`: sends published opens again, with their ids, to one destination."""

import json
from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.adapters.aws.publishing.receivers import Receiver
from email_opens.allowance.lease import NO_WAIT
from email_opens.errors import PublishFailed
from email_opens.events import bucket, event_id, fingerprint
from email_opens.instants import iso, utc
from email_opens.model import Page
from email_opens_cli.commands.opens.replay import Replay, opens_again
from email_opens_cli.deployed.destinations import Destination, destination
from email_opens_cli.deployed.turns.leases import work_in_leases
from tests.conftest import Aws, subscribe
from tests.contract.samples import ACTIVITY, NOON, new_open
from tests.core.setup import report_of, row
from tests.fakes import FakeClock
from tests.unit.cli.slow_report import slow_product
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import ONE, World, complaint, run

DAY = timedelta(days=1)


def queue(aws: Aws, name: str = "warehouse", **attributes: str) -> str:
    return aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def sorted_ids(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["id"] for event in events)


@pytest.fixture
def published(world: World) -> tuple[str, list[dict[str, Any]]]:
    """Return the id of an activity of three published opens, and their events."""
    activity_id = world.opened(3)
    world.track(activity_id)
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
        assert sorted_ids(world.received(to)) == sorted_ids(events)

    def test_sends_the_same_events_to_a_topic(self, world: World, published: Published) -> None:
        activity_id, events = published
        topic_arn = world.aws.sns.create_topic(Name="warehouse")["TopicArn"]
        to = queue(world.aws)
        subscribe(world.aws.sns, world.aws.sqs, topic_arn, to)
        replay(activity_id, topic_arn)
        assert sorted_ids(world.received(to)) == sorted_ids(events)

    def test_sends_the_same_events_to_a_fifo_queue(
        self, world: World, published: Published
    ) -> None:
        activity_id, events = published
        to = queue(world.aws, "warehouse.fifo", FifoQueue="true")
        replay(activity_id, to)
        assert sorted_ids(world.received(to)) == sorted_ids(events)

    def test_says_as_before_which_opens_are_first(self, world: World, published: Published) -> None:
        activity_id, _ = published
        world.vendor.world.add_open(activity_id, 0, device_type="tablet")
        run("poll")
        to = queue(world.aws)
        replay(activity_id, to)
        reply = world.aws.sqs.receive_message(
            QueueUrl=to, MaxNumberOfMessages=10, MessageAttributeNames=["first_open"]
        )
        marks = [
            message["MessageAttributes"]["first_open"]["StringValue"]
            for message in reply["Messages"]
        ]
        assert sorted(marks) == ["false", "true", "true", "true"]

    def test_sends_nothing_to_other_subscribers(self, world: World, published: Published) -> None:
        replay(published[0], queue(world.aws))
        assert world.received() == []

    def test_keeps_the_ledger_and_the_activities_unchanged(
        self, world: World, published: Published
    ) -> None:
        before = world.activities(), world.aws.dynamodb.scan(TableName="ledger")["Items"]
        replay(published[0], queue(world.aws))
        after = world.activities(), world.aws.dynamodb.scan(TableName="ledger")["Items"]
        assert after == before

    def test_counts_its_requests(self, world: World, published: Published) -> None:
        before = world.tracking.account("default")
        replay(published[0], queue(world.aws))
        account = world.tracking.account("default")
        assert account
        assert before
        assert account.requests_spent - before.requests_spent == 1
        assert account.lease_holder is None

    def test_sends_only_opens_from_since_until_before_until(
        self, world: World, published: Published
    ) -> None:
        activity_id, _ = published
        now = world.vendor.world.clock().replace(microsecond=0)
        for days in (3, 2, 1):
            world.vendor.world.add_open(activity_id, 9, at=now - days * DAY)
        to = queue(world.aws)
        interval = ("--since", iso(now - 2 * DAY), "--until", iso(now - DAY))
        run("replay", activity_id, *interval, "--to", to, "--yes")
        assert [event["time"] for event in world.received(to)] == [iso(now - 2 * DAY)]

    def test_sends_nothing_after_a_no_on_a_terminal(
        self, world: World, published: Published
    ) -> None:
        to = queue(world.aws)
        arguments = ("replay", published[0], "--since", "beginning", "--to", to)
        output = run_in_terminal(*arguments, typed="n\n", columns=40)
        assert "has 3 opens" in output.text
        assert world.received(to) == []

    def test_sends_the_opens_after_a_yes_on_a_terminal(
        self, world: World, published: Published
    ) -> None:
        to = queue(world.aws)
        arguments = ("replay", published[0], "--since", "beginning", "--to", to)
        assert run_in_terminal(*arguments, typed="y\n").exit_code == 0
        assert len(world.received(to)) == 3

    def test_requires_the_yes_option_without_a_terminal(
        self, world: World, published: Published
    ) -> None:
        to = queue(world.aws)
        result = run("replay", published[0], "--since", "beginning", "--to", to)
        assert "add --yes" in complaint(result, 2)

    def test_suggests_a_retry_when_the_account_is_leased(
        self, world: World, published: Published
    ) -> None:
        now = world.vendor.world.clock()
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=1), reserve=1, budget=9
        )
        assert "Try again in a minute" in complaint(
            replay(published[0], queue(world.aws), "--wait", "0s"), 1
        )

    def test_reports_that_the_days_budget_is_spent(
        self, world: World, published: Published, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        error = complaint(replay(published[0], queue(world.aws)), 1)
        assert "budget of requests is spent" in error

    def test_stays_refused_after_the_quota_is_exceeded(
        self, world: World, published: Published
    ) -> None:
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        complaint(replay(published[0], queue(world.aws)), 1)
        assert "it opens at" in complaint(replay(published[0], queue(world.aws)), 1)

    def test_refuses_an_activity_that_is_not_tracked(self, world: World) -> None:
        assert "No tracked e-mail" in complaint(replay(ONE, queue(world.aws)), 2)

    def test_refuses_an_empty_interval(self, world: World, published: Published) -> None:
        until = iso(world.vendor.world.clock() - DAY)
        arguments = ("--since", until, "--until", until, "--to", queue(world.aws))
        assert "nothing between" in complaint(run("replay", published[0], *arguments), 2)

    @pytest.mark.parametrize(
        ("to", "message"),
        [
            ("nonsense", "is not a destination"),
            ("arn:aws:sqs:eu-west-1:123456789012:q", "is not a destination"),
            ("arn:aws:sns", "is not a destination"),
            ("arn:aws:sns:eu-west-1:123456789012:nowhere", "There is no queue or topic"),
            (
                "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere",
                "There is no queue or topic",
            ),
        ],
    )
    def test_refuses_an_invalid_destination(
        self, published: Published, to: str, message: str
    ) -> None:
        assert message in complaint(replay(published[0], to), 2)

    def test_refuses_the_topic_of_all_subscribers(self, world: World, published: Published) -> None:
        error = complaint(replay(published[0], world.aws.topic_arn), 2)
        assert "all subscribers" in error


class TestIdenticalOpens:
    ROW = new_open().open
    FIRST, SECOND = event_id(ROW, 1), event_id(ROW, 2)

    def test_on_one_page_get_two_ids(self) -> None:
        page = Page(None, (self.ROW, self.ROW))
        assert [new.event_id for new in opens_again(page, None, NOON + DAY, {})] == [
            self.FIRST,
            self.SECOND,
        ]

    def test_on_different_pages_get_two_ids_from_the_ledger(self) -> None:
        ledger = {bucket(NOON): {fingerprint(self.FIRST), fingerprint(self.SECOND)}}
        opens = opens_again(Page(None, (self.ROW,)), None, NOON + DAY, ledger)
        assert [new.event_id for new in opens] == [self.FIRST, self.SECOND]

    def test_with_different_devices_are_separate_first_occurrences(self) -> None:
        page = Page(None, (self.ROW, replace(self.ROW, device_type=None)))
        assert {new.occurrence for new in opens_again(page, None, NOON + DAY, {})} == {1}


class TestOverSeveralLeases:
    """Each page takes longer than a command works under one lease."""

    @pytest.fixture
    def to(self, aws: Aws) -> str:
        return queue(aws)

    @staticmethod
    def replay_three_pages(aws: Aws, to: str, *failing: str | None) -> list[int]:
        """Replay three pages of one open each; return the minutes of the sent opens."""
        pages = report_of((row(3),), (row(2),), (row(1),))
        product, report = slow_product(aws, pages)
        report.failing = set(failing)
        (activity,) = product.tracking.activities("default")
        sent_to = destination(to, product.settings.opens_topic_arn, product.clock)
        command = Replay(product, activity, None, NOON + DAY, sent_to)
        work_in_leases(product.leases, "default", "replay", command.work, wait=NO_WAIT)
        messages = aws.sqs.receive_message(QueueUrl=to, MaxNumberOfMessages=10)["Messages"]
        return sorted(utc(json.loads(message["Body"])["time"]).minute for message in messages)

    def test_continues_where_the_last_lease_ended(self, aws: Aws, to: str) -> None:
        assert self.replay_three_pages(aws, to) == [1, 2, 3]

    def test_sends_nothing_twice_when_a_link_fails(self, aws: Aws, to: str) -> None:
        assert self.replay_three_pages(aws, to, "3") == [1, 2, 3]


def refusing(*, sender_fault: bool) -> Receiver:
    """Return a receiver that refuses every message, permanently (a sender fault) or temporarily."""
    fault = {"Code": "TooLong", "Message": "too long", "SenderFault": sender_fault}
    return Receiver(
        name="The destination",
        send=lambda entries: {"Failed": [fault | {"Id": entry["Id"]} for entry in entries]},
    )


class TestDestination:
    def test_records_a_permanent_refusal(self) -> None:
        to = Destination(refusing(sender_fault=True), FakeClock())
        delivery = to.send(ACTIVITY, [new_open()], NOON)
        assert (delivery.settled, delivery.dead_lettered) == ((new_open(),), 1)
        assert to.refused == ["TooLong: too long"]

    def test_fails_on_a_temporary_refusal(self) -> None:
        to = Destination(refusing(sender_fault=False), FakeClock())
        delivery = to.send(ACTIVITY, [new_open()], NOON)
        assert isinstance(delivery.failure, PublishFailed)
        assert str(delivery.failure).startswith("The destination did not accept 1 messages")
        assert delivery.settled == ()
