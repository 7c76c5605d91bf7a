"""Options that commands share, and how their values are parsed.

The annotated types have plain names, because typer does not look into a `type` statement.
"""

from collections.abc import Iterable
from typing import Annotated

import typer

from email_opens.account import account_id as parse_account
from email_opens.model import activity_id as parse_activity
from email_opens_cli.arguments import invocation, stack
from email_opens_cli.arguments.times import From, parse_duration, parse_since, parse_wait

__all__ = [
    "From",
    "parse_account",
    "parse_activity",
    "parse_duration",
    "parse_since",
    "parse_wait",
]


def _note_account(account_id: str) -> str:
    invocation.current().account_id = account_id
    return account_id


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
        metavar="E-MAIL",
        help=(
            "Names or ids of e-mails or campaigns, or the beginnings of these; or patterns of "
            "names, such as 'Spring*'."
        ),
    ),
]
SomeEmails = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="E-MAIL",
        help="Names or ids of e-mails or campaigns, or patterns of names; by default all.",
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="INSTANT",
        help=(
            "Leave out opens before this: beginning, now, yesterday, 2h, 2026-03-02 (00:00 UTC), "
            "or 2026-03-02T14:07:00Z."
        ),
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


def parse_ids(texts: Iterable[str]) -> list[str]:
    """Return activity ids in their canonical form, each once; refuse all if one is malformed."""
    return list(dict.fromkeys(parse_activity(text) for text in texts))
