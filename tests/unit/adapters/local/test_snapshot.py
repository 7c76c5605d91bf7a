"""A copy of a state file that another process holds."""

import os
from copy import replace
from pathlib import Path

import pytest

from email_opens.adapters.local import snapshot
from email_opens.adapters.local.snapshot import open_snapshot
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.errors import AccountStopped, InvalidInput
from tests.contract.samples import ACTIVITY


def test_a_file_that_is_held_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with StateFile(path) as held:
        tracking = SqliteTracking(held)
        tracking.add(ACTIVITY)
        (stored,) = tracking.activities("default")
        saved = tracking.save(replace(stored, campaign_name="March"))
        with open_snapshot(path) as copy:
            assert SqliteTracking(copy).activities("default") == [saved]
        tracking.save(saved)  # The holder is not disturbed.


def test_a_file_that_nobody_holds_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with StateFile(path) as state:
        SqliteTracking(state).add(ACTIVITY)
    with open_snapshot(path) as copy:
        assert SqliteTracking(copy).activities("default") == [ACTIVITY]


def test_changes_of_the_copy_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with StateFile(path):
        pass
    with open_snapshot(path) as copy:
        SqliteTracking(copy).add(ACTIVITY)
    with open_snapshot(path) as copy:
        assert SqliteTracking(copy).activities("default") == []


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInput, match="cannot be read: No such file"),
        open_snapshot(tmp_path / "nowhere"),
    ):
        raise AssertionError


def test_a_link_is_refused(tmp_path: Path) -> None:
    with StateFile(tmp_path / "state.sqlite"):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "state.sqlite")
    with pytest.raises(InvalidInput, match="symbolic link"), open_snapshot(tmp_path / "link"):
        raise AssertionError


def test_a_file_that_is_written_meanwhile_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copies = tmp_path / "state.sqlite", []
    with StateFile(path):
        pass
    copy = snapshot._copy

    def write_during_the_first(source: Path, target: Path) -> None:
        copy(source, target)
        if source == path:
            copies.append(source)
            if len(copies) == 1:
                os.utime(path, ns=(0, 0))

    monkeypatch.setattr(snapshot, "_copy", write_during_the_first)
    with open_snapshot(path):
        assert len(copies) == 2


def test_a_file_that_is_written_all_the_time_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copies = tmp_path / "state.sqlite", []
    with StateFile(path):
        pass
    copy = snapshot._copy

    def write(source: Path, target: Path) -> None:
        copy(source, target)
        copies.append(source)
        os.utime(path, ns=(0, len(copies)))

    monkeypatch.setattr(snapshot, "_copy", write)
    with pytest.raises(AccountStopped, match="all the time"), open_snapshot(path):
        raise AssertionError
