"""A post to a webhook that misbehaves: what came of it, and whether it can be repeated."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from email_opens.adapters.clock import SystemClock
from email_opens.adapters.webhook import HttpWeb
from email_opens.alerts.ports import NoReply, Reply
from email_opens.config.network import Network
from email_opens.ports import Clock
from tests.fakes import FakeClock
from tests.unit.adapters.vendor.secure_servers import make_authority, secure_stub
from tests.unit.adapters.vendor.sockets import Drip, pause, raw, stub, unaccepted

SECONDS = 0.3
"""Shorter than a post may take, so that the tests do not wait for long."""
DOCUMENT = json.dumps({"text": "Zoë"}, ensure_ascii=False).encode()
SECRET = "a-secret-path"


def post(url: str, *, clock: Clock | None = None, network: Network | None = None) -> object:
    clock = clock or SystemClock()
    web = HttpWeb(network or Network(), clock)
    return web.post(f"{url}/{SECRET}", DOCUMENT, before=clock.now() + timedelta(seconds=SECONDS))


def replied(*reply: Iterable[bytes], clock: Clock | None = None) -> object:
    with stub(*reply, between=pause) as server:
        return post(server.url, clock=clock)


class TestAReply:
    def test_is_returned_with_its_body(self) -> None:
        assert replied(raw(200, b"ok")) == Reply(status=200, body=b"ok")

    def test_of_4xx_or_5xx_is_a_reply_too(self) -> None:
        assert replied(raw(410, b"channel_is_archived")) == Reply(
            status=410, body=b"channel_is_archived"
        )

    def test_that_redirects_is_not_followed(self) -> None:
        with stub(raw(200)) as other, stub(raw(302, b"", f"Location: {other.url}")) as server:
            assert post(server.url) == Reply(status=302)
            assert other.requests == []

    @pytest.mark.parametrize(
        "reply",
        [
            raw(200, b"Sign in", "Content-Type: text/html; charset=utf-8"),
            raw(200, b"\n <!DOCTYPE html><title>Sign in</title>"),
            raw(200, b"<html>"),
        ],
    )
    def test_that_is_a_page_is_recognized(self, reply: list[bytes]) -> None:
        found = replied(reply)
        assert isinstance(found, Reply)
        assert found.is_page

    def test_may_ask_to_wait_for_seconds(self) -> None:
        found = replied(raw(429, b"", "Retry-After: 30"))
        assert found == Reply(status=429, retry_after=timedelta(seconds=30))

    def test_may_ask_to_wait_until_an_instant(self) -> None:
        header = "Retry-After: Mon, 02 Mar 2026 14:05:00 GMT"
        found = replied(raw(503, b"", header), clock=FakeClock())
        assert found == Reply(status=503, retry_after=timedelta(minutes=5))

    @pytest.mark.parametrize("value", ["soon", "-5", "", "1e9"])
    def test_that_asks_for_no_time_has_no_wait(self, value: str) -> None:
        assert replied(raw(429, b"", f"Retry-After: {value}")) == Reply(status=429)


class TestAPost:
    def test_is_json_under_the_urls_own_path(self) -> None:
        with stub(raw(200)) as server:
            post(server.url)
        (request,) = server.requests
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(f"POST /{SECRET} HTTP/1.1\r\n".encode())
        assert b"\r\nContent-Type: application/json\r\n" in head + b"\r\n"
        assert body == DOCUMENT

    def test_has_a_connection_of_its_own(self) -> None:
        kept = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        with stub([kept], [kept]) as server:
            web, clock = HttpWeb(Network(), SystemClock()), SystemClock()
            for _ in range(2):
                before = clock.now() + timedelta(seconds=SECONDS)
                assert isinstance(web.post(server.url, DOCUMENT, before=before), Reply)
        assert len(server.requests) == 2


def not_sent(found: object) -> NoReply:
    assert isinstance(found, NoReply)
    assert not found.sent
    return found


def maybe_sent(found: object) -> NoReply:
    assert isinstance(found, NoReply)
    assert found.sent
    return found


class TestAPostThatWasNeverSent:
    """It can be repeated."""

    def test_because_the_connection_is_refused(self) -> None:
        with stub(raw(200)) as server:
            url = server.url
        assert "connection failed" in not_sent(post(url)).reason

    def test_because_nobody_accepts_the_connection(self) -> None:
        with unaccepted() as url:
            assert not_sent(post(url)).reason == "the request timed out"

    def test_because_the_host_does_not_exist(self) -> None:
        not_sent(post("http://webhook.invalid"))

    @pytest.mark.parametrize("host", [".example", "*.example", "a..example", f"{'a' * 70}.example"])
    def test_because_the_url_names_no_host(self, host: str) -> None:
        not_sent(post(f"https://{host}"))

    def test_because_no_time_is_left(self) -> None:
        clock = FakeClock()
        web = HttpWeb(Network(), clock)
        not_sent(web.post("http://127.0.0.1:1", DOCUMENT, before=clock.now()))

    def test_because_the_certificate_is_not_trusted(self, tmp_path: Path) -> None:
        with secure_stub(make_authority(tmp_path), raw(200)) as server:
            found = not_sent(post(server.url.replace("http:", "https:")))
        assert found.reason.startswith("The certificate of 127.0.0.1 is not trusted")


class TestAPostThatMayHaveArrived:
    """It must not be repeated."""

    def test_because_no_reply_came_in_time(self) -> None:
        maybe_sent(replied(Drip(b"", b"")))

    def test_because_the_reply_did_not_end_in_time(self) -> None:
        maybe_sent(replied(Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b" ")))

    def test_because_the_connection_was_closed_without_a_reply(self) -> None:
        maybe_sent(replied([]))

    def test_because_the_reply_is_no_http(self) -> None:
        maybe_sent(replied([b"hello\r\n\r\n"]))

    def test_because_the_reply_is_too_large(self) -> None:
        assert maybe_sent(replied(raw(200, b"x" * 100_000))).reason == "the reply is too large"


def test_no_reason_holds_the_urls_path() -> None:
    with stub(raw(200)) as server:
        url = server.url
    found = [post(url), post("http://webhook.invalid"), replied([]), replied([b"hello\r\n\r\n"])]
    assert SECRET not in repr(found)
