"""What `email-opens subscribe` refuses, before it changes anything."""

import shlex

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.deployed.subscribing.subscribing import check_foreign
from email_opens_cli.deployed.subscribing.targets import Topic, function_target, queue_target
from tests.contract.replies import Answers, error
from tests.unit.cli.every_client import every_client
from tests.unit.cli.subscribers.alerts import PARAMETERS, STACK, make_stack
from tests.unit.cli.subscribers.subscribers import (
    ACCOUNT,
    OTHER_ACCOUNT,
    endpoints,
    make_function,
    make_stream,
    queue_arn,
    queues,
    subscribe,
    unsubscribe,
)
from tests.unit.cli.world import ONE, World, complaint, run

ONLY = ["--queue", "team", "--only"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name exactly one subscriber: --queue NAME, --lambda ARN"),
        (
            ["--queue", "team", "--email", "bo@example.com"],
            "Name exactly one subscriber, and not --queue and --email together",
        ),
        (["--queue", "team", "--slack", "https://example.com/x"], "not --queue and --slack"),
        (["--queue", "no name"], "is not the name of a queue"),
        (["--queue", "q" * 81], "is not the name of a queue"),
        (["--queue", ""], "is not the name of a queue"),
        (["--queue", "team.fif"], "is not the name of a queue"),
        (["--queue", "arn:aws:sns:eu-west-1:123456789012:q"], "is not the name of a queue"),
        (["--queue", "arn:aws:sqs:eu-west-1:1234:q"], "is not the name of a queue"),
        (["--queue", "team.fifo"], "which cannot deliver to a FIFO queue"),
        (["--lambda", "arn:aws:lambda:eu-west-1:123456789012:layer:x"], "is not a function"),
        (["--lambda", "arn:aws:sqs:eu-west-1:123456789012:q"], "is not a function"),
        (["--lambda", "no function"], "is not a function"),
        (["--firehose", "arn:aws:firehose:eu-west-1:123456789012:x"], "is not a Firehose stream"),
        (["--firehose", "no stream"], "is not a Firehose stream"),
        (["--email", "nobody"], "--email needs an address"),
        (["--email", "a@example.com,b@example.com"], "--email needs an address"),
        (["--https", "http://example.com/opens"], "this one begins with http://"),
        (["--https", "example.com"], "--https needs a URL that begins with https://"),
        (["--https", "https://"], "--https needs a URL that begins with https://"),
        (["--https", "https://example.com/a b"], "--https needs a URL"),
        (["--https", "https://[example"], "--https needs a URL"),
        (
            ["--https", "https://hooks.slack.com/services/T/B/X"],
            "use `email-opens subscribe --slack",
        ),
        (["--slack", "http://example.com/x"], "--slack needs a URL that begins with https://"),
        (["--webhook", "nothing"], "--slack needs a URL that begins with https://"),
        ([*ONLY, "recent"], "“recent” is not a value of --only: expected fresh, fresh=DURATION"),
        ([*ONLY, "campaign"], "“campaign” is not a value of --only"),
        ([*ONLY, "campaign="], "“campaign=” is not a value of --only"),
        ([*ONLY, "campaign=*"], "selects all campaigns: leave it out"),
        ([*ONLY, "fresh=soon"], "“soon” is not a duration"),
        ([*ONLY, "fresh="], "is not a value of --only"),
        ([*ONLY, "fresh=9999w"], "is longer than a filter of SNS allows"),
        ([*ONLY, "first-opens=yes"], "first-opens has no value"),
        ([*ONLY, "email=1"], "expected a UUID such as"),
        ([*ONLY, "account=a/b"], "is not an account id"),
        ([*ONLY, f"device={'x' * 257}"], "is too long for a filter"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input(world: World, arguments: list[str], message: str) -> None:
    assert message in complaint(run("subscribe", *arguments, "--yes"), 2)
    assert queues(world.aws) == set()
    assert endpoints(world.aws) == []


@pytest.mark.usefixtures("world")
def test_a_url_is_not_repeated() -> None:
    for option in ("--https", "--slack"):
        result = run("subscribe", option, "http://hooks.example.com/services/T0/secret")
        assert "secret" not in result.output


@pytest.mark.usefixtures("world")
def test_more_kinds_of_filters_than_sns_allows() -> None:
    kinds = ["fresh", "first-opens", "campaign=A", "device=mobile", f"email={ONE}", "account=a"]
    arguments = [part for kind in kinds for part in ("--only", kind)]
    said = complaint(run("subscribe", "--queue", "team", *arguments), 2)
    assert "SNS filters by at most 5 attributes" in said


@pytest.mark.usefixtures("world")
def test_more_combinations_of_filters_than_sns_allows() -> None:
    kinds = [f"campaign={number}" for number in range(76)] + ["device=mobile", "device=tablet"]
    arguments = [part for kind in kinds for part in ("--only", kind)]
    said = complaint(run("subscribe", "--queue", "team", *arguments), 2)
    assert "SNS allows 150 combinations of values in a filter, and these" in said
    assert "have 152" in said


class TestAnotherAccount:
    @pytest.mark.parametrize(
        ("option", "arn"),
        [
            ("--queue", f"arn:aws:sqs:eu-west-1:{OTHER_ACCOUNT}:team"),
            ("--lambda", f"arn:aws:lambda:eu-west-1:{OTHER_ACCOUNT}:function:alert"),
        ],
    )
    def test_is_told_the_commands_that_subscribe_it(
        self, world: World, option: str, arn: str
    ) -> None:
        only = ["--only", "campaign=It's spring"]
        said = complaint(run("subscribe", option, arn, *only, "--yes"), 2)
        assert f"belongs to the AWS account {OTHER_ACCOUNT}" in said
        assert (
            f"`aws sns add-permission --region eu-west-1 --topic-arn {world.aws.topic_arn} --label "
            f"email-opens-{OTHER_ACCOUNT} --aws-account-id {OTHER_ACCOUNT} --action-name Subscribe`"
        ) in said
        template = f"{shlex.join(['subscribe', option, arn, *only])} --cloudformation"
        assert f"email-opens {template} > subscriber.yaml" in said
        assert "aws cloudformation deploy --region eu-west-1" in said
        assert endpoints(world.aws) == []

    @pytest.mark.usefixtures("world")
    def test_can_use_the_printed_template(self) -> None:
        arn = f"arn:aws:lambda:eu-west-1:{OTHER_ACCOUNT}:function:alert"
        result = run("subscribe", "--lambda", arn, "--cloudformation")
        assert result.exit_code == 0
        assert f"FunctionName: {arn}" in result.stdout

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize(
        "arn",
        [
            f"arn:aws:firehose:eu-west-1:{OTHER_ACCOUNT}:deliverystream/archive",
            f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/archive",
        ],
        ids=["account", "region"],
    )
    def test_or_region_of_a_stream_is_refused_with_a_queue_as_the_remedy(self, arn: str) -> None:
        said = complaint(run("subscribe", "--firehose", arn, "--yes"), 2)
        assert "SNS delivers only to streams in the topic's own region and account" in said
        assert "email-opens subscribe --queue arn:aws:sqs:" in said


class TestATopic:
    @pytest.mark.parametrize(
        "command",
        [["subscribe", "--queue", "team", "--yes"], ["unsubscribe", "team"], ["subscriptions"]],
        ids=lambda words: words[0],
    )
    def test_that_does_not_exist_is_reported(
        self, world: World, monkeypatch: pytest.MonkeyPatch, command: list[str]
    ) -> None:
        monkeypatch.setenv("OPENS_TOPIC_ARN", f"{world.aws.topic_arn}-2")
        said = complaint(run(*command), 2)
        assert f"There is no topic {world.aws.topic_arn}-2" in said
        assert queues(world.aws) == set()

    @pytest.mark.usefixtures("world")
    def test_that_is_no_topic_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENS_TOPIC_ARN", queue_arn("team"))
        said = complaint(run("subscribe", "--queue", "team"), 2)
        assert "which is not a topic's ARN" in said


@pytest.mark.usefixtures("world")
class TestADeniedRequest:
    """Each names the action that is missing; what was done before it is completed later."""

    @pytest.mark.parametrize(
        ("service", "operation", "action"),
        [
            ("sns", "ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"),
            ("sqs", "GetQueueUrl", "sqs:GetQueueUrl"),
            ("sqs", "CreateQueue", "sqs:CreateQueue and sqs:TagQueue"),
            ("sns", "Subscribe", "sns:Subscribe"),
        ],
    )
    def test_for_a_new_queue(
        self, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, action: str
    ) -> None:
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, then=error("AccessDenied"))
            said = complaint(run("subscribe", "--queue", "team", "--yes"), 1)
        assert f"AWS denies {action.partition(' ')[0]} to this user" in said
        assert f"Ask for a policy that allows {action}." in said
        subscribe("--queue", "team")

    @pytest.mark.parametrize(
        ("service", "operation", "action"),
        [
            ("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes"),
            ("sqs", "ListQueueTags", "sqs:ListQueueTags"),
            ("sqs", "SetQueueAttributes", "sqs:SetQueueAttributes"),
            ("sns", "GetSubscriptionAttributes", "sns:GetSubscriptionAttributes"),
            ("sns", "SetSubscriptionAttributes", "sns:SetSubscriptionAttributes"),
        ],
    )
    def test_for_a_queue_that_is_subscribed(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        service: str,
        operation: str,
        action: str,
    ) -> None:
        subscribe("--queue", "team")
        url = world.aws.sqs.get_queue_url(QueueName="team")["QueueUrl"]
        world.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, then=error("AccessDenied"))
            said = complaint(run("subscribe", "--queue", "team", "--only", "fresh", "--yes"), 1)
        assert f"Ask for a policy that allows {action}." in said
        subscribe("--queue", "team", "--only", "fresh")

    @pytest.mark.parametrize(
        ("operation", "action"),
        [
            ("GetFunctionConfiguration", "lambda:GetFunctionConfiguration"),
            ("GetPolicy", "lambda:GetPolicy"),
            ("AddPermission", "lambda:AddPermission"),
        ],
    )
    def test_for_a_function(
        self, monkeypatch: pytest.MonkeyPatch, operation: str, action: str
    ) -> None:
        make_function()
        denied = error("AccessDeniedException")
        with monkeypatch.context() as patch:
            Answers(every_client(patch, "lambda"), operation, then=denied)
            said = complaint(run("subscribe", "--lambda", "alert", "--yes"), 1)
        assert f"Ask for a policy that allows {action}." in said
        subscribe("--lambda", "alert")

    @pytest.mark.parametrize(
        ("service", "operation", "action"),
        [
            ("firehose", "DescribeDeliveryStream", "firehose:DescribeDeliveryStream"),
            ("iam", "GetRole", "iam:GetRole"),
            ("iam", "CreateRole", "iam:CreateRole and iam:TagRole"),
            ("iam", "PutRolePolicy", "iam:PutRolePolicy"),
        ],
    )
    def test_for_a_stream(
        self, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, action: str
    ) -> None:
        make_stream()
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, then=error("AccessDeniedException"))
            said = complaint(run("subscribe", "--firehose", "archive", "--yes"), 1)
        assert f"Ask for a policy that allows {action}." in said
        subscribe("--firehose", "archive")

    @pytest.mark.parametrize(
        ("kind", "service", "operation", "action"),
        [
            ("--queue", "sns", "Unsubscribe", "sns:Unsubscribe"),
            ("--queue", "sqs", "DeleteQueue", "sqs:DeleteQueue"),
            ("--lambda", "lambda", "RemovePermission", "lambda:RemovePermission"),
            ("--firehose", "iam", "DeleteRolePolicy", "iam:DeleteRolePolicy"),
            ("--firehose", "iam", "DeleteRole", "iam:DeleteRole"),
        ],
    )
    def test_for_the_end_of_a_subscription(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
        service: str,
        operation: str,
        action: str,
    ) -> None:
        make_function("team")
        make_stream("team")
        subscribe(kind, "team")
        with monkeypatch.context() as patch:
            Answers(every_client(patch, service), operation, then=error("AccessDenied"))
            said = complaint(run("unsubscribe", "team", "--yes"), 1)
        assert f"Ask for a policy that allows {action}." in said
        unsubscribe("team")
        assert endpoints(world.aws) == []
        assert queues(world.aws) == set()


@pytest.mark.parametrize("kind", ["--queue", "--lambda"])
def test_a_part_of_the_stack_itself_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make_stack(world, **PARAMETERS)
    monkeypatch.setenv("EMAIL_OPENS_STACK", STACK)
    own = world.aws.dlq_url.rpartition("/")[2]
    outputs = {"PollOpensFunction": own, "DeadLetterQueueUrl": world.aws.dlq_url}
    target = (queue_target if kind == "--queue" else function_target)(
        own, Topic.of(world.aws.topic_arn)
    )
    with pytest.raises(InvalidInput, match="is a part of the stack itself"):
        check_foreign(target, outputs)
    if kind == "--queue":
        said = complaint(run("subscribe", "--queue", own, "--yes"), 2)
        assert "is a part of the stack itself" in said
