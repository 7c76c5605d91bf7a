"""Options that many commands share. Plain names: typer does not look into a `type`."""

from datetime import timedelta
from typing import Annotated

import typer

from email_opens.errors import InvalidInput

Account = Annotated[str, typer.Option("--account", help="Whose API key and credentials.")]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Take the settings from this stack's outputs."),
]
Id = Annotated[str, typer.Argument(metavar="ACTIVITY_ID", help="campaign_activity_id: a UUID.")]
Ids = Annotated[
    list[str], typer.Argument(metavar="ACTIVITY_ID…", help="campaign_activity_id: a UUID each.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MOST = 100_000


def duration(text: str) -> timedelta:
    """Read a duration such as `90s`, `15m`, `2h` or `1d`.

    Raises:
        InvalidInput: it is none.
    """
    count, unit = text[:-1], text[-1:]
    if not (count.isascii() and count.isdigit() and unit in _UNITS and 0 < int(count[:9]) <= _MOST):
        raise InvalidInput(f"“{text[:20]}” is no duration: expected one such as 90s, 15m or 2h.")
    return timedelta(**{_UNITS[unit]: int(count)})
