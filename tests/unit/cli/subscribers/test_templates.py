"""`email-opens subscribe --cloudformation`: the printed templates."""

from typing import Any

import pytest
import yaml
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from email_opens_cli.commands.subscribers.yaml_text import yaml_text
from email_opens_cli.deployed.subscribing.documents import principal
from email_opens_cli.deployed.subscribing.targets import Topic
from tests.conftest import REGION
from tests.integration.template import parse_template
from tests.unit.cli.subscribers.subscribers import (
    ACCOUNT,
    OTHER_ACCOUNT,
    endpoints,
    queues,
)
from tests.unit.cli.world import World, run

ONLY = ["--only", "fresh", "--only", "campaign=Spring*", "--only", "campaign=It's: “50% off”"]
KINDS = {
    "queue": ["--queue", "team"],
    "queue elsewhere": ["--queue", f"arn:aws:sqs:us-east-1:{ACCOUNT}:team"],
    "queue of another account": ["--queue", f"arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:team"],
    "function": ["--lambda", "alert"],
    "alias": ["--lambda", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:alert:live"],
    "stream": ["--firehose", "archive"],
    "address": ["--email", "bo@example.com"],
    "endpoint": ["--https", "https://example.com/opens?token=x"],
}


def printed(*arguments: str) -> str:
    result = run("subscribe", *arguments, "--cloudformation")
    assert result.exit_code == 0, result.output
    return result.stdout


def mistakes(text: str) -> list[str]:
    return [str(match) for match in lint(text, config=ManualArgs(regions=[REGION]))]


def resources(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = parse_template(printed(*arguments))["Resources"]
    return found


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("only", [[], ONLY], ids=["all", "filtered"])
@pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
def test_a_template_is_valid(arguments: list[str], only: list[str]) -> None:
    assert mistakes(printed(*arguments, *only)) == []


@pytest.mark.usefixtures("world")
def test_a_mistake_in_a_template_is_noticed() -> None:
    text = printed("--queue", "team")
    assert mistakes(text.replace("RawMessageDelivery", "RawDelivery"))
    assert mistakes(text.replace("!GetAtt Failed.Arn", "!GetAtt Nowhere.Arn"))


@pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
def test_nothing_is_created(world: World, arguments: list[str]) -> None:
    printed(*arguments)
    assert queues(world.aws) == set()
    assert endpoints(world.aws) == []


def test_the_topic_of_the_stack_is_the_default(world: World) -> None:
    parameter = parse_template(printed("--queue", "team"))["Parameters"]["OpensTopicArn"]
    assert parameter["Default"] == world.aws.topic_arn


@pytest.mark.usefixtures("world")
class TestAQueue:
    def test_has_the_filter_raw_delivery_and_dead_letter_queues(self) -> None:
        found = resources("--queue", "team", *ONLY)
        assert found["Subscription"]["Properties"] == {
            "TopicArn": {"Ref": "OpensTopicArn"},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["Opens", "Arn"]},
            "RawMessageDelivery": True,
            "FilterPolicy": {
                "delay_seconds": [{"numeric": ["<", 900]}],
                "campaign_name": [{"prefix": "Spring"}, "It's: “50% off”"],
            },
            "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Undelivered", "Arn"]}},
        }
        assert found["Opens"]["Properties"]["RedrivePolicy"] == {
            "deadLetterTargetArn": {"Fn::GetAtt": ["Failed", "Arn"]},
            "maxReceiveCount": 5,
        }

    def test_elsewhere_names_the_region_of_the_topic(self) -> None:
        found = resources(*KINDS["queue elsewhere"])
        assert found["Subscription"]["Properties"]["Region"] == REGION
        assert "Undelivered" not in found  # It would have to be in the topic's region.


@pytest.mark.usefixtures("world")
def test_a_fifo_topic_has_fifo_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENS_TOPIC_ARN", f"arn:aws:sns:{REGION}:{ACCOUNT}:opens.fifo")
    text = printed("--queue", "team.fifo")
    names = {
        each["Properties"]["QueueName"]: each["Properties"]["FifoQueue"]
        for each in parse_template(text)["Resources"].values()
        if each["Type"] == "AWS::SQS::Queue"
    }
    assert names == {
        "team.fifo": True,
        "team-failed.fifo": True,
        "team-undelivered.fifo": True,
    }
    assert mistakes(text) == []


@pytest.mark.usefixtures("world")
def test_the_first_lines_say_how_to_deploy_it() -> None:
    lines = printed("--firehose", "archive").splitlines()
    assert lines[1] == (
        f"# aws cloudformation deploy --region {REGION} --template-file subscriber.yaml "
        "--stack-name opens-to-firehose-archive --capabilities CAPABILITY_IAM"
    )


class TestYaml:
    @pytest.mark.parametrize(
        "text",
        [
            "plain",
            "yes",
            "No",
            "null",
            "12",
            "1.5",
            "2012-10-17",
            "",
            " leading",
            "a: b",
            "#",
            "- x",
            "it's",
            '"quoted"',
            "line\nbreak",
            "!Ref X",
            "*",
            "Spring*",
            "50%",
            "“ø 🎉”",
            "sqs:SendMessage",
            "ends:",
            "=",
        ],
    )
    def test_reads_every_text_as_it_was(self, text: str) -> None:
        document = {"key": text, "list": [text, {"nested": text}], text or "empty": [[text]]}
        assert yaml.safe_load(yaml_text(document)) == document

    def test_reads_every_value_as_it_was(self) -> None:
        document = {"a": True, "b": 5, "c": [], "d": {}, "e": {"f": [{"g": [1, {"h": False}]}]}}
        assert yaml.safe_load(yaml_text(document)) == document


@pytest.mark.parametrize(
    ("topic_region", "region", "service"),
    [
        ("eu-west-1", "eu-west-1", "sns.amazonaws.com"),
        ("eu-west-1", "us-east-1", "sns.amazonaws.com"),
        ("eu-south-1", "eu-south-1", "sns.amazonaws.com"),
        ("eu-south-1", "us-east-1", "sns.eu-south-1.amazonaws.com"),
    ],
)
def test_a_topic_in_a_region_with_opt_in_has_its_own_principal_elsewhere(
    topic_region: str, region: str, service: str
) -> None:
    assert principal(Topic.of(f"arn:aws:sns:{topic_region}:{ACCOUNT}:opens"), region) == service
