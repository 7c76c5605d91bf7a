"""JSON of replies, and the text that is kept of it."""

import json

import pytest

from email_opens.adapters.vendor.replies.decoding import canonical, decoded


@pytest.mark.parametrize("written", ["1e999", "-1e999", "NaN", "Infinity", "9" * 4301])
def test_a_number_that_cannot_be_calculated_with_is_kept_as_text(written: str) -> None:
    text = canonical(decoded(b'{"a":' + written.encode() + b"}"))
    assert json.loads(text) == {"a": written}


def test_the_text_of_a_value_is_as_short_as_json_allows() -> None:
    assert canonical({"b": [1, 2.5], "a": "é"}) == '{"a":"\\u00e9","b":[1,2.5]}'
