"""Credentials that another stack uses: who may replace, delete and refresh them."""

import json
from copy import replace

import pytest

from constant_contact_emulator import Emulator
from email_opens.account import Tokens
from email_opens.adapters.aws.credentials import SsmCredentials
from tests.conftest import Aws
from tests.unit.cli.world import World, complaint, run

NAME = "/email-opens/default"
TOKENS = Tokens(client_id="client", refresh_token="refresh")


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_NAME", "mine")


def stored(aws: Aws) -> dict[str, str]:
    reply = aws.ssm.get_parameter(Name=NAME, WithDecryption=True)
    values: dict[str, str] = json.loads(reply["Parameter"]["Value"])
    return values


def owned_by(world: World, stack: str) -> dict[str, str]:
    """Make a stack the owner of the stored credentials; return them."""
    values = stored(world.aws) | {"stack": stack}
    world.aws.ssm.put_parameter(
        Name=NAME, Value=json.dumps(values), Type="SecureString", Overwrite=True
    )
    return values


def given(vendor: Emulator) -> str:
    return json.dumps(vendor.credentials())


def test_connect_refuses_to_replace_them_and_spends_no_token(world: World) -> None:
    before = owned_by(world, "other")
    message = complaint(run("connect", typed=given(world.vendor)), 2)
    assert "The stack other uses the credentials of account default" in " ".join(message.split())
    assert "--another-stack" in message
    assert "make deploy STACK=mine PARAMETERS=CredentialsPrefix=/mine/" in " ".join(message.split())
    assert stored(world.aws) == before
    assert world.vendor.requests == []


def test_connect_replaces_them_if_the_person_insists(world: World) -> None:
    owned_by(world, "other")
    complaint(run("connect", "--another-stack", typed=given(world.vendor)), 0)
    assert stored(world.aws)["stack"] == "mine"


@pytest.mark.parametrize("owner", ["mine", None])
def test_connect_replaces_the_stacks_own_and_those_of_an_unknown_stack(
    world: World, owner: str | None
) -> None:
    if owner:
        owned_by(world, owner)
    complaint(run("connect", typed=given(world.vendor)), 0)
    assert stored(world.aws)["stack"] == "mine"


def test_disconnect_names_the_other_stack_in_its_question(world: World) -> None:
    owned_by(world, "other")
    asked = run("disconnect", "default", typed="n\n")
    assert "the credentials of account default, which the stack other uses?" in asked.output
    assert stored(world.aws)["stack"] == "other"


def test_doctor_warns_that_two_stacks_use_them(world: World) -> None:
    owned_by(world, "other")
    findings = json.loads(run("doctor", "--json").stdout)["findings"]
    (found,) = [each for each in findings if each["subject"] == "credentials"]
    assert found["result"] == "warning"
    assert "the stack other uses the same ones" in found["message"]


def test_a_refresh_keeps_the_owner(aws: Aws) -> None:
    SsmCredentials(aws.ssm, "/email-opens/", "other").store("default", TOKENS)
    credentials = SsmCredentials(aws.ssm, "/email-opens/", "mine")
    credentials.store("default", replace(credentials.load("default"), access_token="new"))
    assert (stored(aws)["stack"], stored(aws)["access_token"]) == ("other", "new")


def test_a_refresh_names_the_owner_of_those_that_an_earlier_version_has_stored(aws: Aws) -> None:
    SsmCredentials(aws.ssm, "/email-opens/").store("default", TOKENS)
    assert "stack" not in stored(aws)
    credentials = SsmCredentials(aws.ssm, "/email-opens/", "mine")
    credentials.store("default", credentials.load("default"))
    assert stored(aws)["stack"] == "mine"
