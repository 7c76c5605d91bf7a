"""An application as a person names it."""

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.consent.application import Application, application
from tests.integration.secrets_in_output import APP_SECRET


def test_blanks_around_what_was_pasted_are_nothing() -> None:
    assert application(" key\n", "\tsecret ") == Application(
        client_id="key", client_secret="secret"
    )


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_secret_is_none(empty: str | None) -> None:
    assert application("key", empty).client_secret is None


@pytest.mark.parametrize("text", ["", "  ", "two words", "kéy", "a\x00b", "a:b"])
def test_what_is_no_client_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a client id"):
        application(text, None)


@pytest.mark.parametrize("text", ["two words", "sécret", "a\x1bb"])
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a client secret") as told:
        application("key", text)
    assert text not in str(told.value)


def test_it_does_not_show_its_secret() -> None:
    assert APP_SECRET not in repr(application("key", APP_SECRET))
