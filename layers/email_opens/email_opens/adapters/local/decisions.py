"""Decisions in a SQLite file, for use without AWS."""

from collections.abc import Iterable, Mapping

from email_opens.adapters.local.state_file import StateFile


class SqliteDecisions:
    """Implements `email_opens.ports.Decisions`; decisions never expire."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        with self._state.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO decisions (partition, key, value) VALUES (?, ?, ?)",
                ((partition, key, value) for key, value in sorted(wanted.items())),
            )
        return self.decided(partition, wanted)

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        with self._state.transaction() as connection:
            return {
                key: value
                for key in keys
                for (value,) in connection.execute(
                    "SELECT value FROM decisions WHERE partition = ? AND key = ?",
                    (partition, key),
                )
            }
