"""The policies of the deploy role and of a subscriber in another AWS account."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

import deploy
from tests.aws_account.policies import FOLDER, actions, allows, statements
from tests.aws_account.recorded import ACCOUNT, REGION, Call, Recorded, arn
from tests.aws_account.stacks import create
from tests.conftest import Aws
from tests.integration.deployment import ROOT
from tests.integration.template import parse_template, read_template

STACK, TEAM = "email-opens", "222222222222"
MOST_CHARACTERS = 6144
"""The limit of a managed policy, without whitespace."""
OF_TYPES: dict[str, set[str]] = {
    "AWS::CloudWatch::Alarm": {"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"},
    "AWS::CloudWatch::Dashboard": {"cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"},
    "AWS::DynamoDB::Table": {"dynamodb:CreateTable", "dynamodb:UpdateTable"},
    "AWS::IAM::Role": {"iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRole", "iam:PassRole"},
    "AWS::Logs::LogGroup": {"logs:CreateLogGroup", "logs:PutRetentionPolicy"},
    "AWS::SNS::Subscription": {"sns:Subscribe", "sns:Unsubscribe"},
    "AWS::SNS::Topic": {"sns:CreateTopic", "sns:SetTopicAttributes", "sns:DeleteTopic"},
    "AWS::SNS::TopicPolicy": {"sns:SetTopicAttributes"},
    "AWS::SQS::Queue": {"sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:DeleteQueue"},
    "AWS::SQS::QueuePolicy": {"sqs:SetQueueAttributes"},
    "AWS::Scheduler::ScheduleGroup": {"scheduler:CreateScheduleGroup"},
    "AWS::Serverless::Function": {"lambda:*", "scheduler:CreateSchedule", "iam:PassRole"},
    "AWS::Serverless::LayerVersion": {"lambda:*"},
}
"""The actions with which CloudFormation makes and deletes a resource, by its type."""


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.iterdir())])
def test_a_policy_is_one_that_iam_accepts(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()
    assert len("".join(text.split())) <= MOST_CHARACTERS
    sids = [statement["Sid"] for statement in json.loads(text)["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_the_deploy_role_may_make_each_type_of_resource_in_the_template() -> None:
    granted = set(actions(statements("deploy", STACK)))
    types = {resource["Type"] for resource in read_template()["Resources"].values()}
    assert types == OF_TYPES.keys()
    assert {kind for kind in types if not granted >= OF_TYPES[kind]} == set()


def test_the_deploy_role_allows_the_calls_of_make_deploy(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del aws
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAM_COMMAND", "true")
    monkeypatch.delenv("EMAIL_OPENS_STACK", raising=False)
    create(STACK)
    recorded = Recorded()
    with recorded.recording():
        assert deploy.main(["--check"]) == 0
        assert deploy.main([]) == 0
    granted = statements("deploy", STACK)
    assert recorded.calls
    assert sorted(call for call in recorded.calls if not allows(granted, call)) == []


class TestASubscriber:
    """Deploys the template of the page of subscribers in an AWS account of its own."""

    @staticmethod
    def granted() -> list[dict[str, Any]]:
        text = json.dumps(statements("subscriber", STACK)).replace("SUBSCRIBER_ID", TEAM)
        found: list[dict[str, Any]] = json.loads(text)
        return found

    @staticmethod
    def template() -> dict[str, Any]:
        page = (ROOT / "docs" / "subscribers.md").read_text()
        text = page.partition("```yaml\nParameters:")[2].partition("```")[0]
        return parse_template(f"Parameters:{text}")

    def calls(self) -> Iterator[Call]:
        """Yield what CloudFormation does for each resource, and what a consumer does."""
        queue = f"arn:aws:sqs:{REGION}:{TEAM}:opens-subscriber-Opens-1A2B3C4D5E6F"
        for resource in self.template()["Resources"].values():
            for action in OF_TYPES[resource["Type"]]:
                on_topic = action == "sns:Subscribe"
                other = "*" if action == "sns:Unsubscribe" else queue
                yield Call(action, arn("sns", f"{STACK}-opens") if on_topic else other)
        for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"):
            yield Call(f"sqs:{action}", queue)

    def test_may_do_what_the_template_and_a_consumer_need(self) -> None:
        assert [call for call in self.calls() if not allows(self.granted(), call)] == []

    def test_may_do_nothing_else_in_the_account_of_the_stack(self) -> None:
        of_the_stack = [
            (action, resource)
            for statement in self.granted()
            for resource in [statement["Resource"]]
            for action in [statement["Action"]]
            if ACCOUNT in str(resource)
        ]
        assert [action for action, _ in of_the_stack] == ["sns:Subscribe"]

    def test_is_let_in_by_the_statement_that_the_recipe_adds(self, aws: Aws) -> None:
        topic = aws.sns.create_topic(Name=f"{STACK}-opens")["TopicArn"]
        sns: Any = boto3.client("sns")
        sns.add_permission(
            TopicArn=topic, Label="team", AWSAccountId=[TEAM], ActionName=["Subscribe"]
        )
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        (added,) = [each for each in policy["Statement"] if each["Sid"] == "team"]
        text = json.dumps(statements("subscriber-of-the-topic", STACK))
        assert json.loads(text.replace("SUBSCRIBER_ID", TEAM)) == [added]


def test_the_command_of_the_page_fills_in_every_placeholder() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()
    command = page.partition("```sh\n")[2].partition(" docs/iam/")[0].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[0] == "sed"
    for path in FOLDER.iterdir():
        done = subprocess.run(
            [*words, str(path)], capture_output=True, text=True, check=True, timeout=60
        )
        assert json.loads(done.stdout)["Statement"]
        left = ("REGION", "ACCOUNT_ID", "STACK", "SUBSCRIBER_ID")
        assert [word for word in left if word in done.stdout] == []


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()
    assert [path.name for path in FOLDER.iterdir() if f"(iam/{path.name})" not in page] == []
