"""Record what `demo` and `status` draw on a terminal, as the documents' pictures: `make screens`.

Both are the real commands over the deployed stack, on an AWS of this machine with an emulated
vendor.
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
DEMO_COLUMNS = 96
STATUS_COLUMNS = 160
"""All but what was reported and the last error."""
ROWS = 40
SENDS = (
    ("Members' survey", timedelta(days=3), 900),
    ("March newsletter", timedelta(hours=30), 4000),
    ("Spring sale", timedelta(hours=9), 2500),
)
"""Name, age and contacts; the latest send last."""
_COMMAND = str(Path(sys.executable).with_name("email-opens"))
_CONTROL = re.compile(r"(\r?\n|\r|\x1b\[[0-9;?]*[A-Za-z])")
_UP = re.compile(r"\x1b\[([0-9]*)A")
_ERASE = "\x1b[2K"


def drawn(command: Sequence[str], environment: Mapping[str, str], columns: int) -> str:
    """Run a command on a terminal; return all that it wrote there.

    Raises:
        CalledProcessError: it failed.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    terminal = {"COLUMNS": str(columns), "LINES": str(ROWS), "TERM": "xterm-256color"}
    with (
        os.fdopen(master, "rb", buffering=0) as screen,
        subprocess.Popen(  # noqa: S603 - our own words
            command, stdin=slave, stdout=slave, stderr=slave, env={**environment, **terminal}
        ) as process,
    ):
        os.close(slave)
        written = b""
        with suppress(OSError):  # The other side is closed.
            while chunk := screen.read(65_536):
                written += chunk
    text = written.decode()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return text


def left_on_screen(written: str) -> list[str]:
    """Return the lines that are left after all movements of the cursor that rich makes."""
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


def picture(command: str, lines: Sequence[str], columns: int) -> str:
    """Return a terminal as SVG: the command as its title, and the lines."""
    console = Console(record=True, file=StringIO(), width=columns, highlight=False)
    console.print(Text.from_ansi("\n".join(lines).rstrip()), soft_wrap=True)
    return console.export_svg(title=command)


def record(command: str, environment: Mapping[str, str], columns: int) -> str:
    """Return the picture of what `email-opens` draws."""
    written = drawn([_COMMAND, *command.split()], environment, columns)
    return picture(f"email-opens {command}", left_on_screen(written), columns)


@contextmanager
def busy_stack() -> Iterator[Mapping[str, str]]:
    """Deploy a stack whose account has sent; yield the environment that reaches it."""
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
        # An audit finds the twin that a page's border may have parted from its like.
        for command in (["discover"], ["poll"], ["audit", activities[1]], ["pause", activities[0]]):
            subprocess.run(  # noqa: S603 - our own words
                [_COMMAND, *command, "--stack", STACK],
                env=aws.environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        yield aws.environment


def main() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with busy_stack() as environment:
        status = record(f"status --stack {STACK}", environment, STATUS_COLUMNS)
    (SCREENS / "status.svg").write_text(status)
    (SCREENS / "demo.svg").write_text(record("demo", os.environ, DEMO_COLUMNS))


if __name__ == "__main__":
    main()
