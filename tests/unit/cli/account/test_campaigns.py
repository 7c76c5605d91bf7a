"""`email-opens campaigns`: the sent campaigns, as a table and as JSON."""

import json
import re
from copy import replace
from datetime import UTC, datetime

import pytest

from email_opens.model import State
from tests.unit.cli.account.test_discover import _unlimited_pace as _unlimited_pace  # noqa: PLC0414 - a fixture
from tests.unit.cli.account.test_discover import send
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUMMARIES = "/email_campaign_summaries"


class TestCampaigns:
    def test_reports_that_the_account_has_sent_nothing(self, world: World) -> None:
        del world
        assert run("campaigns").stdout == "The account has sent nothing yet.\n"

    def test_lists_the_latest_send_first(self, world: World) -> None:
        for name in ("First", "Second"):
            send(world, name)
        first_words = [line.split()[0] for line in run("campaigns").stdout.splitlines()]
        assert first_words == ["Campaign", "Second", "First"]

    def test_lists_no_more_than_the_last_option_allows(self, world: World) -> None:
        for name in ("First", "Second"):
            send(world, name)
        assert "First" not in run("campaigns", "--last", "1").stdout

    def test_shows_the_date_of_the_send(self, world: World) -> None:
        campaign = world.vendor.world.add_campaign()
        world.vendor.world.send(campaign.activity_id, at=NOON)
        assert "2026-03-02 12:00" in run("campaigns").stdout

    def test_sends_one_request_when_the_names_are_stored(self, world: World) -> None:
        send(world, "News")
        run("discover")
        world.vendor.requests.clear()
        run("campaigns")
        assert [request.path.partition("?")[0] for request in world.vendor.requests] == [
            f"/v3/reports/summary_reports{SUMMARIES}"
        ]

    def test_escapes_control_characters_in_names(self, world: World) -> None:
        send(world, "\x1b[2J[bold]news")
        assert "�[2J[bold]news" in run("campaigns").stdout

    def test_fits_a_terminal_of_forty_columns(self, world: World) -> None:
        send(world, "The spring collection is here at last, and for two days only")
        run("discover")
        output = run_in_terminal("campaigns", columns=40)
        assert output.widest() <= 40
        assert "active" in output.text

    def test_releases_the_lease(self, world: World) -> None:
        run("campaigns")
        account = world.tracking.account("default")
        assert account is not None
        assert (account.lease_holder, account.requests_spent) == (None, 1)

    def test_reports_an_account_that_is_not_connected(self, world: World) -> None:
        del world
        error = complaint(run("campaigns", "--account", "other"), 2)
        assert "email-opens connect other" in error

    @pytest.mark.parametrize("last", ["0", "501", "many"])
    def test_refuses_a_last_option_outside_one_to_five_hundred(
        self, world: World, last: str
    ) -> None:
        del world
        assert complaint(run("campaigns", "--last", last), 2)


class TestTrackedColumn:
    def test_shows_no_before_the_activity_is_tracked(self, world: World) -> None:
        send(world, "News")
        assert self.tracked_cell() == "no"

    def test_shows_the_state_of_the_activity(self, world: World) -> None:
        send(world, "News")
        run("discover")
        (activity,) = world.activities().values()
        world.tracking.save(replace(activity, state=State.PAUSED))
        assert self.tracked_cell() == "paused"

    def test_shows_how_many_activities_are_active(self, world: World) -> None:
        campaign = send(world, "News")
        world.vendor.world.resend(campaign.campaign_id)
        run("discover")
        assert self.tracked_cell() == "2 active"

    def test_shows_that_the_name_excludes_the_campaign(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(world, "News")
        monkeypatch.setenv("EXCLUDE_NAMES", "*")
        run("discover")
        assert self.tracked_cell() == "left out"

    def tracked_cell(self) -> str:
        _, row = run("campaigns").stdout.splitlines()
        return re.split(r"\s{2,}", row)[2]


def test_json_contains_every_field(world: World) -> None:
    campaign = world.vendor.world.add_campaign("News")
    world.vendor.world.send(campaign.activity_id)
    run("discover")
    (item,) = json.loads(run("campaigns", "--json").stdout)["campaigns"]
    assert item | {"last_sent": None} == {
        "campaign_id": campaign.campaign_id,
        "name": "News",
        "last_sent": None,
        "left_out": False,
        "activities": [
            {
                "campaign_activity_id": campaign.activity_id,
                "state": "active",
                "sent_at": item["last_sent"],
            }
        ],
    }


class TestEmails:
    def test_are_listed_with_their_ids_and_states(self, world: World) -> None:
        campaign = send(world, "News")
        run("discover")
        resend = world.vendor.world.resend(campaign.campaign_id).campaign_activity_id
        _, *rows = run("campaigns", "--emails").stdout.splitlines()
        assert [(row.split()[-1], row.split()[-2]) for row in rows] == [
            (campaign.activity_id, "active"),
            (resend, "no"),
        ]

    def test_that_are_listed_can_be_tracked(self, world: World) -> None:
        campaign = send(world, "News")
        _, row = run("campaigns", "--emails").stdout.splitlines()
        assert run("track", row.split()[-1]).exit_code == 0
        assert list(world.activities()) == [campaign.activity_id]

    def test_are_in_the_json_too(self, world: World) -> None:
        campaign = send(world, "News")
        (item,) = json.loads(run("campaigns", "--emails", "--json").stdout)["campaigns"]
        assert item["activities"] == [
            {
                "campaign_activity_id": campaign.activity_id,
                "state": None,
                "sent_at": item["last_sent"],
            }
        ]

    def test_of_a_deleted_campaign_are_none(self, world: World) -> None:
        send(world, "News").status = "Removed"
        assert len(run("campaigns", "--emails").stdout.splitlines()) <= 1

    @pytest.mark.parametrize("columns", [40, 80])
    def test_have_whole_ids_and_names_on_a_narrow_terminal(
        self, world: World, columns: int
    ) -> None:
        campaign = send(world, "The spring collection")
        output = run_in_terminal("campaigns", "--emails", columns=columns)
        assert output.widest() <= columns
        assert campaign.activity_id in output.text
        assert "collection" in output.text
