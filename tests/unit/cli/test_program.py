"""The program itself: its version, help, completion, and what it imports for them."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from email_opens_cli.main import Commands
from email_opens_cli.terminal.lazy_group import load
from tests.unit.cli.world import ONE, complaint, run

AWS = ("boto3", "botocore", "aws_lambda_powertools", "email_opens.adapters.aws")
WATCHED = ["watch", ONE, "--once", "--state", "/nowhere/state.sqlite"]

_PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv = ["email-opens", *sys.argv[1:]]
from email_opens_cli.main import app
app()
"""


def imported(*arguments: str, variables: dict[str, str] | None = None) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"]} | (variables or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.rstrip().rpartition("\n")[2].split())


def belonging(modules: set[str], packages: tuple[str, ...]) -> set[str]:
    inside = tuple(f"{package}." for package in packages)
    return {name for name in modules if name in packages or name.startswith(inside)}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["watch", "--help"], WATCHED],
    ids=" ".join,
)
def test_nothing_of_aws_is_imported_for(arguments: list[str]) -> None:
    modules = imported(*arguments)
    assert "email_opens_cli.main" in modules
    assert belonging(modules, AWS) == set()


def test_help_imports_no_command_and_no_library_that_only_commands_need() -> None:
    slow = ("email_opens_cli.commands", "requests", "rich.markdown", "pygments", "sqlite3")
    assert belonging(imported("--help"), slow) == set()


def test_completion_of_a_command_imports_no_command() -> None:
    asked = {
        "_EMAIL_OPENS_COMPLETE": "complete_bash",
        "COMP_WORDS": "email-opens st",
        "COMP_CWORD": "1",
    }
    assert belonging(imported(variables=asked), ("email_opens_cli.commands",)) == set()


@pytest.mark.parametrize("name", Commands.lazy())
def test_the_summary_of_each_command_is_how_its_own_help_begins(name: str) -> None:
    lazy = Commands.lazy()[name]
    assert lazy.summary.endswith(".")
    assert " ".join(load(name, lazy).help.split()).startswith(lazy.summary.removesuffix("."))


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_help_shows_every_command_whole_in_any_width(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = run("--help")
    assert result.exit_code == 0
    words = result.stdout.split()
    for name, lazy in Commands.lazy().items():
        assert name in words
        assert set(lazy.summary.split()) <= set(words)
    assert {"--version", "--show-completion", "--help"} <= set(words)
    assert all(len(line) <= columns for line in result.stdout.splitlines())


def helped(monkeypatch: pytest.MonkeyPatch, columns: int, *words: str) -> tuple[list[str], str]:
    """Return the lines of a command's help, and its text without frames, spaces and line breaks."""
    monkeypatch.setenv("COLUMNS", str(columns))
    result = run(*words, "--help")
    assert result.exit_code == 0
    letters = "".join(letter for letter in result.stdout if not ("─" <= letter <= "╿"))
    return result.stdout.splitlines(), "".join(letters.split())


@pytest.mark.parametrize("columns", [40, 79, 80])
@pytest.mark.parametrize(
    "words",
    [
        *((name,) for name in Commands.lazy()),
        *(("dead-letters", name) for name in ("list", "redrive", "drop")),
    ],
    ids=" ".join,
)
def test_the_help_of_a_command_is_cut_in_no_width(
    words: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, text = helped(monkeypatch, columns, *words)
    assert all(len(line.rstrip()) <= columns for line in lines)
    wide_lines, wide = helped(monkeypatch, 200, *words)
    assert text.count("…") == wide.count("…")
    assert all(word in text for line in wide_lines for word in line.split() if word[:2] == "--")


def test_without_a_command_the_help_is_shown() -> None:
    result = run()
    assert result.exit_code == 2
    assert "On this machine" in result.output


def test_a_command_that_is_misspelt_is_suggested() -> None:
    assert "Did you mean 'status'?" in complaint(run("statsu"), 2)


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"email-opens {version('email-opens')}\n")


def test_the_package_can_be_run() -> None:
    command = [sys.executable, "-m", "email_opens_cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage: email-opens " in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_can_be_shown_for_a_shell(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "email_opens_cli", "--show-completion", shell],
        env={
            "PATH": os.environ["PATH"],
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_EMAIL_OPENS_COMPLETE" in done.stdout.upper()
    assert f"complete_{shell}" in done.stdout


def completions(*words: str) -> list[str]:
    """Return what bash offers for the last of the words after the program's name."""
    done = subprocess.run(
        [sys.executable, "-m", "email_opens_cli"],
        env={
            "PATH": os.environ["PATH"],
            "_EMAIL_OPENS_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["email-opens", *words]),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_completion_offers_commands_and_the_options_of_a_command() -> None:
    assert completions("unt") == ["untrack"]
    assert completions("dead-letters", "re") == ["redrive"]
    assert completions("status", "--acc") == ["--account"]
