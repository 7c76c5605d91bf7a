"""An activity and its opens, to be varied by the tests that need it."""

from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from email_opens.events import event_id
from email_opens.model import Activity, NewOpen, Open

ACTIVITY_ID = "5b1e0a52-0000-4000-8000-0000000000aa"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

ACTIVITY = Activity(
    account_id="default",
    campaign_activity_id=ACTIVITY_ID,
    campaign_id="5b1e0a52-0000-4000-8000-0000000000bb",
    campaign_name="March news",
    tracked_at=NOON - timedelta(days=1),
)


def varied(activity: Activity, **changes: Any) -> Activity:
    """Return an activity with other values of its fields, those of its groups included."""
    for group in ("progress", "counts", "profile"):
        value = getattr(activity, group)
        inner = {name: changes.pop(name) for name in value.__slots__ if name in changes}
        changes |= {group: replace(value, **inner)} if inner else {}
    return replace(activity, **changes)


def new_open(
    number: int = 0, *, email_address: str = "ann@example.org", device_type: str | None = "mobile"
) -> NewOpen:
    """Return the open of contact `number`, as many minutes past noon."""
    row = Open(
        campaign_activity_id=ACTIVITY_ID,
        contact_id=f"contact-{number}",
        created_time=NOON + timedelta(minutes=number),
        device_type=device_type,
        email_address=email_address,
    )
    return NewOpen(event_id=event_id(row, 1), occurrence=1, open=row)


def new_opens(count: int) -> list[NewOpen]:
    return [new_open(number) for number in range(count)]
