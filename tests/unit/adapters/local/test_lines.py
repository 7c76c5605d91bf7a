"""Opens as lines of JSON: whole, on the disk, or not acknowledged."""

import json
import os
import select
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from email_opens.adapters.local.lines import LinesPublisher, OutputClosed, closed
from email_opens.adapters.waits import UncutWaits
from email_opens.errors import OutOfTime, PublishFailed
from email_opens.events import message
from email_opens.model import RejectedRow
from email_opens.ports import Delivery
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, new_open, new_opens

ROW = RejectedRow('{"email_address": "bo@example.com"}', "It has no contact_id.", "Bo")


class Output:
    """A file that a shell has opened with `>>`, and the publisher that writes to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "opens.jsonl"
        self.rejected = folder / "state.rejected"
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.publisher = LinesPublisher(self.descriptor, self.rejected)

    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    made = Output(tmp_path)
    yield made
    os.close(made.descriptor)


@pytest.fixture
def unread(tmp_path: Path) -> Iterator[LinesPublisher]:
    """A publisher to a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield LinesPublisher(writer, tmp_path / "rejected")
    os.close(writer)


class TestPublish:
    def test_writes_each_event_as_a_line_in_its_order(self, output: Output) -> None:
        opens = new_opens(45)
        assert output.publisher.publish(ACTIVITY, opens, NOON) == Delivery(settled=tuple(opens))
        assert output.lines() == [message(ACTIVITY, new) for new in opens]

    @pytest.mark.parametrize(
        "text", ["é☃😀", "\ud800", "\n\r\x00\x1b", "\u2028\u0085\x9b\x7f", "\u202e\U000e0041"]
    )
    def test_writes_any_character_in_one_printable_line(self, output: Output, text: str) -> None:
        output.publisher.publish(ACTIVITY, [new_open(email_address=text)], NOON)
        (line,) = output.path.read_bytes().removesuffix(b"\n").split(b"\n")
        assert line.decode().isprintable()
        assert json.loads(line)["data"]["email_address"] == text

    def test_ends_a_line_that_was_cut_before(self, output: Output) -> None:
        output.path.write_text('{"specversion":"1.')
        output.publisher.publish(ACTIVITY, [new_open()], NOON)
        assert output.lines() == ['{"specversion":"1.', message(ACTIVITY, new_open())]

    def test_leaves_no_empty_lines(self, output: Output) -> None:
        for number in range(3):
            output.publisher.publish(ACTIVITY, [new_open(number)], NOON)
        assert len(output.lines()) == 3

    def test_stops_all_work_when_nobody_reads(self, unread: LinesPublisher) -> None:
        delivery = unread.publish(ACTIVITY, [new_open()], NOON)
        assert isinstance(delivery.failure, OutputClosed)
        assert delivery.settled == ()

    def test_delivers_nothing_to_a_pipe_whose_reader_ends_meanwhile(self, tmp_path: Path) -> None:
        reader, writer = os.pipe()

        def read_and_end() -> None:
            os.read(reader, 1)
            os.close(reader)

        reading = Thread(target=read_and_end)
        reading.start()
        delivery = LinesPublisher(writer, tmp_path / "rejected").publish(
            ACTIVITY, new_opens(1000), NOON
        )
        reading.join()
        os.close(writer)
        assert isinstance(delivery.failure, OutputClosed)
        assert delivery.settled == ()

    def test_fails_on_a_full_disk(self, tmp_path: Path) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        try:
            lines = LinesPublisher(full, tmp_path / "rejected")
            delivery = lines.publish(ACTIVITY, [new_open()], NOON)
        finally:
            os.close(full)
        assert isinstance(delivery.failure, PublishFailed)
        assert "No space left" in str(delivery.failure)
        assert "@" not in str(delivery.failure)
        assert delivery.settled == ()


class CutWaits(UncutWaits):
    """A signal has come."""

    def for_what_is_in_hand(self) -> AbstractContextManager[None]:
        raise OutOfTime("Interrupted.")


