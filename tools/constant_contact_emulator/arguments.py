"""The values of the program's arguments: each is read, or refused with a sentence."""

import argparse
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from constant_contact_emulator.serving.faults import Faults
from constant_contact_emulator.world.clocks import system_clock
from constant_contact_emulator.world.instants import parse_instant

_ACCOUNT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""The account ids that `email-opens connect` accepts."""


def choices_of(names: type[StrEnum]) -> dict[str, Any]:
    """Return the options of an argument with a choice of names."""
    listed = ", ".join(names)
    return {"choices": list(names), "type": _name(names), "metavar": "NAME", "help": listed}


def _name(names: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        if text not in set(names):
            raise argparse.ArgumentTypeError(f"“{text}” is not one of {', '.join(names)}.")
        return names(text)

    return read


def integer_from(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers."""

    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() else -1
        if number < minimum or (maximum is not None and number > maximum):
            allowed = f"of {minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"“{text}” is not a whole number {allowed}.")
        return number

    return read


def number_from(minimum: float, maximum: float = 1e6) -> Callable[[str], float]:
    """Return a reader of numbers."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(
                f"“{text}” is not a number from {minimum} to {maximum:g}."
            )
        return number

    return read


def read_fault(text: str) -> dict[str, Any]:
    try:
        details = json.loads(text)
        Faults(system_clock).add(**details)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f'“{text}” is not a fault: {error}. Example: {{"kind": "html"}}'
        ) from None
    return dict(details)


def read_account_id(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"“{text}” is not an account id: expected 1 to 64 letters, digits, dots, dashes or "
            "underscores."
        )
    return text


def read_instant(text: str) -> datetime:
    try:
        return parse_instant(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"“{text}” is not a date and time such as 2026-03-02T14:07:00Z."
        raise argparse.ArgumentTypeError(message) from None
