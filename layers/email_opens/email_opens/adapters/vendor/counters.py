"""Decoding the vendor's counters of opens. Pure."""

import json
from datetime import datetime

from email_opens.instants import utc
from email_opens.model import CounterReadings


class _Malformed(ValueError):
    """What is wrong with a reply, as the end of a sentence without its content."""


def decode_counters(body: bytes) -> CounterReadings:
    """Decode a reply of `/v3/reports/stats/email_campaigns`.

    Raises:
        ValueError: the reply has no usable counters; the message holds nothing of its content.
    """
    reply = _decoded(body)
    if not isinstance(reply, dict):
        raise _Malformed("the reply is not a JSON object")
    results = reply.get("results")
    if not isinstance(results, list) or not results:
        raise _Malformed("the reply has no results")
    counters = [_counter(result) for result in results]
    return CounterReadings(
        opens={campaign_id: opens for campaign_id, opens, _ in counters},
        refreshed_at=min(refreshed_at for _, _, refreshed_at in counters),
    )


def decode_activity_counter(body: bytes) -> int | None:
    """Decode a reply of `/v3/reports/stats/email_campaign_activities` about one activity.

    Returns the first usable `em_opens_all`, or None if there is none.
    """
    reply = _decoded(body)
    results = reply.get("results") if isinstance(reply, dict) else None
    counts = map(_opens, results if isinstance(results, list) else ())
    return next((opens for opens in counts if opens is not None), None)


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _counter(result: object) -> tuple[str, int, datetime]:
    if not isinstance(result, dict):
        raise _Malformed("a result is not an object")
    campaign_id, opens = result.get("campaign_id"), _opens(result)
    if not isinstance(campaign_id, str):
        raise _Malformed("a result has no campaign_id")
    if opens is None:
        raise _Malformed("a result has no em_opens_all")
    refreshed = result.get("last_refresh_time")
    try:
        return campaign_id, opens, utc(refreshed if isinstance(refreshed, str) else "")
    except ValueError:
        pass
    # Raised outside the handler, so that no chained cause carries the text into a log.
    raise _Malformed("a result has no last_refresh_time")


def _opens(result: object) -> int | None:
    stats = result.get("stats") if isinstance(result, dict) else None
    opens = stats.get("em_opens_all") if isinstance(stats, dict) else None
    if not isinstance(opens, int) or isinstance(opens, bool) or opens < 0:
        return None
    return opens
