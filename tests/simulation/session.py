"""A `requests.Session` that calls the emulated vendor in process, without sockets."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
import urllib3

from constant_contact_emulator import Ending, Reply, Request, Vendor

API_URL = "https://vendor.example"
FULL_PAGE = re.compile(r"limit=(500|499)\b")


@dataclass(slots=True)
class _Body:
    remaining: bytes
    cut: bool

    def read1(self, _: int, *, decode_content: bool) -> bytes:
        del decode_content
        if not self.remaining and self.cut:
            raise urllib3.exceptions.ProtocolError("The connection was closed.")
        chunk, self.remaining = self.remaining, b""
        return chunk


@dataclass(slots=True)
class _Response:
    status_code: int
    headers: Mapping[str, str]
    raw: _Body


class VendorSession:
    """The part of a session that `adapters.vendor.http` uses.

    A full page has `page_rows` rows instead of 500.
    """

    def __init__(
        self,
        vendor: Vendor,
        page_rows: int,
        call: Callable[[Callable[[], Reply]], Reply],
        on_request: Callable[[], None] = lambda: None,
        *,
        on_start: Callable[[], None] = lambda: None,
        on_target: Callable[[str], None] = lambda _: None,
        on_reply: Callable[[str, int, float | None], None] = lambda *_: None,
    ) -> None:
        self._vendor = vendor
        self._page_rows = page_rows
        self._call = call
        self._on_request = on_request
        self._on_start = on_start
        self._on_target = on_target
        self._on_reply = on_reply

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: Mapping[str, str] | None,
        timeout: float,
        **_: object,
    ) -> Iterator[_Response]:
        target = FULL_PAGE.sub(
            lambda found: f"limit={self._page_rows - (500 - int(found[1]))}",
            url.removeprefix(API_URL),
        )
        parts = urlsplit(target)
        request = Request(
            method,
            target,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in headers.items()},
            urlencode(data or {}).encode(),
        )
        if target.startswith("/v3/"):
            self._on_start()
        requested_at = self._vendor.world.clock()
        reply = self._call(lambda: self._answer(request))
        if (self._vendor.world.clock() - requested_at).total_seconds() > timeout:
            raise requests.ReadTimeout
        if reply.ending is Ending.DROPPED:
            raise requests.ConnectionError
        if target.startswith("/v3/"):
            asked = reply.headers.get("Retry-After", "")
            self._on_reply(target, reply.status, float(asked) if asked.isdecimal() else None)
        body = reply.body()
        cut = reply.ending is Ending.CUT
        yield _Response(
            int(reply.status),
            requests.structures.CaseInsensitiveDict(reply.headers),
            _Body(body[: len(body) // 2] if cut else body, cut),
        )

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/v3/"):
            self._on_request()
            self._on_target(request.target)
        return self._vendor.answer(request)
