"""A probe of the counters: few requests, and the campaigns that have no counter are found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from email_opens.errors import NotCounted, ReportUnavailable
from email_opens.model import CounterReadings
from email_opens.turns.probe import MOST_REQUESTS, CounterProbe
from tests.contract.samples import NOON

BEFORE = NOON + timedelta(minutes=1)


@dataclass
class Counters:
    """The counters of a vendor that refuses a request with an unknown campaign."""

    unknown: frozenset[str] = frozenset()
    omitted: frozenset[str] = frozenset()
    """Campaigns that a reply leaves out."""
    fails_after: int = 1000
    requests: list[tuple[str, ...]] = field(default_factory=list)

    def count(self, campaign_ids: Sequence[str], *, before: datetime) -> CounterReadings:
        assert before == BEFORE
        self.requests.append(tuple(campaign_ids))
        if len(self.requests) > self.fails_after:
            raise ReportUnavailable("The vendor does not answer.")
        if self.unknown.intersection(campaign_ids):
            raise NotCounted("The vendor does not know one of them.")
        answered = [name for name in campaign_ids if name not in self.omitted]
        refreshed_at = NOON - timedelta(minutes=len(self.requests))
        return CounterReadings(
            opens={name: ord(name[0]) for name in (*answered, "z")}, refreshed_at=refreshed_at
        )


def probe_of(counters: Any) -> CounterProbe:
    return CounterProbe(counters, BEFORE)


def test_each_request_reads_so_many_campaigns() -> None:
    counters = Counters()
    probe = probe_of(counters)
    probe.read(["a", "b", "c", "d", "e"], 2)
    assert counters.requests == [("a", "b"), ("c", "d"), ("e",)]
    assert probe.readings == CounterReadings(
        opens={name: ord(name) for name in "abcde"}, refreshed_at=NOON - timedelta(minutes=3)
    )


def test_a_refused_request_is_halved_until_the_unknown_campaigns_are_found() -> None:
    counters = Counters(unknown=frozenset("bd"))
    probe = probe_of(counters)
    probe.read(["a", "b", "c", "d", "e"], 5)
    assert probe.readings.missing == {"b", "d"}
    assert probe.readings.opens == {name: ord(name) for name in "ace"}
    assert counters.requests == [
        ("a", "b", "c", "d", "e"),
        ("a", "b"),
        ("a",),
        ("b",),
        ("c", "d", "e"),
        ("c",),
        ("d", "e"),
        ("d",),
        ("e",),
    ]


def test_a_campaign_that_the_reply_omits_has_no_counter() -> None:
    probe = probe_of(Counters(omitted=frozenset("b")))
    probe.read(["a", "b"], 2)
    assert probe.readings.opens == {"a": ord("a")}
    assert probe.readings.missing == {"b"}


def test_the_search_for_unknown_campaigns_ends() -> None:
    names = [f"{number:03}" for number in range(150)]
    counters = Counters(unknown=frozenset(names))
    probe = probe_of(counters)
    with pytest.raises(ReportUnavailable, match=r"^Too many campaigns have no counter"):
        probe.read(names, 150)
    assert len(counters.requests) == MOST_REQUESTS == 40
    assert probe.readings.missing == {*names[:18]}


def test_what_was_read_before_a_failure_is_kept() -> None:
    probe = probe_of(Counters(fails_after=1))
    with pytest.raises(ReportUnavailable, match="does not answer"):
        probe.read(["a", "b"], 1)
    assert probe.readings.opens == {"a": ord("a")}
