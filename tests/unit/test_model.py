"""Activity ids as text."""

import pytest

from email_opens.errors import InvalidInput
from email_opens.model import activity_id


def test_an_activity_id_is_returned_in_its_canonical_form() -> None:
    typed = "5B1E0A52-0000-4000-8000-0000000000AA"
    assert activity_id(typed) == "5b1e0a52-0000-4000-8000-0000000000aa"


@pytest.mark.parametrize(
    "typed", ["x", "5b1e0a520000400080000000000000aa", "{5b1e0a52-0000-4000-8000-0000000000aa}"]
)
def test_other_text_is_refused_as_an_activity_id(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        activity_id(typed)
    assert str(refused.value) == (
        f"“{typed}” is not a campaign activity id: expected a UUID such as "
        "5b1e0a52-0000-4000-8000-0000000000aa, as in the vendor's campaign_activities."
    )


def test_the_error_quotes_only_the_start_of_a_long_id() -> None:
    with pytest.raises(InvalidInput, match=f"^“{'x' * 60}” is not"):
        activity_id("x" * 61)


@pytest.mark.parametrize("typed", ["", "  "])
def test_blanks_are_refused_as_an_activity_id(typed: str) -> None:
    with pytest.raises(InvalidInput):
        activity_id(typed)


def test_blanks_around_an_activity_id_are_ignored() -> None:
    canonical = "5b1e0a52-0000-4000-8000-0000000000aa"
    assert activity_id(f" {canonical}\n") == canonical
