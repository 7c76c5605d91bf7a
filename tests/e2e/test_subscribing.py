"""`email-opens subscribe`, `subscriptions` and `unsubscribe` on the embedded AWS."""

import json
from collections.abc import Iterator

import pytest

from embedded_aws import EmbeddedAws
from tests.unit.cli.world import complaint, run

NAME = "own-opens"


@pytest.fixture
def topic_arn(strict_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The topic of the commands, which run in this process."""
    sns = strict_aws.client("sns")
    arn = sns.create_topic(Name=NAME)["TopicArn"]
    settings = {
        "TRACKING_TABLE": "none",
        "LEDGER_TABLE": "none",
        "OPENS_TOPIC_ARN": arn,
        "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1/none",
        "WAKE_UPS_QUEUE_URL": "http://127.0.0.1/none",
        "CREDENTIALS_PREFIX": "/none/",
    }
    aws = {key: value for key, value in strict_aws.environment.items() if key[:4] == "AWS_"}
    for key, value in (aws | settings).items():
        monkeypatch.setenv(key, value)
    yield arn
    sns.delete_topic(TopicArn=arn)


def publish(aws: EmbeddedAws, topic_arn: str, delay_seconds: int) -> None:
    aws.client("sns").publish(
        TopicArn=topic_arn,
        Message=str(delay_seconds),
        MessageAttributes={
            "delay_seconds": {"DataType": "Number", "StringValue": str(delay_seconds)}
        },
    )


def test_a_queue_receives_what_its_filter_names_until_it_is_unsubscribed(
    strict_aws: EmbeddedAws, topic_arn: str
) -> None:
    complaint(run("subscribe", "--queue", "own", "--only", "fresh", "--yes"), 0)
    assert "Nothing needs" in run("subscribe", "--queue", "own", "--only", "fresh").stdout
    publish(strict_aws, topic_arn, 10)
    publish(strict_aws, topic_arn, 10_000)
    (shown,) = json.loads(run("subscriptions", "--json").stdout)["subscriptions"]
    assert (shown["receives"], shown["waiting"]) == ("published within 15m", 1)
    assert "--delete-queue" in run("unsubscribe", "own", "--yes").stdout
    publish(strict_aws, topic_arn, 10)
    sqs = strict_aws.client("sqs")
    url = sqs.get_queue_url(QueueName="own")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == ["10"]


def test_a_stream_gets_a_role_and_loses_it_again(strict_aws: EmbeddedAws, topic_arn: str) -> None:
    strict_aws.client("firehose").create_delivery_stream(
        DeliveryStreamName="own",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/any",
            "BucketARN": "arn:aws:s3:::own",
        },
    )
    complaint(run("subscribe", "--firehose", "own", "--yes"), 0)
    assert "Nothing needs" in run("subscribe", "--firehose", "own").stdout
    iam = strict_aws.client("iam")
    assert [role for role in iam.list_roles()["Roles"] if "opens-own-" in role["RoleName"]]
    complaint(run("unsubscribe", "own", "--yes"), 0)
    assert not [role for role in iam.list_roles()["Roles"] if "opens-own-" in role["RoleName"]]
    sns = strict_aws.client("sns")
    assert sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"] == []


def test_the_alert_of_a_stack_is_switched_on_and_off(
    strict_aws: EmbeddedAws, topic_arn: str
) -> None:
    template = {
        "Parameters": {
            "AlertWebhook": {"Type": "String", "Default": ""},
            "AlertOpens": {"Type": "String", "Default": "first"},
            "AlertMaxDelaySeconds": {"Type": "Number", "Default": 900},
            "AlertCampaigns": {"Type": "String", "Default": ""},
        },
        "Conditions": {"Alert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlertWebhook"}, ""]}]}},
        "Resources": {
            "Always": {"Type": "AWS::SQS::Queue"},
            "Alert": {
                "Type": "AWS::SQS::Queue",
                "Condition": "Alert",
                "Properties": {"QueueName": "of-the-alert"},
            },
        },
        "Outputs": {"OpensTopicArn": {"Value": topic_arn}},
    }
    cloudformation = strict_aws.client("cloudformation")
    cloudformation.create_stack(StackName="alerted", TemplateBody=json.dumps(template))
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="alerted", WaiterConfig={"Delay": 1})
    sqs, ssm = strict_aws.client("sqs"), strict_aws.client("ssm")
    url = "https://hooks.example.com/services/secret"
    result = run("subscribe", "--webhook", url, "--stack", "alerted", "--yes")
    complaint(result, 0)
    assert sqs.list_queues(QueueNamePrefix="of-the-alert")["QueueUrls"]
    name = "/email-opens-alerts/alerted"
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == url
    complaint(run("unsubscribe", "alert", "--stack", "alerted", "--yes"), 0)
    assert not sqs.list_queues(QueueNamePrefix="of-the-alert").get("QueueUrls")
    assert not ssm.get_parameters(Names=[name])["Parameters"]
