"""`email-opens unsubscribe`: what it removes, and what it keeps."""

import json

import boto3
import pytest

from email_opens_cli.deployed.subscribing.documents import statement_id
from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.subscribers import (
    SUBSCRIBED,
    attributes,
    client,
    endpoints,
    make_function,
    make_stream,
    publish,
    queue_arn,
    queues,
    received,
    steps,
    subscribe,
    subscription,
    unsubscribe,
    url_of,
)
from tests.unit.cli.subscribers.test_endpoints import URL, pending, permissions, roles
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run


class TestAQueue:
    def test_that_is_empty_is_deleted_with_all_that_was_created(self, world: World) -> None:
        subscribe("--queue", "team")
        unsubscribe("team")
        assert queues(world.aws) == set()
        assert endpoints(world.aws) == []

    def test_with_messages_stays_with_its_dead_letter_queue(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "waits", {})
        result = unsubscribe("team")
        assert "The queue team stays, with about 1 message: --delete-queue" in result.stdout
        assert queues(world.aws) == {"team", "team-failed"}
        assert endpoints(world.aws) == []
        publish(world.aws, "later", {})
        assert received(world.aws, "team") == ["waits"]

    def test_with_messages_does_not_let_the_topic_send_any_more(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "waits", {})
        unsubscribe("team")
        assert "Policy" not in attributes(world.aws, "team")

    def test_with_messages_is_deleted_on_request(self, world: World) -> None:
        subscribe("--queue", "team")
        publish(world.aws, "waits", {})
        result = unsubscribe("team", "--delete-queue")
        assert "delete the queue team with about 1 message" in result.stdout
        assert queues(world.aws) == set()

    def test_that_receives_a_message_meanwhile_stays(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe("--queue", "team")

        def arrives(_: object) -> None:
            world.aws.sqs.send_message(QueueUrl=url_of(world.aws, "team"), MessageBody="late")

        Answers(every_client(monkeypatch, "sns"), "Unsubscribe", arrives)
        result = unsubscribe("team")
        assert "has received about 1 message meanwhile" in result.stdout
        assert "team" in queues(world.aws)

    def test_whose_failed_messages_wait_keeps_that_queue_only(self, world: World) -> None:
        subscribe("--queue", "team")
        world.aws.sqs.send_message(QueueUrl=url_of(world.aws, "team-failed"), MessageBody="bad")
        unsubscribe("team")
        assert queues(world.aws) == {"team-failed"}

    @pytest.mark.parametrize("name", ["team-failed", "team-undelivered"])
    def test_that_is_the_dead_letter_queue_of_a_subscription_stays(
        self, world: World, name: str
    ) -> None:
        subscribe("--queue", "team")
        before = attributes(world.aws, name).get("Policy")
        result = unsubscribe(name)
        assert f"The queue {name} stays, since the " in result.stdout
        assert queues(world.aws) == SUBSCRIBED
        assert attributes(world.aws, name).get("Policy") == before

    def test_keeps_what_another_subscriber_of_a_similar_name_uses(self, world: World) -> None:
        """Both have the queue lambda-alert-undelivered."""
        make_function("alert")
        subscribe("--lambda", "alert")
        subscribe("--queue", "lambda-alert")
        unsubscribe("lambda-alert")
        assert queues(world.aws) == {"lambda-alert-undelivered"}
        assert attributes(world.aws, "lambda-alert-undelivered")["Policy"]["Statement"]
        unsubscribe("alert")
        assert queues(world.aws) == set()

    def test_that_was_there_before_loses_only_the_statement(self, world: World) -> None:
        statement = {
            "Sid": "Team",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:role/team"},
            "Action": "sqs:ReceiveMessage",
            "Resource": queue_arn("team"),
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        world.aws.sqs.create_queue(QueueName="team", Attributes={"Policy": json.dumps(policy)})
        subscribe("--queue", "team")
        result = unsubscribe("team", "--delete-queue")
        assert "did not create it for this topic" in result.stdout
        sid = statement_id(world.aws.topic_arn)
        assert f"remove the statement {sid} from the policy of team" in result.stdout
        assert attributes(world.aws, "team")["Policy"] == policy
        assert queues(world.aws) == {"team"}

    def test_that_others_use_stays(self, world: World) -> None:
        subscribe("--queue", "team")
        other = world.aws.sns.create_topic(Name="other")["TopicArn"]
        policy = attributes(world.aws, "team")["Policy"]
        policy["Statement"].append(
            policy["Statement"][0] | {"Sid": statement_id(other), "Condition": {}}
        )
        world.aws.sqs.set_queue_attributes(
            QueueUrl=url_of(world.aws, "team"), Attributes={"Policy": json.dumps(policy)}
        )
        result = unsubscribe("team")
        assert "since its policy lets others use it, by 1 statement" in result.stdout
        (left,) = attributes(world.aws, "team")["Policy"]["Statement"]
        assert left["Sid"] == statement_id(other)

    def test_that_belongs_to_a_stack_is_refused_with_what_deletes_it(self, world: World) -> None:
        world.aws.sqs.create_queue(
            QueueName="team", tags={"aws:cloudformation:stack-name": "opens-subscriber"}
        )
        world.aws.sns.subscribe(
            TopicArn=world.aws.topic_arn, Protocol="sqs", Endpoint=queue_arn("team")
        )
        said = complaint(run("unsubscribe", "team", "--yes"), 2)
        assert "aws cloudformation delete-stack --region eu-west-1 --stack-name opens-sub" in said
        assert endpoints(world.aws) == [queue_arn("team")]

    def test_that_belongs_to_a_stack_but_was_subscribed_here_is_unsubscribed(
        self, world: World
    ) -> None:
        world.aws.sqs.create_queue(
            QueueName="team", tags={"aws:cloudformation:stack-name": "theirs"}
        )
        result = subscribe("--queue", "team")
        assert "belongs to the stack theirs of CloudFormation" in result.stderr
        unsubscribe("team")
        assert queues(world.aws) == {"team"}
        assert endpoints(world.aws) == []

    def test_does_not_take_away_what_another_has_of_the_same_name(self, world: World) -> None:
        subscribe("--queue", "team")
        arn = make_function("team")
        subscribe("--lambda", arn)
        unsubscribe(arn)
        assert queues(world.aws) == SUBSCRIBED
        unsubscribe("team")
        assert queues(world.aws) == set()


class TestOthers:
    def test_a_function_loses_its_permission(self, world: World) -> None:
        arn = make_function()
        client("lambda").add_permission(
            FunctionName="alert",
            StatementId="other",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        subscribe("--lambda", arn)
        unsubscribe("alert")
        assert [each["Sid"] for each in permissions("alert")] == ["other"]
        assert endpoints(world.aws) == []
        assert queues(world.aws) == set()

    def test_a_stream_loses_its_role(self, world: World) -> None:
        make_stream()
        subscribe("--firehose", "archive")
        unsubscribe("archive")
        assert roles() == []
        assert endpoints(world.aws) == []
        assert queues(world.aws) == set()

    @pytest.mark.parametrize(
        ("option", "endpoint"), [("--https", URL), ("--email", "bo@example.com")]
    )
    def test_an_address_or_a_url_is_named_as_it_was_subscribed(
        self, world: World, option: str, endpoint: str
    ) -> None:
        subscribe(option, endpoint)
        result = unsubscribe(endpoint)
        assert endpoint not in result.output
        assert endpoints(world.aws) == []
        assert queues(world.aws) == set()

    def test_a_subscription_is_named_by_its_own_arn(self, world: World) -> None:
        subscribe("--queue", "team")
        arn = subscription(world.aws, queue_arn("team"))["SubscriptionArn"]
        unsubscribe(arn)
        assert endpoints(world.aws) == []

    @pytest.mark.parametrize(
        ("protocol", "endpoint"),
        [("sms", "+31612345678"), ("https", "https://example.com/1234/ø")],
    )
    def test_a_subscriber_that_subscribe_cannot_make_is_only_unsubscribed(
        self, world: World, protocol: str, endpoint: str
    ) -> None:
        world.aws.sns.subscribe(TopicArn=world.aws.topic_arn, Protocol=protocol, Endpoint=endpoint)
        result = unsubscribe(endpoint)
        assert len(steps(result)) == 1
        assert "1234" not in result.output
        assert endpoints(world.aws) == []

    def test_a_queue_of_another_account_is_unsubscribed_and_stays(self, world: World) -> None:
        arn = "arn:aws:sqs:eu-west-1:111111111111:team"
        world.aws.sns.subscribe(TopicArn=world.aws.topic_arn, Protocol="sqs", Endpoint=arn)
        result = unsubscribe("team")
        assert "in the AWS account 111111111111 stays" in result.stdout
        assert endpoints(world.aws) == []

    def test_one_that_never_confirmed_ends_by_itself(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del world
        Answers(
            every_client(monkeypatch, "sns"),
            "ListSubscriptionsByTopic",
            then=pending("bo@example.com"),
        )
        result = run("unsubscribe", "bo@example.com")
        assert result.exit_code == 0
        assert "SNS deletes it after two days" in result.stdout


class TestAName:
    def test_that_nothing_has_is_refused_with_those_that_exist(self, world: World) -> None:
        del world
        subscribe("--queue", "team")
        subscribe("--email", "bo@example.com")
        said = complaint(run("unsubscribe", "teem", "--yes"), 2)
        assert "No subscriber is called “teem”." in said
        assert "team" in said
        assert "bo@example.com" not in said

    def test_that_has_two_subscriptions_is_refused_with_their_arns(self, world: World) -> None:
        arns = [
            world.aws.sns.subscribe(
                TopicArn=world.aws.topic_arn,
                Protocol=protocol,
                Endpoint="team@example.com",
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
            for protocol in ("email", "email-json")
        ]
        said = complaint(run("unsubscribe", "team@example.com", "--yes"), 2)
        assert all(arn in said for arn in arns)

    def test_that_several_have_is_refused_with_their_arns(self, world: World) -> None:
        arn = make_function("team")
        subscribe("--lambda", arn)
        subscribe("--queue", "team")
        said = complaint(run("unsubscribe", "team", "--yes"), 2)
        assert f"{arn}, {queue_arn('team')}" in said or f"{queue_arn('team')}, {arn}" in said
        assert len(endpoints(world.aws)) == 2

    def test_of_which_a_denied_request_has_left_a_part_removes_the_rest(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe("--queue", "team")
        with monkeypatch.context() as patch:
            Answers(every_client(patch, "sqs"), "DeleteQueue", error("AccessDenied"))
            complaint(run("unsubscribe", "team", "--yes"), 1)
        assert queues(world.aws) == SUBSCRIBED
        unsubscribe("team")
        assert queues(world.aws) == set()

    @pytest.mark.usefixtures("world")
    def test_that_nothing_has_needs_no_permissions_for_functions_and_roles(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for service, operation in (("lambda", "GetPolicy"), ("iam", "GetRole")):
            denied = error("AccessDeniedException")
            Answers(every_client(monkeypatch, service), operation, then=denied)
        said = complaint(run("unsubscribe", "nobody", "--yes"), 2)
        assert "No subscriber is called “nobody”." in said


class TestQuestion:
    def test_changes_nothing_after_a_no(self, world: World) -> None:
        subscribe("--queue", "team")
        output = run_in_terminal("unsubscribe", "team", typed="n\n", columns=200)
        assert "- end the subscription of the queue team" in output.text
        assert output.exit_code == 1
        assert endpoints(world.aws) == [queue_arn("team")]
        assert queues(world.aws) == SUBSCRIBED

    def test_requires_the_yes_option_without_a_terminal(self, world: World) -> None:
        subscribe("--queue", "team")
        assert "add --yes" in complaint(run("unsubscribe", "team"), 2)
        assert queues(world.aws) == SUBSCRIBED


def test_a_queue_in_another_region_is_deleted_there(world: World) -> None:
    there = "arn:aws:sqs:us-east-1:123456789012:team"
    subscribe("--queue", there)
    unsubscribe(there)
    assert queues(world.aws, "us-east-1") == set()
    assert queues(world.aws) == set()
    assert boto3.client("sqs", region_name="us-east-1").list_queues().get("QueueUrls", []) == []
