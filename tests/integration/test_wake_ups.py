"""A chain of turns: the schedule starts the first, and the messages of a queue the others."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3
import pytest

from email_opens.account import Account
from email_opens.scheduling.wake_ups import MOST_WAKE_UPS
from email_opens_cli.emails.activities import track_each
from tests.conftest import Aws
from tests.integration.deployment import ACCOUNT, SCHEDULED, Context, Deployment

MINUTE = timedelta(minutes=1)


class Queue:
    """The queue of wake-ups, and what was sent to it."""

    def __init__(self, aws: Aws, session: boto3.Session) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self._aws = aws
        session.events.register("provide-client-params.sqs.SendMessage", self._note)

    def _note(self, params: Mapping[str, Any], **_: Any) -> None:
        if params["QueueUrl"] == self._aws.wake_ups_url:
            self.sent.append(params)

    @property
    def delayed(self) -> int:
        """How many messages the queue holds back."""
        reply = self._aws.sqs.get_queue_attributes(
            QueueUrl=self._aws.wake_ups_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
        )
        return int(reply["Attributes"]["ApproximateNumberOfMessagesDelayed"])


@pytest.fixture
def queue(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Queue:
    session = boto3.Session()
    monkeypatch.setattr(boto3.session, "Session", lambda **_: session)
    return Queue(aws, session)


@pytest.fixture
def sent(queue: Queue, deployment: Deployment) -> str:
    """A send that is a minute old."""
    del queue  # Before the product is wired.
    campaign = deployment.vendor.world.add_campaign()
    deployment.vendor.world.send(campaign.activity_id)
    now = deployment.clock.now()
    track_each(deployment.tracking, ACCOUNT, [campaign.activity_id], since=None, now=now)
    return campaign.activity_id


def start(deployment: Deployment, number: int, event: object = SCHEDULED) -> dict[str, Any]:
    """Start the function, and return what it replies."""
    deployment.output.follow(deployment.app)
    reply: dict[str, Any] = deployment.app.handler(event, Context(request_id=f"request {number}"))
    return reply


def woken(deployment: Deployment, number: int, message: Mapping[str, Any]) -> dict[str, Any]:
    """Start the function as Lambda does with a message of the queue."""
    event = {"Records": [{"body": message["MessageBody"], "eventSource": "aws:sqs"}]}
    (turn,) = start(deployment, number, event)["turns"]
    return dict(turn)


def account(deployment: Deployment) -> Account:
    stored = deployment.tracking.account(ACCOUNT)
    assert stored
    return stored


def test_a_chain_is_woken_at_most_twelve_times_and_ends_before_the_next_schedule(
    deployment: Deployment, queue: Queue, sent: str
) -> None:
    began = deployment.clock.now()
    start(deployment, 0)
    turns = 1
    while len(queue.sent) == turns:
        deployment.clock.sleep(queue.sent[-1]["DelaySeconds"])
        deployment.vendor.world.add_open(sent, turns)
        assert woken(deployment, turns, queue.sent[-1])["published"] == 1
        turns += 1
    assert 6 < len(queue.sent) <= MOST_WAKE_UPS
    assert deployment.clock.now() - began < MINUTE
    assert account(deployment).wake_up is None
    assert queue.delayed == len(queue.sent)  # All that is left to do is Lambda's.


@pytest.mark.usefixtures("sent")
def test_a_message_that_comes_twice_starts_one_turn(deployment: Deployment, queue: Queue) -> None:
    start(deployment, 0)
    deployment.clock.sleep(10)
    assert woken(deployment, 1, queue.sent[0])["leased"]
    requests = len(deployment.statuses())
    again = woken(deployment, 2, queue.sent[0])
    assert (again["leased"], again["failed"]) == (False, [])
    assert len(deployment.statuses()) == requests
    assert len(queue.sent) == 2
    *_, line = deployment.output.logs
    assert (line["level"], "is ignored" in line["message"]) == ("INFO", True)


@pytest.mark.usefixtures("sent")
def test_a_message_for_an_account_that_is_gone_creates_nothing(
    deployment: Deployment, queue: Queue
) -> None:
    start(deployment, 0)
    gone = queue.sent[0]["MessageBody"].replace(ACCOUNT, "gone")
    assert not woken(deployment, 1, {"MessageBody": gone})["leased"]
    assert deployment.tracking.account("gone") is None


def test_without_a_queue_a_turn_is_completed_with_one_warning(
    deployment: Deployment, queue: Queue, sent: str
) -> None:
    deployment.aws.sqs.delete_queue(QueueUrl=deployment.aws.wake_ups_url)
    deployment.vendor.world.add_open(sent, 1)
    assert start(deployment, 0)["published"] == 1
    warning, line = deployment.output.logs
    assert (warning["level"], "docs/recovery.md#" in warning["message"]) == ("WARNING", True)
    assert (line["level"], line["completed"]) == ("INFO", 1)
    assert len(queue.sent) == 1
    deployment.clock.sleep(60)
    assert start(deployment, 1)["leased"]  # The schedule's next turn replaces the lost wake-up.
