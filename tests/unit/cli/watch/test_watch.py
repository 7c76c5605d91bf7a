"""`email-opens watch`: its events, credentials, state file and errors. It does not use AWS."""

import json
from copy import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from constant_contact_emulator import Kind
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.errors import AccountStopped
from email_opens.instants import iso
from email_opens.model import State
from email_opens_cli.commands.watch.state import state_path
from email_opens_cli.main import app
from tests.unit.cli.watch.watcher import Watcher, complaint

UNKNOWN_ID = "5b1e0a52-0000-4000-8000-0000000000aa"


class TestOpens:
    def test_are_printed_as_lines_of_json(self, watcher: Watcher) -> None:
        activity_id = watcher.add_opens(3)
        result = watcher.watch(activity_id, credentials=watcher.vendor.credentials())
        events = watcher.events()
        assert (result.exit_code, result.stderr) == (0, "")
        assert {event["data"]["campaign_activity_id"] for event in events} == {activity_id}
        assert len({event["id"] for event in events}) == 3

    def test_are_printed_once(self, connected: Watcher) -> None:
        activity_id = connected.add_opens(3)
        connected.watch(activity_id)
        before = connected.events()
        connected.add_opens(2, activity_id)
        connected.move_polls_back_an_hour()
        connected.watch(activity_id)
        after = connected.events()
        assert (len(before), len(after)) == (3, 2)
        assert not {event["id"] for event in before} & {event["id"] for event in after}

    @pytest.mark.parametrize("option", ["--from", "--since"])
    def test_before_the_from_option_are_skipped(self, connected: Watcher, option: str) -> None:
        activity_id = connected.add_opens(0)
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        connected.vendor.world.add_open(activity_id, 1, at=long_ago)
        connected.watch(activity_id, option, "now")
        assert connected.events() == []

    def test_of_activities_that_are_not_named_are_not_read(self, connected: Watcher) -> None:
        first, second = connected.add_opens(1), connected.add_opens(1)
        connected.watch(first)
        connected.watch(second)
        connected.events()
        connected.add_opens(1, first)
        connected.watch(second)
        assert connected.events() == []

    def test_continue_when_their_activity_is_named_again(self, connected: Watcher) -> None:
        first, second = connected.add_opens(1), connected.add_opens(1)
        connected.watch(first)
        connected.watch(second)
        connected.events()
        connected.add_opens(1, first)
        connected.move_polls_back_an_hour()
        connected.watch(first)
        assert len(connected.events()) == 1

    def test_contain_the_named_account(self, watcher: Watcher) -> None:
        activity_id = watcher.add_opens(1)
        watcher.watch(activity_id, "--account", "mine", credentials=watcher.vendor.credentials())
        (event,) = watcher.events()
        assert event["source"] == f"/constant-contact/mine/activities/{activity_id}"

    def test_that_cannot_be_parsed_are_stored_beside_the_state_file(
        self, connected: Watcher
    ) -> None:
        activity_id = connected.add_opens(1)
        row = {"email_address": "bo@example.com", "created_time": "yesterday"}
        connected.vendor.world.add_raw_row(activity_id, row)
        result = connected.watch(activity_id)
        rejected = connected.folder / "state.sqlite.rejected"
        (line,) = rejected.read_text().splitlines()
        assert json.loads(json.loads(line)["row"]) == row
        assert result.stderr == f"Set aside 1 row that are not opens, in {rejected}.\n"
        assert len(connected.events()) == 1


