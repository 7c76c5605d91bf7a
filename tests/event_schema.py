"""The schema of published events, which every event of the tests follows."""

import json
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft202012Validator

SCHEMA: dict[str, Any] = json.loads(
    (files("email_opens") / "schemas" / "email-opened.v1.schema.json").read_text()
)


def _strict() -> dict[str, Any]:
    """Return the schema with no other fields than those that it names."""
    data = SCHEMA["$defs"]["data"] | {"additionalProperties": False}
    return SCHEMA | {"$defs": SCHEMA["$defs"] | {"data": data}, "additionalProperties": False}


_VALIDATOR = Draft202012Validator(_strict(), validate_formats=True)


def checked(body: str) -> str:
    """Return a published event, after checking that it follows the schema."""
    _VALIDATOR.validate(json.loads(body))
    return body
