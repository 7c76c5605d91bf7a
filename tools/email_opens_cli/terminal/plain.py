"""Lines of plain text and JSON, without rich: a watch in a pipe starts without it.

Control characters are replaced, since names, devices, addresses and error texts come from outside.
"""

import json
import sys
from typing import Any
from unicodedata import category

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.terminal.pasted import pasteable

WIDE = 10_000
"""Columns if stdout is not a terminal, so that nothing is cut or folded in a file or a pipe."""
type Styled = tuple[str, str]
"""A text and its style."""
REPLACEMENT = "�"

_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that move the cursor, break or reorder lines, or cannot be encoded."""
_JOINERS = ("\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}")
"""They occur within emoji and in some scripts, and affect nothing else."""


def printable(text: str) -> str:
    """Return text that stays on its line and cannot control a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        REPLACEMENT if category(character) in _UNSAFE and character not in _JOINERS else character
        for character in text
    )


def say(*lines: str) -> None:
    """Print lines on stdout."""
    for line in lines:
        print(printable(pasteable(line)), flush=True)


def warn(*lines: str) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(printable(pasteable(line)), file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, in ASCII: each control character is an escape."""
    separators = (",", ":") if indent is None else None
    print(json.dumps(value, indent=indent, separators=separators), flush=True)


def confirm(question: str, *, yes: bool) -> None:
    """Prompt for a confirmation on a terminal, unless `yes`.

    Raises:
        InvalidInput: stdin is not a terminal.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"{question} There is no terminal to confirm this on: add --yes.")
    typer.confirm(printable(question), abort=True, err=True)
