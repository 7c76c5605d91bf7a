"""The template held against the code: what one of them changes, the other must."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.config import read_settings
from email_opens.errors import InvalidInput, InvalidSettings
from email_opens.model import account_id
from email_opens_cli.deployed.product import environment_of
from tests.conftest import Aws
from tests.fakes import FakeClock
from tests.integration.deployment import ROOT, SCHEDULED, load
from tests.integration.template import as_list, of_type, read_template, statements

TEMPLATE = read_template()
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
ROLES = of_type(TEMPLATE, "AWS::IAM::Role")
ENVIRONMENT: dict[str, dict[str, str]] = FUNCTIONS["PollOpens"]["Environment"]["Variables"]
OF_PARAMETERS = {
    name: PARAMETERS[value["Ref"]]
    for name, value in ENVIRONMENT.items()
    if value["Ref"] in PARAMETERS
}
"""The settings that a parameter of the stack decides."""
NUMBERS = [name for name, parameter in OF_PARAMETERS.items() if parameter["Type"] == "Number"]
KEPT = ("TrackingTable", "LedgerTable", "DeadLetterQueue")
TABLES = ("TrackingTable", "LedgerTable")

REQUIRED = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "CREDENTIALS_PREFIX": "/email-opens/",
}


class Recording(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, held: Mapping[str, str]) -> None:
        self._held = held
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class TestTheFunctions:
    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_have_a_handler(self, name: str) -> None:
        module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
        app = load(ROOT / FUNCTIONS[name]["CodeUri"] / f"{module}.py")
        assert callable(getattr(app, function))

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_run_the_python_that_the_project_is_pinned_to(self, name: str) -> None:
        runtime = {**TEMPLATE["Globals"]["Function"], **FUNCTIONS[name]}["Runtime"]
        assert runtime == f"python{(ROOT / '.python-version').read_text().strip()}"

    @pytest.mark.parametrize("name", ["PollOpens", "DiscoverCampaigns"])
    def test_have_more_time_than_is_kept_for_the_commit(self, name: str) -> None:
        app = load(ROOT / FUNCTIONS[name]["CodeUri"] / "app.py")
        assert FUNCTIONS[name]["Timeout"] > 2 * app.COMMIT_SECONDS

    @pytest.mark.parametrize("name", ["PollOpens", "DiscoverCampaigns"])
    def test_are_scheduled_with_the_sample_event(self, name: str) -> None:
        schedule = FUNCTIONS[name]["Events"]["Schedule"]["Properties"]
        text = schedule["Input"]["Fn::Sub"]
        assert (
            json.loads(text.replace("${AccountId}", PARAMETERS["AccountId"]["Default"]))
            == SCHEDULED
        )

    @pytest.mark.parametrize("name", of_type(TEMPLATE, "AWS::Logs::LogGroup"))
    def test_keep_their_logs_for_a_stated_time(self, name: str) -> None:
        assert "RetentionInDays" in RESOURCES[name]["Properties"]


class TestTheSettings:
    def test_of_the_template_are_those_that_the_code_reads(self) -> None:
        environment = Recording(REQUIRED)
        read_settings(environment)
        assert set(ENVIRONMENT) == environment.asked

    def test_are_outputs_of_the_stack_under_the_commands_names(self) -> None:
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        assert environment_of(outputs).items() >= ENVIRONMENT.items()

    @pytest.mark.parametrize("name", OF_PARAMETERS)
    def test_have_the_codes_defaults(self, name: str) -> None:
        default = str(OF_PARAMETERS[name]["Default"])
        assert read_settings({**REQUIRED, name: default}) == read_settings(REQUIRED)

    @pytest.mark.parametrize("end", ["MinValue", "MaxValue"])
    @pytest.mark.parametrize("name", NUMBERS)
    def test_are_taken_by_the_code_at_both_ends(self, name: str, end: str) -> None:
        read_settings({**REQUIRED, name: str(OF_PARAMETERS[name][end])})

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org",
            "http://localhost:8080/v3",
            "http://127.0.0.1",
            "http://example.org",
            "http://localhost.example.org",
            "example.org",
            "",
        ],
    )
    @pytest.mark.parametrize("name", ["CONSTANT_CONTACT_API_URL", "CONSTANT_CONTACT_AUTH_URL"])
    def test_that_are_addresses_are_refused_by_both_or_by_none(self, name: str, url: str) -> None:
        assert allows(OF_PARAMETERS[name], url) == reads(name, url)

    @pytest.mark.parametrize(
        "text", ["default", "Acme-2_b.c", "", "a/b", "a b", "x" * 64, "x" * 65]
    )
    def test_name_an_account_as_the_command_does(self, text: str) -> None:
        assert allows(PARAMETERS["AccountId"], text) == is_account(text)


def allows(parameter: Mapping[str, Any], text: str) -> bool:
    return re.fullmatch(parameter["AllowedPattern"], text) is not None


def reads(name: str, value: str) -> bool:
    try:
        read_settings({**REQUIRED, name: value})
    except InvalidSettings:
        return False
    return True


def is_account(text: str) -> bool:
    try:
        account_id(text)
    except InvalidInput:
        return False
    return True


class TestTheParameters:
    @pytest.mark.parametrize("name", PARAMETERS)
    def test_are_described(self, name: str) -> None:
        assert PARAMETERS[name]["Description"].endswith(".")

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_are_constrained(self, name: str) -> None:
        assert PARAMETERS[name].keys() & {"AllowedPattern", "AllowedValues", "MinValue"}

    @pytest.mark.parametrize("name", PARAMETERS)
    def test_have_a_default_within_their_constraint(self, name: str) -> None:
        parameter = PARAMETERS[name]
        default = parameter["Default"]
        assert default in parameter.get("AllowedValues", [default])
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(default))
        assert parameter.get("MinValue", default) <= default <= parameter.get("MaxValue", default)

    @pytest.mark.parametrize("name", TEMPLATE["Outputs"])
    def test_are_matched_by_outputs_that_are_described(self, name: str) -> None:
        assert TEMPLATE["Outputs"][name]["Description"].endswith(".")


class TestTheTables:
    @pytest.mark.parametrize("name", TABLES)
    def test_have_the_keys_of_those_that_the_adapters_are_tried_on(
        self, aws: Aws, name: str
    ) -> None:
        table = {"TrackingTable": aws.tracking_table, "LedgerTable": aws.ledger_table}[name]
        tried = aws.dynamodb.describe_table(TableName=table)["Table"]
        properties = RESOURCES[name]["Properties"]
        assert properties["KeySchema"] == tried["KeySchema"]
        assert properties["AttributeDefinitions"] == tried["AttributeDefinitions"]

    @pytest.mark.parametrize("name", TABLES)
    def test_are_paid_for_by_request(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["BillingMode"] == "PAY_PER_REQUEST"

    @pytest.mark.parametrize("name", TABLES)
    def test_are_encrypted(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["SSESpecification"] == {"SSEEnabled": True}

    @pytest.mark.parametrize("name", TABLES)
    def test_can_be_restored_to_a_point_in_time(self, name: str) -> None:
        recovery = RESOURCES[name]["Properties"]["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}

    @pytest.mark.parametrize("name", KEPT)
    @pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
    def test_outlive_the_stack_and_so_does_the_queue(self, name: str, policy: str) -> None:
        assert RESOURCES[name][policy] == "Retain"

    def test_forget_a_ledger_entry_when_the_adapter_says(self, aws: Aws) -> None:
        clock, kept = FakeClock(), timedelta(days=3)
        ledger = DynamoDBLedger(aws.dynamodb, aws.ledger_table, kept, clock)
        ledger.append("activity", {"2026-03-02T14": {b"8 bytes."}})
        (entry,) = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        lifetime = RESOURCES["LedgerTable"]["Properties"]["TimeToLiveSpecification"]
        expires_at = datetime.fromtimestamp(int(entry[lifetime["AttributeName"]]["N"]), UTC)
        assert (lifetime["Enabled"], expires_at) == (True, clock.now() + kept)

    def test_never_forget_an_activity(self) -> None:
        assert "TimeToLiveSpecification" not in RESOURCES["TrackingTable"]["Properties"]


class TestTheTopicAndTheQueue:
    def test_are_encrypted(self) -> None:
        assert "KmsMasterKeyId" in RESOURCES["OpensTopic"]["Properties"]
        assert RESOURCES["DeadLetterQueue"]["Properties"]["SqsManagedSseEnabled"] is True

    def test_in_order_have_the_name_by_which_the_publisher_knows_it(self) -> None:
        condition, ordered, usual = RESOURCES["OpensTopic"]["Properties"]["TopicName"]["Fn::If"]
        ends = [name["Fn::Sub"].endswith(".fifo") for name in (ordered, usual)]
        assert (condition, ends) == ("Fifo", [True, False])

    @pytest.mark.parametrize("name", ["OpensTopicPolicy", "DeadLetterQueuePolicy"])
    def test_let_nobody_in_without_tls(self, name: str) -> None:
        (statement,) = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


class TestTheRoles:
    @pytest.mark.parametrize("name", ROLES)
    def test_name_every_resource_but_x_rays(self, name: str) -> None:
        everywhere = [one for one in statements(ROLES[name]) if "*" in as_list(one["Resource"])]
        actions = [action for statement in everywhere for action in statement["Action"]]
        assert [action for action in actions if not action.startswith("xray:")] == []

    @pytest.mark.parametrize("name", ROLES)
    def test_name_every_action(self, name: str) -> None:
        actions = [action for one in statements(ROLES[name]) for action in one["Action"]]
        assert [action for action in actions if "*" in action] == []

    def test_of_the_schedules_may_only_invoke_the_functions(self) -> None:
        granted = statements(ROLES["ScheduleRole"])
        assert {action for one in granted for action in one["Action"]} == {"lambda:InvokeFunction"}
        assert [one["Resource"] for one in granted] == [
            {"Fn::GetAtt": [name, "Arn"]} for name in ("PollOpens", "DiscoverCampaigns")
        ]
