"""The subscriptions of the recipes receive exactly what their filters name.

Each event is published three times: a queue holds each of its opens so often, and no other.
"""

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from copy import replace
from itertools import batched, count
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from embedded_aws import EmbeddedAws
from tests.e2e.recipes.subscribers import Topic, Values, deploy, new_topic, received_ids
from tests.e2e.trial import received
from tests.integration.template import of_type, parse_template
from tests.unit.pages.recipes import RECIPES, SUBSCRIBERS, queue_template, recipe, with_filter

POLICIES: dict[str, Mapping[str, Any]] = {
    option: json.loads(policy)
    for option, policy in re.findall(r"^\| `([^`]+)` \| `(\{[^`]+\})` \|", RECIPES, re.MULTILINE)
}
"""The filter policies of the page, by option."""
NAMED = {"Spring sale": "Sample newsletter", "Spring": "Sample n", "acme": "sample"}
"""What the samples have in the place of names on the page."""
OTHER_ACCOUNT = "222222222222"
NUMBERS = count()
"""For names that no other test has."""


def matches(policy: Mapping[str, Any], values: Values) -> bool:
    """Check attributes against a policy of the page, as SNS documents it."""
    for name, (rule,) in policy.items():
        value = values.get(name)
        if value is None:
            return False
        if isinstance(rule, str):
            accepted = value == rule
        elif "prefix" in rule:
            accepted = str(value).startswith(rule["prefix"])
        else:
            sign, most = rule["numeric"]
            assert sign == "<"
            accepted = int(value) < most
        if not accepted:
            return False
    return True


def of_samples(policy: Mapping[str, Any], topic: Topic) -> Mapping[str, Any]:
    """Return a policy of the page, for the names and ids of the samples."""
    names = NAMED | {"ID": topic.samples[0].activity.campaign_activity_id}
    text = json.dumps(policy)
    for shown, named in names.items():
        text = re.sub(rf'"{shown}"', json.dumps(named), text)
    named_policy: Mapping[str, Any] = json.loads(text)
    return named_policy


@pytest.fixture
def topic(strict_aws: EmbeddedAws) -> Topic:
    return new_topic(strict_aws, f"subscribed-{next(NUMBERS)}")


def queue(topic: Topic, template: str) -> dict[str, str]:
    """Deploy a template of a queue; return its outputs."""
    return deploy(topic.aws, f"queue-{next(NUMBERS)}", template, OpensTopicArn=topic.arn)


class TestAFilter:
    @pytest.mark.parametrize("option", POLICIES)
    def test_of_the_table_keeps_out_all_other_opens(self, topic: Topic, option: str) -> None:
        policy = of_samples(POLICIES[option], topic)
        expected = topic.expected(lambda values, _: matches(policy, values))
        fragment = f"FilterPolicy: {json.dumps(policy)}"
        url = queue(topic, with_filter(queue_template(), fragment))["QueueUrl"]
        topic.publish()
        assert expected
        assert received_ids(topic.aws, url) == expected

    def test_of_the_template_receives_fresh_opens_only(self, topic: Topic) -> None:
        _, fragment = recipe("Receive the events in a queue", "yaml", page=SUBSCRIBERS)
        url = queue(topic, with_filter(queue_template(), fragment))["QueueUrl"]
        topic.publish()
        fresh = topic.expected(lambda values, _: int(values["delay_seconds"]) < 900)
        assert 0 < len(fresh) < len(topic.ids)
        assert received_ids(topic.aws, url) == fresh

    def test_of_one_contact_reads_the_event(self, topic: Topic) -> None:
        mailbox = topic.aws.client("sqs").create_queue(QueueName="mailbox")["QueueUrl"]
        allow_sns(topic.aws, mailbox)
        contact_id = topic.samples[0].new.open.contact_id
        template = recipe("An e-mail for each open", "yaml")[0]
        assert "Protocol: email\n" in template
        deploy(
            topic.aws,
            "contact",
            template.replace("Protocol: email", "Protocol: sqs"),
            OpensTopicArn=topic.arn,
            Address=arn_of(topic.aws, mailbox),
            ContactId=contact_id,
        )
        topic.publish()
        of_contact = topic.expected(lambda _, event: event["subject"] == contact_id)
        assert mailed(topic.aws, mailbox) == of_contact


def arn_of(aws: EmbeddedAws, url: str) -> str:
    reply = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = reply["Attributes"]["QueueArn"]
    return arn


def allow_sns(aws: EmbeddedAws, url: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    attributes = {"Policy": json.dumps(policy)}
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)


def mailed(aws: EmbeddedAws, url: str) -> Counter[str]:
    """Take ten notifications from a queue; return how often each event's id arrived."""
    reply = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    notifications = [json.loads(message["Body"]) for message in reply["Messages"]]
    return Counter(json.loads(notification["Message"])["id"] for notification in notifications)


