"""What `watch` keeps, and how it complains. Nothing here has to do with AWS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from constant_contact_emulator import Emulator, Kind, Limits
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.stores import SqliteTracking
from email_opens.instants import iso
from email_opens_cli.main import app
from tests.contract.samples import varied

ONE = "5b1e0a52-0000-4000-8000-0000000000aa"


@dataclass(frozen=True, slots=True)
class Office:
    """A folder, the vendor, and what came out at standard output's descriptor."""

    folder: Path
    vendor: Emulator
    output: pytest.CaptureFixture[str]

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def watch(self, *arguments: str, given: dict[str, str] | None = None) -> Result:
        """Watch once, with credentials on standard input where some are given."""
        on_stdin = () if given is None else ("--credentials", "-")
        return CliRunner().invoke(
            app,
            ["watch", "--once", "--state", str(self.state), *on_stdin, *arguments],
            input=json.dumps(given),
        )

    def connect(self) -> None:
        """Hand the credentials over, and watch what nobody has opened."""
        self.watch(self.opened(0), given=self.vendor.credentials())
        self.events()

    def opened(self, opens: int, activity_id: str | None = None) -> str:
        """Have a campaign opened; return its activity's id."""
        world = self.vendor.world
        if activity_id is None:
            activity_id = world.add_campaign().activity_id
            world.send(activity_id)
        first = world.count_rows(activity_id)
        for contact in range(first, first + opens):
            world.add_open(activity_id, contact)
        return activity_id

    def an_hour_passes(self) -> None:
        """Let the last polls have been an hour earlier: sooner, none is worth a request."""
        with StateFile(self.state) as state:
            tracking = SqliteTracking(state)
            for one in tracking.activities("default"):
                if one.progress.polled_at:
                    tracking.save(
                        varied(one, polled_at=one.progress.polled_at - timedelta(hours=1))
                    )

    def events(self) -> list[Any]:
        """Return what was written since the last time."""
        return [json.loads(line) for line in self.output.readouterr().out.splitlines()]


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Office]:
    with Emulator(limits=Limits.off()) as vendor:
        monkeypatch.setenv("CONSTANT_CONTACT_API_URL", vendor.url)
        monkeypatch.setenv("CONSTANT_CONTACT_AUTH_URL", vendor.auth_url)
        monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")
        yield Office(tmp_path, vendor, capfd)


@pytest.fixture
def connected(office: Office) -> Office:
    office.connect()
    return office


