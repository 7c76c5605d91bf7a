"""An account's credentials as a person hands them over."""

import json

from email_opens.errors import InvalidInput
from email_opens.model import Tokens

_EXPECTED = (
    'expected {"client_id": "…", "refresh_token": "…"}, and "client_secret" where the app has one.'
)


def read(text: str) -> Tokens:
    """Read credentials from JSON.

    Raises:
        InvalidInput: it is not that; the message holds nothing of it.
    """
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"The credentials are no JSON: {_EXPECTED}") from None
    known = {"client_id", "client_secret", "refresh_token"}
    if not isinstance(held, dict) or not all(
        isinstance(held.get(name), str) and held[name] for name in known & held.keys()
    ):
        raise InvalidInput(f"The credentials are malformed: {_EXPECTED}")
    missing = sorted({"client_id", "refresh_token"} - held.keys())
    if missing:
        raise InvalidInput(f"The credentials lack {' and '.join(missing)}: {_EXPECTED}")
    return Tokens(
        client_id=held["client_id"],
        client_secret=held.get("client_secret"),
        refresh_token=held["refresh_token"],
    )
