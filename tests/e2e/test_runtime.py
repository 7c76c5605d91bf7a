"""The built function under AWS's own runtime client, with only the layer on its path."""

import json
import shutil
from collections import Counter
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from email_opens_cli.demo.subscriber import ReportedOpen
from tests.conftest import subscribe
from tests.e2e.built_function import Artefact, run_function
from tests.e2e.conftest import Stacks
from tests.e2e.runtime_api import Outcome
from tests.e2e.trial import ACCOUNT, received, reported_open
from tests.integration.deployment import ROOT

EVENT = json.loads((ROOT / "events/schedule.json").read_text())
METRICS = {"TurnsCompleted", "PublishDelay", "AccountStopped"}
"""Those of the default monitoring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoInvocations:
    """The outcome of two invocations in a row, the first with a refused access token."""

    first: Outcome
    second: Outcome
    reported: Counter[ReportedOpen]
    received: list[dict[str, Any]]
    stdout: str
    log: str
    tokens_before: dict[str, str]
    tokens_after: dict[str, str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of standard output, each of which is JSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "_aws" in line]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "message" in line]


@pytest.fixture(scope="module")
def invocations(
    artefact: Artefact, stacks: Stacks, tmp_path_factory: pytest.TempPathFactory
) -> TwoInvocations:
    trial, sqs = stacks.idle, stacks.idle.aws.client("sqs")
    queue_url = sqs.create_queue(QueueName="idle-subscriber")["QueueUrl"]
    topic_arn = trial.stack.environment["OPENS_TOPIC_ARN"]
    subscribe(trial.aws.client("sns"), sqs, topic_arn, queue_url)
    tokens_before = trial.credentials
    trial.vendor.authorization.expire_access_tokens()
    folder = tmp_path_factory.mktemp("invocations")
    with run_function(artefact, trial.function_environment, folder) as function:
        first, second = function.invoke(EVENT), function.invoke(EVENT)
        return TwoInvocations(
            first=first,
            second=second,
            reported=trial.reported,
            received=list(received(sqs, queue_url)),
            stdout=function.stdout,
            log=function.log,
            tokens_before=tokens_before,
            tokens_after=trial.credentials,
        )


def test_the_schedules_event_publishes_each_open_once(invocations: TwoInvocations) -> None:
    assert Counter(reported_open(event) for event in invocations.received) == invocations.reported


def test_no_two_events_share_an_id(invocations: TwoInvocations) -> None:
    ids = {event["id"] for event in invocations.received}
    assert len(ids) == len(invocations.received)


def test_the_reply_counts_the_work_of_the_turn(invocations: TwoInvocations) -> None:
    assert invocations.first == Outcome(
        "response",
        {
            "account_id": ACCOUNT,
            "published": invocations.reported.total(),
            "requests": 2,  # the refused one and its repetition
            "activities": 1,
            "failed": [],
            "gaps": 0,
            "leased": True,
            "tracked": [],
            "stopped": None,
        },
    )


def test_a_second_invocation_publishes_nothing(invocations: TwoInvocations) -> None:
    assert invocations.second.body["published"] == 0


def test_a_second_invocation_right_after_the_first_costs_at_most_one_request(
    invocations: TwoInvocations,
) -> None:
    assert invocations.second.body["requests"] <= 1


def test_a_refused_access_token_is_renewed_and_stored(invocations: TwoInvocations) -> None:
    changed = dict(invocations.tokens_after.items() - invocations.tokens_before.items())
    assert changed.keys() == {"access_token", "refresh_token", "expires_at", "stack"}


def test_every_line_of_the_log_is_a_message_or_a_metric(invocations: TwoInvocations) -> None:
    assert len(invocations.lines) == len(invocations.messages) + len(invocations.metrics)


def test_every_message_of_the_log_names_the_account(invocations: TwoInvocations) -> None:
    assert {line.get("account_id") for line in invocations.messages} == {ACCOUNT}


def test_the_log_contains_no_email_address(invocations: TwoInvocations) -> None:
    assert "@" not in invocations.log


def test_the_log_contains_no_token(invocations: TwoInvocations) -> None:
    names = ("access_token", "refresh_token")
    secrets = [
        tokens[name]
        for tokens in (invocations.tokens_before, invocations.tokens_after)
        for name in names
    ]
    assert not [secret for secret in secrets if secret in invocations.log]


def test_every_metric_is_emitted(invocations: TwoInvocations) -> None:
    assert {
        metric["Name"] for record in invocations.metrics for metric in _declared(record)
    } == METRICS


def test_every_metric_has_the_stack_and_the_account_as_dimensions(
    invocations: TwoInvocations,
) -> None:
    dimensions = {
        tuple(sorted(names))
        for record in invocations.metrics
        for directive in record["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
    }
    assert dimensions == {("account_id", "stack")}


def test_every_metric_names_the_account_that_was_polled(invocations: TwoInvocations) -> None:
    assert {record["account_id"] for record in invocations.metrics} == {ACCOUNT}


def test_each_published_open_has_a_delay(invocations: TwoInvocations) -> None:
    delays = [
        seconds for record in invocations.metrics for seconds in record.get("PublishDelay", [])
    ]
    assert len(delays) == invocations.reported.total()


def test_a_missing_setting_is_named(artefact: Artefact, stacks: Stacks, tmp_path: Path) -> None:
    environment = stacks.idle.function_environment
    del environment["LEDGER_TABLE"]
    with run_function(artefact, environment, tmp_path) as function:
        outcome = function.invoke(EVENT)
    expected = "LEDGER_TABLE is not set; it should be the name of the ledger table."
    assert outcome.kind == "error"
    assert outcome.body["errorMessage"] == f"The settings cannot be used: {expected}"


def test_an_event_without_an_account_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    with run_function(artefact, {}, tmp_path) as function:
        outcome = function.invoke({})
    assert (outcome.kind, outcome.body["errorMessage"]) == (
        "error",
        'The event names no account: expected {"account_id": "default"}.',
    )


def test_the_product_is_imported_from_the_layer(artefact: Artefact, tmp_path: Path) -> None:
    with run_function(artefact, {}, tmp_path) as function:
        trace = function.invoke(EVENT).body["stackTrace"]
    assert f'"{artefact.layer}/email_opens/bootstrap/product.py"' in "".join(trace)


def test_the_product_cannot_be_imported_without_the_layer(
    artefact: Artefact, tmp_path: Path
) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    for part in artefact.layer.iterdir():
        if part.name != "email_opens":
            (layer / part.name).symlink_to(part)
    with run_function(replace(artefact, layer=layer), {}, tmp_path) as function:
        outcome = function.invoke(EVENT)
    assert (outcome.kind, outcome.body["errorMessage"]) == (
        "init/error",
        "Unable to import module 'app': No module named 'email_opens'",
    )


def test_the_layer_runs_from_its_byte_code(artefact: Artefact, tmp_path: Path) -> None:
    layer = shutil.copytree(artefact.layer, tmp_path / "layer")
    for source in layer.rglob("*.py"):
        source.write_text("raise AssertionError('The source was compiled again.')")
    with run_function(replace(artefact, layer=layer), {}, tmp_path) as function:
        outcome = function.invoke(EVENT)
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "InvalidSettings")


def _declared(record: dict[str, Any]) -> list[dict[str, str]]:
    """Return the metrics that an EMF record declares."""
    directives = record["_aws"]["CloudWatchMetrics"]
    return [metric for directive in directives for metric in directive["Metrics"]]


def test_the_layer_has_neither_tests_nor_programs(artefact: Artefact) -> None:
    folders = {path.name for path in artefact.layer.rglob("*") if path.is_dir()}
    assert folders & {"tests", "bin"} == set()
    assert (artefact.layer / "certifi").is_dir()


def test_the_layer_has_no_library_that_lambda_provides(artefact: Artefact) -> None:
    assert [name for name in ("boto3", "botocore") if (artefact.layer / name).exists()] == []


def test_the_layer_and_the_code_take_at_most_ten_mebibytes(artefact: Artefact) -> None:
    files = [*artefact.layer.rglob("*"), *artefact.function.rglob("*")]
    assert sum(path.stat().st_size for path in files if path.is_file()) <= 10 * 2**20
