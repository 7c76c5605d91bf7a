"""The contract of the Report port, over the fake and over the vendor's emulator."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from constant_contact_emulator import Contact
from email_opens.allowance.budget import Budget
from email_opens.errors import ActivityGone, LinkExpired, NotCounted, OutOfTime
from email_opens.model import Open
from email_opens.ports import Report
from tests.fakes import FakeClock
from tests.memory_report import MemoryReport
from tests.unit.adapters.vendor.sockets import ACTIVITY, Vendor, serving

LEFT = 20


class Case(Protocol):
    """A report, and a way to fill it."""

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
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield InMemory()
        else:
            yield AtTheVendor(stack.enter_context(serving()))


def row(number: int, created: datetime, device_type: str | None = "mobile") -> Open:
    return Open(ACTIVITY, f"contact-{number}", created, device_type, f"{number}@example.com")


def fill(case: Case, count: int) -> list[Open]:
    """Add opens a minute apart, and return them newest first."""
    opens = [row(number, case.clock.now() - timedelta(minutes=number)) for number in range(count)]
    for opened in opens:
        case.add(opened)
    return opens


class TestEveryReport:
    def before(self, case: Case) -> datetime:
        return case.clock.now() + timedelta(minutes=1)

    def test_of_an_activity_without_opens_is_an_empty_last_page(self, case: Case) -> None:
        page = case.report.read(ACTIVITY, link=None, rows=500, before=self.before(case))
        assert (page.link, page.opens, page.rejected, page.next_link) == (None, (), (), None)

    def test_returns_rows_unchanged(self, case: Case) -> None:
        added = row(1, case.clock.now(), None)
        case.add(added)
        page = case.report.read(ACTIVITY, link=None, rows=500, before=self.before(case))
        assert page.opens == (added,)

    @pytest.mark.parametrize("rows", [1, 3, 5, 7, 500])
    def test_is_read_to_its_end_newest_first(self, case: Case, rows: int) -> None:
        expected = fill(case, 7)
        link, found, pages = None, list[Open](), 0
        while pages == 0 or link is not None:
            page = case.report.read(ACTIVITY, link=link, rows=rows, before=self.before(case))
            assert page.link == link
            assert len(page.opens) <= rows
            found += page.opens
            link = page.next_link
            pages += 1
        assert found == expected
        assert case.report.requests == pages == -(-7 // rows)

    def test_returns_the_same_page_again_for_a_link(self, case: Case) -> None:
        fill(case, 5)
        link = case.report.read(ACTIVITY, link=None, rows=2, before=self.before(case)).next_link
        first, second = (
            case.report.read(ACTIVITY, link=link, rows=2, before=self.before(case))
            for _ in range(2)
        )
        assert first == second

    def test_has_links_without_a_host(self, case: Case) -> None:
        fill(case, 2)
        page = case.report.read(ACTIVITY, link=None, rows=1, before=self.before(case))
        assert (page.next_link or "").startswith("/v3/")

    def test_refuses_a_link_that_does_not_work(self, case: Case) -> None:
        link = f"/v3/reports/email_reports/{ACTIVITY}/tracking/opens?next=broken"
        with pytest.raises(LinkExpired):
            case.report.read(ACTIVITY, link=link, rows=500, before=self.before(case))

    def test_raises_activity_gone_for_an_unknown_activity(self, case: Case) -> None:
        with pytest.raises(ActivityGone):
            case.report.read(
                "5b1e0a52-0000-4000-8000-0000000000ff",
                link=None,
                rows=500,
                before=self.before(case),
            )
        assert case.report.requests == 1

    def test_sends_no_request_without_time(self, case: Case) -> None:
        with pytest.raises(OutOfTime):
            case.report.read(ACTIVITY, link=None, rows=500, before=case.clock.now())
        assert case.report.requests == 0

    def test_counts_every_open_of_a_campaign(self, case: Case) -> None:
        fill(case, 3)
        readings = case.report.count([case.campaign_id], before=self.before(case))
        assert readings.opens == {case.campaign_id: 3}

    def test_has_counters_with_the_instant_of_their_refresh(self, case: Case) -> None:
        readings = case.report.count([case.campaign_id], before=self.before(case))
        assert readings.refreshed_at == case.clock.now()

    def test_reads_counters_with_one_request(self, case: Case) -> None:
        case.report.count([case.campaign_id], before=self.before(case))
        assert case.report.requests == 1

    def test_returns_no_counters_if_one_campaign_is_unknown(self, case: Case) -> None:
        unknown = "5b1e0a52-0000-4000-8000-0000000000ff"
        with pytest.raises(NotCounted):
            case.report.count([case.campaign_id, unknown], before=self.before(case))

    def test_reads_no_counters_without_time(self, case: Case) -> None:
        with pytest.raises(OutOfTime):
            case.report.count([case.campaign_id], before=case.clock.now())

    def test_sends_no_request_beyond_its_budget(self, case: Case) -> None:
        for _ in range(LEFT):
            case.report.read(ACTIVITY, link=None, rows=500, before=self.before(case))
        with pytest.raises(OutOfTime):
            case.report.read(ACTIVITY, link=None, rows=500, before=self.before(case))
        assert case.report.requests == LEFT
