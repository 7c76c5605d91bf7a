"""Malformed input that is typed or piped into the command line."""

import json
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from email_opens.account import account_id
from email_opens.config.settings import environment_of
from email_opens.errors import InvalidInput
from email_opens.model import activity_id
from email_opens_cli.arguments.options import parse_since
from email_opens_cli.consent.credentials import read
from email_opens_cli.main import app
from tests.contract.samples import ACTIVITY_ID, NOON
from tests.hostile.operations import growth
from tests.hostile.values import (
    MEGABYTE,
    SECRET,
    bodies,
    instants_as_text,
    json_values,
    leaked,
    refusal,
    texts,
)

CREDENTIALS = {"client_id": "key", "refresh_token": SECRET}
credentials = bodies(
    st.dictionaries(st.sampled_from([*CREDENTIALS, "client_secret", "x"]), texts | json_values).map(
        lambda changed: CREDENTIALS | changed
    )
    | json_values
).map(lambda body: body.decode(errors="replace"))
ids = texts | st.uuids().map(lambda uuid: f"{{{uuid}}}") | st.just(ACTIVITY_ID.replace("-", ""))


@given(credentials)
def test_credentials_are_accepted_or_refused_without_leaking_them(text: str) -> None:
    assert leaked(refusal(InvalidInput, lambda: read(text))) == []


@given(credentials)
def test_credentials_that_are_accepted_are_complete(text: str) -> None:
    if refusal(InvalidInput, lambda: read(text)) is None:
        tokens = read(text)
        assert tokens.client_id
        assert tokens.refresh_token


@given(instants_as_text)
def test_a_start_that_is_accepted_is_not_in_the_future(text: str) -> None:
    if refusal(InvalidInput, lambda: parse_since(text, NOON)) is None:
        assert (parse_since(text, NOON) or NOON) <= NOON


@given(instants_as_text | texts)
def test_the_error_of_a_refused_start_is_short(text: str) -> None:
    assert len(str(refusal(InvalidInput, lambda: parse_since(text, NOON)))) <= 200


@given(ids.filter(str.strip))
def test_an_activity_id_is_returned_in_canonical_form_or_refused(text: str) -> None:
    if refusal(InvalidInput, lambda: activity_id(text)) is None:
        assert activity_id(text) == str(UUID(text))


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text_is_refused_as_an_activity_id(text: str) -> None:
    with pytest.raises(InvalidInput):
        activity_id(text)


@given(texts)
def test_an_account_id_is_refused_unless_it_can_be_part_of_a_parameter_name(text: str) -> None:
    if refusal(InvalidInput, lambda: account_id(text)) is None:
        assert not set(account_id(text)) & set("/ \n#“”")


@given(st.dictionaries(texts, texts))
def test_any_stack_outputs_become_an_environment(outputs: dict[str, str]) -> None:
    environment = environment_of(outputs)
    assert set(environment.values()) <= set(outputs.values())
    assert len(environment) == len({name.upper() for name in environment}) <= len(outputs)
    assert bool(environment) is bool(outputs)


@pytest.mark.parametrize("parse", [account_id, activity_id, read])
def test_the_work_does_not_grow_with_the_length_of_the_input(parse: object) -> None:
    def refused(text: str) -> None:
        with pytest.raises(InvalidInput):
            parse(text)  # type: ignore[operator]

    assert growth(refused, "!" * 100, "!" * MEGABYTE) == 1


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("stack", ["-", "x" * 5_000, "é", "../x", "x\ny", "arn:aws:x", " ", "1"])
def test_a_malformed_stack_name_is_refused_with_a_message(stack: str) -> None:
    result = CliRunner().invoke(app, ["status", f"--stack={stack}"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "stack" in result.stderr


@pytest.mark.usefixtures("aws")
def test_a_stack_name_that_is_not_valid_unicode_is_refused_with_a_message() -> None:
    result = CliRunner().invoke(app, ["status", "--stack=\udcff"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


@pytest.mark.parametrize("account", ["", "x" * 65, "é", "a/b", "a\n", "\udcff", " default"])
def test_a_malformed_account_id_is_refused_with_a_message(account: str) -> None:
    result = CliRunner().invoke(app, ["connect", account], input=json.dumps(CREDENTIALS))
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert SECRET not in result.output


def test_credentials_that_are_not_text_are_refused_with_a_message() -> None:
    result = CliRunner().invoke(app, ["connect", "mine"], input=b"\xff\xfe{")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


def test_credentials_that_cannot_be_sent_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read(json.dumps(CREDENTIALS | {"client_id": "\ud800"}))


def test_an_instant_in_the_year_9999_is_refused_as_in_the_future() -> None:
    with pytest.raises(InvalidInput, match="lies in the future"):
        parse_since("9999-12-31T23:59:59Z", datetime.now(NOON.tzinfo))
