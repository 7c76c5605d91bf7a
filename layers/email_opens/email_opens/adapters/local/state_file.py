"""The SQLite file of email-opens without AWS: ownership, locking and errors.

A process locks the file from opening it until the process ends. The operating system holds the
lock, so a crash releases it. Each write is one transaction, on the disk when it returns.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from email_opens.adapters.local.private_files import make_private, open_own
from email_opens.errors import AccountStopped, InvalidInput

APPLICATION = int.from_bytes(b"opns")
"""Marks a SQLite file as one of email-opens."""
VERSION = 1
"""The schema of the file; columns and tables that an older program may ignore do not raise it."""

_BESIDE = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside it; a killed process leaves some."""

# `item` is the record of an account or activity as JSON (see `adapters.records`); the other columns
# are those that conditions compare.
_SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE accounts (account_id TEXT PRIMARY KEY, item TEXT NOT NULL);
CREATE TABLE activities (
  account_id TEXT NOT NULL, campaign_activity_id TEXT NOT NULL,
  version INTEGER NOT NULL, tracked_at TEXT NOT NULL, item TEXT NOT NULL,
  PRIMARY KEY (account_id, campaign_activity_id)
) WITHOUT ROWID;
CREATE TABLE ledger_entries (
  campaign_activity_id TEXT NOT NULL, bucket TEXT NOT NULL, fingerprint BLOB NOT NULL,
  PRIMARY KEY (campaign_activity_id, bucket, fingerprint)
) WITHOUT ROWID;
CREATE TABLE credentials (
  account_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, client_secret TEXT,
  refresh_token TEXT NOT NULL, access_token TEXT, expires_at TEXT, given BLOB
);
"""
_LATER = """
CREATE TABLE IF NOT EXISTS seen_campaigns (
  account_id TEXT NOT NULL, campaign_id TEXT NOT NULL, item TEXT NOT NULL,
  PRIMARY KEY (account_id, campaign_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archived (
  account_id TEXT NOT NULL, campaign_activity_id TEXT NOT NULL,
  version INTEGER NOT NULL, tracked_at TEXT NOT NULL, item TEXT NOT NULL,
  PRIMARY KEY (account_id, campaign_activity_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS decisions (
  partition TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (partition, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
"""Tables that files of this version may lack; an older program leaves them as they are."""
_LEDGER = """
CREATE VIEW ledger (campaign_activity_id, bucket, fingerprint) AS
WITH RECURSIVE parts (campaign_activity_id, bucket, entry, at) AS (
  SELECT campaign_activity_id, bucket, fingerprint, 1 FROM ledger_entries
  UNION ALL
  SELECT campaign_activity_id, bucket, entry, at + 8 FROM parts WHERE at + 8 <= length(entry)
)
SELECT campaign_activity_id, bucket, substr(entry, at, 8) FROM parts
"""
"""The ledger as an older program reads it: its table had a row for each fingerprint.

An entry holds the fingerprints that were added at once, 8 bytes each.
"""
_TO_LEDGER = """
CREATE TRIGGER to_ledger INSTEAD OF INSERT ON ledger BEGIN
  INSERT OR IGNORE INTO ledger_entries (campaign_activity_id, bucket, fingerprint)
  VALUES (new.campaign_activity_id, new.bucket, new.fingerprint);
END
"""


class StateFile:
    """An open state file; only its owner may read it, because it holds credentials."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it.

        Raises:
            InvalidInput: it cannot be created, or is not a state file.
            AccountStopped: another process has locked it, or the disk is full or failing.
        """
        self.path = path
        self._new = not os.path.lexists(path)
        with ExitStack() as opened, self._errors_explained():
            # Closed last: a process that closes a file loses its locks on it.
            files = [open_own(path, os.O_CREAT | os.O_RDWR)]
            opened.callback(os.close, files[0])
            for suffix in _BESIDE:
                with suppress(FileNotFoundError):
                    files.append(open_own(self._with(suffix), os.O_RDWR))
                    opened.callback(os.close, files[-1])
            self._connection = sqlite3.connect(path, timeout=0, autocommit=True)
            opened.callback(self._connection.close)
            self._begin(files)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit the changes made within the block, or roll all of them back.

        Raises:
            AccountStopped: the file could not be read or written.
        """
        with self._errors_explained():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                # SQLite itself rolls back when the disk is full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def remove_unused(self) -> None:
        """Remove the file if it is new, and has neither credentials nor an e-mail."""
        if not self._new:
            return
        with self.transaction() as connection:
            used = connection.execute(
                "SELECT 1 FROM credentials UNION ALL SELECT 1 FROM activities"
            ).fetchone()
        if not used:
            # Removed under its lock, so that no other process loses what it writes. Windows keeps
            # a file that is open.
            with suppress(PermissionError):
                for suffix in ("", *_BESIDE):
                    self._with(suffix).unlink(missing_ok=True)

    def _with(self, suffix: str) -> Path:
        """Return the path of the file, or of one beside it."""
        return self.path.with_name(self.path.name + suffix)

    def _begin(self, files: Iterable[int]) -> None:
        """Take the lock, which is held until the end, and create missing tables.

        If this is a state file, `files` are made private: SQLite gives its own files its mode.
        """
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("BEGIN EXCLUSIVE")
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables:
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application == APPLICATION and version > VERSION:
            raise InvalidInput(
                f"The state file {self.path} has schema {version}, and this version of email-opens "
                f"understands schema {VERSION}. Start the newer version again; the changelog names "
                f"the first release that understands schema {version}. Nothing was changed."
            )
        if (application, version) != (APPLICATION, VERSION):
            raise self._foreign()
        for file in files:
            make_private(file)
        for statement in _LATER.split(";"):
            self._connection.execute(statement)
        self._pack_ledger()
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def _pack_ledger(self) -> None:
        """Let the table of an older program have entries of several fingerprints."""
        kinds = dict(self._connection.execute("SELECT name, type FROM sqlite_schema"))
        if kinds.get("ledger") == "table":
            self._connection.execute("ALTER TABLE ledger RENAME TO ledger_entries")
        if kinds.get("ledger") != "view":
            self._connection.execute(_LEDGER)
            self._connection.execute(_TO_LEDGER)

    def _foreign(self) -> InvalidInput:
        return InvalidInput(
            f"{self.path} is not a state file of this version of email-opens: name another with "
            "--state."
        )

    @contextmanager
    def _errors_explained(self) -> Iterator[None]:
        """Turn errors of the file into messages that name the remedy."""
        try:
            yield
        except OSError as error:
            raise InvalidInput(
                f"The state file {error.filename or self.path} cannot be used: {error.strerror}. "
                "Name another with --state."
            ) from None
        except sqlite3.DatabaseError as error:
            match getattr(error, "sqlite_errorcode", 0) & 0xFF:
                case sqlite3.SQLITE_NOTADB:
                    raise self._foreign() from None
                case sqlite3.SQLITE_BUSY:
                    raise AccountStopped(
                        f"Another program is using {self.path}, such as another "
                        "`email-opens watch`: end it, or name another file with --state."
                    ) from None
                case sqlite3.SQLITE_FULL:
                    raise AccountStopped(
                        f"The disk is full: {self.path} could not be written. Make room and start "
                        "again; nothing is lost."
                    ) from None
                case (
                    sqlite3.SQLITE_CANTOPEN
                    | sqlite3.SQLITE_CORRUPT
                    | sqlite3.SQLITE_IOERR
                    | sqlite3.SQLITE_PERM
                    | sqlite3.SQLITE_READONLY
                ):
                    raise AccountStopped(
                        f"The state file {self.path} cannot be used: {error}. Check its disk and "
                        "your permission to write there."
                    ) from None
            raise
