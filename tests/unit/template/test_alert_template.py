"""The alert's part of the template agrees with the code, and exists only where it is wanted."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from email_opens.alerts.alerts import MAYBE_SHOWN
from email_opens.alerts.deduplication import CLAIMED
from email_opens.alerts.pace import LONGEST_PAUSE, LONGEST_WAIT, pause_after
from email_opens.bootstrap.alerts import KEPT
from email_opens.config.settings import environment_of
from email_opens.config.stack import read_alert_settings
from tests.conftest import Aws
from tests.integration.deployment import ROOT, load
from tests.integration.rendering import rendered
from tests.unit.template.test_template import (
    FUNCTIONS,
    OF_THE_MACHINE,
    PARAMETERS,
    RESOURCES,
    TEMPLATE,
    Recording,
    allows,
)

FUNCTION = FUNCTIONS["AlertOnOpens"]
ENVIRONMENT: dict[str, dict[str, str]] = FUNCTION["Environment"]["Variables"]
SOURCE = FUNCTION["Events"]["Opens"]["Properties"]
QUEUE = RESOURCES["AlertQueue"]["Properties"]
SUBSCRIPTION = RESOURCES["AlertSubscription"]["Properties"]
ALERTING = [name for name in RESOURCES if name.startswith("Alert")]
ALARM = "AWS::CloudWatch::Alarm"
CONDITIONS = ("Alerted", "AlertMonitored")
"""The condition of a resource, and that of an alarm."""
PAGE = (ROOT / "docs" / "alerts.md").read_text()
REQUIRED = {
    "ALERT_WEBHOOK_PARAMETER": "/alerts/webhook",
    "ALERTS_TABLE": "alerts",
    "ALERT_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/alert",
    "ALERT_DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
}


class TestEachResource:
    @pytest.mark.parametrize("name", ALERTING)
    def test_exists_only_with_a_webhook(self, name: str) -> None:
        assert RESOURCES[name]["Condition"] == CONDITIONS[RESOURCES[name]["Type"] == ALARM]

    def test_is_an_alarm_only_if_the_stack_has_alarms(self) -> None:
        both = [{"Condition": "Alerted"}, {"Condition": "Monitored"}]
        assert TEMPLATE["Conditions"]["AlertMonitored"] == {"Fn::And": both}

    def test_is_named_after_the_alert(self) -> None:
        conditional = [
            name for name, each in RESOURCES.items() if each.get("Condition") in CONDITIONS
        ]
        assert conditional == ALERTING

    @pytest.mark.parametrize(("webhook", "exists"), [("", False), ("/a/b", True)])
    def test_exists_as_the_parameter_says(self, webhook: str, exists: bool) -> None:
        assert rendered({"Condition": TEMPLATE["Conditions"]["Alerted"]}, AlertWebhook=webhook) == {
            "Condition": exists
        }


class TestTheSettings:
    def test_of_the_template_are_exactly_those_that_the_code_reads(self) -> None:
        environment = Recording(REQUIRED)
        read_alert_settings(environment)
        assert set(ENVIRONMENT) == environment.read - OF_THE_MACHINE

    def test_are_outputs_of_the_stack_under_the_same_names(self) -> None:
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        found: dict[str, Any] = {**environment_of(outputs)}
        tables_and_queues = ("ALERTS_TABLE", "ALERT_QUEUE_URL", "ALERT_DEAD_LETTER_QUEUE_URL")
        assert all(found[name] == ENVIRONMENT[name] for name in tables_and_queues)

    @pytest.mark.parametrize(
        ("name", "allowed"),
        [("", True), ("/a/b", True), ("webhook", True), ("/a/", False), ("a b", False)],
    )
    def test_accept_the_name_of_a_parameter(self, name: str, allowed: bool) -> None:
        assert allows(PARAMETERS["AlertWebhook"], name) == allowed

    @pytest.mark.parametrize(
        ("name", "allowed"),
        [
            ("Spring sale", True),
            ("Spring sale,News", True),
            ("Spring sale, News", False),
            ('a"b', False),
            ("\\", False),
        ],
    )
    def test_accept_names_that_cannot_break_out_of_the_policy(
        self, name: str, allowed: bool
    ) -> None:
        assert allows(PARAMETERS["AlertCampaigns"], name) == allowed

    def test_accept_a_template_of_several_lines(self) -> None:
        assert allows(PARAMETERS["AlertTemplate"], '{\n "a": "{{text}}"\n}')


class TestTheSubscription:
    def policy(self, **parameters: Any) -> Any:
        return json.loads(rendered(SUBSCRIPTION["FilterPolicy"], **parameters))

    def test_is_of_fresh_first_opens_by_default(self) -> None:
        assert self.policy() == {
            "delay_seconds": [{"numeric": ["<", 900]}],
            "first_open": ["true"],
        }

    def test_can_be_of_all_opens(self) -> None:
        assert self.policy(AlertOpens="all", AlertMaxDelaySeconds=60) == {
            "delay_seconds": [{"numeric": ["<", 60]}]
        }

    def test_can_be_of_some_campaigns(self) -> None:
        names = self.policy(AlertCampaigns="Spring sale,News é")["campaign_name"]
        assert names == ["Spring sale", "News é"]

    def test_delivers_the_events_themselves(self) -> None:
        assert SUBSCRIPTION["RawMessageDelivery"] is True

    @pytest.mark.parametrize(
        ("opens", "first_opens", "accepted"),
        [("first", "ENABLED", True), ("first", "DISABLED", False), ("all", "DISABLED", True)],
    )
    def test_of_first_opens_needs_first_opens(
        self, opens: str, first_opens: str, accepted: bool
    ) -> None:
        (rule,) = TEMPLATE["Rules"].values()
        applies = rule["RuleCondition"]["Fn::And"]
        values = {"AlertWebhook": "/a", "AlertOpens": opens, "FirstOpens": first_opens}
        (assertion,) = rule["Assertions"]
        broken = all(rendered(each, **values) for each in applies) and not rendered(
            assertion["Assert"], **values
        )
        assert broken != accepted


class TestTheQueues:
    @pytest.mark.parametrize("name", ["AlertQueue", "AlertDeadLetterQueue"])
    def test_are_encrypted_at_rest(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["SqsManagedSseEnabled"] is True

    @pytest.mark.parametrize("name", ["AlertQueuePolicy", "AlertDeadLetterQueuePolicy"])
    def test_deny_access_without_tls(self, name: str) -> None:
        statement = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"][0]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_receive_messages_from_the_topic_only(self) -> None:
        _, statement = RESOURCES["AlertQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "OpensTopic"}}}

    def test_keep_a_message_for_as_long_as_the_webhook_is_tried_and_the_page_says(self) -> None:
        deliveries = QUEUE["RedrivePolicy"]["maxReceiveCount"]
        tried = sum((pause_after(number) for number in range(1, deliveries + 1)), timedelta())
        assert f"{tried.days} days" == "3 days"
        assert "for three days" in PAGE
        assert tried < timedelta(seconds=QUEUE["MessageRetentionPeriod"]) / 2

    def test_hide_a_message_for_at_most_the_12_hours_that_sqs_allows(self) -> None:
        timeout = timedelta(seconds=FUNCTION["Timeout"])
        assert LONGEST_PAUSE < LONGEST_WAIT < timedelta(hours=12) - timeout

    def test_deliver_a_message_of_a_killed_function_when_its_claim_is_over(self) -> None:
        visibility = timedelta(seconds=QUEUE["VisibilityTimeout"])
        assert visibility > timedelta(seconds=FUNCTION["Timeout"]) + CLAIMED
        assert QUEUE["VisibilityTimeout"] == 6 * FUNCTION["Timeout"]


class TestTheFunction:
    def test_reports_which_messages_of_a_batch_failed(self) -> None:
        assert SOURCE["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_waits_for_more_opens_as_a_batch_of_more_than_ten_requires(self) -> None:
        assert SOURCE["BatchSize"] == 100
        assert SOURCE["MaximumBatchingWindowInSeconds"] >= 1

    def test_has_time_for_posts_beside_what_it_reserves(self) -> None:
        app = load(ROOT / FUNCTION["CodeUri"] / "app.py")
        assert FUNCTION["Timeout"] > 2 * app.COMMIT_SECONDS


class TestTheTable:
    TABLE = RESOURCES["AlertsTable"]["Properties"]

    def test_has_the_keys_of_the_table_that_decisions_are_tested_on(self, aws: Aws) -> None:
        tested = aws.dynamodb.describe_table(TableName=aws.ledger_table)["Table"]
        assert self.TABLE["KeySchema"] == tested["KeySchema"]
        assert self.TABLE["AttributeDefinitions"] == tested["AttributeDefinitions"]

    def test_is_encrypted_and_billed_by_request(self) -> None:
        assert self.TABLE["SSESpecification"] == {"SSEEnabled": True}
        assert self.TABLE["BillingMode"] == "PAY_PER_REQUEST"

    def test_forgets_a_post_later_than_the_queues_forget_a_message(self) -> None:
        kept = [
            RESOURCES[name]["Properties"]["MessageRetentionPeriod"]
            for name in ("AlertQueue", "AlertDeadLetterQueue")
        ]
        assert timedelta(seconds=sum(kept)) < KEPT
        lifetime = self.TABLE["TimeToLiveSpecification"]
        assert lifetime == {"AttributeName": "expires_at", "Enabled": True}


class TestThePage:
    def test_states_the_reason_of_interrupted_posts(self) -> None:
        assert f"`{MAYBE_SHOWN}" in PAGE

    def test_names_every_parameter_of_the_alert(self) -> None:
        assert [name for name in PARAMETERS if name.startswith("Alert") and name not in PAGE] == []

    def test_shows_each_pause(self) -> None:
        assert re.search(r"30 seconds.* 15 minutes", PAGE)
        assert (pause_after(1), LONGEST_PAUSE) == (timedelta(seconds=30), timedelta(minutes=15))
