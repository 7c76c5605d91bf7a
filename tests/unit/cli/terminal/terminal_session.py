"""A pseudo-terminal with a program on it, for tests that type and read its output.

A hidden prompt of a command in this process (`pseudo_terminal`) would open this process's own
terminal; a separate program has only the terminal that it gets here.
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
TIMEOUT_SECONDS = 30.0
"""How long the program may stay silent; only a failing test waits this long."""
CTRL_C = "\x03"
CTRL_D = "\x04"

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class TerminalSession:
    """Runs a program until it ends or the `with` block is left."""

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
    def output(self) -> str:
        """The output so far, without colours."""
        return _CONTROL.sub("", self._bytes.decode("utf-8", "replace"))

    def wait_for(self, pattern: str) -> str:
        """Wait until the output matches; return the first group, or else the match."""
        while True:
            match = re.search(pattern, self.output)
            if match:
                return match.group(1) if match.re.groups else match.group()
            assert self._read(), f"{pattern!r} is not in {self.output!r}"

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Wait until the program ends; return its exit code."""
        while self._read():
            pass
        return self._process.wait(TIMEOUT_SECONDS)

    def _read(self) -> bool:
        """Read more output; return False at the end or after the timeout."""
        ready, _, _ = select.select([self._master], [], [], TIMEOUT_SECONDS)
        if not ready:
            return False
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:  # Linux raises this when the program has closed its end.
            return False
        self._bytes += chunk
        return bool(chunk)
