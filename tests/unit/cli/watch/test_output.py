"""The forms in which a watch writes opens, and the files that it appends to."""

import csv
import json
import os
from copy import replace
from pathlib import Path

import pytest

from email_opens.adapters.local.lines import LinesPublisher, OutputClosed
from email_opens.errors import InvalidInput, PublishFailed
from email_opens.events import message
from email_opens.model import NewOpen
from email_opens.ports import Delivery
from email_opens_cli.commands.watch.output import (
    CSV_COLUMNS,
    LINES,
    Format,
    OutputClock,
    TerminalPublisher,
    begin,
    csv_line,
    file_form,
    open_file,
    text_of,
)
from email_opens_cli.terminal.console import TextConsole
from tests.contract.samples import ACTIVITY, NOON, new_open
from tests.fakes import FakeClock
from tests.unit.cli.watch.watcher import Watcher, complaint

OPEN = new_open(1)
NASTY = replace(ACTIVITY, campaign_name='Half\x1b[2J price,\n"now"\N{RIGHT-TO-LEFT OVERRIDE}')


class TestLines:
    def test_of_json_are_the_event_of_a_stack(self) -> None:
        assert LINES[Format.JSON](ACTIVITY)(OPEN) == message(ACTIVITY, OPEN)

    def test_of_csv_have_the_named_columns(self) -> None:
        (row,) = csv.DictReader([",".join(CSV_COLUMNS), csv_line(ACTIVITY, OPEN)])
        assert row["time"] == "2026-03-02T12:01:00Z"
        assert row["email_address"] == OPEN.open.email_address
        assert row["campaign_name"] == ACTIVITY.campaign_name
        assert (row["device_type"], row["occurrence"]) == ("mobile", "1")
        assert row["id"] == OPEN.event_id

    def test_for_people_have_the_address_the_email_and_the_device(self) -> None:
        line = text_of(ACTIVITY, OPEN)
        assert line.split()[2:] == [OPEN.open.email_address, "March", "news", "mobile"]

    def test_have_the_id_of_a_contact_without_an_address(self) -> None:
        row = replace(OPEN.open, contact_id="0f6b2c1e-1", email_address=None, device_type=None)
        line = text_of(ACTIVITY, replace(OPEN, open=row))
        assert line.split(maxsplit=2)[2].startswith("contact 0f6b2c1e… ")

    @pytest.mark.parametrize("form", Format)
    def test_control_no_terminal_and_stay_one_line(self, form: Format) -> None:
        line = LINES[form](NASTY)(OPEN)
        assert line.isprintable()
        assert "price" in line

    @pytest.mark.parametrize("width", [40, 80, 120])
    def test_for_people_cut_nothing(self, width: int) -> None:
        activity = replace(ACTIVITY, campaign_name="A name that is " + "long " * 9)
        address = f"{'a' * 60}@example.com"
        row = replace(OPEN.open, email_address=address)
        line = text_of(activity, replace(OPEN, open=row), width)
        assert address in line
        assert str(activity.campaign_name).rstrip() in line

    @pytest.mark.parametrize(
        ("address", "name"), [(20, 34), (20, 20), (26, 26), (38, 14), (14, 38), (3, 49)]
    )
    @pytest.mark.parametrize("device", ["mobile", "computer", "-", "a new kind"])
    def test_for_people_fit_into_the_terminal_if_they_can(
        self, address: int, name: int, device: str
    ) -> None:
        activity = replace(ACTIVITY, campaign_name="n" * name)
        row = replace(OPEN.open, email_address="a" * address, device_type=device)
        line = text_of(activity, replace(OPEN, open=row), 80)
        needed = len(f"2026-03-02 12:01 {'a' * address} {'n' * name} {device}")
        assert len(line) <= max(80, needed)

    def test_for_people_are_aligned_below_one_another(self) -> None:
        rows = [
            replace(OPEN.open, email_address="a" * length, device_type=device)
            for length, device in ((3, "-"), (18, "mobile"), (11, "computer"))
        ]
        activity = replace(ACTIVITY, campaign_name="n" * 34)
        lines = [text_of(activity, replace(OPEN, open=row), 80) for row in rows]
        assert len({line.index("n" * 34) for line in lines}) == 1


