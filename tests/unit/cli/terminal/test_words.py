"""Numbers with their nouns."""

import pytest

from email_opens_cli.terminal.words import age, count


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 opens"), (1, "1 open"), (2, "2 opens"), (1000, "1000 opens")]
)
def test_a_noun_follows_its_number(number: int, text: str) -> None:
    assert count(number, "open") == text


def test_an_irregular_plural_is_used() -> None:
    assert [count(number, "reply", "replies") for number in (1, 2)] == ["1 reply", "2 replies"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (200_000, "2d")]
)
def test_an_age_is_in_its_largest_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text
