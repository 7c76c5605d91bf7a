"""A person's own document: what replaces its placeholders cannot break out of a string."""

import pytest

from email_opens.alerts.templates import filled, read_template
from email_opens.errors import InvalidSettings

VALUES = {"text": 'a "quoted"\n{{title}}', "title": "T", "count": 3, "opens": [{"contact_id": "c"}]}


def test_placeholders_in_strings_are_replaced() -> None:
    template = read_template('{"a": ["{{text}}", {"b": "n={{ count }}!"}], "c": 1}', "X")
    assert filled(template, VALUES) == {"a": [VALUES["text"], {"b": "n=3!"}], "c": 1}


def test_a_string_that_is_a_placeholder_becomes_the_value() -> None:
    template = read_template('{"count": "{{count}}", "opens": "{{opens}}"}', "X")
    assert filled(template, VALUES) == {"count": 3, "opens": [{"contact_id": "c"}]}


def test_a_placeholder_within_a_value_is_not_replaced() -> None:
    assert filled(read_template('["<{{text}}>"]', "X"), VALUES) == [f"<{VALUES['text']}>"]


def test_no_template_is_none() -> None:
    assert read_template(" ", "X") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": }', "it is not JSON at character 7"),
        ("hello", "it is not JSON at character 1"),
        ("5", "neither an object nor an array"),
        ('{"a": "{{txt}}"}', r"there is no placeholder \{\{txt\}\}"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_malformed_template_is_refused_with_a_sentence(text: str, fault: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"^ALERT_TEMPLATE cannot be used: .*({fault})"):
        read_template(text, "ALERT_TEMPLATE")
