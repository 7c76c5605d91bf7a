"""Counters of campaigns and activities, and summaries."""

from datetime import timedelta
from uuid import uuid4

import pytest

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
