"""Decoding campaigns: instants at their bounds, and the fault of a reply that is refused."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from email_opens.adapters.vendor.replies.campaigns import (
    decode_campaign,
    decode_email,
    decode_last_run,
    decode_names,
    decode_summaries,
)
from email_opens.discovery.campaigns import Summary
from email_opens.instants import iso

NOW = datetime(2026, 3, 2, 14, 7, 9, 250_000, tzinfo=UTC)
TODAY = datetime(2026, 3, 2, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
LATER = TOMORROW + timedelta(milliseconds=1)


def summaries(*sent: datetime) -> bytes:
    rows = [{"campaign_id": "first", "last_sent_date": iso(instant)} for instant in sent]
    return json.dumps({"bulk_email_campaign_summaries": rows}).encode()


def test_a_send_more_than_a_day_ahead_is_taken_for_one_of_the_beginning_of_today() -> None:
    found, _ = decode_summaries(NOW, summaries(TOMORROW, LATER))
    assert found == (Summary("first", TOMORROW), Summary("first", TODAY))


def test_a_run_more_than_a_day_ahead_is_skipped() -> None:
    runs = [{"run_date": iso(instant)} for instant in (NOW, TOMORROW, LATER)]
    assert decode_last_run(NOW, json.dumps(runs).encode()) == TOMORROW


@pytest.mark.parametrize(
    ("decode", "reply", "fault"),
    [
        (partial(decode_summaries, NOW), [], "the reply has an unknown form"),
        (
            partial(decode_summaries, NOW),
            {},
            "the reply has no list of bulk_email_campaign_summaries",
        ),
        (partial(decode_campaign, "first"), [], "the reply has an unknown form"),
        (
            partial(decode_campaign, "first"),
            {"campaign_id": "second"},
            "the reply is about another campaign",
        ),
        (
            partial(decode_campaign, "first"),
            {"campaign_id": "first"},
            "the reply has no list of campaign_activities",
        ),
        (decode_email, {"campaign_id": "ann@example.org"}, "the reply names no campaign"),
        (partial(decode_last_run, NOW), {}, "the reply has an unknown form"),
        (decode_names, {}, "the reply has no list of campaigns"),
    ],
)
def test_a_malformed_reply_is_refused_with_its_fault(
    decode: Callable[[bytes], object], reply: Any, fault: str
) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        decode(json.dumps(reply).encode())
