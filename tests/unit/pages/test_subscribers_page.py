"""What the page for subscribers says about the event."""

import json
import re
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from email_opens.events import attributes, message
from email_opens.model import NewOpen, Open
from email_opens_cli.commands.opens.samples import MEANINGS
from tests.contract.samples import ACTIVITY
from tests.integration.deployment import ROOT

PAGE = (ROOT / "docs" / "subscribers.md").read_text()
OPENED_AT = datetime(2026, 3, 2, 14, 7, tzinfo=UTC)
SENT_ACTIVITY = replace(
    ACTIVITY,
    campaign_id="c",
    campaign_name="March news",
    subject="Spring is here",
    sent_at=OPENED_AT - timedelta(hours=1),
)
OPEN = Open(
    contact_id="a",
    campaign_activity_id=ACTIVITY.campaign_activity_id,
    created_time=OPENED_AT,
    email_address="bo@example.com",
    device_type="mobile",
    first_name="Bo",
    last_name="Lund",
    email_address_hash="0" * 64,
)
NEW = NewOpen(open=OPEN, occurrence=1, event_id="e", first_open=True)
BARE_OPEN = Open("a", ACTIVITY.campaign_activity_id, OPENED_AT, None, None)
BARE = NewOpen(open=BARE_OPEN, occurrence=1, event_id="e")


def table(heading: str) -> dict[str, str]:
    """Return the second column of a table by its first."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", section, re.MULTILINE))


def fields(event: dict[str, Any]) -> set[str]:
    data = {f"data.{name}" for name in event["data"]}
    return {name for name in event if name != "data"} | data


class TestTheFields:
    def test_are_all_in_the_table(self) -> None:
        event = json.loads(message(SENT_ACTIVITY, NEW))
        assert fields(event) == set(table("The event"))

    def test_that_are_always_there_are_marked(self) -> None:
        activity = replace(ACTIVITY, campaign_id=None, campaign_name=None)
        always = {name for name, mark in table("The event").items() if mark == "yes"}
        assert fields(json.loads(message(activity, BARE))) == always


def test_the_attributes_are_all_in_the_table() -> None:
    values = attributes(SENT_ACTIVITY, NEW, delay_seconds=1)
    kinds = {name: "Number" if isinstance(v, int) else "String" for name, v in values.items()}
    assert kinds == table("Attributes for filters")


def test_the_kinds_of_samples_are_in_the_table_in_their_order() -> None:
    assert list(table("Test a consumer without a send")) == list(MEANINGS)
