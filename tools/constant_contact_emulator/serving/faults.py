"""What goes wrong on demand: queued, and taken by the requests that match."""

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
    # Answered instead of the request being worked.
    STATUS = "status"
    """`status` with the vendor's body for it, or with `body`."""
    HTML = "html"
    """An HTML page with `status` (502)."""
    EMPTY = "empty"
    """No body, with `status` (200)."""
    DROP = "drop"
    """The connection is closed before the request is worked."""
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    QUOTA_EXCEEDED = "quota_exceeded"
    EXPIRED_LINK = "expired_link"
    """`status` (400) for the next request that follows a next link."""
    # The request is worked, and its reply spoilt.
    CUT = "cut"
    """Half of the body, then the connection is closed."""
    LOSE_REPLY = "lose_reply"
    """All is done, and the connection closed without a word: a rotated token is lost."""
    HANG = "hang"
    """`seconds` pass before the request is worked."""
    FOREIGN_LINK = "foreign_link"
    """The next link leads to another host."""
    LOOP_LINK = "loop_link"
    """The next link leads back to this very page."""
    EMPTY_PAGE = "empty_page"
    """No rows, and yet a next link: to the page after the next where there is one."""


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: Kind
    path: str = "/v3/"
    """Matches requests whose path and query contain it."""
    when: Callable[[str, str], bool] | None = None
    """Matches further, by method and target."""
    nth: int = 1
    """The first matching request that it may strike, counted from when it was added."""
    times: int = 1
    status: int | None = None
    body: Any = None
    """JSON, or text or bytes as they are."""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0

    def matches(self, method: str, target: str) -> bool:
        if self.kind is Kind.EXPIRED_LINK and "next=" not in target:
            return False
        return self.path in target and (self.when is None or self.when(method, target))

    def instead(self) -> Reply | None:
        """Return the reply that stands in for the real one; None: work the request."""
        reply = self._instead()
        if reply is None:
            return None
        if self.body is not None:
            reply.payload = self.body.encode() if isinstance(self.body, str) else self.body
        reply.headers |= self.headers
        return reply

    def _instead(self) -> Reply | None:
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

    def spoil(self, request: Request, reply: Reply) -> Reply:
        """Return what becomes of the real reply."""
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
    """The queue. Of the faults that match a request, the one that was added first strikes."""

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
        """Return the fault that strikes this request, if any."""
        with self._lock:
            striking = None
            for fault in self._queue:
                if not fault.matches(method, target):
                    continue
                fault.seen += 1
                if striking is None and fault.seen >= fault.nth:
                    striking = fault
            if striking:
                striking.times -= 1
                if striking.times <= 0:
                    self._queue.remove(striking)
            return striking

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def __len__(self) -> int:
        return len(self._queue)
