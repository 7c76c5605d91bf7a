"""The template agrees with the code, so that a change of one requires a change of the other."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from email_opens.account import account_id
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.config.settings import environment_of
from email_opens.config.stack import read_settings
from email_opens.errors import InvalidInput, InvalidSettings
from tests.conftest import Aws
from tests.fakes import FakeClock
from tests.integration.deployment import ROOT, SCHEDULED, load
from tests.integration.template import as_list, of_type, read_template, statements

TEMPLATE = read_template()
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
ROLES = of_type(TEMPLATE, "AWS::IAM::Role")
ENVIRONMENT: dict[str, dict[str, Any]] = FUNCTIONS["PollOpens"]["Environment"]["Variables"]
SETTING_PARAMETERS = {
    name: PARAMETERS[value["Ref"]]
    for name, value in ENVIRONMENT.items()
    if value.get("Ref") in PARAMETERS
}
"""The parameter behind each setting that has one."""
NUMBERS = [name for name, parameter in SETTING_PARAMETERS.items() if parameter["Type"] == "Number"]
RETAINED = ("TrackingTable", "LedgerTable", "DeadLetterQueue")
TABLES = ("TrackingTable", "LedgerTable")

REQUIRED = {
    "TRACKING_TABLE": "tracking",
    "LEDGER_TABLE": "ledger",
    "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead",
    "WAKE_UPS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/wake-ups",
    "CREDENTIALS_PREFIX": "/email-opens/",
}


OF_THE_MACHINE = {
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
}
"""A parameter or an output of such a name would replace a setting of a command's own machine."""


