"""`email-opens track`: what a name or an id stands for, and what is tracked of it."""

from datetime import UTC, datetime, timedelta

import pytest

from constant_contact_emulator import Campaign, Kind
from email_opens.instants import iso
from email_opens.model import Activity
from tests.unit.cli.account.test_discover import _unlimited_pace as _unlimited_pace  # noqa: PLC0414 - a fixture
from tests.unit.cli.account.test_discover import send
from tests.unit.cli.world import ONE, World, complaint, run

FIRST_REQUEST = "/v3/reports/summary_reports/email_campaign_summaries"


@pytest.fixture
def spring(world: World) -> Campaign:
    return send(world, "Spring sale")


@pytest.fixture
def autumn(world: World) -> Campaign:
    return send(world, "Autumn sale")


def tracked(world: World) -> Activity:
    (activity,) = world.activities().values()
    return activity


def paths(world: World) -> list[str]:
    return [request.path for request in world.vendor.requests if "/v3/" in request.path]


class TestAnEmail:
    @pytest.mark.parametrize("query", ["Spring sale", "spring", "SPRING  SALE", "s?ring*"])
    def test_is_found_by_its_name(
        self, world: World, spring: Campaign, autumn: Campaign, query: str
    ) -> None:
        del autumn
        assert run("track", query).exit_code == 0
        assert list(world.activities()) == [spring.activity_id]

    def test_is_found_by_the_id_of_its_campaign(self, world: World, spring: Campaign) -> None:
        assert run("track", spring.campaign_id.upper()).exit_code == 0
        assert list(world.activities()) == [spring.activity_id]

    def test_is_found_by_the_beginning_of_the_id_of_its_campaign(
        self, world: World, spring: Campaign, autumn: Campaign
    ) -> None:
        del autumn
        assert run("track", spring.campaign_id[:-1]).exit_code == 0
        assert list(world.activities()) == [spring.activity_id]

    def test_is_found_by_its_own_id(self, world: World, spring: Campaign) -> None:
        assert run("track", spring.activity_id).exit_code == 0
        assert list(world.activities()) == [spring.activity_id]

    @pytest.mark.parametrize("by", ["name", "campaign_id", "activity_id"])
    def test_is_stored_as_discovery_stores_it(
        self, world: World, spring: Campaign, by: str
    ) -> None:
        run("track", getattr(spring, by))
        activity = tracked(world)
        run("untrack", spring.activity_id)
        run("discover")
        found = tracked(world)
        assert activity.subject == "Spring sale"
        assert (activity.campaign_id, activity.campaign_name, activity.sent_at) == (
            found.campaign_id,
            found.campaign_name,
            found.sent_at,
        )
        assert found.subject == activity.subject

    def test_is_named_when_it_is_tracked(self, world: World, spring: Campaign) -> None:
        del world
        assert run("track", "spring").stdout == (
            f"“Spring sale” ({spring.activity_id}) is tracked, from the beginning.\n"
        )

    def test_is_found_beside_a_resend_by_its_own_id_only(
        self, world: World, spring: Campaign
    ) -> None:
        world.vendor.world.resend(spring.campaign_id)
        run("track", spring.activity_id)
        assert list(world.activities()) == [spring.activity_id]

    def test_is_tracked_with_its_resend_by_the_name_of_the_campaign(
        self, world: World, spring: Campaign
    ) -> None:
        resend = world.vendor.world.resend(spring.campaign_id).campaign_activity_id
        output = run("track", "Spring sale").stdout
        assert set(world.activities()) == {spring.activity_id, resend}
        assert output.count("is tracked, from the beginning.") == 2

    def test_without_a_campaign_is_found_by_its_report(
        self, world: World, spring: Campaign
    ) -> None:
        world.vendor.faults.add(Kind.STATUS, path="/v3/emails", status=404, times=99)
        assert run("track", spring.activity_id).exit_code == 0
        assert tracked(world).campaign_id is None

    def test_is_found_by_its_report_when_campaigns_cannot_be_read(
        self, world: World, spring: Campaign
    ) -> None:
        world.vendor.faults.add(Kind.STATUS, path="/v3/emails", status=418, times=99)
        assert run("track", spring.activity_id).exit_code == 0
        assert list(world.activities()) == [spring.activity_id]

    def test_that_is_tracked_stays_unchanged(self, world: World, spring: Campaign) -> None:
        run("track", spring.name)
        before = world.activities()
        result = run("track", "spring", "--from", "now")
        assert "tracked already; nothing was changed" in result.stdout
        assert world.activities() == before

    def test_that_is_tracked_needs_no_request_by_its_id(self, world: World) -> None:
        world.track(ONE)
        assert "tracked already" in run("track", ONE.upper()).stdout
        assert world.vendor.requests == []

    def test_is_found_by_the_beginning_of_its_id_once_it_is_tracked(
        self, world: World, spring: Campaign
    ) -> None:
        run("track", "spring")
        result = run("track", spring.activity_id[:-1])
        assert f"“Spring sale” ({spring.activity_id}) is tracked already" in result.stdout
        assert len(world.activities()) == 1