def test_a_wait_for_a_slow_reader_is_cut_between_two_lines(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    publisher = LinesPublisher(writer, tmp_path / "rejected", CutWaits())
    delivery = publisher.publish(ACTIVITY, new_opens(1000), NOON)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        lines = pipe.readlines()
    assert 0 < len(lines) < 1000
    assert isinstance(delivery.failure, OutOfTime)
    assert len(delivery.settled) == len(lines)
    assert lines == [f"{message(ACTIVITY, new)}\n" for new in new_opens(1000)[: len(lines)]]


class TestSetAside:
    def read(self, output: Output) -> list[Any]:
        return [json.loads(line) for line in output.rejected.read_text().splitlines()]

    def test_keeps_rows_with_their_reasons_in_a_file(self, output: Output) -> None:
        output.publisher.set_aside(ACTIVITY, [ROW])
        output.publisher.set_aside(ACTIVITY, [ROW])
        letter = {
            "account_id": "default",
            "campaign_activity_id": ACTIVITY_ID,
            "reason": ROW.reason,
            "row": ROW.row,
        }
        assert self.read(output) == [letter, letter]
        assert output.lines() == []

    def test_keeps_them_from_the_eyes_of_others(self, output: Output) -> None:
        output.publisher.set_aside(ACTIVITY, [ROW])
        assert output.rejected.stat().st_mode & 0o777 == 0o600

    def test_withdraws_the_permission_of_others_before_it_adds_rows(self, output: Output) -> None:
        output.rejected.touch()
        output.rejected.chmod(0o666)
        output.publisher.set_aside(ACTIVITY, [ROW])
        assert output.rejected.stat().st_mode & 0o777 == 0o600

    def test_does_not_follow_a_link(self, output: Output) -> None:
        target = output.path.with_name("target")
        target.touch()
        output.rejected.symlink_to(target)
        delivery = output.publisher.set_aside(ACTIVITY, [ROW])
        assert isinstance(delivery.failure, PublishFailed)
        assert "it is a symbolic link" in str(delivery.failure)
        assert target.read_text() == ""

    def test_does_not_write_to_a_file_of_another_user(
        self, output: Output, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output.rejected.touch()
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        delivery = output.publisher.set_aside(ACTIVITY, [ROW])
        assert isinstance(delivery.failure, PublishFailed)
        assert "it belongs to another user" in str(delivery.failure)
        assert output.rejected.read_text() == ""

    def test_does_not_wait_for_the_reader_of_a_named_pipe(self, output: Output) -> None:
        os.mkfifo(output.rejected)
        delivery = output.publisher.set_aside(ACTIVITY, [ROW])
        assert isinstance(delivery.failure, PublishFailed)

    def test_fails_where_they_cannot_be_kept(self, output: Output) -> None:
        output.rejected.mkdir()
        delivery = output.publisher.set_aside(ACTIVITY, [ROW])
        assert isinstance(delivery.failure, PublishFailed)
        assert "@" not in str(delivery.failure)
        assert delivery.settled == ()


class TestClosed:
    def test_is_a_pipe_that_nobody_reads(self) -> None:
        reader, writer = os.pipe()
        before = closed(writer)
        os.close(reader)
        after = closed(writer)
        os.close(writer)
        assert (before, after) == (False, True)

    def test_is_no_file(self, output: Output) -> None:
        assert not closed(output.descriptor)


class TestInWindows:
    @pytest.fixture(autouse=True)
    def windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.delattr(select, "poll")

    def test_lines_are_written(self, output: Output) -> None:
        opens = new_opens(3)
        assert output.publisher.publish(ACTIVITY, opens, NOON) == Delivery(settled=tuple(opens))
        assert output.lines() == [message(ACTIVITY, new) for new in opens]

    def test_an_output_that_is_closed_is_noticed_by_the_next_write(
        self, unread: LinesPublisher
    ) -> None:
        delivery = unread.publish(ACTIVITY, [new_open()], NOON)
        assert isinstance(delivery.failure, OutputClosed)

    def test_no_output_counts_as_closed(self, output: Output) -> None:
        assert not closed(output.descriptor)
