"""Tracking, ledger and credentials in one SQLite file, for use without AWS.

One process at a time has the file open, so transactions suffice as conditions. A restarted process
uses the same holder's name, and so takes over the lease of a killed one at once.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from email_opens.account import Account, CounterTrust, Tokens
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.records import (
    account_from,
    account_record,
    activity_from,
    activity_record,
)
from email_opens.errors import AccountDisconnected, InvalidInput, LostRace
from email_opens.instants import iso, utc
from email_opens.model import Activity
from email_opens.turns.lease import is_held_by_another

_ROOM_BYTES = 65_536
"""The size of the largest tokens that a reply can hold."""


class SqliteTracking:
    """Implements `email_opens.ports.Tracking`."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def lease(
        self,
        account_id: str,
        *,
        holder: str,
        now: datetime,
        until: datetime,
        reserve: int,
        budget: int,
    ) -> Account | None:
        with self._state.transaction() as connection:
            account = _account(connection, account_id) or Account(account_id=account_id)
            if is_held_by_another(account, holder, now):
                return None
            today = now.date().isoformat()
            if account.requests_day != today:
                account = replace(account, requests_day=today, requests_spent=0)
            reserved = max(0, min(reserve, budget - account.requests_spent))
            leased = replace(
                account,
                lease_holder=holder,
                lease_until=until,
                requests_spent=account.requests_spent + reserved,
            )
            _store_account(connection, leased)
        return account

    def reserve(
        self, account_id: str, *, holder: str, day: str, counted: int, requests: int
    ) -> bool:
        with self._state.transaction() as connection:
            account = _account(connection, account_id) or Account(account_id=account_id)
            stored = account.lease_holder, account.requests_day, account.requests_spent
            if stored != (holder, day, counted):
                return False
            _store_account(connection, replace(account, requests_spent=counted + requests))
        return True

    def release(
        self,
        account_id: str,
        *,
        holder: str,
        day: str,
        unused: int,
        closed_until: datetime | None,
        last_error: str | None,
        counter_trust: CounterTrust | None = None,
        rests_until: datetime | None = None,
        outages: int = 0,
    ) -> None:
        with self._state.transaction() as connection:
            account = _account(connection, account_id)
            if account is None or account.lease_holder != holder:
                return
            returned = unused if account.requests_day == day else 0
            released = replace(
                account,
                lease_holder=None,
                lease_until=None,
                requests_spent=account.requests_spent - returned,
                closed_until=closed_until,
                rests_until=rests_until,
                outages=outages,
                last_error=last_error,
                counter_trust=counter_trust or account.counter_trust,
            )
            _store_account(connection, released)

    def name_vendor_account(self, account_id: str, *, holder: str, vendor_account_id: str) -> bool:
        with self._state.transaction() as connection:
            account = _account(connection, account_id)
            if account is None or account.lease_holder != holder:
                return False
            _store_account(connection, replace(account, vendor_account_id=vendor_account_id))
        return True

    def account(self, account_id: str) -> Account | None:
        with self._state.transaction() as connection:
            return _account(connection, account_id)

    def activities(self, account_id: str) -> list[Activity]:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT item FROM activities WHERE account_id = ?", (account_id,)
            ).fetchall()
        return [activity_from(json.loads(item)) for (item,) in found]

    def add(self, activity: Activity) -> bool:
        with self._state.transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO activities VALUES (?, ?, ?, ?, ?)",
                (
                    activity.account_id,
                    activity.campaign_activity_id,
                    activity.version,
                    iso(activity.tracked_at),
                    json.dumps(activity_record(activity)),
                ),
            )
        return added.rowcount == 1

    def save(self, activity: Activity) -> Activity:
        written = replace(activity, version=activity.version + 1)
        with self._state.transaction() as connection:
            saved = connection.execute(
                "UPDATE activities SET version = ?, item = ? WHERE account_id = ?"
                " AND campaign_activity_id = ? AND version = ? AND tracked_at = ?",
                (
                    written.version,
                    json.dumps(activity_record(written)),
                    activity.account_id,
                    activity.campaign_activity_id,
                    activity.version,
                    iso(activity.tracked_at),
                ),
            )
        if saved.rowcount != 1:
            raise LostRace(
                f"Activity {activity.campaign_activity_id} was changed by another writer since it "
                "was read."
            )
        return written

    def remove(self, account_id: str, campaign_activity_id: str) -> bool:
        with self._state.transaction() as connection:
            removed = connection.execute(
                "DELETE FROM activities WHERE account_id = ? AND campaign_activity_id = ?",
                (account_id, campaign_activity_id),
            )
        return removed.rowcount == 1


