"""Opens as lines, by default of JSON, to an open file: a terminal, a pipe or a file.

Lines are written in chunks that a pipe takes whole, so that a killed process leaves no partial line
in it. A line that a full disk, a power cut or a kill has cut off in a file is ended before the next
one. Lines in a file are on the disk before the ledger records them. What a pipe accepted counts as
delivered.
"""

import json
import os
import select
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from email_opens.adapters.local.private_files import open_private
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.errors import EmailOpensError, OutOfTime, PublishFailed
from email_opens.events import messages
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery

_FILE_CHUNK = 65_536
_PIPE_CHUNK = getattr(select, "PIPE_BUF", 4096)
"""Bytes that a pipe takes whole; a longer line is a chunk of its own."""

type LinesOf = Callable[[Activity], Callable[[NewOpen], str]]
"""Returns what writes the opens of an activity as lines."""


class OutputClosed(OutOfTime):
    """The reader of the output has closed it, which is no error of the account."""


def json_lines(activity: Activity) -> Callable[[NewOpen], str]:
    """Return what writes the event of an open as JSON.

    It leaves no characters that would control a terminal.
    """
    write = messages(activity)
    return lambda new: _printable(write(new))


class LinesPublisher:
    """Implements `email_opens.ports.Publisher`; it refuses nothing for good.

    Rows that are not opens are lines of a separate file, which
    only its owner may read.
    """

    def __init__(
        self,
        output: int,
        rejected: Path,
        waits: Waits = UNCUT,
        *,
        lines_of: LinesOf = json_lines,
    ) -> None:
        self._output = output
        self._rejected = rejected
        self._waits = waits
        self._lines_of = lines_of

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del now
        lines = map(self._lines_of(activity), opens)
        written, fault = _write(self._output, lines, self._waits)
        failure: EmailOpensError | None = None
        if isinstance(fault, BrokenPipeError):
            failure = OutputClosed("The reader of the output has closed it.")
            written = 0  # The reader may not have read everything that the pipe accepted.
        elif isinstance(fault, EmailOpensError):
            failure = fault
        elif fault is not None:
            failure = PublishFailed(
                f"The output did not accept the opens: {fault.strerror}. They are written again."
            )
        return Delivery(settled=tuple(opens[:written]), failure=failure)

    def set_aside(self, activity: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        letters = [
            json.dumps(
                {
                    "account_id": activity.account_id,
                    "campaign_activity_id": activity.campaign_activity_id,
                    "reason": row.reason,
                    "row": row.row,
                }
            )
            for row in rows
        ]
        written = 0
        fault: OSError | OutOfTime | None = None
        try:
            file = open_private(self._rejected, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                written, fault = _write(file, letters, self._waits)
            finally:
                os.close(file)
        except OSError as error:
            fault = error
        failure: EmailOpensError | None = None
        if isinstance(fault, OutOfTime):
            failure = fault
        elif fault is not None:
            failure = PublishFailed(
                f"{self._rejected} did not accept rows that are not opens: {fault.strerror}."
            )
        return Delivery(settled=tuple(rows[:written]), failure=failure)


def closed(output: int) -> bool:
    """Return whether an output is a pipe or a terminal that the other side has closed.

    Windows cannot tell; there, the next write fails.
    """
    if sys.platform == "win32":
        return False
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))  # Errors and hang-ups are always reported.


def _write(file: int, lines: Iterable[str], waits: Waits) -> tuple[int, OSError | OutOfTime | None]:
    """Write lines; return how many were written, and why the others were not.

    Written lines have left this process, and are on the disk if this is a file.
    """
    written = 0
    fault: OSError | OutOfTime | None = None
    try:
        on_disk = stat.S_ISREG(os.fstat(file).st_mode)
        if on_disk and _cut(file):
            os.write(file, b"\n")
        try:
            for chunk in _chunks(lines, _FILE_CHUNK if on_disk else _PIPE_CHUNK):
                content = b"".join(chunk)
                sent = 0
                try:
                    while sent < len(content):
                        _wait_for_room(file, waits)
                        sent += os.write(file, content[sent:])
                finally:
                    whole = sent == len(content)
                    written += len(chunk) if whole else content.count(b"\n", 0, sent)
        except (OSError, OutOfTime) as error:
            fault = error
        if on_disk:
            os.fsync(file)
    except OSError as error:
        return 0, error
    return written, fault


def _chunks(lines: Iterable[str], most_bytes: int) -> Iterator[list[bytes]]:
    """Yield lines in chunks of at most so many bytes; a longer line is alone."""
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        encoded = f"{line}\n".encode()
        if chunk and size + len(encoded) > most_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(encoded)
        size += len(encoded)
    if chunk:
        yield chunk


def _wait_for_room(file: int, waits: Waits) -> None:
    """Wait until a chunk can be written at once: the reader of a pipe may be slow, or have stopped.

    A signal may end this wait, but never cuts a line. In Windows, the write itself waits.
    """
    if sys.platform == "win32":
        return
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    if not poll.poll(0):
        with waits.for_what_is_in_hand():
            poll.poll()


def _printable(line: str) -> str:
    """Return JSON in which characters that would control a terminal are escapes.

    A lone surrogate, which cannot be encoded, is an escape too.
    """
    # JSON has no control characters but DEL.
    if (line.isascii() and "\x7f" not in line) or line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in line
    )


def _cut(file: int) -> bool:
    """Return whether a file may end within a line."""
    if os.fstat(file).st_size == 0:
        return False
    path = _path(file)
    if path is None:
        return False
    try:
        # Opened again, since this descriptor may be for appending only.
        with path.open("rb") as reader:
            reader.seek(-1, os.SEEK_END)
            return reader.read() != b"\n"
    except OSError:
        return True


def _path(file: int) -> Path | None:
    """Return a path that opens an open file again; None if the system has none."""
    if sys.platform == "darwin":
        # Its /dev/fd opens a file only for what it is open for already.
        import fcntl  # noqa: PLC0415 - Windows has none

        found: bytes = fcntl.fcntl(file, fcntl.F_GETPATH, bytes(1024))
        return Path(os.fsdecode(found.rstrip(b"\0")))
    return Path(f"/dev/fd/{file}") if Path("/dev/fd").is_dir() else None
