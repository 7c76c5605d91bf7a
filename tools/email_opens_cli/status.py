"""What is tracked and how far it has come, for people and for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from email_opens.model import Account, Activity, iso

_COLUMNS = ("Activity", "Campaign", "State", "Watermark", "Gaps")
_NUMBERS = ("Published", "Reported")
_NOTHING = "-"
_LAST = ("Last polled", "Last error")


def table(activities: Sequence[Activity]) -> Table:
    """Return the activities as a table, the latest send first."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in _COLUMNS:
        shown.add_column(name, no_wrap=name == "Activity")
    for name in _NUMBERS:
        shown.add_column(name, justify="right")
    for name in _LAST:
        shown.add_column(name, overflow="fold")
    for one in _sorted(activities):
        shown.add_row(
            one.campaign_activity_id,
            escape(one.campaign_name or _NOTHING),
            str(one.state),
            _instant(one.watermark),
            str(len(one.gaps)),
            str(one.published),
            _NOTHING if one.reported is None else str(one.reported),
            _instant(one.polled_at),
            escape(one.last_error or _NOTHING),
        )
    return shown


def account_line(account: Account, requests_per_day: int, now: datetime) -> str:
    """Return what is left of the account's day, in a line."""
    line = (
        f"Account {account.account_id}: "
        f"{_requests_today(account, now)} of {requests_per_day} requests today"
    )
    if account.closed_until and account.closed_until > now:
        line += f"; the quota is closed until {iso(account.closed_until)}"
    if account.last_error:
        line += f"; {account.last_error}"
    return line if line.endswith(".") else f"{line}."


def as_json(
    account: Account, activities: Sequence[Activity], requests_per_day: int, now: datetime
) -> dict[str, Any]:
    """Return all of it as JSON values, instants in ISO 8601."""
    return {
        "account": {
            "account_id": account.account_id,
            "requests_today": _requests_today(account, now),
            "requests_per_day": requests_per_day,
            "closed_until": _plain(account.closed_until),
            "last_error": account.last_error,
        },
        "activities": [_plain(asdict(one)) for one in _sorted(activities)],
    }


def _requests_today(account: Account, now: datetime) -> int:
    return account.requests_spent if account.requests_day == now.date().isoformat() else 0


def _sorted(activities: Sequence[Activity]) -> list[Activity]:
    return sorted(activities, key=lambda one: one.sent_at or one.tracked_at, reverse=True)


def _instant(instant: datetime | None) -> str:
    return _NOTHING if instant is None else iso(instant.replace(microsecond=0))


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
