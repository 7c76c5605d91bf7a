"""One request and its whole reply, bounded in time and size."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

import requests
import urllib3

from email_opens.adapters.retry import ATTEMPT_SECONDS
from email_opens.ports import Clock

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""The longest silence within a reply, and the longest reply."""

_CHUNK_BYTES = 65_536
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_TRACKING_ID = re.compile(r"[A-Za-z0-9=+/:._-]{1,80}")
_TRACKING_HEADERS = ("x-eig-tracking-id", "x-amzn-RequestId")


class Unanswered(Exception):
    """No whole reply came; the message says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came; its body may hold addresses and tokens, so it is never shown."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body's JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def error_key(self, *names: str) -> str | None:
        """Return the vendor's word for an error, from an object or an array of them."""
        said = self.json()
        for entry in said if isinstance(said, list) else [said]:
            for name in names:
                word = entry.get(name) if isinstance(entry, dict) else None
                if isinstance(word, str) and _NAME.fullmatch(word):
                    return word
        return None

    def traces(self) -> str:
        """Return the vendor's ids of this reply, as the end of a sentence."""
        ids = {name: self.headers.get(name, "") for name in _TRACKING_HEADERS}
        shown = [f"{name} {value}" for name, value in ids.items() if _TRACKING_ID.fullmatch(value)]
        return f" ({', '.join(shown)})" if shown else ""

    def retry_after_seconds(self, now: datetime) -> float | None:
        """Return what Retry-After asks for, in seconds or as a date."""
        asked = self.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit():
            return float(asked[:9])
        try:
            until = parsedate_to_datetime(asked)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - now).total_seconds())


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    clock: Clock,
    before: datetime,
    most_bytes: int,
    form: dict[str, str] | None = None,
) -> Reply:
    """Send one request and read its reply to the end; redirects are not followed.

    Raises:
        Unanswered: no whole reply within the time and size; no cause is chained to it, since
            those of `requests` hold the request with its token.
    """
    began = clock.now()
    end = min(before, began + timedelta(seconds=READ_SECONDS))
    seconds = max(ATTEMPT_SECONDS, (end - began).total_seconds())
    try:
        with session.request(
            method,
            url,
            headers={"Accept": "application/json", "User-Agent": "email-opens"} | headers,
            data=form,
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            # read1 returns what has come; read would wait for a full chunk, however slowly it
            # drips, and see no deadline.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > most_bytes:
                    fault = "the reply is too large"
                    break
                if clock.now() > end:
                    fault = "the reply took too long"
                    break
            else:
                return Reply(response.status_code, response.headers, bytes(body))
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        fault = "the request timed out"
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        HTTPException,
        OSError,
        ValueError,
    ):
        fault = "the connection failed"
    raise Unanswered(fault)
