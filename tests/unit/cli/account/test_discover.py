"""`email-opens discover`: finds recent sends and tracks them, piped and on a terminal."""

import pytest

from constant_contact_emulator import Campaign, Kind
from email_opens.discovery.report import CampaignFailure, Found
from email_opens.errors import BudgetSpent, OutOfTime
from email_opens_cli.commands.account.discover import failure_sentences, found_sentences
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run


@pytest.fixture(autouse=True)
def _unlimited_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send requests without a pause, which other tests cover."""
    monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")


@pytest.fixture
def campaign(world: World) -> Campaign:
    return send(world, "March news")


def send(world: World, name: str) -> Campaign:
    campaign = world.vendor.world.add_campaign(name)
    world.vendor.world.send(campaign.activity_id)
    return campaign


class TestDiscover:
    def test_tracks_a_sent_activity(self, world: World, campaign: Campaign) -> None:
        assert run("discover").exit_code == 0
        assert list(world.activities()) == [campaign.activity_id]

    def test_prints_the_name_and_the_id_of_a_tracked_activity(
        self, world: World, campaign: Campaign
    ) -> None:
        del world
        assert run("discover").stdout == f"Tracked “March news” ({campaign.activity_id}).\n"

    def test_reports_that_every_recent_send_is_tracked_already(self, world: World) -> None:
        del world
        assert run("discover").stdout == "Every recent send is tracked already.\n"

    def test_skips_campaigns_whose_names_the_settings_exclude(
        self, world: World, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del campaign
        monkeypatch.setenv("EXCLUDE_NAMES", "march*")
        assert "Skipped because of their names: 1" in run("discover").stdout
        assert world.activities() == {}

    def test_keeps_the_id_whole_on_a_narrow_terminal(
        self, world: World, campaign: Campaign
    ) -> None:
        del world
        output = run_in_terminal("discover", columns=40)
        assert (output.exit_code, output.lines) == (
            0,
            ["Tracked “March news”", f"({campaign.activity_id})."],
        )

    def test_escapes_control_characters_in_names(self, world: World) -> None:
        send(world, "\x1b[2Jnews\n")
        assert "“�[2Jnews” (" in run("discover").stdout

    def test_reports_a_campaign_that_fails(self, world: World, campaign: Campaign) -> None:
        world.vendor.faults.add(Kind.STATUS, path=campaign.campaign_id, status=418)
        assert f"Campaign {campaign.campaign_id}: The vendor" in complaint(run("discover"), 1)

    def test_reports_an_account_that_is_not_connected(self, world: World) -> None:
        del world
        error = complaint(run("discover", "--account", "other"), 2)
        assert "email-opens connect other" in error

    @pytest.mark.parametrize(
        ("arguments", "days"), [(("--account", "a/b"), "7"), ((), "none"), (("--stack", "?"), "7")]
    )
    def test_refuses_invalid_options_and_settings_before_any_request(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        arguments: tuple[str, ...],
        days: str,
    ) -> None:
        monkeypatch.setenv("DISCOVERY_LOOKBACK_DAYS", days)
        assert complaint(run("discover", *arguments), 2)
        assert world.vendor.requests == []


class TestSentences:
    def test_suggest_a_retry_when_the_account_is_leased(self) -> None:
        found = Found("default", stopped=OutOfTime("No time is left."))
        assert list(failure_sentences(found)) == [
            "Another turn or command works on account default; try again in a minute."
        ]

    def test_name_only_the_type_of_an_unexpected_error(self) -> None:
        failure = CampaignFailure("one", KeyError("ann@example.org"))
        found = Found("default", leased=True, failures=[failure])
        assert list(failure_sentences(found)) == ["Campaign one: unexpected KeyError"]

    def test_do_not_say_that_everything_is_tracked_after_a_search_that_stopped(self) -> None:
        found = Found("default", leased=True, stopped=BudgetSpent("The day's quota is spent."))
        assert list(found_sentences(found)) == []

    def test_count_the_removed_campaigns(self) -> None:
        found = Found("default", leased=True, removed=["one", "two"])
        assert "Skipped because they were removed at Constant Contact: 2 campaigns." in list(
            found_sentences(found)
        )

    def test_count_the_sends_for_which_there_is_no_room(self) -> None:
        found = Found("default", leased=True, forgotten=7)
        assert "skips the oldest 7 sends." in "".join(found_sentences(found))
