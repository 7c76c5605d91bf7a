"""Requests and replies as values."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

_MARK = "\ufdd0 raw bytes "
"""Begins with a noncharacter, which no other text of a reply contains."""


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


class Place(StrEnum):
    """The part of a reply that the server sends byte by byte."""

    STATUS_LINE = "status_line"
    HEADERS = "headers"
    CONTINUE = "continue"
    """Replies of `100 Continue` before the real one."""
    CHUNK_EXTENSION = "chunk_extension"
    GZIP_NAME = "gzip_name"
    """The file name in the header of a compressed body."""
    BODY = "body"
    """The whole body."""
    LAST_BYTE = "last_byte"
    """Only the last byte of the body is late."""


@dataclass(frozen=True, slots=True)
class Drip:
    """How the server slows a reply down; only a server does."""

    place: Place
    seconds: float
    """Real time before each of the bytes."""
    length: int
    """How many bytes drip, unless `place` determines it."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that stand in a JSON value as they are, and need not be JSON."""

    content: bytes


@dataclass(slots=True)
class Reply:
    status: int = HTTPStatus.OK
    payload: Any = None
    """A JSON value, which may contain `Raw`; raw bytes; or None for an empty body."""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    ending: Ending = Ending.WHOLE
    drip: Drip | None = None

    def body(self) -> bytes:
        if self.payload is None:
            return b""
        if isinstance(self.payload, bytes):
            return self.payload
        raw: list[bytes] = []

        def mark(value: object) -> str:
            if not isinstance(value, Raw):
                raise TypeError(f"{type(value).__name__} cannot be written as JSON")
            raw.append(value.content)
            return f"{_MARK}{len(raw) - 1};"

        body = json.dumps(self.payload, separators=(",", ":"), default=mark).encode()
        for number, content in enumerate(raw):
            body = body.replace(json.dumps(f"{_MARK}{number};").encode(), content, 1)
        return body
