"""Campaigns and their activities."""

from datetime import timedelta

import pytest

from constant_contact_emulator.world.instants import parse_instant
from tests.unit.emulator.client import START, SUMMARIES, EmulatorClient, next_link


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v3/emails", "campaigns"), (SUMMARIES, "bulk_email_campaign_summaries")],
)
def test_pages_of_a_list_join_into_the_whole_list(
    client: EmulatorClient, path: str, field: str
) -> None:
    expected = {client.send_campaign()[0] for _ in range(5)}
    page = client.get(f"{path}?limit=2").json()
    listed = [campaign["campaign_id"] for campaign in page[field]]
    while href := next_link(page):
        page = client.get(href).json()
        listed += [campaign["campaign_id"] for campaign in page[field]]
    assert sorted(listed) == sorted(expected)


def test_a_list_of_campaigns_has_fifty_by_default(client: EmulatorClient) -> None:
    for _ in range(51):
        client.send_campaign()
    assert len(client.get("/v3/emails").json()["campaigns"]) == 50
    assert len(client.get("/v3/emails?limit=51").json()["campaigns"]) == 51


@pytest.mark.parametrize("query", ["limit=501", "cursor=x", "after_date=soon"])
def test_an_invalid_parameter_of_a_list_is_refused(client: EmulatorClient, query: str) -> None:
    assert client.get(f"/v3/emails?{query}").status_code == 400


def test_campaigns_are_filtered_by_the_time_of_their_update(client: EmulatorClient) -> None:
    client.send_campaign()
    client.clock.advance(timedelta(hours=2))
    late, _ = client.send_campaign()
    an_hour_later = (START + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = client.get(f"/v3/emails?after_date={an_hour_later}").json()["campaigns"]
    before = client.get(f"/v3/emails?before_date={an_hour_later}").json()["campaigns"]
    assert [campaign["campaign_id"] for campaign in after] == [late]
    assert len(before) == 1
    assert "campaign_activities" not in after[0]


def test_a_resend_is_a_new_activity_of_the_campaign(client: EmulatorClient) -> None:
    campaign_id, activity_id = client.send_campaign()
    resend_id = client.emulator.world.resend(campaign_id).campaign_activity_id
    activities = client.get(f"/v3/emails/{campaign_id}").json()["campaign_activities"]
    ids = {activity["role"]: activity["campaign_activity_id"] for activity in activities}
    assert ids["primary_email"] == activity_id
    assert ids["resend"] == resend_id
    assert "permalink" in ids


def test_a_status_is_in_upper_case_on_activities_alone(client: EmulatorClient) -> None:
    campaign_id, activity_id = client.send_campaign()
    assert client.get(f"/v3/emails/{campaign_id}").json()["current_status"] == "Done"
    assert client.get(f"/v3/emails/activities/{activity_id}").json()["current_status"] == "DONE"


def test_the_send_history_lists_each_send_of_an_activity(client: EmulatorClient) -> None:
    _, activity_id = client.send_campaign()
    client.emulator.world.send(activity_id, contacts=7)
    history = client.get(f"/v3/emails/activities/{activity_id}/send_history").json()
    assert [send["count"] for send in history] == [100, 7]


class TestAScheduledSend:
    @pytest.fixture
    def activity_id(self, client: EmulatorClient) -> str:
        """Schedule a campaign for an hour from now."""
        activity_id = client.emulator.world.add_campaign().activity_id
        client.emulator.world.schedule(activity_id, START + timedelta(hours=1))
        return activity_id

    def status(self, client: EmulatorClient) -> str:
        (campaign,) = client.get("/v3/emails").json()["campaigns"]
        return str(campaign["current_status"])

    def test_has_a_schedule(self, client: EmulatorClient, activity_id: str) -> None:
        (scheduled,) = client.get(f"/v3/emails/activities/{activity_id}/schedules").json()
        assert parse_instant(scheduled["scheduled_date"]) == START + timedelta(hours=1)
        assert self.status(client) == "Scheduled"

    def test_is_sent_at_its_instant(self, client: EmulatorClient, activity_id: str) -> None:
        client.clock.advance(timedelta(hours=2))
        (summary,) = client.get(SUMMARIES).json()["bulk_email_campaign_summaries"]
        assert parse_instant(summary["last_sent_date"]) == START + timedelta(hours=1)
        assert client.get(f"/v3/emails/activities/{activity_id}/schedules").json() == []
        assert self.status(client) == "Done"

    def test_is_not_sent_once_it_is_unscheduled(
        self, client: EmulatorClient, activity_id: str
    ) -> None:
        client.emulator.world.schedule(activity_id, None)
        client.clock.advance(timedelta(hours=2))
        assert client.get(SUMMARIES).json()["bulk_email_campaign_summaries"] == []
        assert self.status(client) == "Draft"


class TestAScheduledResend:
    def test_is_described_with_its_delay(self, client: EmulatorClient) -> None:
        campaign_id, activity_id = client.send_campaign()
        client.emulator.world.schedule_resend(campaign_id, START + timedelta(hours=12))
        (resend,) = client.get(f"/v3/emails/activities/{activity_id}/non_opener_resends").json()
        assert parse_instant(resend["resend_date"]) == START + timedelta(hours=12)
        assert resend["delay_minutes"] == 720

    def test_is_sent_at_its_instant(self, client: EmulatorClient) -> None:
        campaign_id, activity_id = client.send_campaign()
        client.emulator.world.schedule_resend(campaign_id, START + timedelta(hours=12))
        client.clock.advance(timedelta(hours=13))
        activities = client.get(f"/v3/emails/{campaign_id}").json()["campaign_activities"]
        assert [each["role"] for each in activities] == ["primary_email", "permalink", "resend"]
        path = f"/v3/emails/activities/{activity_id}/non_opener_resends"
        assert client.get(path).json() == []


@pytest.mark.parametrize("resource", ["schedules", "non_opener_resends"])
def test_an_unknown_activity_has_no_schedule(client: EmulatorClient, resource: str) -> None:
    unknown = "5b1e0a52-0000-4000-8000-0000000000ff"
    assert client.get(f"/v3/emails/activities/{unknown}/{resource}").status_code == 404
