"""The client id and secret of an application, as a person enters them."""

import pytest

from email_opens.errors import InvalidInput
from email_opens_cli.consent.application import Application, application
from tests.integration.secrets_in_output import APP_SECRET


def test_blanks_around_the_id_and_the_secret_are_removed() -> None:
    assert application(" key\n", "\tsecret ") == Application(
        client_id="key", client_secret="secret"
    )


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_secret_becomes_none(empty: str | None) -> None:
    assert application("key", empty).client_secret is None


@pytest.mark.parametrize("text", ["", "  ", "two words", "kéy", "a\x00b", "a:b"])
def test_an_invalid_client_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a client id"):
        application(text, None)


@pytest.mark.parametrize("text", ["two words", "sécret", "a\x1bb"])
def test_an_invalid_secret_is_refused_by_an_error_that_does_not_contain_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a client secret") as error:
        application("key", text)
    assert text not in str(error.value)


def test_the_repr_of_an_application_does_not_contain_its_secret() -> None:
    assert APP_SECRET not in repr(application("key", APP_SECRET))
