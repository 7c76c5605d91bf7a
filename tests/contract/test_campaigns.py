"""The Campaigns port, over the fake and over the vendor's emulator."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summary
from email_opens.discovery.ports import Campaigns
from email_opens.errors import LinkExpired, OutOfTime
from email_opens.turns.budget import Budget
from tests.fakes import FakeClock
from tests.memory_campaigns import MemoryCampaigns
from tests.unit.adapters.vendor.sockets import Vendor, serving

LEFT = 20
UNKNOWN = "5b1e0a52-0000-4000-8000-0000000000ff"
MINUTE = timedelta(minutes=1)


def numbered(number: int) -> str:
    return f"5b1e0a52-0000-4000-8000-{number:012}"


class InMemory:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self._memory = MemoryCampaigns(self.clock, budget=Budget(LEFT))
        self.campaigns: Campaigns = self._memory

    def send(self, campaign_id: str, activity_id: str, name: str, at: datetime) -> None:
        activities = (CampaignActivity(activity_id, "primary_email"),)
        self._memory.known[campaign_id] = Campaign(campaign_id, name, activities=activities)
        self._memory.sent[campaign_id] = self._memory.runs[activity_id] = at

    def remove(self, campaign_id: str) -> None:
        name = self._memory.known[campaign_id].name
        self._memory.known[campaign_id] = Campaign(campaign_id, name, removed=True)


class AtTheVendor:
    def __init__(self, vendor: Vendor) -> None:
        self.clock = vendor.clock
        self.campaigns: Campaigns = at_the_vendor(vendor)
        self._world = vendor.emulator.world
        self._world.campaigns.clear()

    def send(self, campaign_id: str, activity_id: str, name: str, at: datetime) -> None:
        if campaign_id not in self._world.campaigns:
            self._world.add_campaign(name, campaign_id=campaign_id, activity_id=activity_id)
        self._world.send(activity_id, at=at)

    def remove(self, campaign_id: str) -> None:
        self._world.campaigns[campaign_id].status = "Removed"


def at_the_vendor(vendor: Vendor, api_url: str | None = None) -> ConstantContactCampaigns:
    return ConstantContactCampaigns(vendor.api(left=LEFT, url=api_url))


type Kept = InMemory | AtTheVendor


@pytest.fixture(params=["memory", "constant_contact"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield InMemory()
        else:
            yield AtTheVendor(stack.enter_context(serving()))


class TestAllCampaigns:
    def before(self, kept: Kept) -> datetime:
        return kept.clock.now() + MINUTE

    def test_of_an_account_that_has_sent_nothing_are_none(self, kept: Kept) -> None:
        page = kept.campaigns.summaries(link=None, before=self.before(kept))
        assert (page.summaries, page.next_link) == ((), None)

    def test_are_listed_the_latest_send_first(self, kept: Kept) -> None:
        began = kept.clock.now()
        for number in (2, 1, 3):
            kept.send(numbered(number), numbered(10 + number), "News", began + number * MINUTE)
        page = kept.campaigns.summaries(link=None, before=self.before(kept))
        assert page.summaries == tuple(
            Summary(numbered(number), began + number * MINUTE) for number in (3, 2, 1)
        )

    def test_are_listed_page_by_page(self, kept: Kept) -> None:
        for number in range(501):
            kept.send(numbered(number), numbered(1000 + number), "News", kept.clock.now())
        first = kept.campaigns.summaries(link=None, before=self.before(kept))
        second = kept.campaigns.summaries(link=first.next_link, before=self.before(kept))
        assert (len(first.summaries), len(second.summaries)) == (500, 1)
        assert second.next_link is None

    def test_refuse_a_link_that_does_not_work(self, kept: Kept) -> None:
        link = "/v3/reports/summary_reports/email_campaign_summaries?next=broken"
        with pytest.raises(LinkExpired):
            kept.campaigns.summaries(link=link, before=self.before(kept))

    def test_have_a_name_and_activities(self, kept: Kept) -> None:
        kept.send(numbered(1), numbered(2), "March news", kept.clock.now())
        found = kept.campaigns.campaign(numbered(1), before=self.before(kept))
        assert found is not None
        assert (found.name, found.removed) == ("March news", False)
        assert CampaignActivity(numbered(2), "primary_email") in found.activities

    def test_that_are_removed_say_so(self, kept: Kept) -> None:
        kept.send(numbered(1), numbered(2), "March news", kept.clock.now())
        kept.remove(numbered(1))
        assert kept.campaigns.campaign(numbered(1), before=self.before(kept)) == Campaign(
            numbered(1), "March news", removed=True
        )

    def test_that_nobody_knows_are_none(self, kept: Kept) -> None:
        assert kept.campaigns.campaign(UNKNOWN, before=self.before(kept)) is None

    def test_say_when_an_activity_was_last_sent(self, kept: Kept) -> None:
        for days in (2, 1):
            at = kept.clock.now() - timedelta(days=days)
            kept.send(numbered(1), numbered(2), "News", at)
        assert kept.campaigns.last_run(numbered(2), before=self.before(kept)) == at

    def test_say_nothing_of_an_activity_that_nobody_knows(self, kept: Kept) -> None:
        assert kept.campaigns.last_run(UNKNOWN, before=self.before(kept)) is None

    def test_have_their_names_in_one_request(self, kept: Kept) -> None:
        for number in range(3):
            kept.send(numbered(number), numbered(10 + number), f"No. {number}", kept.clock.now())
        names = kept.campaigns.names(before=self.before(kept))
        assert names == {numbered(number): f"No. {number}" for number in range(3)}
        assert kept.campaigns.requests == 1

    def test_are_not_asked_for_without_time(self, kept: Kept) -> None:
        with pytest.raises(OutOfTime):
            kept.campaigns.summaries(link=None, before=kept.clock.now())
        assert kept.campaigns.requests == 0

    def test_are_not_asked_for_beyond_the_requests(self, kept: Kept) -> None:
        for _ in range(LEFT):
            kept.campaigns.summaries(link=None, before=self.before(kept))
        with pytest.raises(OutOfTime):
            kept.campaigns.campaign(UNKNOWN, before=self.before(kept))
        assert kept.campaigns.requests == LEFT
