"""Counters, campaigns, activities; and who may see what."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.unit.emulator.conftest import START, Vendor, next_link, opens_path

STATS = "/v3/reports/stats"
SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries"


def opened(vendor: Vendor, *contacts: int) -> tuple[str, str]:
    """Send a campaign that contacts open; return its id and its activity's."""
    campaign = vendor.emulator.world.add_campaign()
    vendor.emulator.world.send(campaign.activity_id, contacts=100)
    for contact in contacts:
        vendor.emulator.world.add_open(campaign.activity_id, contact)
    return campaign.campaign_id, campaign.activity_id


def test_a_request_without_a_token_is_unauthorized(vendor: Vendor) -> None:
    vendor.headers.clear()
    assert vendor.get("/v3/emails").status_code == 401


def test_an_unknown_path_and_an_unknown_activity_are_not_found(vendor: Vendor) -> None:
    for path in ("/v3/nothing", "/elsewhere", opens_path(str(uuid4()))):
        assert vendor.get(path).status_code == 404


def test_another_accounts_report_is_not_found(vendor: Vendor) -> None:
    campaign_id, activity_id = opened(vendor, 0)
    vendor.connect("another")
    assert vendor.get(opens_path(activity_id)).status_code == 404
    assert vendor.get(f"/v3/emails/{campaign_id}").status_code == 404
    assert vendor.get("/v3/emails").json()["campaigns"] == []


def test_counters_count_people_and_opens(vendor: Vendor) -> None:
    campaign_id, activity_id = opened(vendor, 0, 0, 1)
    for path in (f"email_campaigns/{campaign_id}", f"email_campaign_activities/{activity_id}"):
        (result,) = vendor.get(f"{STATS}/{path}").json()["results"]
        assert result["stats"]["em_opens"] == 2
        assert result["stats"]["em_opens_all"] == 3
        assert result["stats"]["em_sends"] == 100
        assert result["last_refresh_time"] == "2026-03-02T14:00:30.000Z"


def test_counters_may_be_stale(vendor: Vendor) -> None:
    vendor.emulator.world.behaviour.counters_stale_for = timedelta(minutes=10)
    _, activity_id = opened(vendor, 0)
    path = f"{STATS}/email_campaign_activities/{activity_id}"
    counts = []
    for _ in range(3):
        counts.append(vendor.get(path).json()["results"][0]["stats"]["em_opens_all"])
        vendor.emulator.world.add_open(activity_id, 1)
        vendor.clock.advance(timedelta(minutes=5))
    assert counts == [1, 1, 3]


def test_one_bad_campaign_id_fails_the_whole_request(vendor: Vendor) -> None:
    campaign_id, _ = opened(vendor, 0)
    assert vendor.get(f"{STATS}/email_campaigns/{campaign_id},{uuid4()}").status_code == 404


def test_an_unknown_activity_is_told_beside_the_others(vendor: Vendor) -> None:
    _, activity_id = opened(vendor, 0)
    reply = vendor.get(f"{STATS}/email_campaign_activities/{activity_id},{uuid4()}").json()
    assert (len(reply["results"]), len(reply["errors"])) == (1, 1)


def test_a_malformed_activity_id_fails_the_whole_request(vendor: Vendor) -> None:
    _, activity_id = opened(vendor, 0)
    path = f"{STATS}/email_campaign_activities/{activity_id},nonsense"
    assert vendor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "most"), [("email_campaigns", 150), ("email_campaign_activities", 10)]
)
def test_no_more_counters_are_given_than_the_vendor_gives(
    vendor: Vendor, kind: str, most: int
) -> None:
    ids = ",".join(str(uuid4()) for _ in range(most + 1))
    assert vendor.get(f"{STATS}/{kind}/{ids}").status_code == 400


def test_summaries_count_people_newest_send_first(vendor: Vendor) -> None:
    first, _ = opened(vendor, 0, 0, 1)
    vendor.clock.advance(timedelta(hours=1))
    second, _ = opened(vendor, 5)
    listed = vendor.get(SUMMARIES).json()["bulk_email_campaign_summaries"]
    assert [one["campaign_id"] for one in listed] == [second, first]
    assert [one["unique_counts"]["opens"] for one in listed] == [1, 2]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v3/emails", "campaigns"), (SUMMARIES, "bulk_email_campaign_summaries")],
)
def test_lists_come_in_pages(vendor: Vendor, path: str, name: str) -> None:
    expected = {opened(vendor)[0] for _ in range(5)}
    page = vendor.get(f"{path}?limit=2").json()
    seen = [one["campaign_id"] for one in page[name]]
    while href := next_link(page):
        page = vendor.get(href).json()
        seen += [one["campaign_id"] for one in page[name]]
    assert sorted(seen) == sorted(expected)


def test_a_list_of_campaigns_has_fifty_unless_asked(vendor: Vendor) -> None:
    for _ in range(51):
        opened(vendor)
    assert len(vendor.get("/v3/emails").json()["campaigns"]) == 50
    assert len(vendor.get("/v3/emails?limit=51").json()["campaigns"]) == 51


@pytest.mark.parametrize("query", ["limit=501", "cursor=x", "after_date=soon"])
def test_a_list_refuses_what_it_does_not_understand(vendor: Vendor, query: str) -> None:
    assert vendor.get(f"/v3/emails?{query}").status_code == 400


def test_campaigns_are_filtered_by_when_they_were_updated(vendor: Vendor) -> None:
    opened(vendor)
    vendor.clock.advance(timedelta(hours=2))
    late, _ = opened(vendor)
    an_hour_later = (START + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    after = vendor.get(f"/v3/emails?after_date={an_hour_later}").json()["campaigns"]
    before = vendor.get(f"/v3/emails?before_date={an_hour_later}").json()["campaigns"]
    assert [one["campaign_id"] for one in after] == [late]
    assert len(before) == 1
    assert "campaign_activities" not in after[0]


def test_a_resend_is_a_new_activity_of_the_campaign(vendor: Vendor) -> None:
    campaign_id, activity_id = opened(vendor)
    resent = vendor.emulator.world.resend(campaign_id).campaign_activity_id
    listed = vendor.get(f"/v3/emails/{campaign_id}").json()["campaign_activities"]
    roles = {one["role"]: one["campaign_activity_id"] for one in listed}
    assert roles["primary_email"] == activity_id
    assert roles["resend"] == resent
    assert "permalink" in roles


def test_a_status_is_in_upper_case_on_activities_alone(vendor: Vendor) -> None:
    campaign_id, activity_id = opened(vendor)
    assert vendor.get(f"/v3/emails/{campaign_id}").json()["current_status"] == "Done"
    assert vendor.get(f"/v3/emails/activities/{activity_id}").json()["current_status"] == "DONE"


def test_an_activity_that_is_sent_again_says_so(vendor: Vendor) -> None:
    _, activity_id = opened(vendor)
    vendor.emulator.world.send(activity_id, contacts=7)
    history = vendor.get(f"/v3/emails/activities/{activity_id}/send_history").json()
    assert [one["count"] for one in history] == [100, 7]


def test_the_accounts_summary_needs_its_scope(vendor: Vendor) -> None:
    assert vendor.get("/v3/account/summary").json()["organization_name"]
    vendor.connect("narrow", scope="campaign_data offline_access")
    assert vendor.get("/v3/account/summary").status_code == 403


def test_requests_are_logged(vendor: Vendor) -> None:
    vendor.get("/v3/emails")
    (logged,) = vendor.emulator.requests
    assert (logged.time, logged.method, logged.path, logged.status) == (
        START,
        "GET",
        "/v3/emails",
        200,
    )
