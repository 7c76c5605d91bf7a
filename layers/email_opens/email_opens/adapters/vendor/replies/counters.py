"""Decoding the vendor's counters of opens, each judged alone. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from email_opens.adapters.vendor.replies import values
from email_opens.adapters.vendor.replies.decoding import decoded
from email_opens.model import CounterReadings


def decode_counters(body: bytes, until: datetime) -> CounterReadings:
    """Decode a reply of `/v3/reports/stats/email_campaigns`.

    A campaign whose counter is unusable, or that the reply's errors name, has none. A refresh
    that is dated after `until` is unknown.

    Raises:
        ValueError: the reply names no campaign; the message holds nothing of its content.
    """
    reply = decoded(body)
    results, errors = _listed(reply, "results"), _listed(reply, "errors")
    named = {values.campaign(entry.get("campaign_id")) for entry in [*results, *errors]}
    opens: dict[str, int] = {}
    refreshed: list[datetime] = []
    for result in results:
        campaign_id, found = values.campaign(result.get("campaign_id")), _opens(result)
        if campaign_id is not None and found is not None:
            opens[campaign_id] = found
            refreshed_at = values.instant(result.get("last_refresh_time"), until)
            refreshed += [refreshed_at] if refreshed_at else []
    missing = frozenset(filter(None, named)) - opens.keys()
    if not opens and not missing:
        raise ValueError("the reply names no campaign")
    return CounterReadings(opens, min(refreshed, default=None), missing)


def decode_activity_counter(body: bytes) -> int | None:
    """Decode a reply of `/v3/reports/stats/email_campaign_activities` about one activity.

    Returns the first usable `em_opens_all`, or None if there is none.
    """
    try:
        reply = decoded(body)
    except ValueError:
        return None
    counts = map(_opens, _listed(reply, "results"))
    return next((opens for opens in counts if opens is not None), None)


def _listed(reply: object, name: str) -> list[dict[str, Any]]:
    entries = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _opens(result: Mapping[str, Any]) -> int | None:
    stats = result.get("stats")
    return values.count(stats.get("em_opens_all")) if isinstance(stats, dict) else None
