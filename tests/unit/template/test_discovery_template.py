"""The parameters of the search for new sends agree with the code."""

import pytest

from email_opens.config.stack import StackSettings, read_settings
from email_opens.errors import InvalidSettings
from tests.unit.template.test_template import PARAMETERS, REQUIRED, allows


def settings(**environment: str) -> StackSettings:
    return read_settings({**REQUIRED, **environment})


class TestTheSettings:
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

    @pytest.mark.parametrize(("text", "searches"), [("ENABLED", True), ("DISABLED", False)])
    def test_switch_the_searches(self, text: str, searches: bool) -> None:
        assert text in PARAMETERS["Discovery"]["AllowedValues"]
        assert settings(DISCOVERY=text).discovery == searches
