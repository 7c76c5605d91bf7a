"""The contract of the Campaigns port, over the fake and over the vendor's emulator."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.allowance.budget import Budget
from email_opens.discovery.campaigns import Campaign, CampaignActivity, Summary
from email_opens.discovery.ports import Campaigns
from email_opens.errors import LinkExpired, OutOfTime
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

    def schedule(self, campaign_id: str, activity_id: str, at: datetime) -> None:
        activities = (CampaignActivity(activity_id, "primary_email"),)
        self._memory.known[campaign_id] = Campaign(campaign_id, "News", activities=activities)
        self._memory.schedules[activity_id] = at

    def schedule_resend(self, campaign_id: str, activity_id: str, at: datetime) -> None:
        assert campaign_id in self._memory.known
        self._memory.resends[activity_id] = at

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

    def schedule(self, campaign_id: str, activity_id: str, at: datetime) -> None:
        self._world.add_campaign("News", campaign_id=campaign_id, activity_id=activity_id)
        self._world.schedule(activity_id, at)

    def schedule_resend(self, campaign_id: str, activity_id: str, at: datetime) -> None:
        assert self._world.campaigns[campaign_id].activity_id == activity_id
        self._world.schedule_resend(campaign_id, at)

    def remove(self, campaign_id: str) -> None:
        self._world.campaigns[campaign_id].status = "Removed"


def at_the_vendor(vendor: Vendor, api_url: str | None = None) -> ConstantContactCampaigns:
    return ConstantContactCampaigns(vendor.api(left=LEFT, url=api_url))


type Case = InMemory | AtTheVendor


@pytest.fixture(params=["memory", "constant_contact"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield InMemory()
        else:
            yield AtTheVendor(stack.enter_context(serving()))


class TestAllCampaigns:
    def before(self, case: Case) -> datetime:
        return case.clock.now() + MINUTE

    def test_of_an_account_without_sends_are_none(self, case: Case) -> None:
        page = case.campaigns.summaries(link=None, before=self.before(case))
        assert (page.summaries, page.next_link) == ((), None)

    def test_are_listed_with_the_latest_send_first(self, case: Case) -> None:
        started = case.clock.now()
        for number in (2, 1, 3):
            case.send(numbered(number), numbered(10 + number), "News", started + number * MINUTE)
        page = case.campaigns.summaries(link=None, before=self.before(case))
        assert page.summaries == tuple(
            Summary(numbered(number), started + number * MINUTE) for number in (3, 2, 1)
        )

    def test_are_listed_page_by_page(self, case: Case) -> None:
        for number in range(501):
            case.send(numbered(number), numbered(1000 + number), "News", case.clock.now())
        first = case.campaigns.summaries(link=None, before=self.before(case))
        second = case.campaigns.summaries(link=first.next_link, before=self.before(case))
        assert (len(first.summaries), len(second.summaries)) == (500, 1)
        assert second.next_link is None

    def test_refuse_a_link_that_does_not_work(self, case: Case) -> None:
        link = "/v3/reports/summary_reports/email_campaign_summaries?next=broken"
        with pytest.raises(LinkExpired):
            case.campaigns.summaries(link=link, before=self.before(case))

    def test_have_a_name_and_activities(self, case: Case) -> None:
        case.send(numbered(1), numbered(2), "March news", case.clock.now())
        found = case.campaigns.campaign(numbered(1), before=self.before(case))
        assert found is not None
        assert (found.name, found.removed) == ("March news", False)
        assert CampaignActivity(numbered(2), "primary_email") in found.activities

    def test_that_are_removed_are_marked_as_removed(self, case: Case) -> None:
        case.send(numbered(1), numbered(2), "March news", case.clock.now())
        case.remove(numbered(1))
        assert case.campaigns.campaign(numbered(1), before=self.before(case)) == Campaign(
            numbered(1), "March news", removed=True
        )

    def test_that_are_unknown_are_none(self, case: Case) -> None:
        assert case.campaigns.campaign(UNKNOWN, before=self.before(case)) is None

    def test_are_found_by_their_activities(self, case: Case) -> None:
        case.send(numbered(1), numbered(2), "News", case.clock.now())
        assert case.campaigns.campaign_of(numbered(2), before=self.before(case)) == numbered(1)

    def test_are_not_found_by_an_unknown_activity(self, case: Case) -> None:
        assert case.campaigns.campaign_of(UNKNOWN, before=self.before(case)) is None

    def test_have_the_last_send_of_each_activity(self, case: Case) -> None:
        for days in (2, 1):
            at = case.clock.now() - timedelta(days=days)
            case.send(numbered(1), numbered(2), "News", at)
        assert case.campaigns.last_run(numbered(2), before=self.before(case)) == at

    def test_have_no_last_send_of_an_unknown_activity(self, case: Case) -> None:
        assert case.campaigns.last_run(UNKNOWN, before=self.before(case)) is None

    def test_have_names_that_are_read_with_one_request(self, case: Case) -> None:
        for number in range(3):
            case.send(numbered(number), numbered(10 + number), f"No. {number}", case.clock.now())
        names = case.campaigns.names(before=self.before(case))
        assert names == {numbered(number): f"No. {number}" for number in range(3)}
        assert case.campaigns.requests == 1

    def test_that_are_scheduled_are_listed(self, case: Case) -> None:
        case.send(numbered(1), numbered(11), "News", case.clock.now())
        case.schedule(numbered(2), numbered(12), case.clock.now() + timedelta(hours=1))
        assert case.campaigns.scheduled(before=self.before(case)) == [numbered(2)]

    def test_have_the_instant_at_which_an_activity_will_be_sent(self, case: Case) -> None:
        at = (case.clock.now() + timedelta(hours=1)).replace(microsecond=0)
        case.schedule(numbered(1), numbered(2), at)
        assert case.campaigns.scheduled_at(numbered(2), before=self.before(case)) == at

    def test_have_the_instant_at_which_an_activity_will_be_resent(self, case: Case) -> None:
        at = (case.clock.now() + timedelta(hours=12)).replace(microsecond=0)
        case.send(numbered(1), numbered(2), "News", case.clock.now())
        case.schedule_resend(numbered(1), numbered(2), at)
        assert case.campaigns.resend_at(numbered(2), before=self.before(case)) == at

    def test_have_no_such_instants_unless_they_are_scheduled(self, case: Case) -> None:
        case.send(numbered(1), numbered(2), "News", case.clock.now())
        assert case.campaigns.scheduled(before=self.before(case)) == []
        for activity_id in (numbered(2), UNKNOWN):
            assert case.campaigns.scheduled_at(activity_id, before=self.before(case)) is None
            assert case.campaigns.resend_at(activity_id, before=self.before(case)) is None

    def test_are_not_requested_without_time(self, case: Case) -> None:
        with pytest.raises(OutOfTime):
            case.campaigns.summaries(link=None, before=case.clock.now())
        assert case.campaigns.requests == 0

    def test_are_not_requested_beyond_the_budget(self, case: Case) -> None:
        for _ in range(LEFT):
            case.campaigns.summaries(link=None, before=self.before(case))
        with pytest.raises(OutOfTime):
            case.campaigns.campaign(UNKNOWN, before=self.before(case))
        assert case.campaigns.requests == LEFT
