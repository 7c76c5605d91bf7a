"""Whatever a queue delivers, the alert shows it as text or says why it does not."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from email_opens.alerts.chats import OTHER, SLACK, TEAMS, document_of
from email_opens.alerts.events import NotAnOpen, Opened, read_open
from email_opens.alerts.templates import filled, read_template
from email_opens.errors import InvalidSettings
from tests.alerting import event

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
TEXT = st.text(
    st.characters() | st.sampled_from("<>&@*_~`[]{}$\\\u202e\u2066\u200d\ud83d\x1b"), max_size=300
)
OPENS = st.builds(
    event,
    st.integers(1, 99),
    campaign_name=TEXT,
    subject=TEXT,
    first_name=TEXT,
    last_name=TEXT,
    email_address=TEXT,
    device_type=TEXT,
    seconds_since_send=st.integers() | TEXT,
)


def read(value: Any) -> Opened | None:
    try:
        return read_open(value if isinstance(value, str) else json.dumps(value))
    except NotAnOpen:
        return None


@given(JSON | TEXT | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_message_is_an_open_or_refused(value: Any) -> None:
    read(value)


@given(st.sampled_from(sorted(event())), JSON)
def test_an_event_with_any_field_replaced_is_an_open_or_refused(name: str, value: Any) -> None:
    read(event() | {name: value})


@given(st.sampled_from(sorted(event()["data"])), JSON)
def test_an_event_with_any_value_replaced_is_an_open_or_refused(name: str, value: Any) -> None:
    opened = read(event(**{name: value}))
    if opened is not None:
        document_of(OTHER, [opened], NOW, None)


@given(st.lists(OPENS, min_size=1, max_size=12))
def test_any_opens_are_a_document_that_each_service_accepts(events: list[dict[str, Any]]) -> None:
    opens = [read_open(json.dumps(each)) for each in events]
    slack = json.loads(document_of(SLACK, opens, NOW, None))["text"]
    teams = document_of(TEAMS, opens, NOW, None)
    assert "<" not in slack
    assert ">" not in slack
    assert len(slack) < 40_000
    assert slack.replace("\n", "").replace("\u200c", "").replace("\u200d", "").isprintable()
    assert len(teams) < 28_000
    assert b"{{" not in teams
    assert json.loads(document_of(OTHER, opens, NOW, None))["count"] == len(opens)


@given(st.recursive(TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)))
def test_any_template_is_filled_or_refused(template: Any) -> None:
    try:
        read_back = read_template(json.dumps(template), "ALERT_TEMPLATE")
    except InvalidSettings:
        return
    filled(read_back, {})
