"""Discovery's part of the template agrees with the code."""

import pytest

from email_opens.config import DiscoverySettings, environment_of, read_discovery_settings
from email_opens.errors import InvalidSettings
from tests.unit.template.test_template import (
    FUNCTIONS,
    PARAMETERS,
    REQUIRED,
    RESOURCES,
    TEMPLATE,
    allows,
)

FUNCTION = FUNCTIONS["DiscoverCampaigns"]
SCHEDULE = FUNCTION["Events"]["Schedule"]["Properties"]
ENVIRONMENT: dict[str, dict[str, str]] = FUNCTION["Environment"]["Variables"]
PARAMETER_NAMES = {
    "DISCOVERY_LOOKBACK_DAYS": "DiscoveryLookbackDays",
    "INCLUDE_NAMES": "IncludeNames",
    "EXCLUDE_NAMES": "ExcludeNames",
}
OTHER_VALUES = {
    "TRACKING_TABLE": "another",
    "CREDENTIALS_PREFIX": "/another/",
    "CONSTANT_CONTACT_API_URL": "https://another.example.com",
    "CONSTANT_CONTACT_AUTH_URL": "https://another.example.com",
    "REQUESTS_PER_DAY": "3",
    "REQUESTS_PER_SECOND": "3",
    "RESERVED_PERCENT": "3",
    "DISCOVERY_LOOKBACK_DAYS": "3",
    "INCLUDE_NAMES": "another*",
    "EXCLUDE_NAMES": "another*",
}
"""A value of each setting that differs from its default."""


def settings(**environment: str) -> DiscoverySettings:
    """Read the settings from variables that the function has."""
    required = {name: REQUIRED[name] for name in ENVIRONMENT.keys() & REQUIRED.keys()}
    return read_discovery_settings({**required, **environment})


class TestTheSettings:
    def test_are_complete(self) -> None:
        assert settings().tracking_table == REQUIRED["TRACKING_TABLE"]

    @pytest.mark.parametrize("name", ENVIRONMENT)
    def test_are_all_read_by_the_code(self, name: str) -> None:
        assert settings(**{name: OTHER_VALUES[name]}) != settings()

    @pytest.mark.parametrize("name", PARAMETER_NAMES)
    def test_have_the_same_defaults_as_the_code(self, name: str) -> None:
        default = str(PARAMETERS[PARAMETER_NAMES[name]]["Default"])
        assert settings(**{name: default}) == settings()

    @pytest.mark.parametrize("limit", ["MinValue", "MaxValue"])
    def test_are_accepted_by_the_code_at_both_limits(self, limit: str) -> None:
        days = PARAMETERS["DiscoveryLookbackDays"][limit]
        assert settings(DISCOVERY_LOOKBACK_DAYS=str(days)).discovery_lookback.days == days

    def test_are_rejected_by_the_code_beyond_the_maximum(self) -> None:
        days = PARAMETERS["DiscoveryLookbackDays"]["MaxValue"] + 1
        with pytest.raises(InvalidSettings, match="DISCOVERY_LOOKBACK_DAYS"):
            settings(DISCOVERY_LOOKBACK_DAYS=str(days))

    @pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "a week", "\u0667"])
    def test_that_are_not_a_number_of_days_are_rejected(self, text: str) -> None:
        with pytest.raises(InvalidSettings, match="DISCOVERY_LOOKBACK_DAYS"):
            settings(DISCOVERY_LOOKBACK_DAYS=text)

    def test_separate_patterns_at_commas(self) -> None:
        read = settings(INCLUDE_NAMES="news*, *letter ,", EXCLUDE_NAMES=" ")
        assert (read.include_names, read.exclude_names) == (("news*", "*letter"), ())

    @pytest.mark.parametrize(("text", "allowed"), [("", True), ("*a, b?", True), ("a\nb", False)])
    @pytest.mark.parametrize("name", ["IncludeNames", "ExcludeNames"])
    def test_of_names_must_be_a_single_line(self, name: str, text: str, allowed: bool) -> None:
        assert allows(PARAMETERS[name], text) == allowed

    def test_are_outputs_of_the_stack_under_the_same_names(self) -> None:
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        assert environment_of(outputs).items() >= ENVIRONMENT.items()

    @pytest.mark.parametrize("name", ["IncludeNames", "ExcludeNames"])
    def test_that_are_empty_have_no_output(self, name: str) -> None:
        condition = TEMPLATE["Outputs"][name]["Condition"]
        assert TEMPLATE["Conditions"][condition] == {
            "Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]
        }


class TestTheSchedule:
    def test_is_in_the_accounts_schedule_group(self) -> None:
        assert SCHEDULE["GroupName"] == {"Ref": "ScheduleGroup"}
        assert RESOURCES["ScheduleGroup"]["Type"] == "AWS::Scheduler::ScheduleGroup"

    def test_has_no_name_that_could_clash_with_an_accounts_schedule(self) -> None:
        assert "Name" not in SCHEDULE

    def test_is_switched_by_a_parameter(self) -> None:
        assert SCHEDULE["State"] == {"Ref": "Discovery"}
        assert PARAMETERS["Discovery"]["AllowedValues"] == ["ENABLED", "DISABLED"]
