"""The operators' policies allow every call of the commands of their grade, and little else."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from constant_contact_emulator import Emulator, Limits
from email_opens_cli.deployed.queues import TailQueue, left_over, remove
from tests.aws_account.policies import READS, actions, allows, statements
from tests.aws_account.recorded import ACCOUNT, REGION, Call, Recorded, arn
from tests.aws_account.stacks import create
from tests.conftest import Aws, subscribe
from tests.unit.cli.subscribers.subscribers import make_function
from tests.unit.cli.world import run

STACK = "email-opens"
FUNCTION = f"{STACK}-PollOpens-1A2B3C4D5E6F"
GRADES = {
    "read-only": ["operator-read-only"],
    "mending": ["operator-read-only", "operator-mending"],
    "connect": ["operator-read-only", "operator-mending", "operator-connect"],
}
"""The policies of each grade."""
NAME = "Spring sale"
DESTINATION = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/new-subscriber"
"""A queue of the person's own: the page names what it must allow."""
READING = [("status",), ("status", "--json"), ("explain",), ("subscriptions",)]
MENDING = [
    ("doctor",),
    ("campaigns",),
    ("discover",),
    ("track", NAME),
    ("status", "--account", "unknown"),
    ("poll",),
    ("pause", NAME),
    ("resume", NAME),
    ("audit", NAME),
    ("replay", NAME, "--since", "beginning", "--to", DESTINATION, "--yes"),
    ("dead-letters", "list"),
    ("dead-letters", "redrive"),
    ("dead-letters", "drop", "--yes"),
    ("untrack", NAME),
]
EXIT_CODES = {"doctor": {0, 1}}
"""The emulated stack lacks alarms."""
OF_THE_PAGES = {"cloudformation:DescribeStackResources"}
"""What no command of email-opens needs, but a command of the page of operations."""


@pytest.fixture
def calls(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, set[Call]]:
    """The calls of the commands of each grade, on a stack with an account and an e-mail."""
    url = aws.sqs.create_queue(QueueName="new-subscriber")["QueueUrl"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EMAIL_OPENS_STACK", raising=False)
    grades = {grade: Recorded() for grade in GRADES}
    with Emulator(limits=Limits.off()) as vendor:
        stack = create(
            STACK,
            ConstantContactApiUrl=vendor.url,
            ConstantContactAuthUrl=vendor.auth_url,
            RequestsPerSecond="100",
        )
        make_function(FUNCTION)
        subscribe(aws.sns, aws.sqs, arn("sns", f"{STACK}-opens"), url)
        activity_id = vendor.world.add_campaign(NAME).activity_id
        vendor.world.send(activity_id)
        vendor.world.add_open(activity_id, 1)
        vendor.world.add_raw_row(activity_id, {})
        with grades["connect"].recording():
            for account_id in ("default", "acme"):
                _run(("connect", account_id), vendor)
        with grades["read-only"].recording():
            for words in READING:
                _run(words, vendor)
        with grades["mending"].recording():
            for words in MENDING:
                _run(words, vendor)
            _listen(aws)
        with grades["connect"].recording():
            for account_id in ("acme", "default"):
                _run(("disconnect", account_id, "--yes"), vendor)
    # The emulated Lambda shows its default group of logs instead of the template's.
    shown, own = (
        Call("logs:FilterLogEvents", arn("logs", f"log-group:{name}:*"))
        for name in (f"/aws/lambda/{FUNCTION}", stack.resources["PollOpensLog"])
    )
    return {
        grade: {own if call == shown else call for call in recorded.calls}
        for grade, recorded in grades.items()
    }


def _run(words: Sequence[str], vendor: Emulator) -> None:
    result = run(*words, "--stack", STACK, typed=json.dumps(vendor.credentials()))
    allowed = EXIT_CODES.get(words[0], {0}) if "unknown" not in words else {2}
    assert result.exit_code in allowed, (words, result.output)


def _listen(aws: Aws) -> None:
    """Do what `tail` does, which runs until Ctrl-C, to an open and to a queue that was left."""
    session: Any = boto3.Session()
    sns, sqs, topic_arn = session.client("sns"), session.client("sqs"), arn("sns", f"{STACK}-opens")
    tail, now = TailQueue(sns, sqs, topic_arn, wait_seconds=0), datetime.now(UTC)
    with tail.listening({}, now):
        aws.sns.publish(TopicArn=topic_arn, Message="{}")
        assert tail.receive(now + timedelta(hours=1))
        (left,) = left_over(sqs, topic_arn, now + timedelta(days=1))
    remove(sns, sqs, topic_arn, aws.sqs.create_queue(QueueName=left.rpartition("/")[2])["QueueUrl"])


def test_the_policies_of_a_grade_allow_every_call_of_its_commands_and_a_lower_grade_does_not(
    calls: dict[str, set[Call]],
) -> None:
    written = Call("sqs:SendMessage", arn("sqs", "new-subscriber"))
    assert written in calls["mending"]
    refused = {
        (grade, granted): sorted(
            call for call in made - {written} if not allows(_granted(granted), call)
        )
        for grade, made in calls.items()
        for granted in GRADES
    }
    assert [refused[grade, grade] for grade in GRADES] == [[], [], []]
    assert refused["mending", "read-only"]
    assert refused["connect", "mending"]


def test_no_action_of_a_policy_is_left_over(calls: dict[str, set[Call]]) -> None:
    made = {call.action for each in calls.values() for call in each}
    granted = set(actions(_granted("connect")))
    assert granted - made == OF_THE_PAGES


def _granted(grade: str) -> list[dict[str, Any]]:
    return [each for name in GRADES[grade] for each in statements(name, STACK)]


def test_the_read_only_grade_allows_no_action_that_writes() -> None:
    granted = set(actions(statements("operator-read-only", STACK)))
    assert [name for name in granted if not name.partition(":")[2].startswith(READS)] == []
    assert not any(name.startswith(("ssm:", "kms:")) for name in granted)


@pytest.mark.parametrize("name", ["operator-read-only", "operator-mending", "operator-connect"])
def test_a_policy_reaches_no_other_stack(name: str) -> None:
    granted = statements(name, STACK)
    for resource in (
        arn("dynamodb", "table/second-TrackingTable-1"),
        arn("dynamodb", f"table/{STACK}-two-TrackingTable-1"),
        arn("ssm", "parameter/second/default"),
        arn("ssm", f"parameter/{STACK}-two/default"),
        arn("sns", "second-opens"),
        arn("scheduler", "schedule/second/acme"),
        f"arn:aws:iam::{ACCOUNT}:role/second-ScheduleRole-1",
    ):
        assert [
            each
            for each in set(actions(granted))
            if allows(granted, Call(each, resource)) and not allows(granted, Call(each, "*"))
        ] == []
