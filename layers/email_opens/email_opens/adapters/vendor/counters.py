"""One reply of the vendor's counters, from bytes to counts. Pure."""

import json
from datetime import datetime

from email_opens.instants import utc
from email_opens.model import CounterReadings


class _Malformed(ValueError):
    """A reply's fault, as the end of a sentence without its content."""


def decode_counters(body: bytes) -> CounterReadings:
    """Read one reply of `/reports/stats/email_campaigns`.

    Raises:
        ValueError: it has no counters; the message has nothing of its content.
    """
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise _Malformed("it is no JSON object")
    results = reply.get("results")
    if not isinstance(results, list) or not results:
        raise _Malformed("it has no results")
    counted = [_counter(result) for result in results]
    return CounterReadings(
        opens={campaign_id: opens for campaign_id, opens, _ in counted},
        refreshed_at=min(refreshed_at for _, _, refreshed_at in counted),
    )


def _counter(result: object) -> tuple[str, int, datetime]:
    if not isinstance(result, dict):
        raise _Malformed("a result is no object")
    campaign_id, stats = result.get("campaign_id"), result.get("stats")
    opens = stats.get("em_opens_all") if isinstance(stats, dict) else None
    if not isinstance(campaign_id, str):
        raise _Malformed("a result has no campaign_id")
    if not isinstance(opens, int) or isinstance(opens, bool) or opens < 0:
        raise _Malformed("a result has no em_opens_all")
    refreshed = result.get("last_refresh_time")
    try:
        return campaign_id, opens, utc(refreshed if isinstance(refreshed, str) else "")
    except ValueError:
        pass
    # Outside of the handler, so that no cause carries the text into a log.
    raise _Malformed("a result has no last_refresh_time")
