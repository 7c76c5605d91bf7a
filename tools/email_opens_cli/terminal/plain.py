"""Lines of plain text and JSON, without rich: a watch in a pipe starts without it.

Control characters are replaced, since names, devices, addresses and error texts come from outside.
"""

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO
from unicodedata import category

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.terminal.pasted import pasteable

WIDE = 10_000
"""Columns if stdout is not a terminal, so that nothing is cut or folded in a file or a pipe."""
_USUAL_WIDTH = 80
"""Columns of a terminal that does not know how many it has."""
type Styled = tuple[str, str]
"""A text and its style."""
_WORDS = re.compile(r"(?:`[^`]*`|\S)+")
"""Words, of which a command in backquotes is one with what adjoins it."""
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
    _print(lines, sys.stdout)


def warn(*lines: str) -> None:
    """Print lines on stderr."""
    _print(lines, sys.stderr)


def warn_a_person(*lines: str) -> None:
    """Print lines on stderr if it is a terminal: cron would send them by mail."""
    if sys.stderr.isatty():
        warn(*lines)


def _print(lines: Iterable[str], stream: TextIO) -> None:
    width = _width(stream)
    for line in lines:
        print(wrapped(printable(pasteable(line)), width), file=stream, flush=True)


def _width(stream: TextIO) -> int:
    """Return the columns of a stream."""
    if not stream.isatty():
        return WIDE
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH


def wrapped(text: str, width: int) -> str:
    """Break a line between words, but not within a command, which works when it is pasted.

    The lines that follow have the indentation of the first. A word that is longer than a line stays
    whole: the terminal wraps it, without a line break that a paste would contain.
    """
    if len(text) <= width:
        return text
    indentation = text[: len(text) - len(text.lstrip())]
    lines = [""]
    for word in _WORDS.findall(text):
        line = f"{lines[-1]} {word}" if lines[-1] else indentation + word
        if lines[-1] and len(line) > width:
            lines.append(indentation + word)
        else:
            lines[-1] = line
    return "\n".join(lines)


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, in ASCII: each control character is an escape."""
    separators = (",", ":") if indent is None else None
    print(json.dumps(value, indent=indent, separators=separators), flush=True)


def say_document(text: str) -> None:
    """Print a document of the product as it is, on a terminal too."""
    print(text, end="", flush=True)


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