class SqliteLedger:
    """Implements `email_opens.ports.Ledger`; entries never expire."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        with self._state.transaction() as connection:
            for bucket, fingerprint in connection.execute(
                "SELECT bucket, fingerprint FROM ledger"
                " WHERE campaign_activity_id = ? AND bucket BETWEEN ? AND ? ORDER BY bucket",
                (campaign_activity_id, first_bucket, last_bucket),
            ):
                found.setdefault(bucket, set()).add(fingerprint)
        return found

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        with self._state.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO ledger VALUES (?, ?, ?)",
                (
                    (campaign_activity_id, bucket, fingerprint)
                    for bucket, fingerprints in entries.items()
                    for fingerprint in sorted(fingerprints)
                ),
            )


class SqliteCredentials:
    """Implements `email_opens.ports.Credentials`."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def load(self, account_id: str) -> Tokens:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT client_id, client_secret, refresh_token, access_token, expires_at"
                " FROM credentials WHERE account_id = ?",
                (account_id,),
            ).fetchone()
        if found is None:
            raise AccountDisconnected(
                f"Account “{account_id}” has no credentials: run {_command(account_id)}."
            )
        client_id, client_secret, refresh_token, access_token, expires_at = found
        return Tokens(
            client_id=client_id,
            client_secret=client_secret,
            refresh_token=refresh_token,
            access_token=access_token,
            expires_at=expires_at and utc(expires_at),
        )

    def rewrite(self, account_id: str) -> Tokens:
        # Writing the same row again would not show that the disk has room for a larger one. So a
        # filler row claims the room, and leaves its pages to the new tokens when it is deleted.
        # A filler that a crash has left behind is replaced.
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO credentials VALUES ('', '', NULL, '', NULL, NULL,"
                " zeroblob(?))",
                (_ROOM_BYTES,),
            )
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM credentials WHERE account_id = ''")
        return self.load(account_id)

    def store(self, account_id: str, tokens: Tokens) -> None:
        with self._state.transaction() as connection:
            given = connection.execute(
                "SELECT given FROM credentials WHERE account_id = ?", (account_id,)
            ).fetchone()
            _store_tokens(connection, account_id, tokens, given[0] if given else None)

    def given_last(self, account_id: str, tokens: Tokens) -> bool:
        """Return whether these are the tokens that a person provided last.

        Their refresh token may have been used since; then the new one is stored already.
        """
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT 1 FROM credentials WHERE account_id = ? AND given = ?",
                (account_id, _mark(tokens)),
            ).fetchone()
        return found is not None

    def give(self, account_id: str, given: Tokens, tokens: Tokens) -> None:
        """Store the tokens that a person has `given`, or those that replaced them."""
        with self._state.transaction() as connection:
            _store_tokens(connection, account_id, tokens, _mark(given))


def _mark(tokens: Tokens) -> bytes:
    return blake2b(tokens.refresh_token.encode(errors="surrogatepass"), digest_size=16).digest()


def _command(account_id: str) -> str:
    """Return the command that connects an account to a state file."""
    return f"`email-opens watch --account {account_id} --credentials FILE …`"


def _account(connection: sqlite3.Connection, account_id: str) -> Account | None:
    found = connection.execute(
        "SELECT item FROM accounts WHERE account_id = ?", (account_id,)
    ).fetchone()
    return account_from(account_id, json.loads(found[0])) if found else None


def _store_account(connection: sqlite3.Connection, account: Account) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO accounts VALUES (?, ?)",
        (account.account_id, json.dumps(account_record(account))),
    )


def _store_tokens(
    connection: sqlite3.Connection, account_id: str, tokens: Tokens, given: bytes | None
) -> None:
    try:
        connection.execute(
            "INSERT OR REPLACE INTO credentials VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                account_id,
                tokens.client_id,
                tokens.client_secret,
                tokens.refresh_token,
                tokens.access_token,
                tokens.expires_at and iso(tokens.expires_at),
                given,
            ),
        )
    except UnicodeEncodeError:
        # `from None`: the cause would carry the text.
        raise InvalidInput(
            f"The credentials of account “{account_id}” contain an invalid character: copy them "
            "again."
        ) from None
