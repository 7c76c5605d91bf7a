"""Faults on demand: a queue, and the requests to which each fault applies.

Common cases that are combinations:
- one activity is forbidden, its neighbours are healthy: `FORBIDDEN, path=activity_id, times=None`
- an outage of an hour: `STATUS, status=503, path="/", for_seconds=3600`
- links that are refused below 10,000 rows: `STATUS, status=400, below_row=10_000, times=None`
- a pause that a reply asks for: `STATUS, status=503, headers={"Retry-After": "600"}`
- the gateway's quota: `GATEWAY, status=429, body={"message": "Limit Exceeded"}`
- a page with exact bytes: `STATUS, status=200, body=b"…"`
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from constant_contact_emulator import replies
from constant_contact_emulator.api.paging import MAX_LIMIT, BadLink, decode_link, encode_link
from constant_contact_emulator.messages import Drip, Ending, Place, Reply, Request
from constant_contact_emulator.world.clocks import Clock

FOREIGN_HOST = "https://elsewhere.example"
OTHER_ACTIVITY = "0dd0dd00-0000-4000-8000-0000000000ff"
"""An activity that nobody sent."""


class Kind(StrEnum):
    # These replace the reply: the request is not processed.
    STATUS = "status"
    """`status` (500) with the vendor's body for it, or with `body`."""
    HTML = "html"
    """An HTML page with `status` (502)."""
    EMPTY = "empty"
    """No body, with `status` (200)."""
    DROP = "drop"
    """The connection is closed and the request is not processed."""
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    GATEWAY = "gateway"
    """`status` (403) from the gateway in front of the API, with its body for it or with `body`."""
    THROTTLED = "throttled"
    QUOTA_EXCEEDED = "quota_exceeded"
    EXPIRED_LINK = "expired_link"
    """`status` (400), only for a request that follows a next link."""
    # These alter the reply: the request is processed.
    CUT = "cut"
    """Half of the body, then the connection is closed."""
    LOSE_REPLY = "lose_reply"
    """The connection is closed without a reply: a rotated token is lost."""
    HANG = "hang"
    """`seconds` pass before the request is processed."""
    FOREIGN_LINK = "foreign_link"
    """The next link leads to another host."""
    LOOP_LINK = "loop_link"
    """The next link leads to the same page."""
    ENDLESS_LINK = "endless_link"
    """The next link leads to the same page, each time with a new cursor."""
    OTHER_LINK = "other_link"
    """The next link, if there is one, names `activity` in place of the report's own."""
    EMPTY_PAGE = "empty_page"
    """No rows; the page's next link stays."""
    ENDLESS_EMPTY_PAGES = "endless_empty_pages"
    """No rows, and a next link like that of `ENDLESS_LINK`."""
    DRIP = "drip"
    """The server sends `length` bytes at `place` one by one, `seconds` of real time apart."""


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: Kind
    path: str = "/v3/"
    """Applies to requests whose path and query contain it."""
    when: Callable[[str, str], bool] | None = None
    """A further condition on the method and the target."""
    nth: int = 1
    """The first matching request to which it applies, counted since it was added."""
    times: int | None = 1
    """How many requests it applies to; None: all, until the faults are cleared."""
    ends_at: datetime | None = None
    """When it ends, by the world's clock."""
    below_row: int | None = None
    """Applies only to pages with at least so many rows above them."""
    status: int | None = None
    body: Any = None
    """A JSON value, or raw text or bytes."""
    headers: dict[str, str] = field(default_factory=dict)
    activity: str = OTHER_ACTIVITY
    place: Place = Place.BODY
    length: int = 60
    seconds: float = 0.0
    seen: int = 0
    """How many matching requests there were so far."""

    def matches(self, method: str, target: str) -> bool:
        """Return whether it concerns a request, whatever `nth` and `times` are."""
        if self.kind is Kind.EXPIRED_LINK and "next=" not in target:
            return False
        if self.below_row is not None and rows_above(target) < self.below_row:
            return False
        return self.path in target and (self.when is None or self.when(method, target))

    def replacement(self) -> Reply | None:
        """Return the reply that replaces the real one, or None to process the request."""
        reply = self._replacement()
        if reply is None:
            return None
        if self.body is not None:
            reply.payload = self.body.encode() if isinstance(self.body, str) else self.body
        reply.headers |= self.headers
        return reply

    def _replacement(self) -> Reply | None:
        if self.kind is Kind.DROP:
            return Reply(ending=Ending.DROPPED)
        if self.kind in _WITH_STATUS:
            status, reply = _WITH_STATUS[self.kind]
            return reply(self.status or status)
        fixed = _FIXED.get(self.kind)
        return fixed() if fixed else None

    def alter(self, request: Request, reply: Reply) -> Reply:
        """Return the real reply as the fault alters it."""
        match self.kind:
            case Kind.CUT:
                reply.ending = Ending.CUT
            case Kind.LOSE_REPLY:
                reply.ending = Ending.DROPPED
            case Kind.FOREIGN_LINK:
                reply.payload["_links"] = _link(FOREIGN_HOST + request.target)
            case Kind.LOOP_LINK:
                reply.payload["_links"] = _link(request.target)
            case Kind.OTHER_LINK:
                _name_activity(reply.payload, request.path, self.activity)
            case Kind.EMPTY_PAGE:
                reply.payload["tracking_activities"] = []
            case Kind.ENDLESS_LINK:
                reply.payload["_links"] = _link(_renewed(request.target, self.seen))
            case Kind.ENDLESS_EMPTY_PAGES:
                reply.payload["tracking_activities"] = []
                reply.payload["_links"] = _link(_renewed(request.target, self.seen))
            case Kind.DRIP:
                reply.drip = Drip(self.place, self.seconds, self.length)
            case _:
                pass
        return reply


