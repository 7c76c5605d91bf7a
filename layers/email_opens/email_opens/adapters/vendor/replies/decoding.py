"""Decoding JSON so that a fault costs no more than the value that contains it. Pure.

A reply that is not quite JSON is split at its commas, a few levels down, and each part is decoded
alone: a row that cannot be read leaves the other rows of its page.
"""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from email_opens.confidential import Confidential

_LEVELS = 5
"""How deep a reply is split: reply, list, row, object, value."""
_CLOSING = {"{": "}", "[": "]"}
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{\[]+|[}\]]+|,', re.DOTALL)
_MEMBER = re.compile(r'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:(.*)', re.DOTALL)


class Unreadable(Confidential, frozen=True):
    """A part of a reply that is not JSON, or a number that Python cannot calculate with."""

    text: str


def decoded(body: bytes) -> Any:
    """Return the JSON of a body, with `Unreadable` in place of what cannot be read.

    Control characters in strings are kept. A byte that is not UTF-8 becomes a lone surrogate,
    which UTF-8 cannot encode.

    Raises:
        ValueError: the body is not JSON; the message holds nothing of its content.
    """
    value = _value(body.decode("utf-8-sig", errors="surrogateescape"), _LEVELS)
    # Raised outside every handler, so that no chained cause carries the body into a log.
    if isinstance(value, Unreadable):
        raise ValueError("the reply is not JSON")  # noqa: TRY004 - a malformed reply
    return value


def canonical(value: Any) -> str:
    """Return decoded JSON as ASCII text that does not depend on the order of its fields."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=_text)


def _value(text: str, levels: int) -> Any:
    # Decoded at its depth in the reply, since a value that is too deep there cannot be encoded
    # again.
    outside = _LEVELS - levels
    try:
        value = _DECODER.decode("[" * outside + text + "]" * outside)
        for _ in range(outside):
            (value,) = value
    except (ValueError, RecursionError):
        return _split(text.strip(), levels) if levels else Unreadable(text)
    return value


def _split(text: str, levels: int) -> Any:
    """Decode the parts of a list or an object that cannot be decoded whole."""
    if not text or not text.endswith(_CLOSING.get(text[0], " ")):
        return Unreadable(text)
    parts = [part for part in _parts(text) if part.strip()]
    if text[0] == "[" and parts:
        return [_value(part, levels - 1) for part in parts]
    members = [_MEMBER.fullmatch(part) for part in parts]
    values = {
        _value(found[1], levels - 1): _value(found[2], levels - 1) for found in members if found
    }
    # An object with a part that has no name may lack any field, such as the next link.
    named = all(members) and all(isinstance(name, str) for name in values)
    return values if values and named else Unreadable(text)


def _parts(text: str) -> Iterator[str]:
    """Yield what is between the commas of a list or an object; nothing if it ends elsewhere."""
    depth, starts = 0, [1]
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark[0] in "[{":
            depth += len(mark)
        elif mark[0] in "]}":
            depth -= len(mark)
            if depth <= 0:
                break
        elif mark == "," and depth == 1:
            starts.append(token.end())
    else:
        return
    if depth == 0 and token.end() == len(text):
        ends = [*(start - 1 for start in starts[1:]), len(text) - 1]
        yield from (text[start:end] for start, end in zip(starts, ends, strict=True))


def _integer(text: str) -> int | Unreadable:
    try:
        return int(text)
    except ValueError:  # It has more digits than Python converts.
        return Unreadable(text)


def _float(text: str) -> float | Unreadable:
    number = float(text)
    return number if isfinite(number) else Unreadable(text)


def _text(part: Unreadable) -> str:
    return part.text


_DECODER = json.JSONDecoder(
    strict=False, parse_int=_integer, parse_float=_float, parse_constant=Unreadable
)
