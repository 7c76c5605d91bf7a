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
    """Path and query as they were sent."""
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes = b""


class Ending(StrEnum):
    """What becomes of the connection."""

    WHOLE = "whole"
    CUT = "cut"
    """Half of the body is sent, then the connection is closed."""
    DROPPED = "dropped"
    """It is closed without a word."""


@dataclass(slots=True)
class Reply:
    status: int = HTTPStatus.OK
    payload: Any = None
    """JSON, or bytes as they are, or None for no body."""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    ending: Ending = Ending.WHOLE

    def body(self) -> bytes:
        if self.payload is None:
            return b""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, separators=(",", ":")).encode()
