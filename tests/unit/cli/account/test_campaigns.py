"""What an account has sent, as people and machines see it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from email_opens.model import State
from tests.unit.cli.account.test_discover import _at_once as _at_once  # noqa: PLC0414 - a fixture
from tests.unit.cli.account.test_discover import send
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUMMARIES = "/email_campaign_summaries"


class TestCampaigns:
    def test_of_an_account_that_has_sent_nothing_says_so(self, world: World) -> None:
        del world
        assert run("campaigns").stdout == "The account has sent nothing yet.\n"

    def test_are_shown_the_latest_send_first(self, world: World) -> None:
        for name in ("First", "Second"):
            send(world, name)
        shown = [line.split()[0] for line in run("campaigns").stdout.splitlines()]
        assert shown == ["Campaign", "Second", "First"]

    def test_are_no_more_than_asked_for(self, world: World) -> None:
        for name in ("First", "Second"):
            send(world, name)
        assert "First" not in run("campaigns", "--last", "1").stdout

    def test_have_a_date(self, world: World) -> None:
        campaign = world.vendor.world.add_campaign()
        world.vendor.world.send(campaign.activity_id, at=NOON)
        assert "2026-03-02 12:00" in run("campaigns").stdout

    def test_cost_one_request_where_the_names_are_known(self, world: World) -> None:
        send(world, "News")
        run("discover")
        world.vendor.requests.clear()
        run("campaigns")
        assert [one.path.partition("?")[0] for one in world.vendor.requests] == [
            f"/v3/reports/summary_reports{SUMMARIES}"
        ]

    def test_lets_no_name_steer_the_terminal(self, world: World) -> None:
        send(world, "\x1b[2J[bold]news")
        assert "�[2J[bold]news" in run("campaigns").stdout

    def test_fit_a_narrow_terminal(self, world: World) -> None:
        send(world, "The spring collection is here at last, and for two days only")
        run("discover")
        shown = run_in_terminal("campaigns", columns=40)
        assert shown.widest() <= 40
        assert "active" in shown.text

    def test_give_the_lease_back(self, world: World) -> None:
        run("campaigns")
        account = world.tracking.account("default")
        assert account is not None
        assert (account.lease_holder, account.requests_spent) == (None, 1)

    def test_complain_of_an_account_that_is_not_connected(self, world: World) -> None:
        del world
        said = complaint(run("campaigns", "--account", "other"), 1)
        assert "email-opens connect other" in said

    @pytest.mark.parametrize("last", ["0", "501", "many"])
    def test_are_asked_for_by_a_number(self, world: World, last: str) -> None:
        del world
        assert complaint(run("campaigns", "--last", last), 2)


class TestWhatIsTracked:
    def test_is_nothing_at_first(self, world: World) -> None:
        send(world, "News")
        assert self.tracked() == "no"

    def test_is_the_state_of_the_activity(self, world: World) -> None:
        send(world, "News")
        run("discover")
        (activity,) = world.activities().values()
        world.tracking.save(replace(activity, state=State.PAUSED))
        assert self.tracked() == "paused"

    def test_is_how_many_where_there_are_several(self, world: World) -> None:
        campaign = send(world, "News")
        world.vendor.world.resend(campaign.campaign_id)
        run("discover")
        assert self.tracked() == "2 active"

    def test_is_nothing_where_the_name_leaves_it_out(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(world, "News")
        monkeypatch.setenv("EXCLUDE_NAMES", "*")
        run("discover")
        assert self.tracked() == "left out"

    def tracked(self) -> str:
        _, row = run("campaigns").stdout.splitlines()
        return re.split(r"\s{2,}", row)[2]


def test_machines_get_all_of_it(world: World) -> None:
    campaign = world.vendor.world.add_campaign("News")
    world.vendor.world.send(campaign.activity_id)
    run("discover")
    (one,) = json.loads(run("campaigns", "--json").stdout)
    assert one | {"last_sent": None} == {
        "campaign_id": campaign.campaign_id,
        "name": "News",
        "last_sent": None,
        "left_out": False,
        "activities": [{"campaign_activity_id": campaign.activity_id, "state": "active"}],
    }
