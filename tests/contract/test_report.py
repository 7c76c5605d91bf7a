"""The Report port, over the fake and over the vendor's emulator."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from constant_contact_emulator import Contact
from email_opens.errors import ActivityGone, LinkExpired, NotCounted, OutOfTime
from email_opens.model import Open
from email_opens.ports import Report
from email_opens.turns.budget import Budget
from tests.fakes import FakeClock
from tests.memory_report import MemoryReport
from tests.unit.adapters.vendor.sockets import ACTIVITY, Vendor, serving

LEFT = 20


class Kept(Protocol):
    """A report and the way to fill it."""

    clock: FakeClock
    report: Report
    campaign_id: str

    def add(self, row: Open) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self._memory = MemoryReport(self.clock, Budget(LEFT))
        self.report: Report = self._memory
        self._memory.rows[ACTIVITY] = []
        self.campaign_id = "campaign"
        self._memory.campaigns[self.campaign_id] = [ACTIVITY]

    def add(self, row: Open) -> None:
        self._memory.rows[ACTIVITY].append(row)


class AtTheVendor:
    def __init__(self, vendor: Vendor) -> None:
        self.clock = vendor.clock
        self.report: Report = vendor.report(left=LEFT)
        self._world = vendor.emulator.world
        (self.campaign_id,) = self._world.campaigns

    def add(self, row: Open) -> None:
        contact = Contact(row.contact_id, row.email_address)
        self._world.add_open(ACTIVITY, contact, at=row.created_time, device_type=row.device_type)


@pytest.fixture(params=["memory", "constant_contact"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield InMemory()
        else:
            yield AtTheVendor(stack.enter_context(serving()))


def row(number: int, created: datetime, device_type: str | None = "mobile") -> Open:
    return Open(ACTIVITY, f"contact-{number}", created, device_type, f"{number}@example.com")


def fill(kept: Kept, count: int) -> list[Open]:
    """Add opens a minute apart, and return them newest first."""
    opens = [row(number, kept.clock.now() - timedelta(minutes=number)) for number in range(count)]
    for one in opens:
        kept.add(one)
    return opens


class TestEveryReport:
    def before(self, kept: Kept) -> datetime:
        return kept.clock.now() + timedelta(minutes=1)

    def test_of_an_activity_without_opens_is_an_empty_last_page(self, kept: Kept) -> None:
        page = kept.report.read(ACTIVITY, link=None, rows=500, before=self.before(kept))
        assert (page.link, page.opens, page.rejected, page.next_link) == (None, (), (), None)

    def test_gives_rows_as_they_are(self, kept: Kept) -> None:
        given = row(1, kept.clock.now(), None)
        kept.add(given)
        page = kept.report.read(ACTIVITY, link=None, rows=500, before=self.before(kept))
        assert page.opens == (given,)

    @pytest.mark.parametrize("rows", [1, 3, 5, 7, 500])
    def test_is_read_to_its_end_newest_first(self, kept: Kept, rows: int) -> None:
        expected = fill(kept, 7)
        link, found, pages = None, list[Open](), 0
        while pages == 0 or link is not None:
            page = kept.report.read(ACTIVITY, link=link, rows=rows, before=self.before(kept))
            assert page.link == link
            assert len(page.opens) <= rows
            found += page.opens
            link = page.next_link
            pages += 1
        assert found == expected
        assert kept.report.requests == pages == -(-7 // rows)

    def test_gives_the_same_page_again_at_a_link(self, kept: Kept) -> None:
        fill(kept, 5)
        link = kept.report.read(ACTIVITY, link=None, rows=2, before=self.before(kept)).next_link
        first, second = (
            kept.report.read(ACTIVITY, link=link, rows=2, before=self.before(kept))
            for _ in range(2)
        )
        assert first == second

    def test_a_link_has_no_host(self, kept: Kept) -> None:
        fill(kept, 2)
        page = kept.report.read(ACTIVITY, link=None, rows=1, before=self.before(kept))
        assert (page.next_link or "").startswith("/v3/")

    def test_refuses_a_link_that_does_not_work(self, kept: Kept) -> None:
        link = f"/v3/reports/email_reports/{ACTIVITY}/tracking/opens?next=broken"
        with pytest.raises(LinkExpired):
            kept.report.read(ACTIVITY, link=link, rows=500, before=self.before(kept))

    def test_does_not_know_every_activity(self, kept: Kept) -> None:
        with pytest.raises(ActivityGone):
            kept.report.read(
                "5b1e0a52-0000-4000-8000-0000000000ff",
                link=None,
                rows=500,
                before=self.before(kept),
            )
        assert kept.report.requests == 1

    def test_begins_nothing_without_time(self, kept: Kept) -> None:
        with pytest.raises(OutOfTime):
            kept.report.read(ACTIVITY, link=None, rows=500, before=kept.clock.now())
        assert kept.report.requests == 0

    def test_counts_every_open_of_a_campaign(self, kept: Kept) -> None:
        fill(kept, 3)
        counted = kept.report.count([kept.campaign_id], before=self.before(kept))
        assert counted.opens == {kept.campaign_id: 3}

    def test_counts_up_to_an_instant(self, kept: Kept) -> None:
        counted = kept.report.count([kept.campaign_id], before=self.before(kept))
        assert counted.refreshed_at == kept.clock.now()

    def test_counts_with_one_request(self, kept: Kept) -> None:
        kept.report.count([kept.campaign_id], before=self.before(kept))
        assert kept.report.requests == 1

    def test_counts_none_where_it_does_not_know_one(self, kept: Kept) -> None:
        unknown = "5b1e0a52-0000-4000-8000-0000000000ff"
        with pytest.raises(NotCounted):
            kept.report.count([kept.campaign_id, unknown], before=self.before(kept))

    def test_counts_nothing_without_time(self, kept: Kept) -> None:
        with pytest.raises(OutOfTime):
            kept.report.count([kept.campaign_id], before=kept.clock.now())

    def test_begins_nothing_beyond_its_requests(self, kept: Kept) -> None:
        for _ in range(LEFT):
            kept.report.read(ACTIVITY, link=None, rows=500, before=self.before(kept))
        with pytest.raises(OutOfTime):
            kept.report.read(ACTIVITY, link=None, rows=500, before=self.before(kept))
        assert kept.report.requests == LEFT
