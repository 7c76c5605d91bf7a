"""Record `demo` and `status` on a terminal as the documentation's screenshots: `make screens`.

Both are the real commands and the deployed stack, on an embedded AWS with an emulated vendor.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from constant_contact_emulator import Emulator, Limits, simulate_send
from embedded_aws import EmbeddedAws

SCREENS = Path(__file__).resolve().parents[1] / "docs" / "screens"
STACK = "email-opens"
COLUMNS = 80
"""The width of a terminal that nobody has widened."""
ROWS = 40
SENDS = (
    ("Members' survey", timedelta(days=3), 900),
    ("March newsletter", timedelta(hours=30), 4000),
    ("Spring sale", timedelta(hours=9), 2500),
)
"""The name, age and number of contacts of each send; the latest is last."""
_COMMAND = str(Path(sys.executable).with_name("email-opens"))
_CONTROL = re.compile(r"(\r?\n|\r|\x1b\[[0-9;?]*[A-Za-z])")
_UP = re.compile(r"\x1b\[([0-9]*)A")
_ERASE = "\x1b[2K"


def run_on_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int) -> str:
    """Run a command on a terminal; return everything that it wrote.

    Raises:
        CalledProcessError: the command failed.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    terminal = {"COLUMNS": str(columns), "LINES": str(ROWS), "TERM": "xterm-256color"}
    with (
        os.fdopen(master, "rb", buffering=0) as screen,
        subprocess.Popen(  # noqa: S603 - no input from outside
            command, stdin=slave, stdout=slave, stderr=slave, env={**environment, **terminal}
        ) as process,
    ):
        os.close(slave)
        written = b""
        with suppress(OSError):  # The command has closed the terminal.
            while chunk := screen.read(65_536):
                written += chunk
    text = written.decode()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return text


def final_lines(written: str) -> list[str]:
    """Return the lines on the screen after the cursor movements that rich writes."""
    lines, row = [""], 0
    for part in _CONTROL.split(written):
        if part.endswith("\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif up := _UP.fullmatch(part):
            row = max(0, row - int(up[1] or 1))
        elif part == _ERASE:
            lines[row] = ""
        elif not _CONTROL.fullmatch(part) or part.endswith("m"):
            lines[row] += part
    return lines


def render(command: str, lines: Sequence[str], columns: int) -> str:
    """Return an SVG of a terminal that shows the lines, with the command as its title."""
    console = Console(record=True, file=StringIO(), width=columns, highlight=False)
    console.print(Text.from_ansi("\n".join(lines).rstrip()), soft_wrap=True)
    return console.export_svg(title=command)


def record(command: str, environment: Mapping[str, str], columns: int) -> str:
    """Return an SVG of what an `email-opens` command shows."""
    written = run_on_terminal([_COMMAND, *command.split()], environment, columns)
    return render(f"email-opens {command}", final_lines(written), columns)


@contextmanager
def busy_stack() -> Iterator[Mapping[str, str]]:
    """Deploy a stack whose account has sends; yield the environment that reaches it."""
    with (
        tempfile.TemporaryDirectory(prefix="email-opens-screens-") as folder,
        EmbeddedAws() as aws,
        Emulator(limits=Limits.off()) as vendor,
    ):
        stack = aws.deploy(
            aws.build(Path(folder)),
            STACK,
            {
                "ConstantContactApiUrl": vendor.url,
                "ConstantContactAuthUrl": vendor.auth_url,
                "ScheduleState": "DISABLED",
                "Discovery": "DISABLED",
            },
        )
        aws.client("ssm").put_parameter(
            Name=f"{stack.environment['CREDENTIALS_PREFIX']}default",
            Type="SecureString",
            Value=json.dumps(vendor.credentials()),
        )
        now = datetime.now(UTC)
        activities = [vendor.world.add_campaign(name).activity_id for name, _, _ in SENDS]
        for activity_id, (_, age, contacts) in zip(activities, SENDS, strict=True):
            simulate_send(vendor.world, activity_id, contacts, sent_at=now - age, seed=contacts)
        # The audit finds identical rows that a page border may have separated.
        for command in (["discover"], ["poll"], ["audit", activities[1]], ["pause", activities[0]]):
            subprocess.run(  # noqa: S603 - no input from outside
                [_COMMAND, *command, "--stack", STACK],
                env=aws.environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        yield aws.environment


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with busy_stack() as environment:
        status = record(f"status --stack {STACK}", environment, COLUMNS)
    (SCREENS / "status.svg").write_text(status)
    (SCREENS / "demo.svg").write_text(record("demo", os.environ, COLUMNS))


if __name__ == "__main__":
    main()
