"""The exit code of a command, however it ends."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from email_opens.errors import AccountStopped
from email_opens_cli.terminal.console import console, say
from email_opens_cli.terminal.program import Program

app = typer.Typer(cls=Program, pretty_exceptions_enable=False)


@app.command()
def interrupted() -> None:
    raise KeyboardInterrupt


@app.command()
def interrupted_at_a_prompt() -> None:
    try:
        interrupted()
    except KeyboardInterrupt:
        raise typer.Abort from None  # as typer's prompts do


@app.command()
def refused_at_a_prompt() -> None:
    raise typer.Abort


@app.command()
def closed_pipe() -> None:
    raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@app.command()
def fails() -> None:
    raise AccountStopped("The vendor fails.")


@app.command()
def fails_since_the_vendor_closes_the_connection() -> None:
    try:
        closed_pipe()
    except BrokenPipeError as error:
        raise AccountStopped("The vendor does not answer.") from error


@app.command()
def prints() -> None:
    for number in range(100):
        say(str(number))


@app.command()
def prints_tables() -> None:
    console().print("a table")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("interrupted", 130),
        ("interrupted-at-a-prompt", 130),
        ("refused-at-a-prompt", 1),
        ("closed-pipe", 0),
        ("fails", 1),
        ("fails-since-the-vendor-closes-the-connection", 1),
        ("prints", 0),
        ("unknown", 2),
    ],
)
def test_a_command_exits_with_the_documented_code(command: str, code: int) -> None:
    assert CliRunner().invoke(app, [command]).exit_code == code


ROOT = Path(__file__).parents[4]
THIS = "tests.unit.cli.terminal.test_program"
PRODUCT = "email_opens_cli.main"


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (THIS, ["prints"]),
        (THIS, ["prints-tables"]),
        (PRODUCT, ["--help"]),
        (PRODUCT, ["status", "--help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_closed_pipe_is_the_end_of_the_output_and_no_error(
    program: str, arguments: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", f"from {program} import app; app()", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(THIS, ["fails"]), (PRODUCT, ["watch", "--every", "never"])],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_complaint_into_a_closed_pipe_is_no_error(program: str, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", f"from {program} import app; app()", *arguments],
        stderr=writer,
        cwd=ROOT,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0