class TestCredentials:
    def test_are_needed_only_once(self, connected: Watcher) -> None:
        assert connected.watch(connected.add_opens(1)).exit_code == 0
        assert len(connected.events()) == 1

    def test_that_have_rotated_are_stored(self, connected: Watcher) -> None:
        connected.vendor.authorization.expire_access_tokens()
        connected.watch(connected.add_opens(1))
        connected.vendor.authorization.expire_access_tokens()
        assert connected.watch(connected.add_opens(1)).exit_code == 0
        assert len(connected.events()) == 2

    def test_may_be_passed_again_after_they_have_rotated(self, watcher: Watcher) -> None:
        credentials = watcher.vendor.credentials()
        activity_id = watcher.add_opens(1)
        watcher.watch(activity_id, credentials=credentials)
        watcher.vendor.authorization.expire_access_tokens()
        assert watcher.watch(activity_id, credentials=credentials).exit_code == 0

    def test_that_are_refused_can_be_replaced(self, connected: Watcher) -> None:
        connected.vendor.authorization.revoke()
        activity_id = connected.add_opens(1)
        error = complaint(connected.watch(activity_id), 1)
        command = f"email-opens watch --state {connected.state} --reconnect"
        assert f"run `{command}`" in error
        assert (
            connected.watch(activity_id, credentials=connected.vendor.credentials()).exit_code == 0
        )
        assert len(connected.events()) == 1

    def test_of_another_account_of_the_vendor_are_refused(self, connected: Watcher) -> None:
        other = connected.vendor.credentials("other")
        activity_id = connected.add_opens(1)
        error = complaint(connected.watch(activity_id, credentials=other), 2)
        assert (
            "for the Constant Contact account a07eother, but the previous one was for a07edefault"
            in error
        )
        assert connected.watch(activity_id).exit_code == 0
        assert len(connected.events()) == 1

    def test_of_another_account_of_the_vendor_are_taken_if_the_person_insists(
        self, connected: Watcher
    ) -> None:
        other = connected.vendor.credentials("other")
        connected.watch(connected.add_opens(0), "--another-account", credentials=other)
        with StateFile(connected.state) as state:
            account = SqliteTracking(state).account("default")
        assert account is not None
        assert account.vendor_account_id == "a07eother"

    def test_that_are_new_make_emails_that_the_vendor_did_not_know_due_again(
        self, connected: Watcher
    ) -> None:
        activity_id = connected.add_opens(0)
        connected.watch(activity_id)
        connected.add_opens(2, activity_id)
        with StateFile(connected.state) as state:
            tracking = SqliteTracking(state)
            for activity in tracking.activities("default"):
                # Without its campaign, whose counter would wake it.
                gone = replace(activity, state=State.GONE, sent_at=None, campaign_id=None)
                tracking.save(gone)
        connected.watch(activity_id)
        assert connected.events() == []
        connected.watch(activity_id, credentials=connected.vendor.credentials())
        assert len(connected.events()) == 2

    def test_can_be_read_from_a_file(self, watcher: Watcher) -> None:
        file = watcher.folder / "credentials.json"
        file.write_text(json.dumps(watcher.vendor.credentials()))
        watcher.watch(watcher.add_opens(1), "--credentials", str(file))
        assert len(watcher.events()) == 1

    def test_that_are_missing_are_reported_with_the_command_to_pass_them(
        self, watcher: Watcher
    ) -> None:
        error = complaint(watcher.watch(UNKNOWN_ID), 2)
        command = f"email-opens watch --state {watcher.state} --reconnect"
        assert f"run `{command}` on a terminal, or add --credentials FILE" in error

    def test_that_are_missing_are_passed_by_a_command_without_what_is_the_default(
        self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(watcher.folder))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(watcher.folder))
        for options in ((), ("--account", "mine")):
            error = complaint(CliRunner().invoke(app, ["watch", "--once", *options]), 2)
            assert f"run `{' '.join(['email-opens watch', *options])} --reconnect`" in error

    def test_from_a_missing_file_are_reported(self, watcher: Watcher) -> None:
        error = complaint(watcher.watch(UNKNOWN_ID, "--credentials", "nowhere.json"), 2)
        assert "The credentials nowhere.json cannot be read: No such file" in error
        assert not watcher.state.exists()

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"refresh_token": "kept-secret"}'])
    def test_that_are_malformed_are_refused(self, watcher: Watcher, content: bytes) -> None:
        file = watcher.folder / "credentials.json"
        file.write_bytes(content)
        error = complaint(watcher.watch(UNKNOWN_ID, "--credentials", str(file)), 2)
        assert "expected {" in error
        assert "kept-secret" not in error
        assert not watcher.state.exists()

    def test_are_never_printed(self, watcher: Watcher) -> None:
        credentials = watcher.vendor.credentials(client_secret="secret-of-the-app")
        result = watcher.watch(watcher.add_opens(1), credentials=credentials)
        output = result.output + watcher.output.readouterr().out
        assert not any(credentials[name] in output for name in ("refresh_token", "client_secret"))


