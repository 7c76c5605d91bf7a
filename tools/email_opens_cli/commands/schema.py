"""The contract of the published events, as documents."""

from importlib.resources import files
from textwrap import indent
from typing import Annotated

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
    return "".join(
        indent(_text(SCHEMA), line[: line.index("$")]) if _REFERENCE in line else line
        for line in lines
    )


def _text(name: str) -> str:
    return (files("email_opens") / "schemas" / name).read_text(encoding="utf-8")