class Recording(Mapping[str, str]):
    """An environment that records which variables were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class TestTheFunctions:
    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_have_a_handler(self, name: str) -> None:
        module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
        app = load(ROOT / FUNCTIONS[name]["CodeUri"] / f"{module}.py")
        assert callable(getattr(app, function))

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_run_the_python_version_that_the_project_pins(self, name: str) -> None:
        runtime = {**TEMPLATE["Globals"]["Function"], **FUNCTIONS[name]}["Runtime"]
        assert runtime == f"python{(ROOT / '.python-version').read_text().strip()}"

    @pytest.mark.parametrize("name", ["PollOpens"])
    def test_have_more_time_than_the_commit_reserves(self, name: str) -> None:
        app = load(ROOT / FUNCTIONS[name]["CodeUri"] / "app.py")
        assert FUNCTIONS[name]["Timeout"] > 2 * app.COMMIT_SECONDS

    @pytest.mark.parametrize("name", ["PollOpens"])
    def test_are_scheduled_with_the_sample_event(self, name: str) -> None:
        schedule = FUNCTIONS[name]["Events"]["Schedule"]["Properties"]
        text = schedule["Input"]["Fn::Sub"]
        assert (
            json.loads(text.replace("${AccountId}", PARAMETERS["AccountId"]["Default"]))
            == SCHEDULED
        )

    @pytest.mark.parametrize("name", of_type(TEMPLATE, "AWS::Logs::LogGroup"))
    def test_have_log_groups_with_a_retention(self, name: str) -> None:
        assert "RetentionInDays" in RESOURCES[name]["Properties"]


class TestTheSettings:
    def test_of_the_template_are_exactly_those_that_the_code_reads(self) -> None:
        environment = Recording(REQUIRED)
        read_settings(environment)
        assert set(ENVIRONMENT) == environment.read - OF_THE_MACHINE

    def test_are_parameters_or_outputs_of_the_stack_under_the_same_names(self) -> None:
        named: dict[str, Any] = {name: {"Ref": name} for name in PARAMETERS}
        named |= {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        named["StackName"] = {"Ref": "AWS::StackName"}
        assert environment_of(named).items() >= ENVIRONMENT.items()

    def test_that_are_parameters_are_not_repeated_as_outputs(self) -> None:
        values = [output["Value"] for output in TEMPLATE["Outputs"].values()]
        assert [value for value in values if value in [{"Ref": name} for name in PARAMETERS]] == []

    def test_of_the_machine_have_other_names_than_those_of_a_stack(self) -> None:
        parameters = set(environment_of(dict.fromkeys(PARAMETERS, "")))
        outputs = set(environment_of(dict.fromkeys(TEMPLATE["Outputs"], "")))
        # The path of the credentials, which an empty parameter leaves to the stack's name.
        assert parameters & outputs == {"CREDENTIALS_PREFIX"}
        taken = {name for name in parameters | outputs if name.startswith("AWS_")}
        assert taken | ((parameters | outputs) & OF_THE_MACHINE) == set()

    @pytest.mark.parametrize("name", SETTING_PARAMETERS)
    def test_have_the_same_defaults_as_the_code(self, name: str) -> None:
        default = str(SETTING_PARAMETERS[name]["Default"])
        assert read_settings({**REQUIRED, name: default}) == read_settings(REQUIRED)

    @pytest.mark.parametrize("limit", ["MinValue", "MaxValue"])
    @pytest.mark.parametrize("name", NUMBERS)
    def test_are_accepted_by_the_code_at_both_limits(self, name: str, limit: str) -> None:
        read_settings({**REQUIRED, name: str(SETTING_PARAMETERS[name][limit])})

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
    def test_that_are_urls_are_accepted_by_both_template_and_code_or_by_neither(
        self, name: str, url: str
    ) -> None:
        assert allows(SETTING_PARAMETERS[name], url) == is_readable(name, url)

    @pytest.mark.parametrize(
        "text", ["default", "Acme-2_b.c", "", "a/b", "a b", "x" * 64, "x" * 65]
    )
    def test_accept_the_account_names_that_the_commands_accept(self, text: str) -> None:
        assert allows(PARAMETERS["AccountId"], text) == is_account_id(text)


def allows(parameter: Mapping[str, Any], text: str) -> bool:
    return re.fullmatch(parameter["AllowedPattern"], text) is not None


def is_readable(name: str, value: str) -> bool:
    try:
        read_settings({**REQUIRED, name: value})
    except InvalidSettings:
        return False
    return True


def is_account_id(text: str) -> bool:
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
    def test_have_a_default_that_meets_their_constraint(self, name: str) -> None:
        parameter = PARAMETERS[name]
        default = parameter["Default"]
        assert default in parameter.get("AllowedValues", [default])
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(default))
        assert parameter.get("MinValue", default) <= default <= parameter.get("MaxValue", default)

    @pytest.mark.parametrize("name", TEMPLATE["Outputs"])
    def test_are_accompanied_by_outputs_that_are_described(self, name: str) -> None:
        assert TEMPLATE["Outputs"][name]["Description"].endswith(".")


class TestTheTables:
    @pytest.mark.parametrize("name", TABLES)
    def test_have_the_keys_of_the_tables_that_the_adapters_are_tested_on(
        self, aws: Aws, name: str
    ) -> None:
        table = {"TrackingTable": aws.tracking_table, "LedgerTable": aws.ledger_table}[name]
        tested = aws.dynamodb.describe_table(TableName=table)["Table"]
        properties = RESOURCES[name]["Properties"]
        assert properties["KeySchema"] == tested["KeySchema"]
        assert properties["AttributeDefinitions"] == tested["AttributeDefinitions"]

    @pytest.mark.parametrize("name", TABLES)
    def test_are_billed_by_request(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["BillingMode"] == "PAY_PER_REQUEST"

    @pytest.mark.parametrize("name", TABLES)
    def test_are_encrypted(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["SSESpecification"] == {"SSEEnabled": True}

    @pytest.mark.parametrize("name", TABLES)
    def test_can_be_restored_to_a_point_in_time(self, name: str) -> None:
        recovery = RESOURCES[name]["Properties"]["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}

    @pytest.mark.parametrize("name", TABLES)
    def test_cannot_be_deleted_by_mistake(self, name: str) -> None:
        assert RESOURCES[name]["Properties"]["DeletionProtectionEnabled"] is True

    @pytest.mark.parametrize("name", RETAINED)
    def test_and_the_queue_are_retained_unless_their_creation_fails(self, name: str) -> None:
        assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"

    def test_expire_a_ledger_entry_at_the_time_that_the_adapter_stores(self, aws: Aws) -> None:
        clock, kept = FakeClock(), timedelta(days=3)
        ledger = DynamoDBLedger(aws.dynamodb, aws.ledger_table, kept, clock)
        ledger.append("activity", {"2026-03-02T14": {b"8 bytes."}})
        (entry,) = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        lifetime = RESOURCES["LedgerTable"]["Properties"]["TimeToLiveSpecification"]
        expires_at = datetime.fromtimestamp(int(entry[lifetime["AttributeName"]]["N"]), UTC)
        assert (lifetime["Enabled"], expires_at) == (True, clock.now() + kept)

    def test_never_expire_an_activity(self) -> None:
        assert "TimeToLiveSpecification" not in RESOURCES["TrackingTable"]["Properties"]


class TestTheTopicAndTheQueue:
    def test_are_encrypted(self) -> None:
        assert "KmsMasterKeyId" in RESOURCES["OpensTopic"]["Properties"]
        for queue in ("DeadLetterQueue", "WakeUps"):
            assert RESOURCES[queue]["Properties"]["SqsManagedSseEnabled"] is True

    def test_have_the_fifo_suffix_that_the_publisher_checks_only_if_ordered(self) -> None:
        condition, fifo, standard = RESOURCES["OpensTopic"]["Properties"]["TopicName"]["Fn::If"]
        suffixed = [name["Fn::Sub"].endswith(".fifo") for name in (fifo, standard)]
        assert (condition, suffixed) == ("Fifo", [True, False])

    @pytest.mark.parametrize("name", ["OpensTopicPolicy", "DeadLetterQueuePolicy", "WakeUpsPolicy"])
    def test_deny_access_without_tls(self, name: str) -> None:
        statement = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"][0]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_deny_subscriptions_that_are_delivered_without_tls(self) -> None:
        _, denied = RESOURCES["OpensTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        assert denied == {
            "Sid": "NoPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Subscribe",
            "Resource": {"Ref": "OpensTopic"},
            "Condition": {"StringEquals": {"sns:Protocol": "http"}},
        }


class TestTheRoles:
    @pytest.mark.parametrize("name", ROLES)
    def test_name_every_resource_except_for_x_ray(self, name: str) -> None:
        actions = [
            action
            for statement in statements(ROLES[name])
            if "*" in as_list(statement["Resource"])
            for action in statement["Action"]
        ]
        assert [action for action in actions if not action.startswith("xray:")] == []

    @pytest.mark.parametrize("name", ROLES)
    def test_name_every_action(self, name: str) -> None:
        actions = [action for granted in statements(ROLES[name]) for action in granted["Action"]]
        assert [action for action in actions if "*" in action] == []

    def test_of_the_schedules_may_only_invoke_the_functions(self) -> None:
        granted = statements(ROLES["ScheduleRole"])
        assert [statement["Action"] for statement in granted] == [["lambda:InvokeFunction"]]
        assert [statement["Resource"] for statement in granted] == [
            {"Fn::GetAtt": ["PollOpens", "Arn"]}
        ]
