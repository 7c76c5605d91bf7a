"""Cold starts of the built functions: `python -m bench.cold_start [RUNS]`, about two minutes.

Each run starts a process of Lambda's own runtime client with the built code, as a cold start does,
and takes the time until the first request to AWS arrives, and the first to Constant Contact. A bare
handler, which makes the same clients of boto3 as it is imported, is started alternately.
"""

import compileall
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from bench.figures import Figure, show
from embedded_aws import build
from tests.e2e.built_function import Artefact, link_runtime, run_function

RUNS = 15
MOST_RATIO = 1.10
MOST_MIB = 10
SECONDS = 60
EVENT = {"account_id": "default"}
BARE = """
import boto3
dynamodb, sns, sqs, ssm = map(boto3.client, ("dynamodb", "sns", "sqs", "ssm"))
def handler(event, context):
    dynamodb.get_item(TableName="tracking", Key={"account_id": {"S": "default"}})
"""
CREDENTIALS = {
    "client_id": "bench",
    "refresh_token": "refresh",
    "access_token": "access",
    "expires_at": "2099-01-01T00:00:00Z",
}
REPLIES: dict[str, Any] = {
    "GetItem": {},
    "PutItem": {},
    "UpdateItem": {"Attributes": {}},
    "Query": {"Items": [], "Count": 0},
    "GetParameter": {
        "Parameter": {
            "Name": "/bench/default",
            "Type": "SecureString",
            "Value": json.dumps(CREDENTIALS),
            "Version": 1,
        }
    },
}
"""What AWS answers to an account that tracks nothing yet, by the operation."""


class _Server(ThreadingHTTPServer):
    """AWS and Constant Contact: it notes when the first request to each arrives."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrivals: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer for AWS."""
        self.server.arrivals.put(("aws", time.monotonic()))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self._answer(REPLIES.get(operation, {}))

    def do_GET(self) -> None:
        """Answer for Constant Contact."""
        self.server.arrivals.put(("vendor", time.monotonic()))
        self._answer({"campaigns": []})

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def handle_one_request(self) -> None:
        with suppress(OSError):  # The process was killed.
            super().handle_one_request()


@contextmanager
def serving() -> Iterator[_Server]:
    with _Server() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def environment(url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
        "CONSTANT_CONTACT_API_URL": url,
        "CREDENTIALS_PREFIX": "/bench/",
        "DEAD_LETTER_QUEUE_URL": f"{url}/dead-letters",
        "LEDGER_TABLE": "ledger",
        "OPENS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:opens",
        "TRACKING_TABLE": "tracking",
        "WAKE_UPS_QUEUE_URL": f"{url}/wake-ups",
    }


def start(artefact: Artefact, *awaited: str) -> dict[str, float]:
    """Return the milliseconds from the start of the process to the first request to each."""
    with serving() as server, TemporaryDirectory() as folder:
        began = time.monotonic()
        with run_function(artefact, environment(server.url), Path(folder)) as function:
            function.api.send(EVENT)
            arrived: dict[str, float] = {}
            while not arrived.keys() >= set(awaited):
                try:
                    whom, at = server.arrivals.get(timeout=SECONDS)
                except Empty:
                    raise SystemExit(f"No request arrived:\n{function.log}") from None
                arrived.setdefault(whom, (at - began) * 1000)
    return arrived


def bare(folder: Path, runtime: Path) -> Artefact:
    folder.mkdir()
    (folder / "app.py").write_text(BARE)
    compileall.compile_dir(folder, quiet=1)
    return Artefact(function=folder, layer=folder, runtime=runtime)


def mebibytes(*folders: Path) -> float:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 2**20


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with TemporaryDirectory() as name:
        folder = Path(name)
        built = build(folder / "build").parent
        (folder / "runtime").mkdir()
        runtime = link_runtime(folder / "runtime")
        for linked in runtime.iterdir():  # As those of Lambda, its packages have byte code.
            if linked.is_dir():
                compileall.compile_dir(linked.resolve(), quiet=1)
        ours = Artefact(
            function=built / "PollOpens",
            layer=built / "EmailOpensLayer" / "python",
            runtime=runtime,
        )
        theirs = bare(folder / "bare", runtime)
        starts = [(start(ours, "aws", "vendor"), start(theirs, "aws")) for _ in range(runs)]
        size = mebibytes(ours.function, ours.layer)
    bare_ms = median(other["aws"] for _, other in starts)
    aws_ms = median(own["aws"] for own, _ in starts)
    vendor_ms = median(own["vendor"] for own, _ in starts)
    ratio = median(own["aws"] / other["aws"] for own, other in starts)
    show(
        "A cold start of the built function",
        [
            Figure("bare handler: first request to AWS", f"{bare_ms:.0f} ms"),
            Figure("first request to AWS", f"{aws_ms:.0f} ms"),
            Figure(
                "ratio to the bare handler",
                f"{ratio:.2f}",
                f"≤ {MOST_RATIO:.2f}",
                ratio <= MOST_RATIO,
            ),
            Figure("first request to Constant Contact", f"{vendor_ms:.0f} ms"),
            Figure(
                "layer and code, unzipped", f"{size:.1f} MiB", f"≤ {MOST_MIB} MiB", size <= MOST_MIB
            ),
        ],
        f"From the start of the process, medians of {runs} alternating runs, with byte code. The "
        "bare handler makes clients of boto3 for DynamoDB, SNS, SQS and SSM as it is imported.",
    )


if __name__ == "__main__":
    main()
