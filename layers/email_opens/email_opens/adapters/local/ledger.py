"""The ledger in a SQLite file, for use without AWS."""

from collections.abc import Collection, Mapping

from email_opens.adapters.local.state_file import StateFile
from email_opens.events import pack, unpack


class SqliteLedger:
    """Implements `email_opens.ports.Ledger`; entries never expire.

    An entry holds all fingerprints that one call appended to a bucket; older programs added one
    entry for each fingerprint.
    """

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def fingerprints(
        self, campaign_activity_id: str, first_bucket: str, last_bucket: str
    ) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        with self._state.transaction() as connection:
            for bucket, entry in connection.execute(
                "SELECT bucket, fingerprint FROM ledger_entries"
                " WHERE campaign_activity_id = ? AND bucket BETWEEN ? AND ? ORDER BY bucket",
                (campaign_activity_id, first_bucket, last_bucket),
            ):
                found.setdefault(bucket, set()).update(unpack(entry))
        return found

    def append(self, campaign_activity_id: str, entries: Mapping[str, Collection[bytes]]) -> None:
        with self._state.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO ledger_entries (campaign_activity_id, bucket, fingerprint)"
                " VALUES (?, ?, ?)",
                (
                    (campaign_activity_id, bucket, pack(fingerprints))
                    for bucket, fingerprints in entries.items()
                    if fingerprints
                ),
            )
