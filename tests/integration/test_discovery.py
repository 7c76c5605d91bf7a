"""Searches over the embedded AWS and the emulated vendor: a new send is tracked and polled."""

from copy import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from constant_contact_emulator import Campaign, Kind
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.model import Activity, State
from tests.integration.deployment import ACCOUNT, Deployment
from tests.integration.discovery import discovery as discovery  # noqa: PLC0414 - a fixture
from tests.integration.discovery import search, searches

MINUTE = timedelta(minutes=1)


def send(deployment: Deployment, name: str = "March news", *, ago: timedelta = MINUTE) -> Campaign:
    """Send a campaign of the account."""
    campaign = deployment.vendor.world.add_campaign(name)
    deployment.vendor.world.send(campaign.activity_id, at=deployment.clock.now() - ago)
    return campaign


def tracked(deployment: Deployment) -> set[str]:
    return {activity.campaign_activity_id for activity in deployment.tracking.activities(ACCOUNT)}


class TestANewSend:
    @pytest.fixture(autouse=True)
    def campaign(self, discovery: Deployment) -> Campaign:
        return send(discovery)

    def test_is_tracked(self, discovery: Deployment, campaign: Campaign) -> None:
        assert discovery.invoke()["tracked"] == [campaign.activity_id]

    def test_has_its_opens_published_in_the_same_turn(
        self, discovery: Deployment, campaign: Campaign
    ) -> None:
        discovery.vendor.world.add_open(campaign.activity_id)
        assert discovery.invoke()["published"] == 1
        (event,) = discovery.received()
        assert (event["data"]["campaign_id"], event["data"]["campaign_name"]) == (
            campaign.campaign_id,
            "March news",
        )

    def test_is_tracked_without_its_permalink(
        self, discovery: Deployment, campaign: Campaign
    ) -> None:
        discovery.invoke()
        assert tracked(discovery) == {campaign.activity_id}

    def test_is_requested_once(self, discovery: Deployment) -> None:
        for _ in range(2):
            search(discovery)
        assert [line["search_requests"] for line in searches(discovery)] == [3, 1]

    def test_is_not_searched_for_in_each_turn(self, discovery: Deployment) -> None:
        for _ in range(10):
            discovery.invoke()
        assert 1 < len(searches(discovery)) < 10

    def test_is_logged_with_its_name(self, discovery: Deployment) -> None:
        discovery.invoke()
        assert [
            line["campaign_name"]
            for line in discovery.output.logs
            if line["message"] == "Activity tracked."
        ] == ["March news"]

    def test_is_counted(self, discovery: Deployment) -> None:
        discovery.invoke()
        assert searches(discovery)[-1]["tracked"] == 1

    def test_is_not_searched_for_if_the_parameter_says_so(
        self, discovery: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISCOVERY", "DISABLED")
        assert discovery.invoke()["requests"] == 0


class TestTheLineOnATurn:
    def test_says_how_long_ago_a_search_was_completed(self, discovery: Deployment) -> None:
        for _ in range(2):
            discovery.invoke()
        ages = [line["searched_seconds_ago"] for line in discovery.output.logs]
        assert ages == [pytest.approx(0, abs=1), pytest.approx(60, abs=1)]

    def test_says_it_also_while_searches_fail(self, discovery: Deployment) -> None:
        discovery.invoke()
        discovery.vendor.faults.add(Kind.STATUS, path="summaries", status=418, times=None)
        search(discovery)
        assert discovery.output.logs[-1]["searched_seconds_ago"] > 1800


class TestAScheduledSend:
    def test_has_its_first_open_published_in_the_first_turn_after_its_instant(
        self, discovery: Deployment
    ) -> None:
        world, clock = discovery.vendor.world, discovery.clock
        activity_id = world.add_campaign("April news").activity_id
        sent_at = clock.now() + 20.5 * MINUTE
        world.schedule(activity_id, sent_at)
        world.add_open(activity_id, at=sent_at, visible_from=sent_at)
        while clock.now() < sent_at:
            assert discovery.invoke()["published"] == 0
        assert discovery.invoke()["published"] == 1

    def test_that_is_resent_is_tracked_as_soon(self, discovery: Deployment) -> None:
        world, clock = discovery.vendor.world, discovery.clock
        campaign = send(discovery)
        resent_at = clock.now() + timedelta(hours=12, seconds=30)
        world.schedule_resend(campaign.campaign_id, resent_at)
        discovery.invoke()
        clock.sleep((resent_at - clock.now()).total_seconds())
        (tracked_id,) = discovery.invoke()["tracked"]
        assert tracked_id == campaign.activities[-1].campaign_activity_id

    def test_that_is_unscheduled_is_no_longer_expected(self, discovery: Deployment) -> None:
        world = discovery.vendor.world
        activity_id = world.add_campaign("April news").activity_id
        world.schedule(activity_id, discovery.clock.now() + timedelta(days=2))
        discovery.invoke()
        assert len(discovery.account().searches.expected) == 1
        world.schedule(activity_id, None)
        for _ in range(60):
            discovery.invoke()
        assert tracked(discovery) == set()
        assert discovery.account().searches.expected == ()


class TestAResend:
    def test_is_tracked_beside_the_first_send(self, discovery: Deployment) -> None:
        campaign = send(discovery, ago=timedelta(hours=2))
        search(discovery)
        resend = discovery.vendor.world.resend(campaign.campaign_id)
        assert search(discovery)["tracked"] == [resend.campaign_activity_id]
        assert tracked(discovery) == {campaign.activity_id, resend.campaign_activity_id}


class TestASecondSendOfAnActivity:
    @pytest.fixture(autouse=True)
    def campaign(self, discovery: Deployment) -> Campaign:
        campaign = send(discovery)
        search(discovery)
        activity = discovery.activity(campaign.activity_id)
        discovery.tracking.save(replace(activity, state=State.FINISHED))
        discovery.clock.sleep(timedelta(hours=1).total_seconds())
        discovery.vendor.world.send(campaign.activity_id)
        return campaign

    def test_wakes_the_activity(self, discovery: Deployment, campaign: Campaign) -> None:
        search(discovery)
        assert discovery.state(campaign.activity_id) is State.ACTIVE

    def test_has_its_opens_published_in_the_same_turn(
        self, discovery: Deployment, campaign: Campaign
    ) -> None:
        discovery.vendor.world.add_open(campaign.activity_id)
        assert search(discovery)["published"] == 1
        assert discovery.activity(campaign.activity_id).progress.watermark is not None


class TestARemovedCampaign:
    @pytest.fixture(autouse=True)
    def _removed(self, discovery: Deployment) -> None:
        send(discovery).status = "Removed"

    def test_is_not_tracked(self, discovery: Deployment) -> None:
        search(discovery)
        assert tracked(discovery) == set()

    def test_is_logged_once(self, discovery: Deployment) -> None:
        for _ in range(2):
            search(discovery)
        messages = [line["message"] for line in discovery.output.logs]
        assert messages.count("Campaign skipped: it was removed at the vendor.") == 1

    def test_stays_tracked_if_it_was_tracked_before(self, discovery: Deployment) -> None:
        campaign = send(discovery)
        search(discovery)
        campaign.status = "Removed"
        search(discovery)
        assert discovery.state(campaign.activity_id) is State.ACTIVE


class TestNamePatterns:
    def test_exclude_a_campaign(
        self, discovery: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXCLUDE_NAMES", "[Test]*, internal*")
        for name in ("[Test] news", "Internal news"):
            send(discovery, name)
        campaign = send(discovery)
        assert search(discovery)["tracked"] == [campaign.activity_id]

    def test_include_only_matching_campaigns(
        self, discovery: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INCLUDE_NAMES", "*newsletter*")
        send(discovery)
        campaign = send(discovery, "Our Newsletter")
        assert search(discovery)["tracked"] == [campaign.activity_id]


def test_sends_beyond_one_page_of_summaries_are_found(discovery: Deployment) -> None:
    first = send(discovery, ago=timedelta(hours=1))
    seen = {send(discovery).campaign_id: SeenCampaign(discovery.clock.now()) for _ in range(500)}
    DynamoDBSeenCampaigns(discovery.aws.dynamodb, discovery.aws.tracking_table).store(
        ACCOUNT, SearchMemory(seen)
    )
    assert search(discovery)["tracked"] == [first.activity_id]


class TestAThousandSends:
    """All of them are within the lookback and were seen by earlier searches."""

    def remember(self, discovery: Deployment, memory: SearchMemory) -> None:
        aws = discovery.aws
        DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table).store(ACCOUNT, memory)

    @pytest.fixture
    def seen(self, discovery: Deployment) -> dict[str, SeenCampaign]:
        sent = [send(discovery, ago=number * MINUTE) for number in range(1, 1001)]
        at = discovery.clock.now()
        return {
            campaign.campaign_id: SeenCampaign(at - number * MINUTE)
            for number, campaign in enumerate(sent, 1)
        }

    def test_cost_the_pages_of_the_list(
        self, discovery: Deployment, seen: dict[str, SeenCampaign]
    ) -> None:
        self.remember(discovery, SearchMemory(seen))
        for _ in range(2):
            search(discovery)
        assert [line["search_requests"] for line in searches(discovery)] == [2, 2]
        assert {line["level"] for line in discovery.output.logs} == {"INFO"}

    def test_that_are_forgotten_count_as_seen_and_are_counted(
        self, discovery: Deployment, seen: dict[str, SeenCampaign]
    ) -> None:
        self.remember(discovery, SearchMemory(seen).reduced(900))
        search(discovery)
        assert searches(discovery)[-1]["search_requests"] == 2
        (warning,) = [line for line in discovery.output.logs if line["level"] == "WARNING"]
        assert warning["sends"] == 100

    def test_that_are_tracked_need_not_be_remembered(
        self, discovery: Deployment, seen: dict[str, SeenCampaign]
    ) -> None:
        tracked_id, *remembered = reversed(seen)
        discovery.tracking.add(
            Activity(
                account_id=ACCOUNT,
                campaign_activity_id=tracked_id,
                campaign_id=tracked_id,
                sent_at=seen[tracked_id].last_sent,
                tracked_at=discovery.clock.now(),
            )
        )
        self.remember(discovery, SearchMemory({key: seen[key] for key in remembered}))
        search(discovery)
        assert searches(discovery)[-1]["search_requests"] == 2


def test_each_account_is_searched_with_its_own_credentials(discovery: Deployment) -> None:
    assert "email-opens connect other" in discovery.invoke({"account_id": "other"})["stopped"]


def test_a_campaign_that_fails_is_reported_and_stops_no_other(discovery: Deployment) -> None:
    bad, good = send(discovery), send(discovery, ago=2 * MINUTE)
    discovery.vendor.faults.add(Kind.STATUS, path=bad.campaign_id, status=418)
    assert search(discovery)["tracked"] == [good.activity_id]
    assert [line["campaign_id"] for line in discovery.output.logs if line["level"] == "ERROR"] == [
        bad.campaign_id
    ]


def test_a_search_that_fails_is_reported_and_stops_no_poll(discovery: Deployment) -> None:
    discovery.send(opens=1)
    discovery.vendor.faults.add(Kind.STATUS, path="summaries", status=418, times=None)
    reply = search(discovery)
    assert (reply["published"], reply["stopped"]) == (1, None)
    (line,) = [line for line in discovery.output.logs if line["level"] == "WARNING"]
    assert (line["message"], "418" in line["reason"]) == ("The search for new sends failed.", True)


def test_searches_that_fail_are_repeated_ever_more_rarely(discovery: Deployment) -> None:
    discovery.vendor.faults.add(Kind.STATUS, path="summaries", status=418, times=None)
    for _ in range(60):
        discovery.invoke()
    assert 2 <= len(discovery.statuses("summaries")) <= 6
    assert discovery.account().searches.failures == len(discovery.statuses("summaries"))


def test_an_unforeseen_error_is_logged_without_its_text(
    discovery: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session()
    session.events.register("provide-client-params.dynamodb.PutItem", refuse_activities)
    monkeypatch.setattr(boto3.session, "Session", lambda **_: session)
    campaign = send(discovery)
    search(discovery)
    (line,) = [line for line in discovery.output.logs if line["level"] == "ERROR"]
    assert line["campaign_id"] == campaign.campaign_id
    assert line["message"].startswith("Unexpected KeyError at activities.py:")


def refuse_activities(*, params: dict[str, Any], **_: Any) -> None:
    if params["Item"]["item"]["S"].startswith("activity#"):
        raise KeyError("ann@example.org")


class TestTokens:
    def test_are_refreshed_under_the_lease_and_stored(self, discovery: Deployment) -> None:
        before = discovery.credentials()
        discovery.vendor.authorization.expire_access_tokens()
        search(discovery)
        assert discovery.credentials()["refresh_token"] != before["refresh_token"]

    def test_are_not_refreshed_while_a_poll_holds_the_lease(self, discovery: Deployment) -> None:
        discovery.vendor.authorization.expire_access_tokens()
        now = discovery.clock.now()
        discovery.tracking.lease(
            ACCOUNT, holder="poll", now=now, until=now + 2 * MINUTE, reserve=0, budget=1
        )
        assert not discovery.invoke()["leased"]
        assert discovery.vendor.requests == []


def test_a_poll_sends_no_request_after_a_search_has_exceeded_the_quota(
    discovery: Deployment,
) -> None:
    discovery.vendor.faults.add(Kind.QUOTA_EXCEEDED)
    search(discovery)
    discovery.send()
    discovery.invoke()
    assert discovery.statuses() == [429]
