"""Discovery's part of the template, held against the code."""

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
OF_DISCOVERY = {
    "DISCOVERY_LOOKBACK_DAYS": "DiscoveryLookbackDays",
    "INCLUDE_NAMES": "IncludeNames",
    "EXCLUDE_NAMES": "ExcludeNames",
}
OTHERS = {
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
"""A value of each setting that is no default."""


def settings(**environment: str) -> DiscoverySettings:
    """Read settings where there is no more than the function has."""
    required = {name: REQUIRED[name] for name in ENVIRONMENT.keys() & REQUIRED.keys()}
    return read_discovery_settings({**required, **environment})


class TestTheSettings:
    def test_are_enough_for_the_code(self) -> None:
        assert settings().settings.tracking_table == REQUIRED["TRACKING_TABLE"]

    @pytest.mark.parametrize("name", ENVIRONMENT)
    def test_are_read_by_the_code(self, name: str) -> None:
        assert settings(**{name: OTHERS[name]}) != settings()

    @pytest.mark.parametrize("name", OF_DISCOVERY)
    def test_have_the_codes_defaults(self, name: str) -> None:
        default = str(PARAMETERS[OF_DISCOVERY[name]]["Default"])
        assert settings(**{name: default}) == settings()

    @pytest.mark.parametrize("end", ["MinValue", "MaxValue"])
    def test_are_taken_by_the_code_at_both_ends(self, end: str) -> None:
        days = PARAMETERS["DiscoveryLookbackDays"][end]
        assert settings(DISCOVERY_LOOKBACK_DAYS=str(days)).lookback.days == days

    def test_are_refused_by_the_code_beyond_the_end(self) -> None:
        days = PARAMETERS["DiscoveryLookbackDays"]["MaxValue"] + 1
        with pytest.raises(InvalidSettings, match="DISCOVERY_LOOKBACK_DAYS"):
            settings(DISCOVERY_LOOKBACK_DAYS=str(days))

    @pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "a week", "\u0667"])
    def test_that_are_no_days_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidSettings, match="DISCOVERY_LOOKBACK_DAYS"):
            settings(DISCOVERY_LOOKBACK_DAYS=text)

    def test_part_patterns_at_commas(self) -> None:
        told = settings(INCLUDE_NAMES="news*, *letter ,", EXCLUDE_NAMES=" ")
        assert (told.include_names, told.exclude_names) == (("news*", "*letter"), ())

    @pytest.mark.parametrize(("text", "allowed"), [("", True), ("*a, b?", True), ("a\nb", False)])
    @pytest.mark.parametrize("name", ["IncludeNames", "ExcludeNames"])
    def test_of_names_are_one_line(self, name: str, text: str, allowed: bool) -> None:
        assert allows(PARAMETERS[name], text) == allowed

    def test_are_outputs_of_the_stack_under_the_commands_names(self) -> None:
        outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
        assert environment_of(outputs).items() >= ENVIRONMENT.items()

    @pytest.mark.parametrize("name", ["IncludeNames", "ExcludeNames"])
    def test_that_are_empty_are_no_outputs(self, name: str) -> None:
        condition = TEMPLATE["Outputs"][name]["Condition"]
        assert TEMPLATE["Conditions"][condition] == {
            "Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]
        }


class TestTheSchedule:
    def test_is_in_the_group_of_the_accounts(self) -> None:
        assert SCHEDULE["GroupName"] == {"Ref": "ScheduleGroup"}
        assert RESOURCES["ScheduleGroup"]["Type"] == "AWS::Scheduler::ScheduleGroup"

    def test_has_no_name_that_an_accounts_may_have(self) -> None:
        assert "Name" not in SCHEDULE

    def test_is_switched_by_a_parameter(self) -> None:
        assert SCHEDULE["State"] == {"Ref": "Discovery"}
        assert PARAMETERS["Discovery"]["AllowedValues"] == ["ENABLED", "DISABLED"]
