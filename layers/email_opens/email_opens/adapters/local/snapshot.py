"""A copy of a state file, to read it while a process holds it.

That process keeps every other one away from the file itself. It adds changes to the write-ahead log
beside the file, and moves them into the file from time to time: a copy of both is whole if the file
was not written meanwhile.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from email_opens.adapters.local.private_files import open_own
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import AccountStopped, InvalidInput

_LOG = "-wal"
_TRIES = 20
"""The file is written once in some hundred polls, so that one is hardly ever needed twice."""


@contextmanager
def open_snapshot(path: Path) -> Iterator[StateFile]:
    """Open a copy of a state file, which is removed afterwards.

    Raises:
        InvalidInput: there is no such file, or it is not a state file.
        AccountStopped: it is written all the time, or cannot be read.
    """
    with TemporaryDirectory(prefix="email-opens-status-") as folder:
        copy = Path(folder) / path.name
        for _ in range(_TRIES):
            before = _version(path)
            _copy(path, copy)
            log = path.with_name(path.name + _LOG)
            if log.exists():
                _copy(log, copy.with_name(copy.name + _LOG))
            if _version(path) == before:
                break
        else:
            raise AccountStopped(f"{path} is being written all the time; try again.")
        try:
            state = StateFile(copy)
        except InvalidInput as error:
            raise InvalidInput(str(error).replace(str(copy), str(path))) from None
        with state:
            yield state


def _version(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return found.st_mtime_ns, found.st_size


def _copy(source: Path, target: Path) -> None:
    try:
        file = open_own(source, os.O_RDONLY)
    except OSError as error:
        raise _unreadable(source, error) from None
    with os.fdopen(file, "rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer)


def _unreadable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"The state file {path} cannot be read: {error.strerror}. Name another with --state."
    )