_WITH_STATUS: dict[Kind, tuple[int, Callable[[int], Reply]]] = {
    Kind.STATUS: (HTTPStatus.INTERNAL_SERVER_ERROR, replies.of_status),
    Kind.HTML: (HTTPStatus.BAD_GATEWAY, replies.html),
    Kind.EMPTY: (HTTPStatus.OK, Reply),
    Kind.GATEWAY: (HTTPStatus.FORBIDDEN, replies.gateway),
    Kind.EXPIRED_LINK: (HTTPStatus.BAD_REQUEST, replies.of_status),
}
"""The status that is used by default, and the reply of a status."""
_FIXED: dict[Kind, Callable[[], Reply]] = {
    Kind.UNAUTHORIZED: replies.unauthorized,
    Kind.FORBIDDEN: replies.forbidden,
    Kind.THROTTLED: replies.throttled,
    Kind.QUOTA_EXCEEDED: replies.quota_exceeded,
}


_CURSORS = ("next", "cursor")
_REPORTS = "/v3/reports/email_reports/"


def rows_above(target: str) -> int:
    """Return how many rows are above the page of a target, according to its cursor."""
    return int(_position(target).get("o", 0))


def _renewed(target: str, number: int) -> str:
    """Return a target for the same page, with another cursor for each number."""
    parts = urlsplit(target)
    cursor = "cursor" if parts.path == "/v3/emails" else "next"
    position = _position(target) | {"n": str(number)}
    return f"{parts.path}?{urlencode({cursor: encode_link(position)})}"


def _position(target: str) -> dict[str, str]:
    """Return what the cursor of a target contains, or would contain for the first page."""
    query = dict(parse_qsl(urlsplit(target).query))
    for name in _CURSORS:
        if name in query:
            try:
                return decode_link(query[name])
            except BadLink:
                return {}
    return {"limit": query.get("limit", str(MAX_LIMIT)), "o": "0"}


def _name_activity(page: dict[str, Any], path: str, activity: str) -> None:
    href = ((page.get("_links") or {}).get("next") or {}).get("href")
    if href and path.startswith(_REPORTS):
        own = path.removeprefix(_REPORTS).partition("/")[0]
        page["_links"] = _link(href.replace(own, activity))


def _link(href: str) -> dict[str, Any]:
    return {"next": {"href": href}}


class Faults:
    """The queue of faults. The first one added that matches a request applies to it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: list[Fault] = []
        self._lock = Lock()

    def add(self, kind: Kind | str, *, for_seconds: float | None = None, **details: Any) -> Fault:
        """Queue a fault; the details are the fields of `Fault`.

        With `for_seconds` it lasts that long by the world's clock, and applies to all requests
        unless `times` limits them.
        """
        if for_seconds is not None:
            details = {
                "times": None,
                "ends_at": self._clock() + timedelta(seconds=for_seconds),
            } | details
        if "place" in details:
            details["place"] = Place(details["place"])
        fault = Fault(kind=Kind(kind), **details)
        with self._lock:
            self._queue.append(fault)
        return fault

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault that applies to a request, and count the request."""
        with self._lock:
            self._forget_ended()
            applicable = None
            for fault in self._queue:
                if not fault.matches(method, target):
                    continue
                fault.seen += 1
                if applicable is None and fault.seen >= fault.nth:
                    applicable = fault
            if applicable and applicable.times is not None:
                applicable.times -= 1
                if applicable.times <= 0:
                    self._queue.remove(applicable)
            return applicable

    def remove(self, fault: Fault) -> None:
        """End a fault, if it has not ended."""
        with self._lock:
            self._queue = [other for other in self._queue if other is not fault]

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def __len__(self) -> int:
        with self._lock:
            self._forget_ended()
            return len(self._queue)

    def _forget_ended(self) -> None:
        now = self._clock()
        self._queue = [
            fault for fault in self._queue if fault.ends_at is None or now < fault.ends_at
        ]
