"""The check for secrets, which runs after every test of this suite, can fail."""

import json
import sys

import pytest

from tests.integration.deployment import Deployment
from tests.integration.secrets_in_output import secrets_in


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "client_secret"])
def test_each_credential_in_the_parameter_is_a_secret(deployment: Deployment, name: str) -> None:
    secret = deployment.credentials()[name]
    assert secrets_in(f"refused {secret}.") == [secret.rstrip(".")]


@pytest.mark.parametrize("address", ["ann@example.org", "żółć@例え.jp", "ann%40example.org"])
def test_an_address_is_a_secret_even_within_json(address: str) -> None:
    assert len(secrets_in(json.dumps({"message": address}))) == 1


def test_a_reply_is_not_a_secret() -> None:
    assert secrets_in('{"account_id": "default", "published": 3}') == []


def test_printed_text_is_captured(deployment: Deployment) -> None:
    sys.stdout.write("a word\n")
    assert deployment.output.everything == "a word\n"
