"""The ledger in a SQLite file, for use without AWS."""

from collections.abc import Collection, Mapping

from email_opens.adapters.local.state_file import StateFile

# A statement for each fingerprint takes twice as long.
_APPEND = """
WITH RECURSIVE starts(at) AS (
  SELECT 1 WHERE length(?3) > 0 UNION ALL SELECT at + 8 FROM starts WHERE at + 8 <= length(?3)
)
INSERT OR IGNORE INTO ledger (campaign_activity_id, bucket, fingerprint)
SELECT ?1, ?2, substr(?3, at, 8) FROM starts
"""
"""Adds the fingerprints of a bucket, 8 bytes each, which are bound as one value."""


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
                _APPEND,
                (
                    (campaign_activity_id, bucket, b"".join(sorted(fingerprints)))
                    for bucket, fingerprints in entries.items()
                ),
            )
