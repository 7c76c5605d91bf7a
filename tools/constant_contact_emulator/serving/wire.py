"""Replies as bytes, whole or in the parts in which a slow server sends them. Pure."""

import zlib
from collections.abc import Mapping
from http import HTTPStatus

from constant_contact_emulator.messages import Drip, Place

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_RAW_DEFLATE = -zlib.MAX_WBITS
_WITH_NAME = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"
"""The header of gzip, before the name of the file."""


def written_whole(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a reply as it is sent at once."""
    return _status_line(status) + _fields(_sized(headers, body)) + b"\r\n" + body


def written_slowly(status: int, headers: Mapping[str, str], body: bytes, drip: Drip) -> list[bytes]:
    """Return a reply in parts: the server waits before each but the first."""
    line, padding = _status_line(status), b"x" * drip.length
    sized = _fields(_sized(headers, body)) + b"\r\n"
    match drip.place:
        case Place.STATUS_LINE:
            first, slow, rest = line.removesuffix(b"\r\n"), padding, b"\r\n" + sized + body
        case Place.HEADERS:
            first, slow, rest = line + b"x-padding: ", padding, b"\r\n" + sized + body
        case Place.CONTINUE:
            times = -(-drip.length // len(_CONTINUE))
            first, slow, rest = b"", _CONTINUE * times, line + sized + body
        case Place.CHUNK_EXTENSION:
            chunked = _fields({**headers, "Transfer-Encoding": "chunked"}) + b"\r\n"
            first = line + chunked + f"{len(body):x};x=".encode()
            slow, rest = padding, b"\r\n" + body + b"\r\n0\r\n\r\n"
        case Place.GZIP_NAME:
            rest = b"\x00" + _compressed(body)
            packed = _WITH_NAME + padding + rest
            gzip = _sized({**headers, "Content-Encoding": "gzip"}, packed)
            first, slow = line + _fields(gzip) + b"\r\n" + _WITH_NAME, padding
        case Place.BODY:
            first, slow, rest = line + sized, body, b""
        case Place.LAST_BYTE:
            first, slow, rest = line + sized + body[:-1], body[-1:], b""
    dripping = [slow[place : place + 1] for place in range(len(slow))]
    return [first, *dripping, *([rest] if rest else [])]


def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\n".encode()


def _fields(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def _sized(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(body)), **headers}


def _compressed(body: bytes) -> bytes:
    compress = zlib.compressobj(wbits=_RAW_DEFLATE)
    check = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    return compress.compress(body) + compress.flush() + check
