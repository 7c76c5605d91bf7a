"""One request and its whole reply, bounded in time and size."""

from datetime import datetime
from http.client import HTTPException

import requests
import urllib3

from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.ports import Clock

READ_SECONDS = 10.0
"""The limit on a whole exchange, from the look-up of the host to the last byte of the reply."""

_CHUNK_BYTES = 65_536


def exchange(
    session: Session,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    clock: Clock,
    before: datetime,
    most_bytes: int,
    form: dict[str, str] | None = None,
) -> Reply:
    """Send one request and read its whole reply by `before`; redirects are not followed.

    Raises:
        Unanswered: no complete reply came by `before`, in time and within `most_bytes`. It has no
            cause chained to it, since an error of `requests` holds the request with its token.
    """
    seconds = min(READ_SECONDS, (before - clock.now()).total_seconds())
    if seconds <= 0:
        raise _timed_out()
    try:
        with session.request(
            method,
            url,
            headers={"Accept": "application/json", "User-Agent": "email-opens"} | headers,
            data=form,
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > most_bytes:
                    fault = Unanswered("the reply is too large")
                    break
            else:
                return Reply(response.status_code, response.headers, bytes(body))
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        fault = _timed_out()
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        HTTPException,
        OSError,
        ValueError,
    ):
        fault = Unanswered("the connection failed")
    raise fault


def _timed_out() -> Unanswered:
    return Unanswered("the request timed out", timed_out=True)
