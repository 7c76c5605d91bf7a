"""The emulated vendor, as a process of its own, by its control endpoint."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.peers.counting import OpenKey

OPENS_PATH = "/tracking/opens"
_AT_ONCE = 5_000
_HANG_SECONDS = 600


@dataclass(frozen=True, slots=True)
class EmulatedVendor:
    """The vendor on localhost, without limits."""

    url: str
    auth_url: str

    def add_activity(self, sent_at: datetime, ties: str = "newest_first") -> str:
        """Add an e-mail without opens, and return its id."""
        self._control("POST", "behaviour", ties=ties)
        return str(self._control("POST", "campaigns", sent_at=sent_at.isoformat())["activity"])

    def add(self, activity_id: str, opens: Sequence[OpenKey]) -> None:
        for start in range(0, len(opens), _AT_ONCE):
            details = _details(activity_id, opens[start : start + _AT_ONCE])
            self._control("POST", "opens", **details)

    def add_before(self, nth: int, activity_id: str, opens: Sequence[OpenKey]) -> None:
        """Add opens when the nth request for a page of this report from now on arrives."""
        self._control(
            "POST",
            "later",
            action="POST opens",
            path=f"{activity_id}{OPENS_PATH}",
            nth=nth,
            details=_details(activity_id, opens),
        )

    def connect(self) -> dict[str, str]:
        """Return new credentials: those that another client has used are spent."""
        return dict(self._control("POST", "connect"))

    def count_rows(self, activity_id: str) -> int:
        return int(self._control("GET", f"rows?activity={activity_id}")["rows"])

    def take_requests(self) -> list[str]:
        """Return the paths of the requests since this was last called."""
        requests = self._control("GET", "requests")
        self._control("DELETE", "requests")
        return [request["path"] for request in requests]

    def hang_at(self, nth: int, activity_id: str) -> None:
        """Leave the nth request for a page of this report from now on without an answer."""
        path = f"{activity_id}{OPENS_PATH}"
        self._control("POST", "faults", kind="hang", path=path, nth=nth, seconds=_HANG_SECONDS)

    def hangs_later(self) -> bool:
        """Return whether the request that is to hang has not arrived yet."""
        return bool(self._control("GET", "faults")["faults"])

    def _control(self, method: str, name: str, **details: Any) -> Any:
        body = json.dumps(details).encode() if details else None
        request = Request(f"{self.url}/_control/{name}", body, method=method)
        with urlopen(request) as reply:
            return json.load(reply)


@contextmanager
def emulated_vendor(processors: set[int]) -> Iterator[EmulatedVendor]:
    """Start the vendor on these processors."""
    program = Path(sys.executable).with_name("constant-contact-emulator")
    command = [str(program), "--no-limits", "--port", "0", "--campaigns", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            os.sched_setaffinity(process.pid, processors)
            facts = _read_facts(process)
            yield EmulatedVendor(facts["url"], facts["auth_url"])
        finally:
            process.terminate()


def _read_facts(process: "subprocess.Popen[str]") -> Any:
    """Read the JSON that the program prints when it serves; its last line is a brace."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.rstrip() == "}":
            return json.loads("".join(lines))
    raise RuntimeError("The emulator did not start.")


def _details(activity_id: str, opens: Sequence[OpenKey]) -> dict[str, Any]:
    rows = [
        {
            "contact_id": key.contact_id,
            "email_address": f"contact{key.contact_id[:8]}@example.com",
            "created_time": key.created.isoformat(),
            "device_type": key.device_type,
        }
        for key in opens
    ]
    return {"activity": activity_id, "opens": rows}
