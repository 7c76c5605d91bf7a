"""The Lambda Runtime API on localhost: it sends events to the function and takes the outcomes."""

import json
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self
from uuid import uuid4

_INVOCATIONS = "/2018-06-01/runtime/invocation/"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
ANSWER_SECONDS = 60
"""The template's timeout, so no invocation takes longer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The function's reply: `response`, `error`, or `init/error` if it could not start."""

    kind: str
    body: Any


class RuntimeApi:
    """Serves one function, one event at a time, until the `with` ends."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self.seconds = seconds
        """The time limit of an invocation that the function is given."""
        self.events: SimpleQueue[bytes | None] = SimpleQueue()
        """Events that wait for the function; None ends its waiting."""
        self.outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def send(self, event: object) -> None:
        """Send an event to the function; its outcome goes to `outcomes`."""
        self.events.put(json.dumps(event).encode())


class _Server(ThreadingHTTPServer):
    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the errors of a function that ended while it waited."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Together these two send a reply at once, as one packet; else each part waits for an ACK.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Return the next event, as soon as there is one."""
        api = self.server.api
        event = api.events.get() if self.path == f"{_INVOCATIONS}next" else None
        if event is None:
            self.close_connection = True
            return
        self._answer(
            HTTPStatus.OK,
            event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": str(uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + api.seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:0:function:built",
            },
        )

    def do_POST(self) -> None:
        """Take a response or an error."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = "init/error" if self.path == _INIT_ERROR else self.path.rpartition("/")[2]
        self._answer(HTTPStatus.ACCEPTED, b"", {})
        self.server.api.outcomes.put(Outcome(kind, body))

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Log nothing: tests check the outcomes."""
