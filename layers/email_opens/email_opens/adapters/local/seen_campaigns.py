"""The memory of an account's searches in a SQLite file, for use without AWS."""

import json
from collections.abc import Mapping
from typing import Any

from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.records.schemas import unknown_of
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.instants import iso, utc

KNOWN = frozenset({"last_sent", "left_out", "failures", "retry_at"})
"""The names of an entry that this version reads."""


class SqliteSeenCampaigns:
    """Implements `email_opens.discovery.ports.SeenCampaigns`; there is room for every campaign."""

    def __init__(self, state: StateFile) -> None:
        self._state = state

    def load(self, account_id: str) -> SearchMemory:
        with self._state.transaction() as connection:
            found = connection.execute(
                "SELECT campaign_id, item FROM seen_campaigns WHERE account_id = ?", (account_id,)
            ).fetchall()
        read = {campaign_id: _seen_campaign(item) for campaign_id, item in found}
        return SearchMemory({campaign_id: seen for campaign_id, seen in read.items() if seen})

    def store(self, account_id: str, memory: SearchMemory) -> None:
        rows = [
            (account_id, campaign_id, json.dumps(_record(seen)))
            for campaign_id, seen in memory.campaigns.items()
        ]
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM seen_campaigns WHERE account_id = ?", (account_id,))
            connection.executemany(
                "INSERT INTO seen_campaigns (account_id, campaign_id, item) VALUES (?, ?, ?)", rows
            )


def _record(seen: SeenCampaign) -> Mapping[str, Any]:
    return {
        **seen.unknown,
        "last_sent": iso(seen.last_sent),
        "left_out": seen.left_out,
        "failures": seen.failures,
        "retry_at": seen.retry_at and iso(seen.retry_at),
    }


def _seen_campaign(item: str) -> SeenCampaign | None:
    """Return a seen campaign; None if it is malformed, so that a search reads it again."""
    try:
        record = json.loads(item)
        return SeenCampaign(
            utc(record["last_sent"]),
            left_out=record["left_out"],
            failures=int(record["failures"]),
            retry_at=record["retry_at"] and utc(record["retry_at"]),
            unknown=unknown_of(record, KNOWN),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
