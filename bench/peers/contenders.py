"""The clients that are compared: how each is started, and where its output and its state are."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.counting import last_state
from bench.peers.emulator import OPENS_PATH, EmulatedVendor

ROOT = Path(__file__).resolve().parents[2]
PEERS_PYTHON = ROOT / ".peers" / "bin" / "python"
CLIENTS = Path(__file__).parent / "clients"
OURS = "email-opens watch --once"
UNPACED = "10000000"
"""The largest number that the settings accept."""
_STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Feed:
    """The report that a client reads, and the folder that is its own."""

    vendor: EmulatedVendor
    activity_id: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Contains nothing of this process's environment, so Python may store its byte code."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "CONSTANT_CONTACT_API_URL": self.vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": self.vendor.auth_url,
            "REQUESTS_PER_SECOND": UNPACED,
            "REQUESTS_PER_DAY": UNPACED,
        }

    def prepare(self) -> None:
        """Write what the clients are configured with."""
        self.folder.mkdir(parents=True)
        # New ones for each, since they are spent by the first refresh.
        credentials = self.vendor.connect()
        config = {
            "url": self.vendor.url,
            "report_path": f"/v3/reports/email_reports/{self.activity_id}{OPENS_PATH}",
            "access_token": credentials["access_token"],
        }
        for name, content in (("config", config), ("credentials", credentials)):
            file = self.folder / f"{name}.json"
            file.write_text(json.dumps(content), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Client:
    """A client, which is started anew for each poll."""

    name: str
    command: Callable[[Feed], list[str]]
    output: str = "stdout-*.jsonl"
    """The pattern of its files of JSON lines."""
    state: Callable[[dict[str, Any]], Any] | None = None
    """The content of the file that its next run begins with, from the last state that it wrote;
    None: it keeps its state itself."""

    def lines(self, feed: Feed) -> Iterator[str]:
        """Yield what it wrote in all its runs."""
        for file in sorted(feed.folder.glob(self.output)):
            with file.open(encoding="utf-8") as lines:
                yield from lines

    def count_lines(self, feed: Feed) -> int:
        return sum(file.read_bytes().count(b"\n") for file in feed.folder.glob(self.output))

    def keep_state(self, feed: Feed, stdout: Path) -> None:
        """Do what the platform does that runs it: keep its last state for the next run."""
        if self.state is None:
            return
        with stdout.open(encoding="utf-8") as lines:
            message = last_state(lines)
        if message is not None:
            content = json.dumps(self.state(message))
            (feed.folder / _STATE).write_text(content, encoding="utf-8")


def _watch(feed: Feed) -> list[str]:
    """Append to a file, and take the credentials from the state file from the second run on."""
    command = [str(Path(sys.executable).with_name("email-opens")), "watch", feed.activity_id]
    command += ["--once", "--output", "opens.jsonl", "--state", "state.sqlite"]
    if not (feed.folder / "state.sqlite").exists():
        command += ["--credentials", "credentials.json"]
    return command


def _script(name: str, *arguments: str) -> Callable[[Feed], list[str]]:
    def command(feed: Feed) -> list[str]:
        state = ["--state", _STATE] if (feed.folder / _STATE).exists() else []
        return [str(PEERS_PYTHON), str(CLIENTS / name), *arguments, *state]

    return command


CONTENDERS = (
    Client(OURS, _watch, "opens.jsonl"),
    Client("naive, without state", _script("naive.py")),
    Client("naive, newest instant kept", _script("naive.py", "--mark")),
    Client("Singer SDK", _script("singer_tap.py"), state=lambda message: message["value"]),
    Client("dlt", _script("dlt_rest.py"), "loaded/constant_contact/opens/*.jsonl"),
    Client("Airbyte CDK", _script("airbyte_source.py"), state=lambda message: [message["state"]]),
)
