"""One request and its whole reply, bounded in time and size."""

import ssl
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urlsplit

import requests
import urllib3

from email_opens.adapters.vendor.connections import TunnelRefused, Unconnected
from email_opens.adapters.vendor.replies.reply import Reply, Unanswered
from email_opens.adapters.vendor.session import Session
from email_opens.errors import AccountStopped
from email_opens.ports import Clock

READ_SECONDS = 10.0
"""The limit on a whole exchange, from the look-up of the host to the last byte of the reply."""

_CHUNK_BYTES = 65_536

# OpenSSL's codes of what is wrong with a certificate.
_OUT_OF_TIME = (9, 10)
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)


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
    content: bytes | None = None,
) -> Reply:
    """Send one request and read its whole reply by `before`; redirects are not followed.

    `form` or `content` is its body.

    Raises:
        Unanswered: no complete reply came by `before`, in time and within `most_bytes`. It has no
            cause chained to it, since an error of `requests` holds the request with its token.
        AccountStopped: the host's certificate is not trusted, or the proxy refuses the host, as
            it would every time; nothing was sent to the host.
    """
    fault: Unanswered | AccountStopped
    seconds = min(READ_SECONDS, (before - clock.now()).total_seconds())
    if seconds <= 0:
        raise _timed_out(sent=False)
    try:
        with session.request(
            method,
            url,
            headers={"Accept": "application/json", "User-Agent": "email-opens"} | headers,
            data=form if content is None else content,
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
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        fault = _timed_out(sent=not _is_unconnected(error))
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        HTTPException,
        OSError,
        ValueError,
    ) as error:
        fault = _fault(error, f"{urlsplit(url).hostname}")
    raise fault


def _fault(error: Exception, host: str) -> Unanswered | AccountStopped:
    """Return what a failed request means: the first of its causes that is known, if any."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return _untrusted(cause, host)
            case TunnelRefused():
                return _refused(cause.status, host)
            case urllib3.exceptions.TimeoutError() | TimeoutError():
                return _timed_out(sent=not _is_unconnected(error))
    proxied = any(isinstance(cause, requests.exceptions.ProxyError) for cause in _causes(error))
    return Unanswered(
        "the connection to the proxy failed (check HTTPS_PROXY)"
        if proxied
        else "the connection failed (check the network, or HTTPS_PROXY if it needs a proxy)",
        sent=not _is_unconnected(error),
    )


def _is_unconnected(error: BaseException) -> bool:
    """Return whether an exchange failed before there was a connection for its request."""
    unconnected = (
        Unconnected,
        urllib3.exceptions.ConnectTimeoutError,
        # The URL names no host.
        requests.exceptions.InvalidURL,
        urllib3.exceptions.LocationValueError,
    )
    return any(isinstance(cause, unconnected) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was made of; urllib3 keeps some causes as arguments only."""
    yield error
    for cause in (error.__context__, *error.args):
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _untrusted(error: ssl.SSLCertVerificationError, host: str) -> AccountStopped:
    remedy = ""
    if error.verify_code in _UNKNOWN_AUTHORITY:
        remedy = (
            ": if your network replaces certificates, set SSL_CERT_FILE to a file with the "
            "certificate of its authority"
        )
    elif error.verify_code in _OUT_OF_TIME:
        remedy = ": check the clock of this machine"
    problem = error.verify_message.removesuffix(".")
    return AccountStopped(f"The certificate of {host} is not trusted ({problem}){remedy}.")


def _refused(status: int, host: str) -> Unanswered | AccountStopped:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unanswered(f"the proxy answered {status}", sent=False)
    remedy = f"allow {host} there, or name it in NO_PROXY."
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        remedy = "set HTTPS_PROXY to an address with a user and a password it accepts."
    return AccountStopped(f"The proxy does not connect to {host} (it answered {status}): {remedy}")


def _timed_out(*, sent: bool) -> Unanswered:
    return Unanswered("the request timed out", timed_out=True, sent=sent)
