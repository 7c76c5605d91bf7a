"""Runs of a client as a process, and what they took."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from bench.peers.contenders import Client, Feed
from bench.peers.emulator import OPENS_PATH

LAUNCHER = Path(__file__).with_name("launcher.py")
DEADLINE_SECONDS = 300
APART_SECONDS = 5.0
"""The time between two runs of a client: `watch` polls no e-mail twice within four seconds."""
MOST_RUNS = 12
LOOK_EVERY_SECONDS = 0.001
"""Between two looks at a process that is to be killed at some moment."""
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took, or several."""

    wall_seconds: float
    cpu_seconds: float
    """User and system, of the client's process and of those that it started."""
    peak_mib: float
    requests: int

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
            self.requests + other.requests,
        )


def client_processor() -> int:
    """Return the processor that the clients run on."""
    return min(os.sched_getaffinity(0))


def other_processors() -> set[int]:
    """Return the processors that are left to the vendor."""
    return os.sched_getaffinity(0) - {client_processor()} or {client_processor()}


def poll(client: Client, feed: Feed) -> Usage:
    """Run a client until it has requested a page; raise RuntimeError if it fails.

    A run without a request for a page counts, and is repeated: `watch` does not poll an e-mail as
    long as few opens are to be expected.
    """
    usages = []
    for _ in range(MOST_RUNS):
        usage, paths = _run(client, feed)
        usages.append(usage)
        if any(OPENS_PATH in path for path in paths):
            return reduce(add, usages)
    raise RuntimeError(f"{client.name} has requested no page in {MOST_RUNS} runs.")


def _run(client: Client, feed: Feed) -> tuple[Usage, list[str]]:
    """Run a client once; return also the paths of its requests."""
    _wait_turn(feed)
    feed.vendor.take_requests()
    process, stdout = _start(client, feed)
    with process:
        try:
            code = process.wait(DEADLINE_SECONDS)
        finally:
            _kill(process)
    if code:
        errors = (feed.folder / "stderr").read_text(encoding="utf-8")[-2000:]
        raise RuntimeError(f"{client.name} ended with {code}: {errors}")
    client.keep_state(feed, stdout)
    wall, cpu, peak = map(float, _usage_file(feed).read_text(encoding="ascii").split())
    paths = feed.vendor.take_requests()
    return Usage(wall, cpu, peak / _KIB_PER_MIB, len(paths)), paths


def kill_reading(client: Client, feed: Feed, nth: int) -> None:
    """Run a client, and kill it while it waits for the reply to its nth request for a page."""
    feed.vendor.hang_at(nth, feed.activity_id)
    with _killed_at_the_end(client, feed) as process:
        while feed.vendor.hangs_later():
            if process.poll() is not None:
                raise RuntimeError(f"{client.name} ended before the request at which to kill it.")
            time.sleep(LOOK_EVERY_SECONDS)  # The vendor gives no notice of a request.


def kill_writing(client: Client, feed: Feed, lines: int) -> None:
    """Run a client, and kill it when it has written so many lines; it may have ended before."""
    enough = client.count_lines(feed) + lines
    with _killed_at_the_end(client, feed) as process:
        while process.poll() is None and client.count_lines(feed) < enough:
            time.sleep(LOOK_EVERY_SECONDS)  # A file gives no notice of a line.


@contextmanager
def _killed_at_the_end(client: Client, feed: Feed) -> Iterator["subprocess.Popen[bytes]"]:
    _wait_turn(feed)
    process, stdout = _start(client, feed)
    with process:
        try:
            yield process
        finally:
            _kill(process)
    _usage_file(feed).touch()
    client.keep_state(feed, stdout)


def _usage_file(feed: Feed) -> Path:
    """Return the file that the launcher writes when a run ends."""
    return feed.folder / "usage"


def _wait_turn(feed: Feed) -> None:
    last = _usage_file(feed)
    if last.exists():
        # The clients are processes, which read the machine's clock.
        time.sleep(max(0.0, last.stat().st_mtime + APART_SECONDS - time.time()))


def _start(client: Client, feed: Feed) -> tuple["subprocess.Popen[bytes]", Path]:
    """Start a client in a process group of its own, with a new file as its output."""
    runs = len(list(feed.folder.glob("stdout-*")))
    stdout = feed.folder / f"stdout-{runs:03}.jsonl"
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
    launcher += [str(_usage_file(feed)), str(client_processor())]
    with stdout.open("wb") as output, (feed.folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [*launcher, *client.command(feed)],
            cwd=feed.folder,
            env=feed.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    return process, stdout


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the launcher and the client, unless they have ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
