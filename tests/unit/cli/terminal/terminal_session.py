"""A pseudo-terminal with a program on it: what is typed, and what a person sees.

A command in this process (`pseudo_terminal`) finds this process's own terminal when it asks for
something hidden; a program has none but the one it is given.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[4]
PATIENCE_SECONDS = 30.0
"""For one sign of life of the program; no test waits for it unless it fails."""
CTRL_C = "\x03"
CTRL_D = "\x04"

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class TerminalSession:
    """Runs a program until it ends, or until the `with` does."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, columns: int = 80
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self._bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def seen(self) -> str:
        """What was shown so far, without colours."""
        return _CONTROL.sub("", self._bytes.decode("utf-8", "replace"))

    def see(self, pattern: str) -> str:
        """Wait until a pattern is shown; return its first group."""
        while True:
            found = re.search(pattern, self.seen)
            if found:
                return found.group(1) if found.re.groups else found.group()
            assert self._read(), f"{pattern!r} is not in {self.seen!r}"

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Take what is shown next; return False at the end, or if nothing is for too long."""
        ready, _, _ = select.select([self._master], [], [], PATIENCE_SECONDS)
        if not ready:
            return False
        try:
            shown = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the program has closed its end
            return False
        self._bytes += shown
        return bool(shown)
