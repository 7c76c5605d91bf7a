"""`watch` as a process: killed, interrupted, abandoned by its reader, and restarted."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Timer
from typing import IO

import pytest

from constant_contact_emulator import Emulator, Kind, Limits
from email_opens.model import PAGE_ROWS
from email_opens.polling.poller import PAGES_IN_HAND
from tests.unit.cli.terminal.terminal_session import CTRL_D, TerminalSession

OPENS = 6_000
A_MINUTE = 20
IN_HAND = PAGES_IN_HAND * PAGE_ROWS
KILLS = 3
DEADLINE_SECONDS = 100
"""A process that still runs after this time is killed, which fails its test."""
SOON_SECONDS = 8
"""How long a process may take to end after a signal: less than one request may take."""
UNKNOWN_ID = "5b1e0a52-0000-4000-8000-0000000000aa"

type Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Watcher:
    """A send with many old opens, and the command that watches it."""

    folder: Path
    vendor: Emulator
    activity_id: str

    @property
    def output(self) -> Path:
        return self.folder / "opens.jsonl"

    @property
    def command(self) -> list[str]:
        return [
            str(Path(sys.executable).with_name("email-opens")),
            "watch",
            self.activity_id,
            "--state",
            str(self.folder / "state.sqlite"),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """Contains no variable of AWS."""
        return {
            "PATH": os.environ["PATH"],
            "CONSTANT_CONTACT_API_URL": self.vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": self.vendor.auth_url,
            "REQUESTS_PER_SECOND": "1000",
            # The requests that a killed process reserved count as spent.
            "REQUESTS_PER_DAY": "10000000",
        }

    @contextmanager
    def watching(
        self, *arguments: str, stdout: int | IO[bytes] = subprocess.PIPE
    ) -> Iterator[Process]:
        """Start `watch`; kill it if it still runs at the end of the `with`."""
        with subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
        ) as process:
            deadline = Timer(DEADLINE_SECONDS, process.kill)
            deadline.start()
            try:
                yield process
            finally:
                deadline.cancel()
                process.kill()

    def connect(self) -> None:
        """Store the credentials by watching a send without opens."""
        unopened = self.vendor.world.add_campaign().activity_id
        credentials = self.folder / "credentials.json"
        credentials.write_text(json.dumps(self.vendor.credentials()))
        watcher = Watcher(self.folder, self.vendor, unopened)
        with watcher.watching("--once", "--credentials", str(credentials)) as process:
            assert outcome(process) == (0, [], "")

    def at_request(self, number: int, action: Callable[[], None]) -> None:
        """Run an action before the reply to the n-th request for the report from now on."""
        numbers = iter(range(1, number + 1))

        def count(method: str, target: str) -> None:
            del method
            if "/tracking/opens" in target and next(numbers, None) == number:
                action()

        self.vendor.world.before_request(count)

    def hang(self, path: str, seconds: float) -> Event:
        """Let requests for a path hang; return what is set when the first one arrives."""
        arrived = Event()

        def note(method: str, target: str) -> bool:
            del method, target
            arrived.set()
            return True

        times = 1 if seconds < SOON_SECONDS else 1000
        self.vendor.faults.add(Kind.HANG, path=path, when=note, seconds=seconds, times=times)
        return arrived

    def reported(self) -> Counter[tuple[str, datetime, str | None]]:
        return Counter(
            (row.contact.contact_id, row.created, row.device_type)
            for row in self.vendor.world.rows(self.activity_id)
        )


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    with Emulator(limits=Limits.off()) as vendor:
        world = vendor.world
        activity_id = world.add_campaign().activity_id
        sent_at = (datetime.now(UTC) - timedelta(days=40)).replace(second=0, microsecond=0)
        world.send(activity_id, at=sent_at)
        # Each of another contact: identical rows on two pages would count as one open.
        for number, contact in enumerate(world.contacts(OPENS)):
            at = sent_at + timedelta(minutes=number // A_MINUTE)
            world.add_open(activity_id, contact, at=at)
        watcher = Watcher(tmp_path, vendor, activity_id)
        watcher.connect()
        yield watcher


def outcome(process: Process) -> tuple[int, list[str], str]:
    """Wait for the end; return the exit code, the lines of stdout, and stderr."""
    out, err = process.communicate()
    return process.returncode, (out or b"").decode().splitlines(), (err or b"").decode()


def read(process: Process, lines: int) -> list[str]:
    """Read a number of lines, or all if there are fewer."""
    assert process.stdout
    found = (process.stdout.readline() for _ in range(lines))
    return [line.decode().rstrip("\n") for line in found if line]


def opens(lines: list[str]) -> Counter[tuple[str, datetime, str | None]]:
    """Return the opens in these lines; each id counts once."""
    events = {event["id"]: event["data"] for event in map(json.loads, lines)}
    return Counter(
        (data["contact_id"], datetime.fromisoformat(data["created_time"]), data.get("device_type"))
        for data in events.values()
    )


def kill_at_a_line(watcher: Watcher, moments: random.Random) -> list[str]:
    """Read some lines and kill the process; return all lines that it wrote."""
    with watcher.watching("--once") as process:
        lines = read(process, moments.randint(1, OPENS))
        process.kill()
        assert process.stdout
        # Not with `communicate`, which would skip the content of the reader's buffer.
        return lines + process.stdout.read().decode().splitlines()


def kill_at_a_request(watcher: Watcher, moments: random.Random) -> list[str]:
    """Append to a file, as cron would, and kill the process during a request."""
    before = len(watcher.output.read_text().splitlines()) if watcher.output.exists() else 0
    with watcher.output.open("ab") as file, watcher.watching("--once", stdout=file) as process:
        watcher.at_request(moments.randint(1, OPENS // PAGE_ROWS), process.kill)
        process.wait()
    watcher.vendor.world.forget_hooks()
    return watcher.output.read_text().splitlines()[before:]


@pytest.mark.parametrize("kill", [kill_at_a_line, kill_at_a_request])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_watch_loses_nothing_and_repeats_only_the_pages_in_hand(
    watcher: Watcher, kill: Callable[[Watcher, random.Random], list[str]], seed: int
) -> None:
    moments = random.Random(seed)
    written: set[str] = set()
    for _ in range(KILLS):
        lines = kill(watcher, moments)
        assert len(written.intersection(lines)) <= IN_HAND
        written.update(lines)
    with watcher.watching("--once") as process:
        code, lines, stderr = outcome(process)
    assert (code, stderr) == (0, "")
    assert len(written.intersection(lines)) <= IN_HAND
    written.update(lines)
    # A repeated line is identical; otherwise one id would have two lines.
    assert len({json.loads(line)["id"] for line in written}) == len(written)
    assert opens(list(written)) == watcher.reported()


def test_the_lease_of_a_killed_watch_is_taken_over_at_once(watcher: Watcher) -> None:
    with watcher.watching("--once") as process:
        read(process, 1)  # and no more, so that it blocks in the middle of a batch
        process.kill()
        process.wait()
    with watcher.watching("--once") as process:
        code, lines, stderr = outcome(process)
    assert (code, stderr) == (0, "")
    assert opens(lines) == watcher.reported()


def test_watch_ends_silently_and_loses_nothing_when_its_reader_ends(watcher: Watcher) -> None:
    with watcher.watching() as process:
        read(process, 3)
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == b""
    with watcher.watching("--once") as process:
        assert opens(outcome(process)[1]) == watcher.reported()


def test_watch_ends_when_its_reader_ends_even_if_it_has_nothing_to_write(watcher: Watcher) -> None:
    with watcher.watching("--every", "86400") as process:
        read(process, OPENS)
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 0


def test_a_second_watch_on_the_same_file_is_refused(watcher: Watcher) -> None:
    with watcher.watching() as first:
        read(first, 1)
        with watcher.watching("--once") as second:
            code, lines, stderr = outcome(second)
    assert (code, lines) == (1, [])
    assert "is using" in stderr
    assert stderr.count("\n") == 1


def test_watch_keeps_polling_until_it_is_ended(watcher: Watcher) -> None:
    # A new send, because an old one is polled rarely.
    fresh = Watcher(watcher.folder, watcher.vendor, watcher.vendor.world.add_campaign().activity_id)
    fresh.vendor.world.add_open(fresh.activity_id, 0)
    with fresh.watching("--every", "1") as process:
        before = read(process, 1)
        fresh.vendor.world.add_open(fresh.activity_id, 1)
        (line,) = read(process, 1)
    assert opens([*before, line]) == fresh.reported()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_watch_ends_with_a_message_and_repeats_nothing(
    watcher: Watcher, number: signal.Signals
) -> None:
    with watcher.watching() as process:
        watcher.at_request(6, lambda: process.send_signal(number))
        code, before, stderr = outcome(process)
    assert (code, stderr) == (130, "Ended. Run the command again to continue from here.\n")
    assert 0 < len(before) < OPENS
    with watcher.watching("--once") as process:
        after = outcome(process)[1]
    assert not set(before) & set(after)
    assert opens(before + after) == watcher.reported()


def ends(process: Process) -> None:
    """Wait for the end, for less than the deadline of one request."""
    process.wait(timeout=SOON_SECONDS)
    assert process.returncode == 130


@pytest.mark.parametrize("path", ["/tracking/opens", "/token"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_watch_while_the_vendor_does_not_answer(
    watcher: Watcher, path: str, number: signal.Signals
) -> None:
    watcher.vendor.authorization.expire_access_tokens()
    arrived = watcher.hang(path, seconds=600)
    with watcher.watching() as process:
        assert arrived.wait(DEADLINE_SECONDS)
        process.send_signal(number)
        ends(process)
    watcher.vendor.faults.clear()


def test_a_signal_leaves_time_for_the_reply_with_a_new_pair_of_tokens(watcher: Watcher) -> None:
    watcher.vendor.authorization.expire_access_tokens()
    arrived = watcher.hang("/token", seconds=0.5)
    with watcher.watching() as process:
        assert arrived.wait(DEADLINE_SECONDS)
        process.send_signal(signal.SIGINT)
        ends(process)
    with watcher.watching("--once") as process:
        code, lines, _ = outcome(process)
    assert code == 0
    assert opens(lines) == watcher.reported()


def test_a_signal_ends_watch_while_its_reader_does_not_read(watcher: Watcher) -> None:
    with watcher.watching() as process:
        before = read(process, 1)
        process.send_signal(signal.SIGINT)
        ends(process)
        assert process.stdout
        before += process.stdout.read().decode().splitlines()
    with watcher.watching("--once") as process:
        after = outcome(process)[1]
    assert opens(before + after) == watcher.reported()
    assert len(set(before) & set(after)) <= IN_HAND


def test_watch_goes_on_when_the_vendor_does_not_know_an_email(watcher: Watcher) -> None:
    unknown = Watcher(watcher.folder, watcher.vendor, UNKNOWN_ID)
    with unknown.watching("--every", "1") as process:
        assert process.stderr
        assert b"does not know this activity" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        code, _, stderr = outcome(process)
    assert (code, stderr) == (130, "Ended. Run the command again to continue from here.\n")


def test_watch_fails_with_a_message_when_the_disk_is_full(watcher: Watcher) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        watcher.watching("--once", stdout=full) as process,
    ):
        code, _, stderr = outcome(process)
    assert code == 1
    assert stderr.count(watcher.activity_id) == 1
    assert "The output did not accept the opens: No space left on device." in stderr
    assert "Traceback" not in stderr


def test_on_a_terminal_watch_prints_what_it_does_and_how_to_end_it(watcher: Watcher) -> None:
    small = Watcher(watcher.folder, watcher.vendor, watcher.vendor.world.add_campaign().activity_id)
    small.vendor.world.add_open(small.activity_id)
    with TerminalSession(small.command, small.environment, columns=40) as terminal:
        terminal.wait_for(r"Newsletter +sent|Newsletter")
        terminal.wait_for("Watching 1 e-mail of account default")
        terminal.wait_for("contact0@example.com")
        terminal.wait_for("1 e-mail · 1 open")
        terminal._process.send_signal(signal.SIGINT)
        terminal.wait_for(r"Run the command again to continue\s+from here")
        assert terminal.wait() == 130


def test_on_a_terminal_a_watch_that_is_interrupted_before_it_begins_only_ends(
    watcher: Watcher,
) -> None:
    watcher.vendor.authorization.expire_access_tokens()
    arrived = watcher.hang("/token", seconds=600)
    command = [part for part in watcher.command if part != watcher.activity_id]
    with TerminalSession(command, watcher.environment, columns=80) as terminal:
        assert arrived.wait(DEADLINE_SECONDS)
        terminal._process.send_signal(signal.SIGINT)
        terminal.wait_for("Ended")
        assert terminal.wait() == 130
        assert "Watching" not in terminal.output
    watcher.vendor.faults.clear()


def test_on_a_terminal_watch_asks_for_consent_if_it_has_no_credentials(watcher: Watcher) -> None:
    command = [*watcher.command, "--account", "another"]
    with TerminalSession(command, watcher.environment, columns=40) as terminal:
        terminal.wait_for(r"API key\): $")
        # Not Ctrl-C: if it comes before Python waits for a line, Python handles it after the line.
        terminal.type(CTRL_D)
        terminal.wait_for("Stopped; nothing was changed")
        assert terminal.wait() == 130


def test_a_watch_that_is_interrupted_during_consent_reports_that_nothing_was_changed(
    watcher: Watcher,
) -> None:
    watcher.vendor.authorization.add_client("an-app")
    command = [*watcher.command, "--account", "another"]
    client = {"CONSTANT_CONTACT_CLIENT_ID": "an-app"}
    with TerminalSession(command, watcher.environment | client, columns=40) as terminal:
        terminal.wait_for("Waiting until")
        terminal._process.send_signal(signal.SIGINT)
        terminal.wait_for("Stopped; nothing was changed")
        assert terminal.wait() == 130
