"""What an invocation writes to CloudWatch Logs: its own lines, and those of Lambda."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import ModuleType

GB = 1024**3
EVENT_BYTES = 26
"""What CloudWatch bills for each line beyond its text."""
_REQUEST_ID = "059f36b4-87a3-44ab-83d2-661975a7a7d1"
_AT = "2026-03-02T14:00:00.000Z"
LAMBDA_LINES = [
    json.dumps(line)
    for line in (
        {
            "time": _AT,
            "type": "platform.start",
            "record": {"requestId": _REQUEST_ID, "version": "$LATEST"},
        },
        {
            "time": _AT,
            "type": "platform.report",
            "record": {
                "requestId": _REQUEST_ID,
                "metrics": {
                    "durationMs": 101.507,
                    "billedDurationMs": 102,
                    "memorySizeMB": 1024,
                    "maxMemoryUsedMB": 120,
                },
                "status": "success",
            },
        },
    )
]
"""What Lambda itself logs of an invocation, at the level INFO."""


@contextmanager
def logged(app: ModuleType) -> Iterator[list[str]]:
    """Yield a list that has, afterwards, the lines that a handler writes to its log."""
    output, lines = io.StringIO(), list[str]()
    app.logger.registered_handler.stream = output
    with redirect_stdout(output):
        yield lines
    lines += output.getvalue().splitlines()


def gigabytes(lines: list[str]) -> float:
    """Return what CloudWatch bills of an invocation's lines, and of Lambda's about it."""
    return sum(len(line.encode()) + EVENT_BYTES for line in [*lines, *LAMBDA_LINES]) / GB


def metrics(lines: list[str]) -> set[str]:
    """Return the metrics that an invocation sends, in the embedded metric format."""
    return {
        metric["Name"]
        for line in lines
        if '"_aws"' in line
        for group in json.loads(line)["_aws"]["CloudWatchMetrics"]
        for metric in group["Metrics"]
    }