class TestOptions:
    def test_from_the_beginning_is_the_default(self, world: World, spring: Campaign) -> None:
        run("track", spring.activity_id)
        assert tracked(world).tracked_from is None

    def test_from_accepts_an_instant_with_any_offset(self, world: World, spring: Campaign) -> None:
        run("track", spring.activity_id, "--from", "2026-03-02T09:07:00-05:00")
        assert tracked(world).tracked_from == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)

    def test_from_accepts_now(self, world: World, spring: Campaign) -> None:
        before = datetime.now(UTC)
        run("track", spring.activity_id, "--from", "now")
        tracked_from = tracked(world).tracked_from
        assert tracked_from is not None
        assert before <= tracked_from <= tracked(world).tracked_at

    @pytest.mark.parametrize("text", ["2026-03-02T14:07:00", ""])
    def test_from_refuses_a_malformed_instant(self, world: World, text: str) -> None:
        assert "is not an instant" in complaint(run("track", ONE, "--from", text), 2)
        assert world.vendor.requests == []

    def test_from_refuses_an_instant_in_the_future(self, world: World) -> None:
        tomorrow = iso(datetime.now(UTC) + timedelta(days=1))
        assert "lies in the future" in complaint(run("track", ONE, "--from", tomorrow), 2)
        assert world.vendor.requests == []

    def test_weight_is_stored(self, world: World, spring: Campaign) -> None:
        run("track", spring.activity_id, "--weight", "2.5")
        assert tracked(world).weight == 2.5

    def test_account_that_is_not_connected_is_refused_and_not_created(self, world: World) -> None:
        error = complaint(run("track", ONE, "--account", "other"), 2)
        assert "email-opens connect other" in error
        assert world.tracking.account("other") is None


class TestSeveralEmails:
    def test_are_tracked_once_each(self, world: World, spring: Campaign, autumn: Campaign) -> None:
        output = run("track", "spring", autumn.campaign_id, spring.activity_id, "spring").stdout
        assert set(world.activities()) == {spring.activity_id, autumn.activity_id}
        assert output.count("is tracked, from the beginning.") == 2

    def test_of_a_pattern_are_all_tracked(
        self, world: World, spring: Campaign, autumn: Campaign
    ) -> None:
        run("track", "*sale")
        assert set(world.activities()) == {spring.activity_id, autumn.activity_id}

    def test_are_listed_with_two_requests_and_read_with_two_each(
        self, world: World, spring: Campaign, autumn: Campaign
    ) -> None:
        del spring, autumn
        run("track", "spring", "autumn")
        assert [path.partition("?")[0] for path in paths(world)[:2]] == [
            FIRST_REQUEST,
            "/v3/emails",
        ]
        assert len(paths(world)) == 6

    def test_are_not_tracked_if_a_name_is_unknown(self, world: World, spring: Campaign) -> None:
        error = complaint(run("track", spring.activity_id, "Sprnig sale"), 2)
        assert "has the name or the id “Sprnig sale”. Did you mean:" in error
        assert f"{spring.campaign_id}  Spring sale" in error
        assert world.activities() == {}

    def test_of_the_same_name_are_listed(self, world: World, spring: Campaign) -> None:
        other = send(world, "Spring sale")
        error = complaint(run("track", "Spring sale"), 2)
        assert "“Spring sale” matches 2 e-mails. Use the id of one of them:" in error
        assert all(campaign.campaign_id in error for campaign in (spring, other))
        assert world.activities() == {}

    def test_of_the_same_name_are_listed_once_if_they_are_tracked(
        self, world: World, spring: Campaign
    ) -> None:
        send(world, "Spring sale")
        run("track", spring.campaign_id)
        assert "matches 2 e-mails" in complaint(run("track", "Spring sale"), 2)

    def test_that_lie_beyond_the_budget_are_left_out(
        self, world: World, spring: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_DAY", "1")
        assert "budget" in complaint(run("track", spring.name), 1)
        assert world.activities() == {}


class TestAnUnknownEmail:
    def test_is_refused_by_its_id(self, world: World) -> None:
        error = complaint(run("track", ONE), 2)
        assert f"has no e-mail and no campaign with the id {ONE}." in error
        assert "`email-opens campaigns`" in error
        assert world.activities() == {}

    def test_is_refused_by_its_name(self, world: World) -> None:
        error = complaint(run("track", "nonsense"), 2)
        assert "`email-opens campaigns` lists what the account has sent." in error
        assert world.activities() == {}

    def test_is_reported_with_the_reason_why_it_could_not_be_looked_up(self, world: World) -> None:
        world.vendor.faults.add(Kind.STATUS, path="/v3/emails", status=418, times=99)
        assert "418" in complaint(run("track", ONE), 1)
        assert world.activities() == {}

    def test_is_refused_if_its_campaign_was_deleted(self, world: World, spring: Campaign) -> None:
        spring.status = "Removed"
        error = complaint(run("track", spring.campaign_id), 1)
        assert f"Campaign “Spring sale” ({spring.campaign_id}) has no e-mail to track" in error
        assert world.activities() == {}

    def test_leaves_the_lease_free(self, world: World) -> None:
        run("track", "nonsense")
        account = world.tracking.account("default")
        assert account is not None
        assert account.lease_holder is None
