"""A CloudFormation template as YAML, with the short forms of its functions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_/.:*-]*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What YAML 1.1 does not read as text."""


def yaml_text(document: Mapping[str, Any]) -> str:
    """Return a document as YAML; strings that could be read as something else are quoted."""
    return "\n".join(_lines(document)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item, indented=True)
        return
    for item in value:
        lines = [short] if (short := _inline(item)) is not None else list(_lines(item))
        yield f"- {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def _entry(head: str, value: Any, *, indented: bool) -> Iterator[str]:
    short = _inline(value)
    if short is not None:
        yield f"{head} {short}"
        return
    yield head
    yield from (f"  {line}" if indented else line for line in _lines(value))


def _inline(value: Any) -> str | None:
    """Return a value that stands on the line of its key; None: it has lines of its own."""
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        return _function(value)
    if isinstance(value, list):
        return None if value else "[]"
    return _scalar(value)


def _function(value: Mapping[str, Any]) -> str | None:
    match dict(value):
        case {"Ref": str(name)} if len(value) == 1:
            return f"!Ref {name}"
        case {"Fn::GetAtt": [resource, attribute]} if len(value) == 1:
            return f"!GetAtt {resource}.{attribute}"
    return None


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and value[-1] != ":"
        # JSON's strings are YAML's too.
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
