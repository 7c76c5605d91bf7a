"""`email-opens status` over the state file of a watch."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from email_opens.adapters.local.state_file import StateFile
from email_opens_cli.main import app
from tests.unit.cli.watch.watcher import Watcher, complaint


def status(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["status", *arguments])


@pytest.fixture
def news(connected: Watcher, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """A watch that has read an e-mail; its state file is where `status` looks for it."""
    monkeypatch.delenv("TRACKING_TABLE", raising=False)
    monkeypatch.setenv("HOME", str(connected.folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(connected.folder))
    connected.add_opens(3, name="Spring news")
    connected.watch()
    return connected


def test_a_named_state_file_is_shown(news: Watcher) -> None:
    result = status("--state", str(news.state))
    assert result.exit_code == 0
    assert "Spring news" in result.stdout
    assert "requests today" in result.stdout


def test_a_state_file_is_shown_while_a_watch_holds_it(news: Watcher) -> None:
    with StateFile(news.state):
        assert "Spring news" in status("--state", str(news.state)).stdout


def test_json_has_the_fields_of_a_stack(news: Watcher) -> None:
    found = json.loads(status("--state", str(news.state), "--json").stdout)
    (activity,) = (a for a in found["activities"] if a["campaign_name"] == "Spring news")
    assert activity["published"] == sum(activity["opens_by_hour"]) == 3


def test_the_state_file_of_the_account_is_found_without_a_stack(
    news: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("email_opens_cli.commands.watch.state.state_path", lambda _: news.state)
    assert "Spring news" in status().stdout


def test_the_settings_of_a_stack_come_first(news: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("email_opens_cli.commands.watch.state.state_path", lambda _: news.state)
    monkeypatch.setenv("TRACKING_TABLE", "tracking")
    assert "LEDGER_TABLE is not set" in complaint(status(), 2)


@pytest.mark.usefixtures("news")
def test_without_a_stack_or_a_state_file_the_way_to_both_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr("email_opens_cli.commands.watch.state.state_path", lambda _: nowhere)
    error = complaint(status(), 2)
    assert "no state file of account default: run `email-opens watch`" in error
    assert "TRACKING_TABLE" not in error


@pytest.mark.usefixtures("news")
def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert "cannot be read" in complaint(status("--state", str(tmp_path / "nowhere")), 2)


@pytest.mark.usefixtures("news")
def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "diary").write_text("Dear diary, …")
    assert f"{tmp_path / 'diary'} is not a state file" in complaint(
        status("--state", str(tmp_path / "diary")), 2
    )