class TestState:
    def test_is_in_the_home_folder_by_default(
        self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(watcher.folder))
        credentials = json.dumps(watcher.vendor.credentials())
        arguments = ["watch", watcher.add_opens(1), "--once", "--account", "mine"]
        CliRunner().invoke(app, [*arguments, "--credentials", "-"], input=credentials)
        (state,) = watcher.folder.rglob("mine.sqlite")
        assert state.stat().st_mode & 0o777 == 0o600
        assert state.parent.stat().st_mode & 0o777 == 0o700

    def test_withdraws_the_permission_of_others_for_the_default_folder(
        self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(watcher.folder))
        folder = state_path("default").parent
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        CliRunner().invoke(app, ["watch", UNKNOWN_ID, "--once"])
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_is_not_left_behind_without_credentials(self, watcher: Watcher) -> None:
        complaint(watcher.watch(UNKNOWN_ID), 2)
        refused = watcher.vendor.credentials()
        watcher.vendor.authorization.revoke()
        complaint(watcher.watch(UNKNOWN_ID, credentials=refused), 1)
        assert list(watcher.folder.iterdir()) == []

    def test_of_another_file_format_is_refused(self, watcher: Watcher) -> None:
        watcher.state.write_text("Dear diary, …")
        assert "is not a state file" in complaint(watcher.watch(UNKNOWN_ID), 2)
        assert watcher.state.read_text() == "Dear diary, …"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_once_says_that_a_part_waits_for_another_attempt(watcher: Watcher) -> None:
    watcher.connect()
    activity_id = watcher.add_opens(2)
    full = complaint(watcher.watch(activity_id, "--output", "/dev/full"), 1)
    assert "No space left on device. They are written again." in full
    message = complaint(watcher.watch(activity_id), 1)
    assert message.startswith("An earlier attempt to read 1 e-mail failed: run the command again ")


class TestErrors:
    def test_about_one_activity_do_not_stop_the_others(self, connected: Watcher) -> None:
        activity_id = connected.add_opens(1)
        error = complaint(connected.watch(UNKNOWN_ID, activity_id), 1)
        assert f"{UNKNOWN_ID}: The vendor does not know this activity" in error
        assert len(connected.events()) == 1

    def test_when_the_lease_is_given_back_end_the_watch_with_a_sentence(
        self, connected: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise AccountStopped("The disk is full.")

        monkeypatch.setattr(SqliteTracking, "release", full)
        activity_id = connected.add_opens(2)
        assert complaint(connected.watch(activity_id), 1) == "The disk is full.\n"
        assert len(connected.events()) == 2
        monkeypatch.undo()
        monkeypatch.setenv("CONSTANT_CONTACT_API_URL", connected.vendor.url)
        monkeypatch.setenv("CONSTANT_CONTACT_AUTH_URL", connected.vendor.auth_url)
        assert connected.watch(activity_id).exit_code == 0
        assert connected.events() == []

    def test_include_an_exceeded_quota(self, connected: Watcher) -> None:
        activity_id = connected.add_opens(1)
        connected.vendor.faults.add(Kind.QUOTA_EXCEEDED, path="/tracking/opens")
        assert "quota of the API key" in complaint(connected.watch(activity_id), 1)

    def test_name_a_missing_privilege(self, connected: Watcher) -> None:
        connected.vendor.world.behaviour.privileged = False
        assert "ui:campaign:metrics" in complaint(connected.watch(connected.add_opens(1)), 1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([UNKNOWN_ID, "--account", "a b"], "is not an account id"),
            ([UNKNOWN_ID, "--from", "soon"], "is not an instant"),
            ([UNKNOWN_ID, "--from", iso(datetime(9000, 1, 1, tzinfo=UTC))], "lies in the future"),
            ([UNKNOWN_ID, "--every", "0"], "--every"),
            ([UNKNOWN_ID, "--format", "xml"], "--format"),
        ],
    )
    def test_in_arguments_are_reported_before_the_state_file_is_created(
        self, watcher: Watcher, arguments: list[str], message: str
    ) -> None:
        assert message in complaint(watcher.watch(*arguments), 2)
        assert not watcher.state.exists()

    @pytest.mark.parametrize("folder", [".", "/"])
    def test_report_a_state_file_that_is_a_folder(self, watcher: Watcher, folder: str) -> None:
        assert "cannot be used" in complaint(watcher.watch(UNKNOWN_ID, "--state", folder), 2)

    def test_name_a_malformed_setting(
        self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "many")
        assert "REQUESTS_PER_DAY is malformed" in complaint(watcher.watch(UNKNOWN_ID), 2)
        assert not watcher.state.exists()
