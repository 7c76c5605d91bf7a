"""The contract of the published events, as documents."""

import json
from collections.abc import Mapping
from importlib.resources import files
from textwrap import indent
from typing import Annotated, Any

import typer

from email_opens_cli.terminal.plain import say_document

SCHEMA = "email-opened.v1.schema.json"
ASYNCAPI = "asyncapi.v1.yaml"
_REFERENCE = f"$ref: {SCHEMA}"


def schema(
    *,
    asyncapi: Annotated[
        bool,
        typer.Option(
            "--asyncapi", help="Print an AsyncAPI 3 document of the topic, which has the schema."
        ),
    ] = False,
) -> None:
    """Print the JSON Schema of the published events."""
    say_document(asyncapi_document() if asyncapi else _text(SCHEMA))


def asyncapi_document() -> str:
    """Return the AsyncAPI document with the schema in it, in YAML."""
    lines = _text(ASYNCAPI).splitlines(keepends=True)
    payload = json.dumps(payload_schema(), indent=2, ensure_ascii=False) + "\n"
    return "".join(
        indent(payload, line[: line.index("$")]) if _REFERENCE in line else line for line in lines
    )


def payload_schema() -> dict[str, Any]:
    """Return the schema without references: those within it mean nothing in another document."""
    schema = json.loads(_text(SCHEMA))
    definitions = schema.pop("$defs")
    targets = {f"#/$defs/{name}": value for name, value in definitions.items()}
    targets |= {schema["$id"] + path: value for path, value in targets.items()}
    targets |= {value["$id"]: value for value in definitions.values() if "$id" in value}
    resolved: dict[str, Any] = _resolved(schema, targets)
    return resolved


def _resolved(value: Any, targets: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolved(each, targets) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if name not in ("$ref", "$id", "$schema")}
    # What stands beside a reference, such as a description, says more than the definition.
    merged = targets[value["$ref"]] | kept if "$ref" in value else kept
    if "$ref" in value:
        return _resolved(merged, targets)
    return {name: _resolved(each, targets) for name, each in merged.items()}


def _text(name: str) -> str:
    return (files("email_opens") / "schemas" / name).read_text(encoding="utf-8")
