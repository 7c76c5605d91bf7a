from copy import replace
from datetime import timedelta

import pytest

from email_opens.discovery.selection import Names
from email_opens.errors import (
    LostRace,
    PagingBroken,
    ReportUnavailable,
)
from email_opens.model import Activity, State
from tests.contract.samples import varied
from tests.fakes import MemoryTracking
from tests.unit.discovery.setup import LOOKBACK, MINUTE, World

DAY = timedelta(days=1)


class LosingTracking(MemoryTracking):
    """Another is always faster."""

    def save(self, activity: Activity) -> Activity:
        del activity
        raise LostRace("Another was faster.")


@pytest.fixture
def world() -> World:
    return World()


class TestANewSend:
    def test_is_tracked_with_its_campaign_and_its_instant(self, world: World) -> None:
        world.send("news")
        world.search()
        activity = world.tracked()["news-primary_email"]
        assert (activity.campaign_id, activity.campaign_name, activity.sent_at) == (
            "news",
            "news",
            world.clock.now() - MINUTE,
        )

    def test_costs_three_requests_and_is_read_once(self, world: World) -> None:
        world.send("news")
        world.search()
        assert world.asked() == ["summaries", "news", "subject of news-primary_email"]
        world.search()
        assert world.asked() == ["summaries"]

    def test_is_read_alone_where_others_were_seen(self, world: World) -> None:
        world.send("known", ago=2 * MINUTE)
        world.search()
        world.send("news")
        world.asked()
        for _ in range(2):
            world.search()
        assert world.asked() == [
            "summaries",
            "news",
            "subject of news-primary_email",
            "summaries",
        ]

    def test_is_read_before_an_earlier_one(self, world: World) -> None:
        world.send("earlier", ago=2 * MINUTE)
        world.send("news")
        world.search()
        campaigns = [name for name in world.asked() if "subject" not in name]
        assert campaigns == ["summaries", "news", "earlier"]

    def test_is_tracked_with_its_subject(self, world: World) -> None:
        world.send("news")
        world.campaigns.subjects["news-primary_email"] = "Spring is here"
        world.search()
        assert world.tracked()["news-primary_email"].subject == "Spring is here"

    def test_whose_subject_cannot_be_read_is_tracked_without_it(self, world: World) -> None:
        world.send("news")
        trouble = ReportUnavailable("Not now.")
        world.campaigns.troubles["subject of news-primary_email"] = trouble
        assert world.search().failures == []
        assert world.tracked()["news-primary_email"].subject is None

    def test_from_before_the_lookback_is_not_read(self, world: World) -> None:
        world.send("old", ago=LOOKBACK + MINUTE)
        world.search()
        assert world.asked() == ["summaries"]

    def test_is_found_after_a_time_without_searches(self, world: World) -> None:
        world.send("first")
        world.search()
        world.clock.sleep(30 * DAY.total_seconds())
        world.send("second", ago=20 * DAY)
        world.search()
        assert "second-primary_email" in world.tracked()

    def test_that_a_person_has_untracked_stays_untracked(self, world: World) -> None:
        world.send("news")
        world.search()
        world.tracking.remove("default", "news-primary_email")
        world.search()
        assert world.tracked() == {}

    def test_that_a_person_tracks_keeps_its_place(self, world: World) -> None:
        world.send("news")
        world.search()
        (activity,) = world.tracked().values()
        begun = world.tracking.save(varied(activity, watermark=world.clock.now()))
        world.seen.seen.clear()
        world.search()
        assert world.tracked()["news-primary_email"] == begun


class TestAResend:
    @pytest.fixture(autouse=True)
    def _resent(self, world: World) -> None:
        world.send("news")
        world.search()
        world.clock.sleep(DAY.total_seconds())
        world.send("news", roles="primary_email permalink resend")
        world.campaigns.runs = {
            "news-primary_email": world.clock.now() - DAY - MINUTE,
            "news-resend": world.clock.now() - MINUTE,
        }

    def test_is_tracked_beside_what_was_sent_first(self, world: World) -> None:
        found = world.search()
        assert [one.campaign_activity_id for one in found.tracked] == ["news-resend"]

    def test_is_sent_at_its_own_instant(self, world: World) -> None:
        world.search()
        sent = {key: one.sent_at for key, one in world.tracked().items()}
        assert sent == world.campaigns.runs

    def test_that_waits_for_its_send_is_tracked_already(self, world: World) -> None:
        del world.campaigns.runs["news-resend"]
        world.search()
        assert world.tracked()["news-resend"].sent_at is None

    def test_does_not_bring_back_what_was_sent_long_ago(self, world: World) -> None:
        world.tracking.remove("default", "news-primary_email")
        world.campaigns.runs["news-primary_email"] -= 365 * DAY
        world.search()
        assert list(world.tracked()) == ["news-resend"]


