"""`email-opens subscribe` for functions, streams, addresses and endpoints."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from email_opens_cli.deployed.subscribing import subscriptions
from email_opens_cli.deployed.subscribing.documents import MADE_FOR, statement_id
from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.subscribers import (
    ACCOUNT,
    attributes,
    client,
    endpoints,
    make_function,
    make_stream,
    queue_arn,
    queues,
    steps,
    subscribe,
    subscription,
)
from tests.unit.cli.world import World, complaint, run

URL = "https://hooks.example.com/opens/secret?token=secret"


def permissions(function: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(
        client("lambda").get_policy(FunctionName=function)["Policy"]
    )["Statement"]
    return statements


def roles() -> list[dict[str, Any]]:
    """Return the roles that the command has created."""
    found: list[dict[str, Any]] = client("iam").list_roles()["Roles"]
    return [role for role in found if role["RoleName"].startswith("email-opens-")]


class TestAFunction:
    def test_may_be_invoked_by_the_topic_only(self, world: World) -> None:
        arn = make_function()
        subscribe("--lambda", arn)
        (statement,) = permissions("alert")
        assert statement["Sid"] == statement_id(world.aws.topic_arn)
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": world.aws.topic_arn}}

    def test_is_subscribed_with_a_filter_and_a_dead_letter_queue(self, world: World) -> None:
        arn = make_function()
        result = subscribe("--lambda", arn, "--only", "first-opens")
        found = subscription(world.aws, arn)
        assert found["Protocol"] == "lambda"
        assert found["FilterPolicy"] == {"first_open": ["true"]}
        assert found["RedrivePolicy"] == {
            "deadLetterTargetArn": queue_arn("lambda-alert-undelivered")
        }
        assert "destination for failures" in result.stdout

    def test_is_found_by_its_name(self, world: World) -> None:
        arn = make_function()
        subscribe("--lambda", "alert")
        assert endpoints(world.aws) == [arn]

    @pytest.mark.usefixtures("world")
    def test_is_not_changed_by_a_second_run(self) -> None:
        arn = make_function()
        subscribe("--lambda", arn)
        again = run("subscribe", "--lambda", arn)
        assert steps(again) == []
        assert "The topic may invoke the function alert." in again.stdout
        assert len(permissions("alert")) == 1

    @pytest.mark.usefixtures("world")
    def test_keeps_the_permissions_of_others(self) -> None:
        arn = make_function()
        client("lambda").add_permission(
            FunctionName="alert",
            StatementId="other",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        subscribe("--lambda", arn)
        assert len(permissions("alert")) == 2

    def test_that_the_topic_may_invoke_keeps_its_permissions(self, world: World) -> None:
        arn = make_function()
        client("lambda").add_permission(
            FunctionName="alert",
            StatementId="ours",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=world.aws.topic_arn,
        )
        subscribe("--lambda", arn)
        assert [each["Sid"] for each in permissions("alert")] == ["ours"]

    def test_that_does_not_exist_is_refused(self, world: World) -> None:
        arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:nowhere"
        said = complaint(run("subscribe", "--lambda", arn, "--yes"), 2)
        assert f"There is no function {arn}" in said
        assert queues(world.aws) == set()

    def test_in_another_region_gets_its_permission_there(self, world: World) -> None:
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nowhere"
        said = complaint(run("subscribe", "--lambda", arn, "--yes"), 2)
        assert "aws lambda list-functions --region us-east-1" in said
        assert endpoints(world.aws) == []


class TestAStream:
    def test_is_written_to_with_a_role_that_may_do_nothing_else(self, world: World) -> None:
        arn = make_stream()
        subscribe("--firehose", arn)
        (role,) = roles()
        assert "sns.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
        reply = client("iam").get_role_policy(RoleName=role["RoleName"], PolicyName="deliver")
        document = reply["PolicyDocument"]
        policy = json.loads(unquote(document)) if isinstance(document, str) else document
        (statement,) = policy["Statement"]
        assert statement["Resource"] == arn
        assert statement["Action"] == [
            "firehose:DescribeDeliveryStream",
            "firehose:ListDeliveryStreams",
            "firehose:ListTagsForDeliveryStream",
            "firehose:PutRecord",
            "firehose:PutRecordBatch",
        ]
        found = subscription(world.aws, arn)
        assert found["SubscriptionRoleArn"] == role["Arn"]
        assert found["RawMessageDelivery"].lower() == "true"
        assert found["RedrivePolicy"] == {
            "deadLetterTargetArn": queue_arn("firehose-archive-undelivered")
        }

    def test_has_a_role_that_is_tagged_with_the_topic(self, world: World) -> None:
        make_stream()
        subscribe("--firehose", "archive")
        tags = client("iam").list_role_tags(RoleName=roles()[0]["RoleName"])["Tags"]
        assert tags == [{"Key": MADE_FOR, "Value": world.aws.topic_arn}]

    @pytest.mark.usefixtures("world")
    def test_is_not_changed_by_a_second_run(self) -> None:
        arn = make_stream()
        subscribe("--firehose", arn)
        assert steps(run("subscribe", "--firehose", arn)) == []

    def test_that_is_subscribed_with_another_role_keeps_it(self, world: World) -> None:
        arn, role = make_stream(), f"arn:aws:iam::{ACCOUNT}:role/ours"
        world.aws.sns.subscribe(
            TopicArn=world.aws.topic_arn,
            Protocol="firehose",
            Endpoint=arn,
            Attributes={"SubscriptionRoleArn": role, "RawMessageDelivery": "true"},
        )
        result = subscribe("--firehose", arn)
        assert f"The subscription uses the role {role}." in result.stdout
        assert roles() == []
        assert subscription(world.aws, arn)["SubscriptionRoleArn"] == role

    @pytest.mark.usefixtures("world")
    def test_gets_the_policy_that_a_denied_request_has_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arn = make_stream()
        with monkeypatch.context() as patch:
            Answers(every_client(patch, "iam"), "PutRolePolicy", error("AccessDenied"))
            refused = run("subscribe", "--firehose", arn, "--yes")
        assert "AWS denies iam:PutRolePolicy" in complaint(refused, 1)
        again = steps(subscribe("--firehose", arn))
        assert again[0].startswith("give the role email-opens-archive-")
        assert len(again) == 3

    @pytest.mark.usefixtures("world")
    def test_that_does_not_exist_is_refused(self) -> None:
        said = complaint(run("subscribe", "--firehose", "nowhere", "--yes"), 2)
        assert "aws firehose list-delivery-streams --region eu-west-1" in said
        assert roles() == []

    def test_is_tried_again_until_its_new_role_can_be_used(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(subscriptions, "_ROLE_PAUSE", subscriptions._ROLE_PAUSE * 0)
        arn = make_stream()
        answers = Answers(
            every_client(monkeypatch, "sns"), "Subscribe", *[error("InvalidParameter")] * 2
        )
        subscribe("--firehose", arn)
        assert len(answers.calls) == 3
        assert endpoints(world.aws) == [arn]

    @pytest.mark.usefixtures("world")
    def test_whose_role_is_never_usable_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subscriptions, "_ROLE_PAUSE", subscriptions._ROLE_PAUSE * 0)
        Answers(every_client(monkeypatch, "sns"), "Subscribe", then=error("InvalidParameter"))
        said = complaint(run("subscribe", "--firehose", make_stream(), "--yes"), 1)
        assert "AWS refused to subscribe the stream archive" in said
        assert "Done so far: 3 of 4 steps." in said


class TestAnAddress:
    def test_is_told_to_confirm(self, world: World) -> None:
        result = subscribe("--email", "bo@example.com", "--only", "fresh=1h")
        assert "which somebody must open within two days" in result.stdout
        found = subscription(world.aws, "bo@example.com")
        assert found["FilterPolicy"] == {"delay_seconds": [{"numeric": ["<", 3600]}]}
        assert "RedrivePolicy" not in found
        assert queues(world.aws) == set()

    @pytest.mark.usefixtures("world")
    def test_is_not_shown_whole(self) -> None:
        result = subscribe("--email", "bo@example.com")
        assert "b…@example.com" in result.stdout
        assert "bo@" not in result.output

    @pytest.mark.usefixtures("world")
    def test_that_has_confirmed_is_not_told_to_confirm_another_filter(self) -> None:
        first = subscribe("--email", "bo@example.com")
        assert "the request to confirm the subscription" in first.stdout
        second = subscribe("--email", "bo@example.com", "--only", "fresh")
        assert "confirm" not in second.stdout


class TestAUrl:
    def test_receives_the_events_themselves_once_it_has_confirmed(self, world: World) -> None:
        result = subscribe("--https", URL)
        found = subscription(world.aws, URL)
        assert found["Protocol"] == "https"
        assert found["RawMessageDelivery"].lower() == "true"
        (name,) = queues(world.aws)
        assert found["RedrivePolicy"] == {"deadLetterTargetArn": queue_arn(name)}
        assert attributes(world.aws, name)["Policy"]["Statement"]
        assert "SubscribeURL" in result.stdout

    @pytest.mark.usefixtures("world")
    def test_is_not_shown_whole(self) -> None:
        result = subscribe("--https", URL)
        assert "https://hooks.example.com/…" in result.stdout
        assert "secret" not in result.output


def pending(endpoint: str) -> Callable[[Any], Any]:
    """Return an answer that lists a subscription which is not confirmed."""
    listed = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": endpoint}
    return lambda _: {"Subscriptions": [listed]}


class TestASubscriptionThatIsNotConfirmed:
    def test_is_requested_again_with_its_filter(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe("--email", "bo@example.com", "--only", "fresh")
        Answers(
            every_client(monkeypatch, "sns"),
            "ListSubscriptionsByTopic",
            then=pending("bo@example.com"),
        )
        result = subscribe("--email", "bo@example.com", "--only", "first-opens")
        assert "exists, but is not confirmed" in result.stdout
        monkeypatch.undo()
        found = subscription(world.aws, "bo@example.com")
        assert found["FilterPolicy"] == {"first_open": ["true"]}
