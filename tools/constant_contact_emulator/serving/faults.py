"""Faults on demand: a queue, and the requests to which each fault applies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from threading import Lock
from typing import Any

from constant_contact_emulator import replies
from constant_contact_emulator.messages import Ending, Reply, Request

FOREIGN_HOST = "https://elsewhere.example"


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
    EMPTY_PAGE = "empty_page"
    """No rows; the page's next link stays."""


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: Kind
    path: str = "/v3/"
    """Applies to requests whose path and query contain it."""
    when: Callable[[str, str], bool] | None = None
    """A further condition on the method and the target."""
    nth: int = 1
    """The first matching request to which it applies, counted since it was added."""
    times: int = 1
    """How many requests it applies to."""
    status: int | None = None
    body: Any = None
    """A JSON value, or raw text or bytes."""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0
    """How many matching requests there were so far."""

    def matches(self, method: str, target: str) -> bool:
        """Return whether it concerns a request, whatever `nth` and `times` are."""
        if self.kind is Kind.EXPIRED_LINK and "next=" not in target:
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
        status = self.status
        match self.kind:
            case Kind.STATUS:
                return replies.of_status(status or HTTPStatus.INTERNAL_SERVER_ERROR)
            case Kind.HTML:
                return replies.html(status or HTTPStatus.BAD_GATEWAY)
            case Kind.EMPTY:
                return Reply(status or HTTPStatus.OK)
            case Kind.DROP:
                return Reply(ending=Ending.DROPPED)
            case Kind.EXPIRED_LINK:
                return replies.of_status(status or HTTPStatus.BAD_REQUEST)
            case _:
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
            case Kind.EMPTY_PAGE:
                reply.payload["tracking_activities"] = []
            case _:
                pass
        return reply


_FIXED: dict[Kind, Callable[[], Reply]] = {
    Kind.UNAUTHORIZED: replies.unauthorized,
    Kind.FORBIDDEN: replies.forbidden,
    Kind.THROTTLED: replies.throttled,
    Kind.QUOTA_EXCEEDED: replies.quota_exceeded,
}


def _link(href: str) -> dict[str, Any]:
    return {"next": {"href": href}}


class Faults:
    """The queue of faults. The first one added that matches a request applies to it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = Lock()

    def add(self, kind: Kind | str, **details: Any) -> Fault:
        """Queue a fault; the details are the fields of `Fault`."""
        fault = Fault(kind=Kind(kind), **details)
        with self._lock:
            self._queue.append(fault)
        return fault

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault that applies to a request, and count the request."""
        with self._lock:
            applicable = None
            for fault in self._queue:
                if not fault.matches(method, target):
                    continue
                fault.seen += 1
                if applicable is None and fault.seen >= fault.nth:
                    applicable = fault
            if applicable:
                applicable.times -= 1
                if applicable.times <= 0:
                    self._queue.remove(applicable)
            return applicable

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def __len__(self) -> int:
        return len(self._queue)
