"""Credentials in a SQLite file, for use without AWS."""

import sqlite3
from hashlib import blake2b

from email_opens.account import Tokens
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import AccountDisconnected, InvalidInput
from email_opens.instants import iso, utc

RECONNECT = "email-opens watch --reconnect"
_ROOM_BYTES = 65_536
"""The size of the largest tokens that a reply can hold."""


class SqliteCredentials:
    """Implements `email_opens.ports.Credentials`; `reconnect` is the command that provides them."""

    def __init__(self, state: StateFile, reconnect: str = RECONNECT) -> None:
        self._state = state
        self._reconnect = reconnect

    def load(self, account_id: str) -> Tokens:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT client_id, client_secret, refresh_token, access_token, expires_at"
                " FROM credentials WHERE account_id = ?",
                (account_id,),
            ).fetchone()
        if found is None:
            raise AccountDisconnected(
                f"Account “{account_id}” has no credentials: run `{self._reconnect}` on a "
                "terminal, or add --credentials FILE."
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
                "INSERT OR REPLACE INTO credentials (account_id, client_id, refresh_token, given)"
                " VALUES ('', '', '', zeroblob(?))",
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


def _store_tokens(
    connection: sqlite3.Connection, account_id: str, tokens: Tokens, given: bytes | None
) -> None:
    try:
        connection.execute(
            "INSERT INTO credentials (account_id, client_id, client_secret, refresh_token,"
            " access_token, expires_at, given) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET client_id = excluded.client_id,"
            " client_secret = excluded.client_secret, refresh_token = excluded.refresh_token,"
            " access_token = excluded.access_token, expires_at = excluded.expires_at,"
            " given = excluded.given",
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
