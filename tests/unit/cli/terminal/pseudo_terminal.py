"""A pseudo-terminal for a command that runs in this process, with its emulated AWS."""

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from email_opens_cli.main import app

ROWS = 24
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class TerminalOutput:
    """A command's exit code and output, without colours and cursor movements."""

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
    on_output: Callable[[str], str] = lambda _: "",
) -> TerminalOutput:
    """Run a command on a terminal.

    `on_output` is called with all output so far when there is more, and returns what to type.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    chunks: list[str] = []

    def read() -> None:
        while True:
            try:
                chunk = os.read(master, 65_536)
            except OSError:  # The command has closed its end.
                return
            chunks.append(chunk.decode(errors="replace"))
            os.write(master, on_output(_plain(chunks)).encode())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        os.write(master, typed.encode())
        with _attached(slave, columns):
            exit_code = _exit_code(arguments)
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    return TerminalOutput(exit_code, _plain(chunks))


def interrupting(words: str) -> Callable[[str], str]:
    """Return an `on_output` that presses Ctrl-C once, when the output contains these words."""
    matches: list[str] = []

    def interrupt(output: str) -> str:
        if words not in output or matches:
            return ""
        matches.append(words)
        # The command may still be within the write of the prompt, where Python can lose a
        # KeyboardInterrupt; a person is slower.
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        # A signal that comes just before the command waits for input does not end that wait, so
        # a line of input ends it; Python raises KeyboardInterrupt before the line is used.
        return "\n"

    return interrupt


def _exit_code(arguments: tuple[str, ...]) -> int:
    try:
        app(list(arguments), prog_name="email-opens")
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


@contextmanager
def _attached(slave: int, columns: int) -> Iterator[None]:
    """Connect stdin, stdout and stderr to the terminal."""
    with (
        pytest.MonkeyPatch.context() as patch,
        os.fdopen(os.dup(slave), encoding="utf-8") as stdin,
        os.fdopen(os.dup(slave), "w", buffering=1, encoding="utf-8") as stdout,
        os.fdopen(os.dup(slave), "w", buffering=1, encoding="utf-8") as stderr,
    ):
        # rich reads the width of the process's own descriptors unless these are set.
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", str(ROWS))
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        yield


def _plain(chunks: list[str]) -> str:
    return _CONTROLS.sub("", "".join(chunks)).replace("\r\n", "\n")
