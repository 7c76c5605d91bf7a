"""A webhook on localhost that records what is posted to it, and answers as a test wishes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SECRET = "T0000SECRET0000"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class WebhookServer:
    url: str
    answers: list[Answer] = field(default_factory=list)
    """The next answers, before it answers 200 again."""
    posts: list[Any] = field(default_factory=list)
    """The documents in the order in which they came."""
    on_post: Callable[[], None] = lambda: None
    """Called before each answer."""

    @property
    def shown(self) -> list[str]:
        """Return the ids of the events in all documents, those that were refused excepted."""
        return [opened["event_id"] for post in self.accepted for opened in post["opens"]]

    accepted: list[Any] = field(default_factory=list)

    def answer(self, document: Any) -> Answer:
        self.posts.append(document)
        self.on_post()
        answer = self.answers.pop(0) if self.answers else Answer()
        if answer.status < 300:
            self.accepted.append(document)
        return answer


@contextmanager
def webhook_server() -> Iterator[WebhookServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = server.answer(json.loads(body))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Write nothing to stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = WebhookServer(f"http://127.0.0.1:{http.server_port}/services/{SECRET}")
        thread = Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
