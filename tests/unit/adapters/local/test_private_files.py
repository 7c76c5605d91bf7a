"""Files of one user, on systems without the flags and numbers of Unix."""

import os
from pathlib import Path

import pytest

from email_opens.adapters.local.private_files import make_private_folder, open_private
from email_opens.adapters.local.state_file import StateFile


@pytest.fixture(autouse=True)
def _as_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "geteuid"):
        monkeypatch.delattr(os, name)


def test_a_file_is_opened_and_written(tmp_path: Path) -> None:
    file = open_private(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    os.write(file, b"line\n")
    os.close(file)
    assert (tmp_path / "file").read_bytes() == b"line\n"


def test_a_folder_is_made(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_state_file_is_created_and_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with StateFile(tmp_path / "state.sqlite") as state, state.transaction() as connection:
            assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
