"""Opens as lines of JSON, an event each, to an open file: a screen, a pipe, a file's end.

A line is written in one go, so that nobody who is killed leaves half of one in a pipe; what a
full disk or a power cut has cut off in a file is ended before the next. What is in a file is on
the disk before the ledger knows of it. What a pipe took counts as delivered, read or not.
"""

import json
import os
import select
import stat
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from email_opens.errors import AccountStopped, PublishFailed
from email_opens.events import message
from email_opens.model import Activity, NewOpen, RejectedRow


class OutputClosed(AccountStopped):
    """Nobody reads the output any more."""


class LinesPublisher:
    """Keeps `email_opens.ports.Publisher`; it refuses nothing for good.

    Rows that are no opens are lines of a file of their own, which only its owner may read.
    """

    def __init__(self, output: int, rejected: Path) -> None:
        self._output = output
        self._rejected = rejected

    def publish(self, activity: Activity, opens: Sequence[NewOpen], now: datetime) -> int:
        del now
        try:
            _write(self._output, (message(activity, new) for new in opens))
        except BrokenPipeError:
            raise OutputClosed("Nobody reads the output any more.") from None
        except OSError as error:
            raise PublishFailed(
                f"The output did not take the opens of activity {activity.campaign_activity_id}: "
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
            file = os.open(self._rejected, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _write(file, letters)
            finally:
                os.close(file)
        except OSError as error:
            raise PublishFailed(
                f"{self._rejected} did not take rows that are no opens: {error.strerror}."
            ) from None


def closed(output: int) -> bool:
    """Say whether an output is a pipe, or a terminal, that nobody is at any more."""
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))  # Errors and hang-ups are reported unasked.


def _write(file: int, lines: Iterable[str]) -> None:
    """Write lines; when it returns, they have left this process, and are on the disk in a file."""
    on_disk = stat.S_ISREG(os.fstat(file).st_mode)
    if on_disk and _cut(file):
        os.write(file, b"\n")
    for line in lines:
        # Half a character, which JSON may hold, is written as JSON escapes it.
        left = f"{line}\n".encode(errors="backslashreplace")
        while left:
            left = left[os.write(file, left) :]
    if on_disk:
        os.fsync(file)


def _cut(file: int) -> bool:
    """Say whether a file ends within a line, for all that is known."""
    if os.fstat(file).st_size == 0:
        return False
    try:
        # Anew: who appends to a file may not read it.
        with Path(f"/dev/fd/{file}").open("rb") as anew:
            anew.seek(-1, os.SEEK_END)
            return anew.read() != b"\n"
    except OSError:
        return True
