"""Replies that have made trouble, to the byte, and what is right, through the vendor's adapters."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from constant_contact_emulator import Kind
from email_opens.errors import EmailOpensError
from email_opens.turns.probe import CounterProbe
from tests.core.setup import Core
from tests.unit.adapters.vendor.sockets import Vendor, serving

REPLIES = Path(__file__).parent / "vendor_replies"
CAMPAIGNS = [f"c0ffee00-0000-4000-8000-{number:012x}" for number in range(20)]
NOT_READ = {
    "403-cdn.html",
    "403-gateway.json",
    "403-missing-token.json",
    "429-gateway-quota.json",
    "non-opener-resends.json",
    "privileges-all.json",
    "privileges-without-metrics.json",
    "schedules-none.json",
    "schedules.json",
}
"""Replies that no adapter tells from others yet."""


@dataclass(frozen=True, slots=True)
class Published:
    """The events of two polls, and the rows that they set aside."""

    opens: int
    without_address: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """The campaigns with a counter and without, and the requests that it took."""

    campaigns: int
    missing: int = 0
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A reply of a status to a request, and the right result, or the class of the error."""

    name: str
    status: int
    request: Callable[[Vendor, Core], Any]
    right: Any


def opens(vendor: Vendor, core: Core) -> Published:
    """Poll the activity twice with the reply that is next."""
    report = vendor.report()
    for _ in range(2):
        core.work(report, core.walk())
    events = [json.loads(body)["data"] for body in core.publisher.published]
    return Published(
        opens=len(events),
        without_address=sum("email_address" not in data for data in events),
        set_aside=len(core.publisher.dead_letters),
    )


def page(vendor: Vendor, core: Core) -> int:
    """Read a page, of an activity with three opens at the vendor."""
    del core
    vendor.add_opens(3)
    return len(vendor.read().opens)


def counters(vendor: Vendor, core: Core) -> Counted:
    """Read the counters of twenty campaigns."""
    del core
    probe = CounterProbe(vendor.report(), vendor.before)
    probe.read(CAMPAIGNS, campaigns_per_probe=150)
    return Counted(len(probe.readings.opens), len(probe.readings.missing), probe.requests)


CASES = [
    Case("opens-20-good.json", 200, opens, Published(20)),
    Case("opens-tab-in-a-name.body", 200, opens, Published(20)),
    Case("opens-newline-in-a-name.body", 200, opens, Published(20)),
    Case("opens-control-01-in-a-name.body", 200, opens, Published(20)),
    Case("opens-latin-1-in-a-name.body", 200, opens, Published(20)),
    Case("opens-cut-utf-8-in-a-name.body", 200, opens, Published(20)),
    Case("opens-integer-of-4301-digits.body", 200, opens, Published(20)),
    Case("opens-nesting-of-20000.body", 200, opens, Published(20)),
    Case("opens-null-list.json", 200, opens, Published(0)),
    Case("opens-erased-contact.json", 200, opens, Published(20, without_address=1)),
    Case("opens-device-null.json", 200, opens, Published(20)),
    Case("opens-instant-refined.json", 200, opens, Published(20)),
    Case("counters-one-null.json", 200, counters, Counted(19, missing=1)),
    Case("counters-one-missing.json", 200, counters, Counted(19, missing=1)),
    Case("counters-one-negative.json", 200, counters, Counted(19, missing=1)),
    Case("counters-one-text.json", 200, counters, Counted(20)),
    Case("counters-one-float.json", 200, counters, Counted(20)),
    Case("counters-all-in-errors.json", 200, counters, Counted(0, missing=20)),
    Case("429-gateway-pace.json", 429, page, 3),
]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


@pytest.fixture
def core(vendor: Vendor) -> Core:
    """Return an account that tracks the activity, after the instants of every reply."""
    vendor.clock.sleep(timedelta(hours=4).total_seconds())
    core = Core(clock=vendor.clock)
    core.track()
    return core


def answer(vendor: Vendor, name: str, status: int = 200, times: int = 2) -> None:
    body = (REPLIES / name).read_bytes()
    vendor.emulator.faults.add(Kind.STATUS, status=status, body=body, times=times)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reply_costs_no_more_than_what_is_wrong_with_it(
    case: Case, vendor: Vendor, core: Core
) -> None:
    answer(vendor, case.name, case.status)
    try:
        result = case.request(vendor, core)
    except EmailOpensError as error:
        result = type(error)
    assert result == case.right


@pytest.mark.parametrize("name", ["opens-device-null.json", "opens-instant-refined.json"])
def test_a_row_that_the_vendor_revises_is_another_open(
    name: str, vendor: Vendor, core: Core
) -> None:
    answer(vendor, "opens-20-good.json")
    opens(vendor, core)
    answer(vendor, name)
    assert opens(vendor, core) == Published(21)


def test_every_reply_is_a_case() -> None:
    assert {path.name for path in REPLIES.iterdir()} == {case.name for case in CASES} | NOT_READ