class TestASecondSendOfAnActivity:
    @pytest.fixture(autouse=True)
    def _sent_again(self, world: World) -> None:
        world.send("news", ago=LOOKBACK - MINUTE)
        world.search()
        (activity,) = world.tracked().values()
        world.tracking.save(varied(activity, state=State.FINISHED, published=7))
        world.send("news")

    def test_wakes_it(self, world: World) -> None:
        found = world.search()
        (activity,) = world.tracked().values()
        assert (activity.state, activity.sent_at) == (State.ACTIVE, world.clock.now() - MINUTE)
        assert [one.campaign_activity_id for one in found.woken] == ["news-primary_email"]

    def test_keeps_what_it_had(self, world: World) -> None:
        world.search()
        assert [one.counts.published for one in world.tracked().values()] == [7]


class TestACampaign:
    def test_that_is_removed_is_not_tracked_and_reported_once(self, world: World) -> None:
        campaign = world.send("news")
        world.campaigns.known["news"] = replace(campaign, removed=True)
        assert [world.search().removed for _ in range(2)] == [["news"], []]
        assert world.tracked() == {}

    def test_that_the_vendor_does_not_know_counts_as_removed(self, world: World) -> None:
        world.send("news")
        world.campaigns.known.clear()
        assert world.search().removed == ["news"]

    def test_that_is_left_out_by_its_name_is_read_once(self, world: World) -> None:
        world.names = Names(exclude=("internal*",))
        world.send("internal")
        assert [world.search().left_out for _ in range(2)] == [["internal"], []]
        assert world.asked() == ["summaries", "internal", "summaries"]

    def test_that_was_left_out_is_tracked_once_its_name_is_taken(self, world: World) -> None:
        world.names = Names(exclude=("internal*",))
        world.send("internal")
        world.search()
        world.names = Names()
        world.search()
        assert list(world.tracked()) == ["internal-primary_email"]

    @pytest.mark.parametrize(
        "trouble", [ReportUnavailable("The vendor is down."), KeyError("unexpected")]
    )
    def test_that_fails_stops_no_other_and_is_read_again(
        self, world: World, trouble: Exception
    ) -> None:
        world.send("bad")
        world.send("good", ago=2 * MINUTE)
        world.campaigns.troubles["bad"] = trouble
        found = world.search()
        assert [(one.campaign_id, one.error) for one in found.failures] == [("bad", trouble)]
        assert list(world.tracked()) == ["good-primary_email"]
        world.campaigns.troubles.clear()
        world.search()
        assert "bad-primary_email" in world.tracked()

    def test_whose_activity_another_has_written_is_read_again(self) -> None:
        world = World(tracking=LosingTracking())
        world.send("lost")
        world.search()
        world.send("lost", ago=timedelta(0))
        world.send("good")
        found = world.search()
        assert [one.campaign_id for one in found.failures] == ["lost"]
        assert "good-primary_email" in world.tracked()


class TestTheSummaries:
    def test_are_read_down_to_the_floor_and_no_further(self) -> None:
        world = World(page_rows=2)
        for days in range(1, 16, 2):
            world.send(f"{days} days ago", ago=days * DAY)
        world.search()
        assert world.asked().count("summaries") == 3
        assert len(world.tracked()) == 4

    def test_that_lead_in_a_circle_end_the_search(self) -> None:
        world = World(page_rows=1)
        for number in range(3):
            world.send(f"{number}")
        world.links["/v3/2"] = "/v3/1"
        assert isinstance(world.search().stopped, PagingBroken)
        assert world.asked() == ["summaries"] * 2
