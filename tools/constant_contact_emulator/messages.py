"""Requests and replies as values."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    """The path and the query as they were sent."""
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Header values by lower-case name."""
    body: bytes = b""


class Ending(StrEnum):
    """How the server ends a reply."""

    WHOLE = "whole"
    CUT = "cut"
    """Half of the body is sent, then the connection is closed."""
    DROPPED = "dropped"
    """The connection is closed without a reply."""


@dataclass(slots=True)
class Reply:
    status: int = HTTPStatus.OK
    payload: Any = None
    """A JSON value, raw bytes, or None for an empty body."""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    ending: Ending = Ending.WHOLE

    def body(self) -> bytes:
        if self.payload is None:
            return b""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, separators=(",", ":")).encode()
