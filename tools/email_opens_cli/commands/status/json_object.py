"""The status for programs: one JSON object."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from email_opens.instants import iso
from email_opens_cli.commands.status.reading import Status, delay_seconds


def status_json(status: Status) -> dict[str, Any]:
    """Return the status as JSON values; instants are in ISO 8601."""
    account = status.account
    return {
        "account_id": account.account_id,
        "account": {
            "account_id": account.account_id,
            "requests_today": account.requests_on(status.now),
            "requests_per_day": status.requests_per_day,
            "requests_to_spend": status.requests_to_spend,
            "closed_until": _plain(account.opens_at(status.now)),
            "rests_until": _plain(account.rests_at(status.now)),
            "last_error": account.last_error,
            "turn_completed_at": _plain(account.turn_completed_at),
            "search_completed_at": _plain(account.searches.completed_at),
        },
        "activities": [
            _flat(_plain(activity))
            | {
                "delay_seconds": delay_seconds(activity, status.now),
                "difference": status.differences[activity.campaign_activity_id],
                "opens_by_hour": status.by_hour[activity.campaign_activity_id],
            }
            for activity in status.activities
        ],
    }


def _flat(activity: dict[str, Any]) -> dict[str, Any]:
    """Return an activity's values with those of its groups beside the others."""
    groups = [activity.pop(name) for name in ("progress", "counts", "profile")]
    return activity | {name: value for group in groups for name, value in group.items()}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Struct():
            # What a newer version has stored has no meaning yet.
            names = [name for name in value.__struct_fields__ if name != "unknown"]
            return {name: _plain(getattr(value, name)) for name in names}
        case _:
            return value
