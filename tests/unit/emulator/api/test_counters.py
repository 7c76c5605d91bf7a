"""Counters of campaigns and activities, and summaries."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from constant_contact_emulator import OddCounter
from tests.unit.emulator.client import SUMMARIES, EmulatorClient

STATS = "/v3/reports/stats"


def test_counters_count_contacts_and_opens(client: EmulatorClient) -> None:
    campaign_id, activity_id = client.send_campaign(0, 0, 1)
    for path in (f"email_campaigns/{campaign_id}", f"email_campaign_activities/{activity_id}"):
        (result,) = client.get(f"{STATS}/{path}").json()["results"]
        assert result["stats"]["em_opens"] == 2
        assert result["stats"]["em_opens_all"] == 3
        assert result["stats"]["em_sends"] == 100
        assert result["last_refresh_time"] == "2026-03-02T14:00:30.000Z"


def test_counters_stay_stale_for_the_chosen_time(client: EmulatorClient) -> None:
    client.emulator.world.behaviour.counters_stale_for = timedelta(minutes=10)
    _, activity_id = client.send_campaign(0)
    path = f"{STATS}/email_campaign_activities/{activity_id}"
    counts = []
    for _ in range(3):
        counts.append(client.get(path).json()["results"][0]["stats"]["em_opens_all"])
        client.emulator.world.add_open(activity_id, 1)
        client.clock.advance(timedelta(minutes=5))
    assert counts == [1, 1, 3]


def test_an_unknown_campaign_id_fails_the_whole_request(client: EmulatorClient) -> None:
    campaign_id, _ = client.send_campaign(0)
    assert client.get(f"{STATS}/email_campaigns/{campaign_id},{uuid4()}").status_code == 404


def test_an_unknown_activity_is_an_error_beside_the_results(client: EmulatorClient) -> None:
    _, activity_id = client.send_campaign(0)
    reply = client.get(f"{STATS}/email_campaign_activities/{activity_id},{uuid4()}").json()
    assert (len(reply["results"]), len(reply["errors"])) == (1, 1)


def test_a_malformed_activity_id_fails_the_whole_request(client: EmulatorClient) -> None:
    _, activity_id = client.send_campaign(0)
    path = f"{STATS}/email_campaign_activities/{activity_id},nonsense"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "limit"), [("email_campaigns", 150), ("email_campaign_activities", 10)]
)
def test_a_request_for_too_many_counters_is_refused(
    client: EmulatorClient, kind: str, limit: int
) -> None:
    ids = ",".join(str(uuid4()) for _ in range(limit + 1))
    assert client.get(f"{STATS}/{kind}/{ids}").status_code == 400


def test_summaries_count_contacts_and_list_the_newest_send_first(client: EmulatorClient) -> None:
    first, _ = client.send_campaign(0, 0, 1)
    client.clock.advance(timedelta(hours=1))
    second, _ = client.send_campaign(5)
    summaries = client.get(SUMMARIES).json()["bulk_email_campaign_summaries"]
    assert [summary["campaign_id"] for summary in summaries] == [second, first]
    assert [summary["unique_counts"]["opens"] for summary in summaries] == [1, 2]


@pytest.mark.parametrize("value", [None, "9", 9.5, -1])
def test_a_counter_can_be_odd_beside_others_that_are_not(
    client: EmulatorClient, value: object
) -> None:
    campaign_id, activity_id = client.send_campaign(0)
    other, _ = client.send_campaign(0, 1)
    odd = OddCounter(stats={"em_opens_all": value}, last_refresh_time="9999-01-01T00:00:00Z")
    client.emulator.world.campaigns[campaign_id].odd_counter = odd
    first, second = client.get(f"{STATS}/email_campaigns/{campaign_id},{other}").json()["results"]
    assert [result["stats"]["em_opens_all"] for result in (first, second)] == [value, 2]
    assert first["last_refresh_time"] == "9999-01-01T00:00:00Z"
    assert first["stats"]["em_sends"] == 100
    (alone,) = client.get(f"{STATS}/email_campaign_activities/{activity_id}").json()["results"]
    assert alone["stats"]["em_opens_all"] == value


def test_a_counter_can_be_missing(client: EmulatorClient) -> None:
    campaign_id, _ = client.send_campaign(0)
    without = OddCounter(without=("em_opens_all", "last_refresh_time"))
    client.emulator.world.campaigns[campaign_id].odd_counter = without
    (result,) = client.get(f"{STATS}/email_campaigns/{campaign_id}").json()["results"]
    assert "em_opens_all" not in result["stats"]
    assert result.keys() == {"campaign_id", "stats"}


def test_a_campaign_can_be_among_the_errors_of_a_good_reply(client: EmulatorClient) -> None:
    campaign_id, activity_id = client.send_campaign(0)
    client.emulator.world.campaigns[campaign_id].odd_counter = OddCounter(in_errors=True)
    for path in (f"email_campaigns/{campaign_id}", f"email_campaign_activities/{activity_id}"):
        reply = client.get(f"{STATS}/{path}").json()
        assert reply["results"] == []
        assert reply["errors"][0]["campaign_id"] == campaign_id


def test_a_campaign_can_have_been_sent_in_the_year_9999(client: EmulatorClient) -> None:
    campaign = client.emulator.world.add_campaign()
    client.emulator.world.send(campaign.activity_id, at=datetime(9999, 12, 31, tzinfo=UTC))
    (summary,) = client.get(SUMMARIES).json()["bulk_email_campaign_summaries"]
    assert summary["last_sent_date"] == "9999-12-31T00:00:00.000Z"
