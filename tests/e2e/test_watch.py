"""`watch` as a process: killed, interrupted, left alone by its reader, and started again."""

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
from threading import Timer
from typing import IO

import pytest

from constant_contact_emulator import Emulator, Limits
from email_opens.model import PAGE_ROWS
from email_opens.poller import PAGES_IN_HAND
from tests.unit.cli.terminal.terminal_session import CTRL_D, TerminalSession

OPENS = 6_000
A_MINUTE = 20
IN_HAND = PAGES_IN_HAND * PAGE_ROWS
KILLS = 3
PATIENCE_SECONDS = 60
"""After which a process that hangs is killed, and so fails its test."""

type Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Office:
    """A send that many have opened, long ago, and somebody who watches it."""

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
        """Nothing of AWS."""
        return {
            "PATH": os.environ["PATH"],
            "CONSTANT_CONTACT_API_URL": self.vendor.url,
            "CONSTANT_CONTACT_AUTH_URL": self.vendor.auth_url,
            "REQUESTS_PER_SECOND": "1000",
            # What a killed one had reserved of the day stays spent.
            "REQUESTS_PER_DAY": "10000000",
        }

    @contextmanager
    def watching(
        self, *arguments: str, stdout: int | IO[bytes] = subprocess.PIPE
    ) -> Iterator[Process]:
        """Start a watch; what is left of it afterwards is killed."""
        with subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
        ) as process:
            patience = Timer(PATIENCE_SECONDS, process.kill)
            patience.start()
            try:
                yield process
            finally:
                patience.cancel()
                process.kill()

    def connect(self) -> None:
        """Hand the credentials over, watching nothing that was opened."""
        unopened = self.vendor.world.add_campaign().activity_id
        given = self.folder / "credentials.json"
        given.write_text(json.dumps(self.vendor.credentials()))
        office = Office(self.folder, self.vendor, unopened)
        with office.watching("--once", "--credentials", str(given)) as process:
            assert ended(process) == (0, [], "")

    def at_request(self, number: int, act: Callable[[], None]) -> None:
        """Act when the report is asked for the n-th time from now on, before it answers."""
        asked = iter(range(1, number + 1))

        def count(method: str, target: str) -> None:
            del method
            if "/tracking/opens" in target and next(asked, None) == number:
                act()

        self.vendor.world.before_request(count)

    def reported(self) -> Counter[tuple[str, datetime, str | None]]:
        return Counter(
            (row.contact.contact_id, row.created, row.device_type)
            for row in self.vendor.world.rows(self.activity_id)
        )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Emulator(limits=Limits.off()) as vendor:
        world = vendor.world
        activity_id = world.add_campaign().activity_id
        sent_at = (datetime.now(UTC) - timedelta(days=40)).replace(second=0, microsecond=0)
        world.send(activity_id, at=sent_at)
        # Of a contact each: twins that a page's border parts are another matter.
        for number, contact in enumerate(world.contacts(OPENS)):
            at = sent_at + timedelta(minutes=number // A_MINUTE)
            world.add_open(activity_id, contact, at=at)
        office = Office(tmp_path, vendor, activity_id)
        office.connect()
        yield office


def ended(process: Process) -> tuple[int, list[str], str]:
    """Wait for the end; return the exit code, the lines and the complaints."""
    out, err = process.communicate()
    return process.returncode, (out or b"").decode().splitlines(), (err or b"").decode()


def read(process: Process, lines: int) -> list[str]:
    """Read so many lines, or all there are."""
    assert process.stdout
    found = (process.stdout.readline() for _ in range(lines))
    return [line.decode().rstrip("\n") for line in found if line]


def opens(lines: list[str]) -> Counter[tuple[str, datetime, str | None]]:
    """Return the opens of which these lines tell, each id once."""
    events = {event["id"]: event["data"] for event in map(json.loads, lines)}
    return Counter(
        (one["contact_id"], datetime.fromisoformat(one["created_time"]), one.get("device_type"))
        for one in events.values()
    )


def killed_at_a_line(office: Office, moments: random.Random) -> list[str]:
    """Read some lines and kill; return all that came."""
    with office.watching("--once") as process:
        lines = read(process, moments.randint(1, OPENS))
        process.kill()
        assert process.stdout
        # Not by `communicate`, which would pass over what is in the reader's buffer.
        return lines + process.stdout.read().decode().splitlines()


def killed_at_a_request(office: Office, moments: random.Random) -> list[str]:
    """Write to the end of a file, as cron would, and kill while the vendor is asked."""
    before = len(office.output.read_text().splitlines()) if office.output.exists() else 0
    with office.output.open("ab") as file, office.watching("--once", stdout=file) as process:
        office.at_request(moments.randint(1, OPENS // PAGE_ROWS), process.kill)
        process.wait()
    office.vendor.world.forget_hooks()
    return office.output.read_text().splitlines()[before:]


@pytest.mark.parametrize("kill", [killed_at_a_line, killed_at_a_request])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_loses_nothing_and_repeats_only_what_was_in_hand(
    office: Office, kill: Callable[[Office, random.Random], list[str]], seed: int
) -> None:
    moments = random.Random(seed)
    known: set[str] = set()
    for _ in range(KILLS):
        lines = kill(office, moments)
        assert len(known.intersection(lines)) <= IN_HAND
        known.update(lines)
    with office.watching("--once") as process:
        code, lines, said = ended(process)
    assert (code, said) == (0, "")
    assert len(known.intersection(lines)) <= IN_HAND
    known.update(lines)
    # A line that comes again is the same to the letter, or an id would have two.
    assert len({json.loads(line)["id"] for line in known}) == len(known)
    assert opens(list(known)) == office.reported()


def test_killed_while_nobody_reads_it_takes_up_the_lease_at_once(office: Office) -> None:
    with office.watching("--once") as process:
        read(process, 1)  # and no more, so that it hangs in the midst of a batch
        process.kill()
        process.wait()
    with office.watching("--once") as process:
        code, lines, said = ended(process)
    assert (code, said) == (0, "")
    assert opens(lines) == office.reported()


def test_ends_quietly_when_its_reader_does_and_has_lost_nothing(office: Office) -> None:
    with office.watching() as process:
        read(process, 3)
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == b""
    with office.watching("--once") as process:
        assert opens(ended(process)[1]) == office.reported()


def test_ends_when_its_reader_does_though_there_is_nothing_to_write(office: Office) -> None:
    with office.watching("--every", "86400") as process:
        read(process, OPENS)
        assert process.stdout
        process.stdout.close()
        assert process.wait() == 0


def test_tells_a_second_one_on_its_file_to_keep_away(office: Office) -> None:
    with office.watching() as first:
        read(first, 1)
        with office.watching("--once") as second:
            code, lines, said = ended(second)
    assert (code, lines) == (1, [])
    assert "at work on" in said
    assert said.count("\n") == 1


def test_goes_on_as_long_as_it_is_let(office: Office) -> None:
    # Sent just now: an old send is polled rarely.
    fresh = Office(office.folder, office.vendor, office.vendor.world.add_campaign().activity_id)
    fresh.vendor.world.add_open(fresh.activity_id, 0)
    with fresh.watching("--every", "1") as process:
        before = read(process, 1)
        fresh.vendor.world.add_open(fresh.activity_id, 1)
        (line,) = read(process, 1)
    assert opens([*before, line]) == fresh.reported()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_with_a_sentence_and_repeats_nothing(
    office: Office, number: signal.Signals
) -> None:
    with office.watching() as process:
        office.at_request(6, lambda: process.send_signal(number))
        code, before, said = ended(process)
    assert (code, said) == (130, "Ended; started again, it goes on from here.\n")
    assert 0 < len(before) < OPENS
    with office.watching("--once") as process:
        after = ended(process)[1]
    assert not set(before) & set(after)
    assert opens(before + after) == office.reported()


def test_fails_with_a_sentence_when_the_outputs_disk_is_full(office: Office) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        office.watching("--once", stdout=full) as process,
    ):
        code, _, said = ended(process)
    assert code == 1
    assert "No space left on device" in said
    assert "Traceback" not in said


def test_on_a_terminal_it_says_what_it_does_and_how_to_end_it(office: Office) -> None:
    quiet = Office(office.folder, office.vendor, office.vendor.world.add_campaign().activity_id)
    quiet.vendor.world.add_open(quiet.activity_id)
    with TerminalSession(quiet.command, quiet.environment, columns=40) as terminal:
        terminal.see("Watching 1 e-mails of account default")
        terminal.see("email.opened")
        terminal.see("Published 1 opens")
        terminal._process.send_signal(signal.SIGINT)
        terminal.see("Ended; started again, it goes on from here")
        assert terminal.end() == 130


def test_on_a_terminal_it_asks_for_consent_where_it_has_no_credentials(office: Office) -> None:
    command = [*office.command, "--account", "another"]
    with TerminalSession(command, office.environment, columns=40) as terminal:
        terminal.see(r"API key\): $")
        # No Ctrl-C here: one that comes before Python waits for a line is seen after it.
        terminal.type(CTRL_D)
        terminal.see("Given up; nothing was changed")
        assert terminal.end() == 130


def test_interrupted_while_it_waits_for_consent_it_says_that_nothing_was_changed(
    office: Office,
) -> None:
    office.vendor.authorization.add_client("an-app")
    command = [*office.command, "--account", "another"]
    named = {"CONSTANT_CONTACT_CLIENT_ID": "an-app"}
    with TerminalSession(command, office.environment | named, columns=40) as terminal:
        terminal.see("Waiting until")
        terminal._process.send_signal(signal.SIGINT)
        terminal.see("Given up; nothing was changed")
        assert terminal.end() == 130
