"""The topic, a queue or the credentials are deleted: the page's commands bring them back."""

import json
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.e2e.recovery.drill import Drill, without_doctor
from tests.e2e.recovery.shell import section
from tests.e2e.trial import ACCOUNT

MOST_SECONDS = 30
"""In which Lambda reads a message from a queue that it reads from again."""
IDENTITIES = {"CreatedTimestamp", "LastModifiedTimestamp"}
"""Attributes of a queue that are new with each one."""


def queue(drill: Drill, output: str) -> dict[str, Any]:
    """Return the attributes of a queue that the template sets."""
    reply = drill.place.client("sqs").get_queue_attributes(
        QueueUrl=drill.place.outputs[output], AttributeNames=["All"]
    )
    attributes = dict(reply["Attributes"])
    attributes["Policy"] = json.loads(attributes["Policy"])
    return {name: value for name, value in attributes.items() if name not in IDENTITIES}


def topic(drill: Drill) -> dict[str, Any]:
    """Return the attributes of the topic that the template sets."""
    arn = drill.place.outputs["OpensTopicArn"]
    attributes = drill.place.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {
        "key": attributes.get("KmsMasterKeyId"),
        "policy": json.loads(attributes["Policy"]),
        "confirmed": attributes["SubscriptionsConfirmed"],
    }


def test_a_deleted_topic_returns_with_its_subscriptions_and_no_open_is_lost_or_repeated(
    drill: Drill,
) -> None:
    before = topic(drill)
    drill.turn_publishes(drill.open())
    drill.place.client("sns").delete_topic(TopicArn=drill.place.outputs["OpensTopicArn"])
    meanwhile = drill.open()
    drill.turn_publishes_nothing()
    drill.stop()
    create, subscribe = section("The topic was deleted")
    drill.shell.paste(create)
    meanwhile |= drill.open()
    drill.turn_publishes_nothing()
    # Without a terminal, nobody can be asked.
    subscribe = subscribe.replace("--queue opens", "--queue opens --yes")
    assert "opens" in drill.shell.paste(subscribe)
    drill.start()
    drill.turn_publishes(meanwhile | drill.open())
    assert drill.repeated == set()
    # The emulated AWS ignores the template's key.
    assert topic(drill) == {**before, "key": "alias/aws/sns"}


def test_a_deleted_dead_letter_queue_returns_as_it_was_and_no_open_is_lost_or_repeated(
    drill: Drill,
) -> None:
    before = queue(drill, "DeadLetterQueueUrl")
    drill.turn_publishes(drill.open())
    drill.place.client("sqs").delete_queue(QueueUrl=drill.place.outputs["DeadLetterQueueUrl"])
    drill.vendor.world.add_raw_row(drill.activity_id, {"created_time": "yesterday"})
    drill.turn_publishes(drill.open())
    drill.shell.paste(*section("The dead-letter queue was deleted"))
    assert (
        queue(drill, "DeadLetterQueueUrl")
        | {"ApproximateNumberOfMessages": before["ApproximateNumberOfMessages"]}
        == before
    )
    drill.turn_publishes(drill.open())
    assert queue(drill, "DeadLetterQueueUrl")["ApproximateNumberOfMessages"] == "1"
    assert drill.repeated == set()


def test_a_deleted_queue_of_wake_ups_returns_as_it_was_and_starts_turns_again(
    drill: Drill,
) -> None:
    before = queue(drill, "WakeUpsQueueUrl")
    drill.turn_publishes(drill.open())
    url = drill.place.outputs["WakeUpsQueueUrl"]
    sqs = drill.place.client("sqs")
    sqs.delete_queue(QueueUrl=url)
    drill.turn_publishes(drill.open())
    create, read_again = section("The queue of wake-ups was deleted")
    drill.shell.paste(create)
    assert queue(drill, "WakeUpsQueueUrl") == before
    drill.turn_publishes(drill.open())
    drill.shell.paste(read_again)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"account_id": ACCOUNT, "wake_up": "x"}))
    deadline = time.monotonic() + MOST_SECONDS
    while messages(sqs, url) and time.monotonic() < deadline:
        time.sleep(0.2)  # Lambda reads the queue without notice.
    assert messages(sqs, url) == 0
    assert drill.repeated == set()


def messages(sqs: Any, url: str) -> int:
    """Return how many messages a queue has, also delayed ones and those in flight."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return sum(
        int(value)
        for name, value in attributes.items()
        if name.startswith("ApproximateNumberOfMessages")
    )


def test_deleted_credentials_return_by_connecting_and_no_open_is_lost_or_repeated(
    drill: Drill,
) -> None:
    drill.turn_publishes(drill.open())
    name = drill.place.settings["CREDENTIALS_PREFIX"] + ACCOUNT
    drill.place.client("ssm").delete_parameter(Name=name)
    meanwhile = drill.open()
    with suppress(ClientError):
        drill.turn()
    assert not drill.collect()
    (connect,) = section("The credentials were deleted")
    drill.shell.paste(without_doctor(connect), typed=drill.credentials())
    drill.turn_publishes(meanwhile | drill.open())
    assert drill.repeated == set()
