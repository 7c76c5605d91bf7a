"""Account ids and tokens as text."""

import pytest

from email_opens.account import Tokens, account_id
from email_opens.errors import InvalidInput


@pytest.mark.parametrize("name", ["default", "Shop-2.eu_west", "a" * 64])
def test_an_account_id_may_be_any_short_plain_name(name: str) -> None:
    assert account_id(name) == name


@pytest.mark.parametrize("typed", ["", " ", "a b", "a/b", "a#b", "ä", "a\n", "a" * 65])
def test_other_text_is_refused_as_an_account_id(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"^That is not an account id: expected 1 to 64 "):
        account_id(typed)


def test_the_representation_of_tokens_contains_no_secret() -> None:
    tokens = Tokens(client_id="id", refresh_token="secret", access_token="secret")
    assert repr(tokens) == "Tokens(…)"
