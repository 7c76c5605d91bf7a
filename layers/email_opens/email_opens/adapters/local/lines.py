"""Opens as lines of JSON, one event each, to an open file: a terminal, a pipe or a file.

Each line is written in one go, so that a killed process leaves no partial line in a pipe. A line
that a full disk or a power cut has cut off in a file is ended before the next one. Lines in a file
are on the disk before the ledger records them. What a pipe accepted counts as delivered.
"""

import json
import os
import select
import stat
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from email_opens.adapters.local.private_files import open_private
from email_opens.adapters.waits import UNCUT, Waits
from email_opens.errors import AccountStopped, PublishFailed
from email_opens.events import message
from email_opens.model import Activity, NewOpen, RejectedRow


class OutputClosed(AccountStopped):
    """The reader of the output has closed it."""


class LinesPublisher:
    """Implements `email_opens.ports.Publisher`; it refuses nothing for good.

    Rows that are not opens are lines of a separate file, which only its owner may read.
    """

    def __init__(self, output: int, rejected: Path, waits: Waits = UNCUT) -> None:
        self._output = output
        self._rejected = rejected
        self._waits = waits

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        del now
        try:
            _write(self._output, (message(activity, new) for new in opens), self._waits)
        except BrokenPipeError:
            raise OutputClosed("The reader of the output has closed it.") from None
        except OSError as error:
            raise PublishFailed(
                f"The output did not accept the opens of activity {activity.campaign_activity_id}: "
                f"{error.strerror}."
            ) from None
        return 0

    def set_aside(self, activity: Activity, rows: Iterable[RejectedRow]) -> None:
        letters = (
            json.dumps(
                {
                    "account_id": activity.account_id,
                    "campaign_activity_id": activity.campaign_activity_id,
                    "reason": row.reason,
                    "row": row.row,
                }
            )
            for row in rows
        )
        try:
            file = open_private(self._rejected, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                _write(file, letters, self._waits)
            finally:
                os.close(file)
        except OSError as error:
            raise PublishFailed(
                f"{self._rejected} did not accept rows that are not opens: {error.strerror}."
            ) from None


def closed(output: int) -> bool:
    """Return whether an output is a pipe or a terminal that the other side has closed."""
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))  # Errors and hang-ups are always reported.


def _write(file: int, lines: Iterable[str], waits: Waits) -> None:
    """Write lines; they have then left this process, and are on the disk if this is a file."""
    on_disk = stat.S_ISREG(os.fstat(file).st_mode)
    if on_disk and _cut(file):
        os.write(file, b"\n")
    for line in lines:
        left = f"{_printable(line)}\n".encode()
        while left:
            _wait_for_room(file, waits)
            left = left[os.write(file, left) :]
    if on_disk:
        os.fsync(file)


def _wait_for_room(file: int, waits: Waits) -> None:
    """Wait until a line can be written at once: the reader of a pipe may be slow, or have stopped.

    A signal cuts this wait, and never a line.
    """
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    if not poll.poll(0):
        with waits.for_what_is_in_hand():
            poll.poll()


def _printable(line: str) -> str:
    """Return JSON in which characters that would control a terminal are escapes.

    Half a character is one too, which could not be encoded.
    """
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in line
    )


def _cut(file: int) -> bool:
    """Return whether a file may end within a line."""
    if os.fstat(file).st_size == 0:
        return False
    try:
        # Opened again, since this descriptor may be for appending only.
        with Path(f"/dev/fd/{file}").open("rb") as reader:
            reader.seek(-1, os.SEEK_END)
            return reader.read() != b"\n"
    except OSError:
        return True
