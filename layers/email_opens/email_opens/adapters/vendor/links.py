"""Next links of the report, which must not lead the bearer token astray. Pure."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from email_opens.errors import PagingBroken

MOST_CHARACTERS = 4096

_ROOT = "/v3/"
_PRINTABLE = re.compile(r"[!-~]+")
_PORTS = {"http": 80, "https": 443}


def local(href: str, api_url: str) -> str:
    """Return a link of the API without its host, beginning with `/v3/`.

    Raises:
        PagingBroken: it leads elsewhere.
    """
    if len(href) > MOST_CHARACTERS or not _PRINTABLE.fullmatch(href) or "\\" in href:
        raise PagingBroken("A next link of the report is no link.")
    try:
        parts = urlsplit(href)
        elsewhere = bool(parts.scheme or parts.netloc) and _origin(parts) != _origin(
            urlsplit(api_url)
        )
    except ValueError:
        elsewhere, parts = True, SplitResult("", "", "", "", "")
    path = unquote(parts.path)
    straight = path.startswith(_ROOT) and not ("//" in path or ".." in path or "\\" in path)
    if elsewhere or parts.fragment or not straight:
        raise PagingBroken("A next link of the report leads outside of the vendor's API.")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def next_href(reply: dict[str, object]) -> str | None:
    """Return the next link of a reply as it came; None where there is none, in any of the ways.

    Raises:
        ValueError: it has an unknown form, which is no last page.
    """
    links = reply.get("_links")
    following = links.get("next") if isinstance(links, dict) else links
    href = following.get("href") if isinstance(following, dict) else following
    if not href:
        return None
    if not isinstance(href, str):
        raise ValueError("its next link has an unknown form")  # noqa: TRY004 - of a reply
    return href


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None, bool]:
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, "@" in parts.netloc
