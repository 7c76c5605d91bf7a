"""Files and folders with credentials or addresses, which only their owner may use.

A file of that name may exist already: with a looser mode, as a link, or owned by another user.
"""

import errno
import functools
import operator
import os
import stat
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def open_own(path: Path, flags: int) -> int:
    """Open a regular file of this user; return its descriptor. Links are not followed.

    Raises:
        OSError: it cannot be opened, is a link or no regular file, or belongs to another user.
    """
    try:
        file = os.open(path, flags | _careful(), FILE_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
    try:
        _check_file(path, os.fstat(file))
    except OSError:
        os.close(file)
        raise
    return file


def _careful() -> int:
    """Return the flags of which this system may lack some.

    Without O_NONBLOCK a named pipe would wait for its other end, and without O_BINARY Windows would
    change the ends of lines.
    """
    names = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
    return functools.reduce(operator.or_, (getattr(os, name, 0) for name in names))


def open_private(path: Path, flags: int) -> int:
    """Open a file as `open_own` does, and withdraw the permissions of others."""
    file = open_own(path, flags)
    try:
        make_private(file)
    except OSError:
        os.close(file)
        raise
    return file


def make_private(file: int) -> None:
    """Withdraw the permissions of others on an open file."""
    if stat.S_IMODE(os.fstat(file).st_mode) != FILE_MODE:
        os.fchmod(file, FILE_MODE)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only this user may enter, or withdraw the permissions of others on it.

    Raises:
        OSError: it cannot be made, or belongs to another user.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.stat()
    _check_owner(folder, found)
    if stat.S_IMODE(found.st_mode) != FOLDER_MODE:
        folder.chmod(FOLDER_MODE)


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    _check_owner(path, found)


def _check_owner(path: Path, found: os.stat_result) -> None:
    # Windows has no such number: there, a user's own folder is closed to others.
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
