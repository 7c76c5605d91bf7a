"""The standard streams of a command, whatever a shell or cron has made of them."""

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

STDIN, STDOUT, STDERR = range(3)


def prepare() -> None:
    """Make sure that the three streams are open, and that any text can be written.

    Without that, the next file that is opened takes the place of a closed stdout.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        with suppress(OSError):
            os.fstat(descriptor)
            continue
        _open(descriptor)
    sys.stdin = sys.stdin or _stream(STDIN, "r")
    sys.stdout = sys.stdout or _stream(STDOUT, "w")
    sys.stderr = sys.stderr or _stream(STDERR, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write what stdout still holds.

    Raises:
        OSError: it accepts no more. Python, which would report that again at its exit, does not.
    """
    try:
        sys.stdout.flush()
    except OSError:
        discard()
        raise


def discard() -> None:
    """Drop what stdout still holds, because it accepts no more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_full(error: BaseException | None) -> bool:
    """Return whether an error says that an output accepts no more, although it is not closed."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT)


def _open(descriptor: int) -> None:
    """Open a closed stream: stdin is empty, stdout a closed pipe, and stderr is discarded."""
    if descriptor == STDOUT:
        reader, opened = os.pipe()
        os.close(reader)
    else:
        opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


def _stream(descriptor: int, mode: str) -> Any:
    return open(descriptor, mode, encoding="utf-8", closefd=False)
