"""The salt of hashed addresses, in a SQLite file."""

import secrets

from email_opens.adapters.local.state_file import StateFile


class SqliteSalt:
    """Returns the file's salt, which the first call creates."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def __call__(self) -> str:
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO secrets (name, value) VALUES (?, ?)",
                ("salt", secrets.token_hex(16)),
            )
            (salt,) = connection.execute(
                "SELECT value FROM secrets WHERE name = ?", ("salt",)
            ).fetchone()
        found: str = salt
        return found
