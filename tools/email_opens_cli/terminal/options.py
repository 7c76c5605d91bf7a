"""Options that commands share, and how their values are parsed.

The annotated types have plain names, because typer does not look into a `type` statement.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from email_opens.account import account_id as parse_account
from email_opens.errors import InvalidInput
from email_opens.instants import iso, utc
from email_opens.model import activity_id as parse_activity

__all__ = ["parse_account", "parse_activity"]


class From(StrEnum):
    """Words for the instant from which opens are published."""

    BEGINNING = "beginning"
    NOW = "now"


Account = Annotated[
    str, typer.Option("--account", metavar="ACCOUNT", help="The Constant Contact account.")
]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Read the settings from this stack's outputs."),
]
Ids = Annotated[
    list[str], typer.Argument(metavar="ACTIVITY_ID…", help="campaign_activity_ids (UUIDs).")
]
Email = Annotated[
    str,
    typer.Argument(
        metavar="E-MAIL",
        help="The name or the id of an e-mail or of its campaign, or the beginning of one.",
    ),
]
Emails = Annotated[
    list[str],
    typer.Argument(
        metavar="E-MAIL",
        help=(
            "Names or ids of e-mails or of their campaigns, or the beginnings of some; "
            "patterns of names such as 'Spring*'."
        ),
    ),
]
SomeEmails = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="E-MAIL",
        help=(
            "Names or ids of e-mails or of their campaigns, or patterns of names; by default all."
        ),
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--from", metavar="INSTANT", help="The first open: beginning, now, or an instant."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AnotherAccount = Annotated[
    bool,
    typer.Option(
        "--another-account",
        help="Accept the consent of a different Constant Contact account.",
    ),
]
Wait = Annotated[
    str,
    typer.Option(
        "--wait",
        metavar="DURATION",
        help="How long to wait while a turn or another command works on the account.",
    ),
]
LONGEST_WAIT = "5m"
"""The default of --wait: a turn holds the account for up to a minute."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MOST = 100_000


def parse_duration(text: str, least: int = 1) -> timedelta:
    """Parse a duration such as `90s`, `15m`, `2h` or `1d`.

    Raises:
        InvalidInput: it is not a duration.
    """
    count, unit = text[:-1], text[-1:]
    whole = count.isascii() and count.isdigit() and unit in _UNITS
    if not (whole and least <= int(count[:9]) <= _MOST):
        raise InvalidInput(f"“{text[:20]}” is not a duration: expected one such as 90s, 15m or 2h.")
    return timedelta(**{_UNITS[unit]: int(count)})


def parse_wait(text: str) -> timedelta:
    """Parse the value of --wait; `0s` does not wait."""
    return parse_duration(text, least=0)


def parse_since(text: str, now: datetime) -> datetime | None:
    """Return the instant from which opens are published; None: from the beginning.

    Raises:
        InvalidInput: it is neither a word nor an instant, or lies in the future.
    """
    if text == From.BEGINNING:
        return None
    if text == From.NOW:
        return now
    try:
        instant = utc(text)
    except ValueError:
        raise InvalidInput(
            f"“{text[:60]}” is not an instant: expected beginning, now, or an instant with its "
            "offset from UTC such as 2026-03-02T14:07:00Z."
        ) from None
    if instant > now:
        raise InvalidInput(f"{iso(instant)} lies in the future; it is {iso(now)}.")
    return instant


def parse_ids(texts: Iterable[str]) -> list[str]:
    """Return activity ids in their canonical form, each once; refuse all if one is malformed."""
    return list(dict.fromkeys(parse_activity(text) for text in texts))
