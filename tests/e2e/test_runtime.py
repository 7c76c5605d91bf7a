"""The built function under AWS's own runtime client, with nothing else on its path."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from email_opens_cli.demo.subscriber import ReportedOpen
from tests.conftest import subscribe
from tests.e2e.built_function import Artefact, running
from tests.e2e.conftest import Stacks
from tests.e2e.runtime_api import Outcome
from tests.e2e.trial import ACCOUNT, received, seen
from tests.integration.deployed import ROOT

EVENT = json.loads((ROOT / "events/schedule.json").read_text())
COUNTED = {
    "OpensPublished",
    "RowsRejected",
    "OpensDeadLettered",
    "Requests",
    "PollsFailed",
    "GapsOpen",
    "Throttled",
    "QuotaExceeded",
    "AccountDisconnected",
    "TurnsCompleted",
    "Probes",
    "RequestsLeft",
    "BudgetShortfall",
    "Price",
    "OpensMissing",
    "PublishDelay",
}
IDLE = {"TokenIdleDays"}
"""Of a turn that asks for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What two invocations in a row did, the first with an access token that is refused."""

    first: Outcome
    second: Outcome
    reported: Counter[ReportedOpen]
    received: list[dict[str, Any]]
    stdout: str
    logged: str
    tokens_before: dict[str, str]
    tokens_after: dict[str, str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was written to standard output: each line is JSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "_aws" in line]

    @property
    def sentences(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "message" in line]


@pytest.fixture(scope="module")
def polled(artefact: Artefact, stacks: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Polled:
    trial, sqs = stacks.idle, stacks.idle.aws.client("sqs")
    queue_url = sqs.create_queue(QueueName="idle-subscriber")["QueueUrl"]
    topic_arn = trial.stack.environment["OPENS_TOPIC_ARN"]
    subscribe(trial.aws.client("sns"), sqs, topic_arn, queue_url)
    tokens_before = trial.credentials
    trial.vendor.authorization.expire_access_tokens()
    folder = tmp_path_factory.mktemp("polled")
    with running(artefact, trial.function_environment, folder) as function:
        first, second = function.invoke(EVENT), function.invoke(EVENT)
        return Polled(
            first=first,
            second=second,
            reported=trial.reported,
            received=list(received(sqs, queue_url)),
            stdout=function.stdout,
            logged=function.logged,
            tokens_before=tokens_before,
            tokens_after=trial.credentials,
        )


def test_the_schedules_event_publishes_each_open_once(polled: Polled) -> None:
    assert Counter(seen(event) for event in polled.received) == polled.reported


def test_no_two_events_have_one_id(polled: Polled) -> None:
    ids = {event["id"] for event in polled.received}
    assert len(ids) == len(polled.received)


def test_the_reply_says_what_was_done(polled: Polled) -> None:
    assert polled.first == Outcome(
        "response",
        {
            "account_id": ACCOUNT,
            "published": polled.reported.total(),
            "requests": 2,  # the refused one, and the same again
            "activities": 1,
            "failed": [],
            "gaps": 0,
            "leased": True,
            "stopped": None,
        },
    )


def test_a_second_invocation_publishes_nothing(polled: Polled) -> None:
    assert polled.second.body["published"] == 0


def test_a_second_invocation_at_once_costs_one_request_at_most(polled: Polled) -> None:
    assert polled.second.body["requests"] <= 1


def test_a_refused_access_token_is_renewed_and_stored(polled: Polled) -> None:
    changed = dict(polled.tokens_after.items() - polled.tokens_before.items())
    assert changed.keys() == {"access_token", "refresh_token", "expires_at"}


def test_whatever_is_written_is_a_sentence_or_a_metric(polled: Polled) -> None:
    assert len(polled.lines) == len(polled.sentences) + len(polled.metrics)


def test_every_sentence_of_the_log_names_the_account(polled: Polled) -> None:
    assert {line.get("account_id") for line in polled.sentences} == {ACCOUNT}


def test_the_log_holds_no_e_mail_address(polled: Polled) -> None:
    assert "@" not in polled.logged


def test_the_log_holds_no_token(polled: Polled) -> None:
    secrets = ("access_token", "refresh_token")
    tokens = [
        held[name] for held in (polled.tokens_before, polled.tokens_after) for name in secrets
    ]
    assert not [token for token in tokens if token in polled.logged]


def test_every_metric_is_there_by_its_name(polled: Polled) -> None:
    assert {metric["Name"] for one in polled.metrics for metric in _declared(one)} - IDLE == COUNTED


def test_every_metric_is_of_a_service_and_an_account(polled: Polled) -> None:
    dimensions = {
        tuple(sorted(names))
        for one in polled.metrics
        for directive in one["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
    }
    assert dimensions == {("account_id", "service")}


def test_every_metric_is_of_the_account_that_was_polled(polled: Polled) -> None:
    assert {(one["service"], one["account_id"]) for one in polled.metrics} == {
        ("poll_opens", ACCOUNT)
    }


def test_each_published_open_has_its_delay(polled: Polled) -> None:
    delays = [seconds for one in polled.metrics for seconds in one.get("PublishDelay", [])]
    assert len(delays) == polled.reported.total()


def test_a_setting_that_is_missing_is_named(
    artefact: Artefact, stacks: Stacks, tmp_path: Path
) -> None:
    environment = stacks.idle.function_environment
    del environment["LEDGER_TABLE"]
    with running(artefact, environment, tmp_path) as function:
        outcome = function.invoke(EVENT)
    expected = "LEDGER_TABLE is not set; it should be the name of the ledger table."
    assert outcome.kind == "error"
    assert outcome.body["errorMessage"] == f"The settings cannot be used: {expected}"


def test_an_event_without_an_account_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    with running(artefact, {}, tmp_path) as function:
        outcome = function.invoke({})
    assert (outcome.kind, outcome.body["errorMessage"]) == (
        "error",
        'The event names no account: expected {"account_id": "default"}.',
    )


def test_the_product_comes_from_the_layer(artefact: Artefact, tmp_path: Path) -> None:
    with running(artefact, {}, tmp_path) as function:
        trace = function.invoke(EVENT).body["stackTrace"]
    assert f'"{artefact.layer}/email_opens/bootstrap.py"' in "".join(trace)


def test_the_product_comes_from_nowhere_but_the_layer(artefact: Artefact, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    for part in artefact.layer.iterdir():
        if part.name != "email_opens":
            (layer / part.name).symlink_to(part)
    with running(replace(artefact, layer=layer), {}, tmp_path) as function:
        outcome = function.invoke(EVENT)
    assert (outcome.kind, outcome.body["errorMessage"]) == (
        "init/error",
        "Unable to import module 'app': No module named 'email_opens'",
    )


def test_the_layer_runs_by_its_byte_code_alone(artefact: Artefact, tmp_path: Path) -> None:
    layer = shutil.copytree(artefact.layer, tmp_path / "layer")
    for source in layer.rglob("*.py"):
        source.write_text("raise AssertionError('compiled anew')")
    with running(replace(artefact, layer=layer), {}, tmp_path) as function:
        outcome = function.invoke(EVENT)
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "InvalidSettings")


def _declared(record: dict[str, Any]) -> list[dict[str, str]]:
    """Return the metrics that an EMF record declares."""
    directives = record["_aws"]["CloudWatchMetrics"]
    return [metric for directive in directives for metric in directive["Metrics"]]
