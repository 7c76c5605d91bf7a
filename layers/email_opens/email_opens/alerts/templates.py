"""The user's own JSON document for a webhook, with placeholders in its strings. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from email_opens.errors import InvalidSettings

PLACEHOLDERS = (
    "text",
    "title",
    "count",
    "account",
    "campaign_name",
    "campaign_id",
    "campaign_activity_id",
    "subject",
    "opens",
)
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

type Template = Any
"""A parsed document."""


def read_template(text: str, setting: str) -> Template | None:
    """Parse a template; None if the text is empty.

    Raises:
        InvalidSettings: it is not JSON, or has a placeholder that does not exist.
    """
    if not text.strip():
        return None
    try:
        template = json.loads(text)
        names = _placeholders(template)
    except ValueError as error:
        place = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        raise _malformed(setting, f"it is not JSON{place}") from None
    except RecursionError:
        raise _malformed(setting, "it is nested too deeply") from None
    if not isinstance(template, dict | list):
        raise _malformed(setting, "it is neither an object nor an array")
    for name in names:
        if name not in PLACEHOLDERS:
            raise _malformed(setting, f"there is no placeholder {{{{{name[:40]}}}}}")
    return template


def filled(template: Template, values: Mapping[str, Any]) -> Any:
    """Replace the placeholders in the strings of a template, each once.

    A string that is only a placeholder becomes the value itself, so a count stays a number.
    """
    match template:
        case dict():
            return {name: filled(value, values) for name, value in template.items()}
        case list():
            return [filled(value, values) for value in template]
        case str():
            whole = _PLACEHOLDER.fullmatch(template)
            if whole:
                return values[whole[1]]
            return _PLACEHOLDER.sub(lambda found: _inline(values[found[1]]), template)
        case _:
            return template


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _placeholders(template: Template) -> list[str]:
    match template:
        case dict():
            return [name for value in template.values() for name in _placeholders(value)]
        case list():
            return [name for value in template for name in _placeholders(value)]
        case str():
            return _PLACEHOLDER.findall(template)
        case _:
            return []


def _malformed(setting: str, fault: str) -> InvalidSettings:
    names = ", ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS)
    return InvalidSettings(
        f"{setting} cannot be used: {fault}. It should be a JSON object such as "
        f'{{"message": "{{{{text}}}}"}}, with the placeholders {names}.'
    )
