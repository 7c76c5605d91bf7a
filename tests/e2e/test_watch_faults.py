"""`watch` as a process while the vendor fails for one of its e-mails: the others are published."""

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from constant_contact_emulator import Emulator, Kind, Limits, Place
from tests.e2e.test_watch import DEADLINE_SECONDS, Process, Watcher, ends, opens, outcome, read

OPENS = 3
ROWS = 1_200
"""Of a report of three pages."""
READABLE = 1_000
"""Rows above which the links of a broken report work."""


@dataclass(frozen=True)
class Emails(Watcher):
    """An account that watches an e-mail in trouble, `activity_id`, and others."""

    others: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        return [*super().command, *self.others, "--credentials", str(self.credentials)]

    @property
    def credentials(self) -> Path:
        """The tokens that the first `watch` stores, and later ones recognize."""
        return self.folder / "credentials.json"

    def reported_of(self, *activity_ids: str) -> Counter[tuple[str, datetime, str | None]]:
        """Return the rows of some reports, as `opens` returns those that were published."""
        reports = (Watcher(self.folder, self.vendor, name).reported() for name in activity_ids)
        return sum(reports, Counter())

    def trouble(self, kind: Kind, **details: Any) -> Event:
        """Add a fault to all replies for the report in trouble; return what the first one sets."""
        arrived = Event()

        def concerns(method: str, target: str) -> bool:
            del method
            if f"{self.activity_id}/tracking/opens" not in target:
                return False
            arrived.set()
            return True

        self.vendor.faults.add(kind, when=concerns, times=None, **details)
        return arrived


@pytest.fixture
def vendor() -> Iterator[Emulator]:
    with Emulator(limits=Limits.off()) as vendor:
        yield vendor


@pytest.fixture
def emails(vendor: Emulator, tmp_path: Path) -> Emails:
    troubled, *others = [sent(vendor) for _ in range(3)]
    emails = Emails(tmp_path, vendor, troubled, tuple(others))
    emails.credentials.write_text(json.dumps(vendor.credentials()))
    return emails


def sent(vendor: Emulator) -> str:
    """Send an e-mail that a few contacts have opened."""
    activity_id = vendor.world.add_campaign().activity_id
    vendor.world.send(activity_id)
    for contact in range(OPENS):
        vendor.world.add_open(activity_id, contact)
    return activity_id


def read_error(process: Process) -> str:
    assert process.stderr
    return process.stderr.readline().decode()


@pytest.mark.parametrize(
    ("kind", "details", "reason"),
    [
        (Kind.FORBIDDEN, {}, "403 access_denied"),
        (Kind.HTML, {"status": 403}, "403 with an HTML page"),
        (Kind.UNAUTHORIZED, {}, "401 unauthorized"),
    ],
)
def test_a_refused_email_fails_for_the_vendors_reason_and_stops_no_other(
    emails: Emails, kind: Kind, details: dict[str, Any], reason: str
) -> None:
    emails.trouble(kind, **details)
    with emails.watching("--once") as process:
        code, lines, stderr = outcome(process)
    assert opens(lines) == emails.reported_of(*emails.others)
    assert code == 1
    assert stderr.startswith(f"“Newsletter” ({emails.activity_id}): ")
    assert reason in stderr
    assert stderr.count("\n") == 1


def test_an_email_that_the_vendor_does_not_know_stops_no_other(emails: Emails) -> None:
    emails.trouble(Kind.STATUS, status=404)
    with emails.watching("--once") as process:
        code, lines, stderr = outcome(process)
    assert opens(lines) == emails.reported_of(*emails.others)
    assert (code, stderr.count("does not know this activity")) == (1, 1)


def test_the_emails_beside_a_slow_one_are_published_although_turns_are_killed(
    emails: Emails,
) -> None:
    arrived = emails.trouble(Kind.DRIP, place=Place.STATUS_LINE, length=600, seconds=1)
    with emails.watching("--once") as process:
        assert arrived.wait(DEADLINE_SECONDS)
        process.kill()
        _, lines, _ = outcome(process)
    with emails.watching("--once") as process:
        lines += read(process, 2 * OPENS - len(lines))
        process.kill()
    assert opens(lines) == emails.reported_of(*emails.others)


@pytest.mark.parametrize("place", [Place.STATUS_LINE, Place.BODY])
def test_a_signal_ends_watch_while_a_reply_drips(emails: Emails, place: Place) -> None:
    arrived = emails.trouble(Kind.DRIP, place=place, length=600, seconds=1)
    with emails.watching() as process:
        assert arrived.wait(DEADLINE_SECONDS)
        process.send_signal(signal.SIGINT)
        ends(process)


def test_a_row_that_cannot_be_set_aside_repeats_no_open(emails: Emails) -> None:
    reported = emails.reported_of(emails.activity_id, *emails.others)
    emails.vendor.world.add_raw_row(emails.activity_id, {"contact_id": None})
    (emails.folder / "state.sqlite.rejected").mkdir()
    with emails.watching("--once") as process:
        code, lines, stderr = outcome(process)
    assert (len(lines), opens(lines)) == (3 * OPENS, reported)
    assert (code, stderr.count("did not accept rows that are not opens")) == (1, 1)
    with emails.watching("--once") as process:
        assert outcome(process)[1] == []


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (Kind.ENDLESS_LINK, {}),
        (Kind.ENDLESS_EMPTY_PAGES, {"below_row": READABLE}),
        (Kind.OTHER_LINK, {"below_row": READABLE - 500}),
        (Kind.EXPIRED_LINK, {"below_row": READABLE}),
    ],
)
def test_a_report_that_leads_nowhere_is_reported_and_delays_no_other(
    emails: Emails, kind: Kind, details: dict[str, Any]
) -> None:
    sent_at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=9)
    for number, contact in enumerate(emails.vendor.world.contacts(OPENS + ROWS)[OPENS:]):
        at = sent_at + timedelta(minutes=number)
        emails.vendor.world.add_open(emails.activity_id, contact, at=at)
    emails.trouble(kind, **details)
    # Not a pipe, which would be full before the failure is reported.
    with emails.output.open("wb") as file, emails.watching("--every", "1", stdout=file) as process:
        assert emails.activity_id in read_error(process)
        for activity_id in emails.others:
            emails.vendor.world.add_open(activity_id, OPENS)
        others = emails.reported_of(*emails.others)
        while process.poll() is None and not others <= opens(written(emails)):
            time.sleep(0.05)  # The process gives no notice of the lines that it writes.
        process.send_signal(signal.SIGINT)
        ends(process)
    lines = written(emails)
    assert others <= opens(lines) <= others + emails.reported()
    assert len(set(lines)) == len(lines)


def written(emails: Emails) -> list[str]:
    """Return the whole lines that were written so far."""
    return emails.output.read_text().split("\n")[:-1]
