"""A reply: its JSON, error key, tracking ids, and the wait that it asks for. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from email_opens.adapters.vendor.replies.decoding import decoded
from email_opens.confidential import Confidential

_ERROR_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_TRACKING_ID = re.compile(r"[A-Za-z0-9=+/:._-]{1,80}")
_TRACKING_HEADERS = ("x-eig-tracking-id", "x-amzn-RequestId")


class Unanswered(Exception):
    """No complete reply came; the message gives the reason, as the end of a sentence."""

    def __init__(self, reason: str, *, timed_out: bool = False, sent: bool = True) -> None:
        super().__init__(reason)
        self.timed_out = timed_out
        self.sent = sent
        """The host may have received the request."""


class Reply(Confidential, frozen=True):
    """A complete reply; its repr omits the body, which may hold addresses and tokens."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body decoded as JSON, or None if it is not JSON."""
        try:
            return decoded(self.body)
        except ValueError:
            return None

    def error_key(self, *names: str) -> str | None:
        """Return the first error key under one of the names, in an object or an array."""
        content = self.json()
        for entry in content if isinstance(content, list) else [content]:
            for name in names:
                key = entry.get(name) if isinstance(entry, dict) else None
                if isinstance(key, str) and _ERROR_KEY.fullmatch(key):
                    return key
        return None

    def traces(self) -> str:
        """Return the vendor's tracking ids of this reply, as the end of a sentence."""
        ids = {name: self.headers.get(name, "") for name in _TRACKING_HEADERS}
        shown = [f"{name} {value}" for name, value in ids.items() if _TRACKING_ID.fullmatch(value)]
        return f" ({', '.join(shown)})" if shown else ""

    def retry_after_seconds(self, now: datetime) -> float | None:
        """Return the wait that Retry-After requests, in seconds or until a date; None if none."""
        header = self.headers.get("retry-after", "").strip()
        if header.isascii() and header.isdigit():
            return float(header[:9])
        try:
            until = parsedate_to_datetime(header)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - now).total_seconds())