def complaint(result: Result, code: int) -> str:
    """Return what a command complained of: sentences on stderr, and nothing on stdout."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr
    return result.stderr


class TestOpens:
    def test_are_lines_of_json(self, office: Office) -> None:
        activity_id = office.opened(3)
        result = office.watch(activity_id, given=office.vendor.credentials())
        events = office.events()
        assert (result.exit_code, result.stderr) == (0, "")
        assert {event["data"]["campaign_activity_id"] for event in events} == {activity_id}
        assert len({event["id"] for event in events}) == 3

    def test_come_once(self, connected: Office) -> None:
        activity_id = connected.opened(3)
        connected.watch(activity_id)
        before = connected.events()
        connected.opened(2, activity_id)
        connected.an_hour_passes()
        connected.watch(activity_id)
        after = connected.events()
        assert (len(before), len(after)) == (3, 2)
        assert not {event["id"] for event in before} & {event["id"] for event in after}

    def test_of_before_are_left_out_where_that_is_wanted(self, connected: Office) -> None:
        activity_id = connected.opened(0)
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        connected.vendor.world.add_open(activity_id, 1, at=long_ago)
        connected.watch(activity_id, "--from", "now")
        assert connected.events() == []

    def test_of_what_is_not_named_are_not_read(self, connected: Office) -> None:
        one, other = connected.opened(1), connected.opened(1)
        connected.watch(one)
        connected.watch(other)
        connected.events()
        connected.opened(1, one)
        connected.watch(other)
        assert connected.events() == []

    def test_go_on_from_where_they_were_when_it_is_named_again(self, connected: Office) -> None:
        one, other = connected.opened(1), connected.opened(1)
        connected.watch(one)
        connected.watch(other)
        connected.events()
        connected.opened(1, one)
        connected.an_hour_passes()
        connected.watch(one)
        assert len(connected.events()) == 1

    def test_belong_to_the_account_that_is_named(self, office: Office) -> None:
        activity_id = office.opened(1)
        office.watch(activity_id, "--account", "mine", given=office.vendor.credentials())
        (event,) = office.events()
        assert event["source"] == f"/constant-contact/mine/activities/{activity_id}"

    def test_that_are_none_are_kept_beside_the_state(self, connected: Office) -> None:
        activity_id = connected.opened(1)
        row = {"email_address": "bo@example.com", "created_time": "yesterday"}
        connected.vendor.world.add_raw_row(activity_id, row)
        result = connected.watch(activity_id)
        rejected = connected.folder / "state.sqlite.rejected"
        (letter,) = rejected.read_text().splitlines()
        assert json.loads(json.loads(letter)["row"]) == row
        assert result.stderr == f"Set aside 1 rows that are not opens, in {rejected}.\n"
        assert len(connected.events()) == 1


class TestCredentials:
    def test_are_not_needed_again(self, connected: Office) -> None:
        assert connected.watch(connected.opened(1)).exit_code == 0
        assert len(connected.events()) == 1

    def test_that_have_rotated_are_kept(self, connected: Office) -> None:
        connected.vendor.authorization.expire_access_tokens()
        connected.watch(connected.opened(1))
        connected.vendor.authorization.expire_access_tokens()
        assert connected.watch(connected.opened(1)).exit_code == 0
        assert len(connected.events()) == 2

    def test_may_be_handed_over_each_time_though_they_have_rotated(self, office: Office) -> None:
        given = office.vendor.credentials()
        activity_id = office.opened(1)
        office.watch(activity_id, given=given)
        office.vendor.authorization.expire_access_tokens()
        assert office.watch(activity_id, given=given).exit_code == 0

    def test_that_are_refused_can_be_replaced(self, connected: Office) -> None:
        connected.vendor.authorization.revoke()
        activity_id = connected.opened(1)
        said = complaint(connected.watch(activity_id), 1)
        assert "run `email-opens watch --account default --credentials FILE …`" in said
        assert connected.watch(activity_id, given=connected.vendor.credentials()).exit_code == 0
        assert len(connected.events()) == 1

    def test_may_come_from_a_file(self, office: Office) -> None:
        file = office.folder / "credentials.json"
        file.write_text(json.dumps(office.vendor.credentials()))
        office.watch(office.opened(1), "--credentials", str(file))
        assert len(office.events()) == 1

    def test_that_are_missing_name_the_way_to_get_them(self, office: Office) -> None:
        said = complaint(office.watch(ONE), 2)
        assert "run `email-opens watch --account default --credentials FILE …`" in said

    def test_of_a_file_that_is_not_there_are_asked_for(self, office: Office) -> None:
        said = complaint(office.watch(ONE, "--credentials", "nowhere.json"), 2)
        assert "The credentials cannot be read: No such file" in said
        assert not office.state.exists()

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"refresh_token": "kept-secret"}'])
    def test_that_are_malformed_are_refused(self, office: Office, content: bytes) -> None:
        file = office.folder / "credentials.json"
        file.write_bytes(content)
        said = complaint(office.watch(ONE, "--credentials", str(file)), 2)
        assert "expected {" in said
        assert "kept-secret" not in said
        assert not office.state.exists()

    def test_are_never_said(self, office: Office) -> None:
        given = office.vendor.credentials(client_secret="secret-of-the-app")
        result = office.watch(office.opened(1), given=given)
        said = result.output + office.output.readouterr().out
        assert not any(given[name] in said for name in ("refresh_token", "client_secret"))


class TestState:
    def test_lies_in_the_home_unless_it_is_named(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(office.folder))
        given = json.dumps(office.vendor.credentials())
        arguments = ["watch", office.opened(1), "--once", "--account", "mine"]
        CliRunner().invoke(app, [*arguments, "--credentials", "-"], input=given)
        (state,) = office.folder.rglob("mine.sqlite")
        assert state.stat().st_mode & 0o777 == 0o600
        assert state.parent.stat().st_mode & 0o777 == 0o700

    def test_that_is_another_file_is_refused(self, office: Office) -> None:
        office.state.write_text("Dear diary, …")
        assert "is not a state file" in complaint(office.watch(ONE), 2)
        assert office.state.read_text() == "Dear diary, …"


class TestComplaints:
    def test_of_an_activity_that_does_not_exist_stop_no_other(self, connected: Office) -> None:
        there = connected.opened(1)
        said = complaint(connected.watch(ONE, there), 1)
        assert f"{ONE}: The vendor does not know this activity" in said
        assert len(connected.events()) == 1

    def test_end_with_what_failed(self, connected: Office) -> None:
        activity_id = connected.opened(1)
        connected.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        assert "day's quota" in complaint(connected.watch(activity_id), 1)

    def test_name_a_missing_privilege(self, connected: Office) -> None:
        connected.vendor.faults.add(Kind.FORBIDDEN)
        assert "ui:campaign:metrics" in complaint(connected.watch(connected.opened(1)), 1)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nonsense"], "is not a campaign activity id"),
            ([ONE, "--account", "a b"], "is no account"),
            ([ONE, "--from", "yesterday"], "is not an instant"),
            ([ONE, "--from", iso(datetime(9000, 1, 1, tzinfo=UTC))], "lies in the future"),
            ([ONE, "--every", "0"], "--every"),
            ([], "ACTIVITY_ID"),
        ],
    )
    def test_of_what_was_typed_come_before_anything_is_done(
        self, office: Office, arguments: list[str], said: str
    ) -> None:
        assert said in complaint(office.watch(*arguments), 2)
        assert not office.state.exists()

    def test_name_a_malformed_setting(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "many")
        assert "REQUESTS_PER_DAY is malformed" in complaint(office.watch(ONE), 2)
        assert not office.state.exists()
