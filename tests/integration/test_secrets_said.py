"""The check that all tests of this suite lean on can fail."""

import json
import sys

import pytest

from tests.integration.deployed import Deployed
from tests.integration.secrets_said import secrets_in


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "client_secret"])
def test_what_the_parameter_holds_is_a_secret(deployed: Deployed, name: str) -> None:
    secret = deployed.credentials()[name]
    assert secrets_in(f"refused {secret}.") == [secret.rstrip(".")]


@pytest.mark.parametrize("address", ["ann@example.org", "żółć@例え.jp", "ann%40example.org"])
def test_an_address_is_a_secret_also_within_json(address: str) -> None:
    assert len(secrets_in(json.dumps({"message": address}))) == 1


def test_a_reply_is_none() -> None:
    assert secrets_in('{"account_id": "default", "published": 3}') == []


def test_what_is_printed_is_heard(deployed: Deployed) -> None:
    sys.stdout.write("a word\n")
    assert deployed.output.everything == "a word\n"