class TestAFile:
    def test_that_is_new_is_private(self, tmp_path: Path) -> None:
        os.close(open_file(tmp_path / "opens"))
        assert (tmp_path / "opens").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("name", ["", "nowhere/opens"])
    def test_that_cannot_be_written_is_reported(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InvalidInput, match="Name another file with --output"):
            open_file(tmp_path / name)

    @pytest.mark.parametrize(
        ("content", "wanted", "form"),
        [
            ("{}\n", None, Format.JSON),
            (f"{','.join(CSV_COLUMNS)}\n", Format.CSV, Format.CSV),
            ("My notes\n", None, Format.JSON),
            ("My notes\n", Format.TABLE, Format.TABLE),
            ("", Format.CSV, Format.CSV),
        ],
    )
    def test_continues_in_its_form_or_in_any_if_that_is_unknown(
        self, tmp_path: Path, content: str, wanted: Format | None, form: Format
    ) -> None:
        (tmp_path / "opens").write_text(content)
        assert file_form(tmp_path / "opens", wanted) is form

    @pytest.mark.parametrize("wanted", [Format.CSV, Format.TABLE])
    def test_of_json_is_not_continued_in_another_form(self, tmp_path: Path, wanted: Format) -> None:
        (tmp_path / "opens").write_text("{}\n")
        with pytest.raises(InvalidInput, match="has lines of json already"):
            file_form(tmp_path / "opens", wanted)

    def test_of_csv_begins_with_the_names_of_its_columns_once(self, tmp_path: Path) -> None:
        for _ in range(2):
            file = open_file(tmp_path / "opens")
            begin(file, Format.CSV)
            LinesPublisher(file, tmp_path / "rejected", lines_of=LINES[Format.CSV]).publish(
                ACTIVITY, [OPEN], NOON
            )
            os.close(file)
        lines = (tmp_path / "opens").read_text().splitlines()
        assert lines == [",".join(CSV_COLUMNS), *[csv_line(ACTIVITY, OPEN)] * 2]

    def test_that_a_crash_has_cut_within_a_line_is_repaired(self, tmp_path: Path) -> None:
        (tmp_path / "opens").write_text('{"specversion":"1.')
        file = open_file(tmp_path / "opens")
        begin(file, Format.JSON)
        LinesPublisher(file, tmp_path / "rejected").publish(ACTIVITY, [OPEN], NOON)
        os.close(file)
        cut, whole = (tmp_path / "opens").read_text().splitlines()
        assert (cut, whole) == ('{"specversion":"1.', message(ACTIVITY, OPEN))

    def test_that_a_pipe_has_closed_ends_the_watch(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with pytest.raises(OutputClosed):
            begin(writer, Format.CSV)
        os.close(writer)


class TestOnATerminal:
    def screen(self, width: int = 80) -> TextConsole:
        return TextConsole(force_terminal=True, color_system=None, width=width, record=True)

    def test_opens_are_lines_for_people(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publisher = self.publisher(self.screen(), tmp_path)
        assert publisher.publish(ACTIVITY, [OPEN, new_open(2)], NOON).settled
        first, second = capsys.readouterr().out.splitlines()
        assert first.rstrip() == text_of(ACTIVITY, OPEN, 80)
        assert second.rstrip() == text_of(ACTIVITY, new_open(2), 80)

    def test_json_is_not_wrapped(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        publisher = self.publisher(self.screen(40), tmp_path, Format.JSON)
        publisher.publish(ACTIVITY, [OPEN], NOON)
        assert json.loads(capsys.readouterr().out)["id"] == OPEN.event_id

    def test_what_a_file_does_not_accept_is_not_shown(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Full:
            def publish(self, _: object, opens: list[NewOpen], __: object) -> Delivery[NewOpen]:
                return Delivery(settled=tuple(opens[:1]), failure=PublishFailed("It is full."))

        publisher = replace(self.publisher(self.screen(), tmp_path), first=Full())  # type: ignore[arg-type]
        delivery = publisher.publish(ACTIVITY, [OPEN, new_open(2)], NOON)
        assert delivery.settled == (OPEN,)
        assert len(capsys.readouterr().out.splitlines()) == 1

    def publisher(
        self, screen: TextConsole, folder: Path, form: Format = Format.TABLE
    ) -> TerminalPublisher:
        return TerminalPublisher(screen, form, LinesPublisher(1, folder / "rejected"))


class TestTheClock:
    def test_sleeps_as_long_as_it_is_told(self, tmp_path: Path) -> None:
        clock, file = FakeClock(), open_file(tmp_path / "opens")
        before = clock.now()
        OutputClock(clock, file).sleep(3.2)
        assert (clock.now() - before).total_seconds() == pytest.approx(3.2)
        os.close(file)

    def test_stops_when_the_reader_has_closed_the_output(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with pytest.raises(OutputClosed):
            OutputClock(FakeClock(), writer).sleep(60)
        os.close(writer)


class TestTheOptions:
    def test_append_to_a_file(self, connected: Watcher) -> None:
        file = connected.folder / "opens.jsonl"
        activity_id = connected.add_opens(2)
        result = connected.watch(activity_id, "--output", str(file))
        assert (result.exit_code, connected.events()) == (0, [])
        assert len(file.read_text().splitlines()) == 2

    def test_append_csv_to_a_file_whose_name_ends_so(self, connected: Watcher) -> None:
        file = connected.folder / "opens.CSV"
        connected.watch(connected.add_opens(2), "--output", str(file))
        assert len(list(csv.DictReader(file.read_text().splitlines()))) == 2

    def test_write_to_stdout_if_that_is_named_as_the_file(
        self, connected: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(connected.folder)
        connected.watch(connected.add_opens(2), "--output", "-")
        assert len(connected.events()) == 2
        assert not Path("-").exists()

    @pytest.mark.parametrize("option", ["--output", "--state", "--credentials"])
    def test_refuse_a_file_without_a_name(self, connected: Watcher, option: str) -> None:
        error = complaint(connected.watch(option, ""), 2)
        assert error == f"{option} needs the name of a file.\n"

    def test_refuse_to_mix_two_formats_in_a_file(self, connected: Watcher) -> None:
        file = connected.folder / "opens"
        connected.watch(connected.add_opens(1), "--output", str(file), "--format", "csv")
        before = file.read_text()
        error = complaint(connected.watch("--output", str(file)), 2)
        assert f"{file} has lines of csv already" in error
        assert "add --format csv, or name another file" in error
        assert file.read_text() == before

    def test_write_csv(self, connected: Watcher) -> None:
        connected.watch(connected.add_opens(2, name="March, week 9"), "--format", "csv")
        lines = connected.output.readouterr().out.splitlines()
        rows = list(csv.DictReader(lines))
        assert [row["campaign_name"] for row in rows] == ["March, week 9"] * 2

    def test_write_lines_for_people(self, connected: Watcher) -> None:
        connected.watch(connected.add_opens(1), "--format", "table")
        assert "contact0@example.com" in connected.output.readouterr().out

    def test_refuse_a_folder(self, connected: Watcher) -> None:
        error = complaint(connected.watch("--output", str(connected.folder)), 2)
        assert "cannot be written: Is a directory" in error
