"""Ids and tokens as text."""

import pytest

from email_opens.errors import InvalidInput
from email_opens.model import Tokens, account_id, activity_id


def test_an_activity_id_gets_its_canonical_form() -> None:
    typed = "5B1E0A52-0000-4000-8000-0000000000AA"
    assert activity_id(typed) == "5b1e0a52-0000-4000-8000-0000000000aa"


@pytest.mark.parametrize(
    "typed", ["x", "5b1e0a520000400080000000000000aa", "{5b1e0a52-0000-4000-8000-0000000000aa}"]
)
def test_what_is_no_activity_id_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        activity_id(typed)
    assert str(refused.value) == (
        f"“{typed}” is no campaign activity id: expected a UUID such as "
        "5b1e0a52-0000-4000-8000-0000000000aa, as in the vendor's campaign_activities."
    )


def test_a_long_wrong_id_is_told_in_part() -> None:
    with pytest.raises(InvalidInput, match=f"^“{'x' * 60}” is no"):
        activity_id("x" * 61)


@pytest.mark.parametrize("named", ["default", "Shop-2.eu_west", "a" * 64])
def test_an_account_has_any_short_plain_name(named: str) -> None:
    assert account_id(named) == named


@pytest.mark.parametrize("typed", ["", " ", "a b", "a/b", "a#b", "ä", "a\n", "a" * 65])
def test_what_is_no_account_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"^That is no account's name: expected 1 to 64 "):
        account_id(typed)


def test_tokens_say_nothing_of_themselves() -> None:
    tokens = Tokens(client_id="id", refresh_token="secret", access_token="secret")
    assert repr(tokens) == "Tokens(…)"


@pytest.mark.parametrize("typed", ["", "  "])
def test_blanks_are_no_activity_id(typed: str) -> None:
    with pytest.raises(InvalidInput):
        activity_id(typed)


def test_blanks_around_an_activity_id_are_passed_over() -> None:
    canonical = "5b1e0a52-0000-4000-8000-0000000000aa"
    assert activity_id(f" {canonical}\n") == canonical
