"""The URL of a webhook. Pure."""

import re
from urllib.parse import urlsplit

_PRINTABLE = re.compile(r"[!-~]{1,4096}")
_ON_THIS_MACHINE = ("localhost", "127.0.0.1")


def webhook_url(text: str) -> str | None:
    """Return the URL in a text: https, or http on this machine. None: there is no such URL."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc or not _PRINTABLE.fullmatch(url):
        return None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _ON_THIS_MACHINE)
    return url if secure else None
