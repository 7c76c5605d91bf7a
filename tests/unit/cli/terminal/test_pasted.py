"""Commands in messages start the program as it was started."""

import sys
from pathlib import Path

import pytest

from email_opens_cli.arguments import invocation
from email_opens_cli.terminal.pasted import beside, pasteable, started_as

NAME = "email-opens"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an installed program; its folder is the only one on the PATH."""
    folder = tmp_path / "with a blank"
    folder.mkdir()
    path = folder / NAME
    path.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(folder))
    return path


def test_is_its_name_where_the_shell_finds_it(program: Path) -> None:
    assert started_as(str(program)) == NAME


@pytest.mark.usefixtures("program")
def test_is_its_path_where_the_shell_finds_another(tmp_path: Path) -> None:
    assert started_as(str(tmp_path / NAME)) == str(tmp_path / NAME)


def test_is_its_path_where_the_shell_finds_none(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert started_as(str(program)) == f"'{program}'"


@pytest.mark.usefixtures("program")
def test_is_the_relative_path_that_was_typed() -> None:
    assert started_as(f".venv/bin/{NAME}") == f".venv/bin/{NAME}"


def test_is_the_interpreter_with_a_module() -> None:
    assert started_as("/site/email_opens_cli/__main__.py") == f"{sys.executable} -m email_opens_cli"


@pytest.mark.parametrize(
    ("interpreter", "shown"),
    [(r"C:\eo\python.exe", r"C:\eo\python.exe"), (r"C:\e o\python.exe", r'"C:\e o\python.exe"')],
)
def test_is_quoted_as_the_shells_of_windows_read_it(
    interpreter: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", interpreter)
    assert started_as("/site/email_opens_cli/__main__.py") == f"{shown} -m email_opens_cli"


@pytest.mark.parametrize("path", [NAME, "", "-c", "/usr/bin/pytest"])
def test_is_its_name_where_nothing_else_is_known(path: str) -> None:
    assert started_as(path) == NAME


def test_another_program_is_named_by_its_path_where_the_shell_finds_none(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = program.with_name("other")
    assert beside(str(program), other.name) == other.name  # It is not there.
    other.touch(mode=0o700)
    assert beside(str(program), other.name) == other.name
    monkeypatch.setenv("PATH", "")
    assert beside(str(program), other.name) == f"'{other}'"


def test_a_message_names_the_command_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f".venv/bin/{NAME}", "watch"])
    with invocation.begun():
        shown = pasteable("No consent: run `email-opens connect`, not email-opens itself.")
    assert shown == "No consent: run `.venv/bin/email-opens connect`, not email-opens itself."


def test_a_deployment_is_that_of_the_stack_of_the_command() -> None:
    sentence = "Run `make deploy PARAMETERS=ScheduleState=DISABLED`, or `make deploy`."
    with invocation.begun() as running:
        assert pasteable(sentence) == sentence
        running.stack = "mine"
        assert pasteable(sentence) == (
            "Run `make deploy PARAMETERS=ScheduleState=DISABLED STACK=mine`, "
            "or `make deploy STACK=mine`."
        )


@pytest.mark.parametrize("command", ["subscribe --queue NAME", "unsubscribe NAME", "subscriptions"])
def test_a_command_about_subscribers_has_no_account(command: str) -> None:
    with invocation.begun() as running:
        running.account_id, running.stack = "acme", "mine"
        assert pasteable(f"`email-opens {command}`").endswith(f"{command} --stack mine`")
