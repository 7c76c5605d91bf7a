"""Opens as lines of JSON, one event each, to an open file: a terminal, a pipe or a file.

Each line is written in one go, so that a killed process leaves no partial line in a pipe. A line
that a full disk or a power cut has cut off in a file is ended before the next one. Lines in a file
are on the disk before the ledger records them. What a pipe accepted counts as delivered.
"""

import json
import os
import select
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from email_opens.errors import AccountStopped, EmailOpensError, PublishFailed
from email_opens.events import message
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery


class OutputClosed(AccountStopped):
    """The reader of the output has closed it."""


class LinesPublisher:
    """Implements `email_opens.ports.Publisher`; it refuses nothing for good.

    Rows that are not opens are lines of a separate file, which only its owner may read.
    """

    def __init__(self, output: int, rejected: Path) -> None:
        self._output = output
        self._rejected = rejected

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        del now
        written, error = _write(self._output, [message(activity, new) for new in opens])
        failure: EmailOpensError | None = None
        if isinstance(error, BrokenPipeError):
            failure = OutputClosed("The reader of the output has closed it.")
        elif error is not None:
            failure = PublishFailed(
                f"The output did not accept the opens of activity {activity.campaign_activity_id}: "
                f"{error.strerror}."
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
        written, fault = 0, None
        try:
            file = os.open(self._rejected, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written, fault = _write(file, letters)
            finally:
                os.close(file)
        except OSError as error:
            fault = error
        failure = None
        if fault is not None:
            failure = PublishFailed(
                f"{self._rejected} did not accept rows that are not opens: {fault.strerror}."
            )
        return Delivery(settled=tuple(rows[:written]), failure=failure)


def closed(output: int) -> bool:
    """Return whether an output is a pipe or a terminal that the other side has closed."""
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))  # Errors and hang-ups are always reported.


def _write(file: int, lines: Sequence[str]) -> tuple[int, OSError | None]:
    """Write lines; return how many were written, and why the others were not.

    Written lines have left this process, and are on the disk if this is a file.
    """
    written, fault = 0, None
    try:
        on_disk = stat.S_ISREG(os.fstat(file).st_mode)
        if on_disk and _cut(file):
            os.write(file, b"\n")
        try:
            for line in lines:
                # Half a character, which JSON allows, is written as a JSON escape.
                left = f"{line}\n".encode(errors="backslashreplace")
                while left:
                    left = left[os.write(file, left) :]
                written += 1
        except OSError as error:
            fault = error
        if on_disk:
            os.fsync(file)
    except OSError as error:
        return 0, error
    return written, fault


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
