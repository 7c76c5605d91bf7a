"""`email-opens watch --demo`: the emulated account instead of a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from constant_contact_emulator import Emulator, Limits
from constant_contact_emulator.demo import DemoAccount
from email_opens.account import Tokens
from email_opens.adapters.local.credentials import SqliteCredentials
from email_opens.adapters.local.state_file import StateFile
from email_opens_cli.main import app
from tests.unit.cli.watch.watcher import complaint


def watch(emulator: Emulator, *arguments: str) -> Result:
    options = ("--demo", "--demo-port", str(emulator.port), "--once")
    return CliRunner().invoke(app, ["watch", *options, *arguments])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(limits=Limits.off(), rotating=False) as emulator:
        DemoAccount(emulator)
        monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")
        yield emulator


def test_the_opens_of_its_emails_are_written(
    served: Emulator, capfd: pytest.CaptureFixture[str]
) -> None:
    assert watch(served, "Customer survey").exit_code == 0
    (survey,) = (c for c in served.world.campaigns.values() if c.name == "Customer survey")
    assert len(capfd.readouterr().out.splitlines()) == served.world.count_rows(survey.activity_id)


def test_it_is_kept_only_if_a_state_file_is_named(
    served: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    watch(served, "Customer survey")
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        capfd.readouterr()
        watch(served, "Customer survey", "--state", str(tmp_path / "state"))
    assert capfd.readouterr().out == ""


def test_the_command_that_serves_it_is_named_if_nothing_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bin").mkdir()
    Path("bin/constant-contact-emulator").touch()
    monkeypatch.setattr("sys.argv", ["bin/email-opens"])
    with Emulator() as emulator:
        pass
    command = f"bin/constant-contact-emulator --demo --port {emulator.port}"
    assert f"run `{command}` in" in complaint(watch(emulator), 2)


def test_what_the_account_has_not_sent_is_looked_for_in_the_demo(served: Emulator) -> None:
    error = complaint(watch(served, "Nope*"), 2)
    assert error == (
        "No e-mail has a name that matches “Nope*”. Run `email-opens watch --demo --demo-port "
        f"{served.port}` without a name to see what was sent recently.\n"
    )


class TestAStateFile:
    def test_of_the_demo_is_refused_for_a_real_account(
        self, served: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = tmp_path / "state"
        watch(served, "Customer survey", "--state", str(state))
        before = stored(state)
        with Emulator() as real:
            monkeypatch.setenv("CONSTANT_CONTACT_API_URL", real.url)
            monkeypatch.setenv("CONSTANT_CONTACT_AUTH_URL", real.auth_url)
            result = CliRunner().invoke(app, ["watch", "--once", "--state", str(state)])
            assert real.requests == []
        assert complaint(result, 2).startswith(f"{state} belongs to the demo account: add --demo")
        assert stored(state) == before

    def test_of_a_real_account_is_refused_for_the_demo(
        self, served: Emulator, tmp_path: Path
    ) -> None:
        state = tmp_path / "state"
        with StateFile(state) as opened:
            SqliteCredentials(opened).store(
                "default", Tokens(client_id="mine", refresh_token="secret")
            )
        before = stored(state)
        result = watch(served, "Customer survey", "--state", str(state))
        assert complaint(result, 2).startswith(f"{state} belongs to a real account: leave out")
        assert (served.requests, stored(state)) == ([], before)

    def test_is_not_needed_to_refuse_credentials_of_a_real_account(
        self, served: Emulator, tmp_path: Path
    ) -> None:
        (tmp_path / "mine").write_text('{"client_id": "mine", "refresh_token": "secret"}')
        result = watch(served, "--credentials", str(tmp_path / "mine"))
        assert "leave out --credentials" in complaint(result, 2)
        assert served.requests == []


def stored(path: Path) -> list[object]:
    """Return the accounts and the credentials of a state file."""
    with StateFile(path) as state, state.transaction() as connection:
        return [
            row
            for table in ("accounts", "credentials")
            for row in connection.execute(f"SELECT * FROM {table}")
        ]


def test_its_port_is_refused_for_a_real_account() -> None:
    refused = CliRunner().invoke(app, ["watch", "--demo-port", "8711"])
    assert "add --demo" in complaint(refused, 2)
