"""Options that commands share, and how their values are parsed.

The annotated types have plain names, because typer does not look into a `type` statement.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from email_opens.account import account_id as parse_account
from email_opens.alerts.urls import webhook_url
from email_opens.errors import InvalidInput
from email_opens.model import activity_id as parse_activity
from email_opens_cli.arguments import invocation, stack
from email_opens_cli.arguments.times import (
    From,
    check_since,
    parse_duration,
    parse_since,
    parse_wait,
)

__all__ = [
    "From",
    "check_since",
    "checked",
    "parse_account",
    "parse_activity",
    "parse_duration",
    "parse_since",
    "parse_wait",
]


_MOST_DIGITS = 18


def checked(parse: Callable[[str], object]) -> Callable[[str | None], str | None]:
    """Return a callback that refuses a bad value before the command begins, and asks AWS."""

    def callback(text: str | None) -> str | None:
        if text is not None:
            parse(text)
        return text

    return callback


def whole_number(option: str, least: int, most: int | None = None) -> Callable[[str | int], int]:
    """Return a parser of an option's whole number from `least` to `most`."""
    allowed = f"of {least} or more" if most is None else f"from {least} to {most}"

    def parse(text: str | int) -> int:
        digits = str(text).strip()
        known = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
        number = int(digits) if known else None
        if number is None or number < least or (most is not None and number > most):
            raise InvalidInput(f"{option} needs a whole number {allowed}, not “{digits[:20]}”.")
        return number

    return parse


def file_name(option: str) -> Callable[[str | Path], Path]:
    """Return a parser of an option's file."""

    def parse(text: str | Path) -> Path:
        if not str(text).strip():
            raise InvalidInput(f"{option} needs the name of a file.")
        return Path(text)

    return parse


def _note_account(account_id: str) -> str:
    parse_account(account_id)
    invocation.current().account_id = account_id
    return account_id


def parse_destination(address: str) -> str | None:
    """Return the region of a topic's ARN; None: the address is a queue's URL.

    Raises:
        InvalidInput: it is neither.
    """
    parts = address.split(":")
    if len(parts) == 6 and (parts[0], parts[2]) == ("arn", "sns"):  # noqa: PLR2004
        return parts[3]
    if address.startswith(("https://", "http://")):
        return None
    raise InvalidInput(
        f"“{address[:200]}” is not a destination: expected a queue's URL, https://sqs.…, or a "
        "topic's ARN, arn:…:sns:…"
    )


WEBHOOK_VARIABLE = "EMAIL_OPENS_ALERT"


def parse_webhook(text: str) -> str:
    """Return the URL of a webhook.

    Raises:
        InvalidInput: the text is none. It is a secret, so the message does not repeat it.
    """
    url = webhook_url(text)
    if url is None:
        raise InvalidInput(
            "--alert needs the https URL of a webhook, as Slack, Teams or another service shows it."
        )
    return url


Alert = Annotated[
    str | None,
    typer.Option(
        "--alert",
        metavar="URL",
        envvar=WEBHOOK_VARIABLE,
        show_envvar=True,
        callback=checked(parse_webhook),
        help="Post each contact's first open of an e-mail, if it is fresh, to a webhook of Slack, "
        "Teams or another service. The URL is a secret, and others can read the arguments of a "
        "process, so the variable is safer.",
    ),
]
AlertAll = Annotated[
    bool,
    typer.Option(
        "--alert-all",
        help="Post every open that is written out, old ones too, not only fresh first opens.",
    ),
]
Account = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="ACCOUNT",
        help="The Constant Contact account.",
        callback=_note_account,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        envvar=stack.VARIABLE,
        help="Work on this stack; by default the one that was deployed from this folder.",
        callback=stack.choose,
    ),
]
Ids = Annotated[
    list[str], typer.Argument(metavar="ACTIVITY_ID…", help="campaign_activity_ids (UUIDs).")
]
Email = Annotated[
    str,
    typer.Argument(
        metavar="E-MAIL",
        help="The name or id of an e-mail or a campaign, or the beginning of one.",
    ),
]
Emails = Annotated[
    list[str],
    typer.Argument(
        metavar="E-MAIL…",
        help=(
            "Names or ids of e-mails or campaigns, or the beginnings of these; or patterns of "
            "names, such as 'Spring*'."
        ),
    ),
]
SomeEmails = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[E-MAIL]…",
        help="Names or ids of e-mails or campaigns, or patterns of names; by default all.",
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--from",
        "--since",
        metavar="INSTANT",
        help=(
            "Leave out opens before this: beginning, now, yesterday, 2h, 2026-03-02 (00:00 UTC), "
            "or 2026-03-02T14:07:00Z."
        ),
        callback=checked(check_since),
    ),
]
To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="URL|ARN",
        help="The URL of a queue or ARN of a topic.",
        callback=checked(parse_destination),
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AnotherAccount = Annotated[
    bool,
    typer.Option(
        "--another-account",
        help="Accept the consent of a different Constant Contact account.",
    ),
]
AnotherStack = Annotated[
    bool,
    typer.Option(
        "--another-stack",
        help="Replace credentials that another stack uses; it loses its connection.",
    ),
]
Wait = Annotated[
    str,
    typer.Option(
        "--wait",
        metavar="DURATION",
        help="How long to wait while a turn or another command works on the account.",
        callback=checked(parse_wait),
    ),
]
LONGEST_WAIT = "5m"
"""The default of --wait: a turn holds the account for up to a minute."""


def parse_ids(texts: Iterable[str]) -> list[str]:
    """Return activity ids in their canonical form, each once; refuse all if one is malformed."""
    return list(dict.fromkeys(parse_activity(text) for text in texts))
