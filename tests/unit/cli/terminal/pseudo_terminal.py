"""A pseudo-terminal for a command that runs in this process, where the embedded AWS is."""

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from email_opens_cli.main import app

ROWS = 24
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class Shown:
    """What a terminal has shown, without colours and movements of the cursor."""

    exit_code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def widest(self) -> int:
        return max(len(line) for line in self.lines)


def run_in_terminal(
    *arguments: str,
    columns: int = 80,
    typed: str = "",
    on_output: Callable[[str], None] = lambda _: None,
) -> Shown:
    """Run a command on a terminal; `on_output` gets all that was shown, each time there is more."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    chunks: list[str] = []

    def read() -> None:
        while True:
            try:
                chunk = os.read(master, 65_536)
            except OSError:  # The other side is closed.
                return
            chunks.append(chunk.decode(errors="replace"))
            on_output(_plain(chunks))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        os.write(master, typed.encode())
        with _attached(slave, columns):
            exit_code = _exit_code(arguments)
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    return Shown(exit_code, _plain(chunks))


def interrupting(words: str) -> Callable[[str], None]:
    """Return an `on_output` that is Ctrl-C, pressed once these words are shown."""
    pressed: list[str] = []

    def interrupt(shown: str) -> None:
        if words in shown and not pressed:
            pressed.append(words)
            os.kill(os.getpid(), signal.SIGINT)

    return interrupt


def _exit_code(arguments: tuple[str, ...]) -> int:
    try:
        app(list(arguments), prog_name="email-opens")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@contextmanager
def _attached(slave: int, columns: int) -> Iterator[None]:
    """Let stdin, stdout and stderr be the terminal."""
    with (
        pytest.MonkeyPatch.context() as patch,
        os.fdopen(os.dup(slave), encoding="utf-8") as typed,
        os.fdopen(os.dup(slave), "w", buffering=1, encoding="utf-8") as shown,
        os.fdopen(os.dup(slave), "w", buffering=1, encoding="utf-8") as complained,
    ):
        # rich asks the process's own descriptors for a width, unless it is told.
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", str(ROWS))
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stdin", typed)
        patch.setattr(sys, "stdout", shown)
        patch.setattr(sys, "stderr", complained)
        yield


def _plain(chunks: list[str]) -> str:
    return _CONTROLS.sub("", "".join(chunks)).replace("\r\n", "\n")
