"""The state file: ownership, permissions, and the errors when it cannot be used."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from email_opens.account import Tokens
from email_opens.adapters.local.credentials import SqliteCredentials
from email_opens.adapters.local.decisions import SqliteDecisions
from email_opens.adapters.local.ledger import SqliteLedger
from email_opens.adapters.local.salt import SqliteSalt
from email_opens.adapters.local.state_file import APPLICATION, VERSION, StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.errors import AccountStopped, InvalidInput
from tests.contract.samples import ACTIVITY, ACTIVITY_ID

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


class TestPermissions:
    @pytest.mark.usefixtures("state")
    def test_only_the_owner_may_read_the_state_files(self, path: Path) -> None:
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}

    def test_opening_a_file_withdraws_the_permission_of_others(self, path: Path) -> None:
        with StateFile(path):
            pass
        path.chmod(0o644)
        with StateFile(path):
            assert mode(path) == 0o600

    @pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
    def test_opening_it_withdraws_the_permission_for_what_a_killed_process_left(
        self, path: Path, ending: str
    ) -> None:
        with StateFile(path):
            pass
        beside = path.with_name(path.name + ending)
        beside.touch()
        beside.chmod(0o666)
        with StateFile(path):
            assert {mode(file) for file in path.parent.iterdir()} == {0o600}

    @pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
    def test_a_link_is_refused(self, path: Path, ending: str) -> None:
        target, link = path.with_name("target"), path.with_name(path.name + ending)
        link.symlink_to(target)
        named = f"{link.name} cannot be used: it is a symbolic link. Name another with --state"
        with pytest.raises(InvalidInput, match=re.escape(named)):
            StateFile(path)
        assert not target.exists()

    def test_a_file_of_another_user_is_refused(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path.touch()
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        with pytest.raises(InvalidInput, match="cannot be used: it belongs to another user"):
            StateFile(path)

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
    def test_what_is_not_a_file_is_refused(self, path: Path, make: Callable[[Path], None]) -> None:
        make(path)
        with pytest.raises(InvalidInput, match=r"cannot be used: (it is not a reg|Is a dir)"):
            StateFile(path)


class TestASecondProcess:
    @pytest.mark.usefixtures("state")
    def test_is_refused_while_the_file_is_open(self, path: Path) -> None:
        with pytest.raises(AccountStopped, match=r"is using .*state\.sqlite.*--state"):
            StateFile(path)

    def test_may_open_the_file_after_it_is_closed(self, path: Path) -> None:
        with StateFile(path) as first:
            SqliteLedger(first).append(ACTIVITY_ID, {HOUR: [b"12345678"]})
        with StateFile(path) as second:
            stored = SqliteLedger(second).fingerprints(ACTIVITY_ID, HOUR, HOUR)
        assert stored == {HOUR: {b"12345678"}}


class TestAnOlderProgram:
    """Its ledger was a table with a row for each fingerprint."""

    COLUMNS = "campaign_activity_id, bucket, fingerprint"
    READ = f"SELECT {COLUMNS} FROM ledger WHERE bucket BETWEEN ? AND ?"
    ADD = f"INSERT OR IGNORE INTO ledger ({COLUMNS}) VALUES (?, ?, ?)"

    @pytest.fixture
    def older(self, path: Path) -> Path:
        """Return a file of such a program."""
        with StateFile(path):
            pass
        connection = sqlite3.connect(path)
        connection.execute("DROP VIEW ledger")
        connection.execute("ALTER TABLE ledger_entries RENAME TO ledger")
        rows = [(ACTIVITY_ID, HOUR, number.to_bytes(8)) for number in range(3)]
        connection.executemany(self.ADD, rows)
        connection.commit()
        connection.close()
        return path

    def test_has_its_ledger_read_and_added_to(self, older: Path) -> None:
        for more in (3, 4):
            with StateFile(older) as state:
                ledger = SqliteLedger(state)
                ledger.append(ACTIVITY_ID, {HOUR: [number.to_bytes(8) for number in (2, more)]})
                found = ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR)
            assert found == {HOUR: {number.to_bytes(8) for number in range(more + 1)}}

    def test_finds_each_fingerprint_in_a_newer_file_and_adds_to_them(self, path: Path) -> None:
        wanted = {number.to_bytes(8) for number in range(3)}
        with StateFile(path) as state:
            SqliteLedger(state).append(ACTIVITY_ID, {HOUR: wanted, "rejected": [b"87654321"]})
        connection = sqlite3.connect(path)
        found = connection.execute(self.READ, (HOUR, HOUR)).fetchall()
        connection.executemany(self.ADD, [(ACTIVITY_ID, HOUR, b"12345678")] * 2)
        connection.commit()
        connection.close()
        assert sorted(found) == [(ACTIVITY_ID, HOUR, mark) for mark in sorted(wanted)]
        with StateFile(path) as state:
            assert SqliteLedger(state).fingerprints(ACTIVITY_ID, HOUR, HOUR) == {
                HOUR: wanted | {b"12345678"}
            }


class TestAFileWithColumnsOfANewerVersion:
    @pytest.fixture
    def newer(self, path: Path) -> Iterator[StateFile]:
        with StateFile(path):
            pass
        connection = sqlite3.connect(path)
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (table,) in tables.fetchall():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT")
        connection.close()
        with StateFile(path) as state:
            yield state

    def test_is_added_to(self, newer: StateFile) -> None:
        SqliteLedger(newer).append(ACTIVITY_ID, {HOUR: {b"12345678"}})
        SqliteDecisions(newer).decide("partition", {b"12345678": b"87654321"})
        SqliteCredentials(newer).store("default", Tokens(client_id="c", refresh_token="r"))
        assert SqliteTracking(newer).add(ACTIVITY)
        assert SqliteSalt(newer)() == SqliteSalt(newer)()


class TestAnotherKindOfFile:
    @pytest.mark.parametrize(
        "make",
        [
            lambda path: path.write_text("Dear diary, " * 100),
            other_database,
        ],
        ids=["text", "other database"],
    )
    def test_is_refused(self, path: Path, make: object) -> None:
        assert callable(make)
        make(path)
        with pytest.raises(InvalidInput, match=r"not a state file.*--state"):
            StateFile(path)

    def test_of_a_newer_version_is_refused_by_name(self, path: Path) -> None:
        newer_version(path)
        before = path.read_bytes()
        reason = (
            f"The state file {path} has schema 2, and this version of email-opens understands "
            "schema 1. Start the newer version again; the changelog names the first release that "
            "understands schema 2. Nothing was changed."
        )
        with pytest.raises(InvalidInput, match=rf"^{re.escape(reason)}$"):
            StateFile(path)
        assert path.read_bytes() == before

    def test_is_left_unchanged(self, path: Path) -> None:
        other_database(path)
        path.chmod(0o644)
        before = path.read_bytes()
        with pytest.raises(InvalidInput):
            StateFile(path)
        assert (path.read_bytes(), mode(path)) == (before, 0o644)

    def test_a_state_file_in_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match=r"cannot be used: No such file.*--state"):
            StateFile(tmp_path / "missing" / "state.sqlite")


class TestAnUnusedFile:
    def test_is_removed_with_what_lies_beside_it_if_it_is_new(self, path: Path) -> None:
        with StateFile(path) as state:
            state.remove_unused()
        assert list(path.parent.iterdir()) == []

    def test_is_kept_if_it_was_there_before(self, path: Path) -> None:
        with StateFile(path):
            pass
        with StateFile(path) as state:
            state.remove_unused()
        assert path.exists()

    def test_is_kept_if_it_has_credentials(self, path: Path) -> None:
        with StateFile(path) as state:
            SqliteCredentials(state).store("default", Tokens(client_id="mine", refresh_token="r"))
            state.remove_unused()
        with StateFile(path) as state:
            assert SqliteCredentials(state).load("default").client_id == "mine"


class TestAFullDisk:
    @pytest.fixture
    def ledger(self, state: StateFile) -> SqliteLedger:
        """Return a ledger that holds an entry and has no room for more."""
        ledger = SqliteLedger(state)
        ledger.append(ACTIVITY_ID, {HOUR: [b"12345678"]})
        with state.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 1")
        return ledger

    def fill(self, ledger: SqliteLedger) -> None:
        ledger.append(ACTIVITY_ID, {HOUR: [number.to_bytes(8) for number in range(5000)]})

    def test_is_reported(self, ledger: SqliteLedger) -> None:
        with pytest.raises(AccountStopped, match=r"The disk is full: .*nothing is lost"):
            self.fill(ledger)

    def test_rolls_the_transaction_back(self, ledger: SqliteLedger) -> None:
        with pytest.raises(AccountStopped):
            self.fill(ledger)
        assert ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR) == {HOUR: {b"12345678"}}

    def test_allows_writes_once_there_is_room(self, ledger: SqliteLedger, state: StateFile) -> None:
        with pytest.raises(AccountStopped):
            self.fill(ledger)
        with state.transaction() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        self.fill(ledger)
        assert len(ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR)[HOUR]) == 5001


def test_a_failed_transaction_changes_nothing(state: StateFile) -> None:
    def fail() -> None:
        with state.transaction() as connection:
            connection.execute("INSERT INTO accounts VALUES ('default', '{}')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with state.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)


def test_a_programming_error_is_raised_unchanged(state: StateFile) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), state.transaction() as it:
        it.execute("SELECT * FROM nonsense")


def test_a_transaction_is_on_the_disk_when_it_ends(state: StateFile) -> None:
    with state.transaction() as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "application_id")
        ]
    assert pragmas == ["wal", 2, APPLICATION]