class TestTheQueue:
    def test_without_a_filter_receives_everything(self, topic: Topic) -> None:
        url = queue(topic, queue_template())["QueueUrl"]
        topic.publish()
        assert received_ids(topic.aws, url) == topic.expected()

    def test_accepts_messages_of_its_own_topic_only(self, topic: Topic) -> None:
        outputs = queue(topic, queue_template())
        another = new_topic(topic.aws, "another")
        topic.aws.client("sns").subscribe(
            TopicArn=another.arn, Protocol="sqs", Endpoint=outputs["QueueArn"]
        )
        another.publish()
        assert received_ids(topic.aws, outputs["QueueUrl"]) == Counter()

    def test_with_a_key_of_its_own_receives_everything(self, topic: Topic) -> None:
        key = recipe("Encryption with your own key", "yaml")[0]
        template = queue_template(added=key, to_queues="KmsMasterKeyId: !Ref Key")
        url = queue(topic, template)["QueueUrl"]
        topic.publish()
        assert received_ids(topic.aws, url) == topic.expected()


class TestAnotherAccount:
    """The emulated CloudFormation does not subscribe across accounts: SNS is called instead."""

    @pytest.fixture
    def team(self, topic: Topic) -> EmbeddedAws:
        return OtherAccount(topic.aws)

    def subscribe(self, topic: Topic, team: EmbeddedAws) -> str:
        """Deploy the template and subscribe its queue, in the other account; return its URL."""
        outputs = queue(replace(topic, aws=team), queue_template())
        assert OTHER_ACCOUNT in outputs["QueueArn"]
        team.client("sns").subscribe(
            TopicArn=topic.arn,
            Protocol="sqs",
            Endpoint=outputs["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        return outputs["QueueUrl"]

    def test_receives_everything_once_it_is_allowed(self, topic: Topic, team: EmbeddedAws) -> None:
        run_as_shown(topic, recipe("Another AWS account", "sh")[0])
        url = self.subscribe(topic, team)
        topic.publish()
        assert received_ids(team, url) == topic.expected()

    def test_cannot_subscribe_before(self, topic: Topic, team: EmbeddedAws) -> None:
        with pytest.raises(ClientError, match="not authorized to perform: sns:Subscribe"):
            self.subscribe(topic, team)


class OtherAccount(EmbeddedAws):
    """The same emulated AWS, as another account sees it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        super().__init__()
        self.url = aws.url

    def client(self, service: str) -> Any:
        session: Any = boto3.session.Session(OTHER_ACCOUNT, "key", region_name="eu-west-1")
        return session.client(service, endpoint_url=self.url)


def run_as_shown(topic: Topic, command: str) -> None:
    """Run a command of the AWS CLI, for a topic in the place of `ARN`."""
    _, service, operation, *words = shlex.split(command)
    client = topic.aws.client(service)
    name = client.meta.method_to_api_mapping[operation.replace("-", "_")]
    members = client.meta.service_model.operation_model(name).input_shape.members
    parameters: dict[str, Any] = {}
    for option, value in batched(words, 2, strict=True):
        (member,) = (m for m in members if f"--{xform_name(m, '-')}" == option)
        given = topic.arn if value == "ARN" else value
        parameters[member] = [given] if members[member].type_name == "list" else given
    getattr(client, operation.replace("-", "_"))(**parameters)


def test_a_fifo_queue_receives_each_open_once_and_in_the_order_of_its_email(
    strict_aws: EmbeddedAws,
) -> None:
    fifo = {"FifoTopic": "true", "FifoThroughputScope": "MessageGroup"}
    topic = new_topic(strict_aws, "ordered.fifo", **fifo)
    properties = recipe("Events in order", "yaml")[0]
    url = queue(topic, queue_template(to_queues=properties))["QueueUrl"]
    topic.publish()
    arrived: dict[str, list[str]] = {}
    for event in received(strict_aws.client("sqs"), url):
        arrived.setdefault(event["data"]["campaign_activity_id"], []).append(event["id"])
    assert sum(map(len, arrived.values())) == len(topic.ids)
    assert arrived == published_order(topic)


def published_order(topic: Topic) -> dict[str, list[str]]:
    """Return the ids of each e-mail in the order in which `emit` sends them first."""
    kinds = list(dict.fromkeys((s.kind, s.activity) for s in topic.samples))
    order: dict[str, list[str]] = {}
    for kind, activity in kinds:
        group = [s.new for s in topic.samples if (s.kind, s.activity) == (kind, activity)]
        ids = order.setdefault(activity.campaign_activity_id, [])
        for new in sorted(group, key=lambda new: new.open.created_time):
            if new.event_id not in ids:
                ids.append(new.event_id)
    return order


def test_the_archive_subscribes_its_stream_with_raw_delivery(topic: Topic) -> None:
    """The emulated AWS delivers nothing to it; tests/unit/pages tests the queries."""
    template = recipe("Files in S3", "yaml")[0]
    deploy(topic.aws, "archive", template, OpensTopicArn=topic.arn)
    (subscription,) = topic.aws.client("sns").list_subscriptions_by_topic(TopicArn=topic.arn)[
        "Subscriptions"
    ]
    (stream,) = of_type(parse_template(template), "AWS::KinesisFirehose::DeliveryStream")
    attributes = topic.aws.client("sns").get_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"]
    )["Attributes"]
    assert subscription["Protocol"] == "firehose"
    assert f"/archive-{stream}" in subscription["Endpoint"]
    assert attributes["RawMessageDelivery"] == "true"
