"""The state file: whose it is, who may read it, and what is said when it cannot be used."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from email_opens.adapters.local.state_file import APPLICATION, VERSION, StateFile
from email_opens.adapters.local.stores import SqliteLedger
from email_opens.errors import AccountStopped, InvalidInput
from tests.contract.samples import ACTIVITY_ID

HOUR = "2026-03-02T14"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[StateFile]:
    with StateFile(path) as state:
        yield state


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (address TEXT)")
    connection.commit()
    connection.close()


def newer_version(path: Path) -> None:
    with StateFile(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()


class TestItsOwner:
    @pytest.mark.usefixtures("state")
    def test_alone_may_read_all_that_belongs_to_it(self, path: Path) -> None:
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}

    def test_alone_may_read_it_again_when_others_could(self, path: Path) -> None:
        with StateFile(path):
            pass
        path.chmod(0o644)
        with StateFile(path):
            assert mode(path) == 0o600


class TestAnother:
    @pytest.mark.usefixtures("state")
    def test_is_told_that_somebody_is_at_work_on_it(self, path: Path) -> None:
        with pytest.raises(AccountStopped, match=r"at work on .*state\.sqlite.*--state"):
            StateFile(path)

    def test_may_have_it_afterwards(self, path: Path) -> None:
        with StateFile(path) as first:
            SqliteLedger(first).append(ACTIVITY_ID, {HOUR: [b"12345678"]})
        with StateFile(path) as second:
            known = SqliteLedger(second).fingerprints(ACTIVITY_ID, HOUR, HOUR)
        assert known == {HOUR: {b"12345678"}}


class TestWhatIsNoStateFile:
    @pytest.mark.parametrize(
        "make",
        [
            lambda path: path.write_text("Dear diary, " * 100),
            lambda path: path.mkdir(),
            os.mkfifo,
            other_database,
            newer_version,
        ],
        ids=["text", "folder", "pipe", "other database", "newer"],
    )
    def test_is_refused(self, path: Path, make: object) -> None:
        assert callable(make)
        make(path)
        with pytest.raises(InvalidInput, match=r"no state file.*--state"):
            StateFile(path)

    def test_is_left_as_it_was(self, path: Path) -> None:
        other_database(path)
        path.chmod(0o644)
        before = path.read_bytes()
        with pytest.raises(InvalidInput):
            StateFile(path)
        assert (path.read_bytes(), mode(path)) == (before, 0o644)

    def test_cannot_be_made_where_there_is_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match=r"cannot be used: No such file.*--state"):
            StateFile(tmp_path / "missing" / "state.sqlite")


class TestAFullDisk:
    @pytest.fixture
    def ledger(self, state: StateFile) -> SqliteLedger:
        """A ledger that holds something already, and that has no room for more."""
        ledger = SqliteLedger(state)
        ledger.append(ACTIVITY_ID, {HOUR: [b"12345678"]})
        with state.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 1")
        return ledger

    def fill(self, ledger: SqliteLedger) -> None:
        ledger.append(ACTIVITY_ID, {HOUR: [number.to_bytes(8) for number in range(5000)]})

    def test_is_told(self, ledger: SqliteLedger) -> None:
        with pytest.raises(AccountStopped, match=r"The disk is full: .*nothing is lost"):
            self.fill(ledger)

    def test_leaves_nothing_half_done(self, ledger: SqliteLedger) -> None:
        with pytest.raises(AccountStopped):
            self.fill(ledger)
        assert ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR) == {HOUR: {b"12345678"}}

    def test_does_no_harm_once_there_is_room(self, ledger: SqliteLedger, state: StateFile) -> None:
        with pytest.raises(AccountStopped):
            self.fill(ledger)
        with state.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        self.fill(ledger)
        assert len(ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR)[HOUR]) == 5001


def test_a_transaction_that_fails_leaves_nothing(state: StateFile) -> None:
    def fail() -> None:
        with state.transaction() as connection:
            connection.execute("INSERT INTO accounts VALUES ('default', '{}')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with state.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)


def test_a_fault_of_ours_is_not_disguised(state: StateFile) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), state.transaction() as it:
        it.execute("SELECT * FROM nonsense")


def test_what_is_written_is_on_the_disk_when_a_transaction_ends(state: StateFile) -> None:
    with state.transaction() as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "application_id")
        ]
    assert pragmas == ["wal", 2, APPLICATION]
