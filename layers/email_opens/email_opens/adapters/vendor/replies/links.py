"""Next links, checked so that the bearer token never goes to another host. Pure."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from email_opens.errors import PagingBroken

MOST_CHARACTERS = 4096

_ROOT = "/v3/"
_PRINTABLE = re.compile(r"[!-~]+")
_PORTS = {"http": 80, "https": 443}


def local(href: str, api_url: str) -> str:
    """Return a next link as a path of the API, beginning with `/v3/`, with its query.

    Raises:
        PagingBroken: the link is malformed or leads outside the API.
    """
    if len(href) > MOST_CHARACTERS or not _PRINTABLE.fullmatch(href) or "\\" in href:
        raise PagingBroken("A next link is malformed.")
    target = _target(href, api_url)
    if target is None:
        raise PagingBroken("A next link leads outside the vendor's API.")
    return target


def next_page(href: str, api_url: str, path: str) -> str:
    """Return the link of the next page of the resource at a path, as `local` does.

    The rows of another resource must not be read as the rest of this one.

    Raises:
        PagingBroken: the link is malformed, or leads outside the API or to another resource.
    """
    target = local(href, api_url)
    found = unquote(urlsplit(target).path)
    if found.removesuffix("/").lower() != unquote(path).lower():
        raise PagingBroken("A next link leads to another resource.")
    return target


def next_href(links: object) -> str | None:
    """Return the next link of a reply's `_links` unchanged; None if it is missing, null or empty.

    Raises:
        ValueError: the link has an unknown form, so this may not be the last page.
    """
    next_link = links.get("next") if isinstance(links, dict) else links
    href = next_link.get("href") if isinstance(next_link, dict) else next_link
    if not href:
        return None
    if not isinstance(href, str):
        raise ValueError("its next link has an unknown form")  # noqa: TRY004 - a malformed reply
    return href


def _target(href: str, api_url: str) -> str | None:
    """Return the path and query of a link within the API, None if it leads elsewhere."""
    try:
        parts = urlsplit(href)
        if (parts.scheme or parts.netloc) and _origin(parts) != _origin(urlsplit(api_url)):
            return None
    except ValueError:  # The host or the port is malformed.
        return None
    path = unquote(parts.path)
    within_api = path.startswith(_ROOT) and not ("//" in path or ".." in path or "\\" in path)
    if parts.fragment or not within_api:
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None, str | None]:
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.username
