"""What a person finds out and tracks: piped, and on a terminal."""

import pytest

from constant_contact_emulator import Campaign, Kind
from email_opens.discovery.search import CampaignFailure, Found
from email_opens.errors import OutOfTime
from email_opens_cli.commands.account.discover import failure_sentences, found_sentences
from tests.unit.cli.terminal.pseudo_terminal import run_in_terminal
from tests.unit.cli.world import World, complaint, run


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is another's business, and would be waited for."""
    monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")


@pytest.fixture
def campaign(world: World) -> Campaign:
    return send(world, "March news")


def send(world: World, name: str) -> Campaign:
    campaign = world.vendor.world.add_campaign(name)
    world.vendor.world.send(campaign.activity_id)
    return campaign


class TestDiscover:
    def test_tracks_what_was_sent(self, world: World, campaign: Campaign) -> None:
        assert run("discover").exit_code == 0
        assert list(world.activities()) == [campaign.activity_id]

    def test_names_what_it_tracks(self, world: World, campaign: Campaign) -> None:
        del world
        assert run("discover").stdout == f"Tracked {campaign.activity_id} (“March news”).\n"

    def test_says_so_if_there_is_nothing(self, world: World) -> None:
        del world
        assert run("discover").stdout == "Every recent send is tracked already.\n"

    def test_leaves_out_what_the_settings_say(
        self, world: World, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del campaign
        monkeypatch.setenv("EXCLUDE_NAMES", "march*")
        assert "Left out by their names: 1" in run("discover").stdout
        assert world.activities() == {}

    def test_says_the_same_on_a_narrow_terminal(self, world: World, campaign: Campaign) -> None:
        del world
        shown = run_in_terminal("discover", columns=40)
        assert (shown.exit_code, shown.text) == (
            0,
            f"Tracked {campaign.activity_id} (“March news”).\n",
        )

    def test_lets_no_name_steer_the_terminal(self, world: World) -> None:
        send(world, "\x1b[2Jnews\n")
        assert "(“�[2Jnews”)" in run("discover").stdout

    def test_complains_of_a_campaign_that_fails(self, world: World, campaign: Campaign) -> None:
        world.vendor.faults.add(Kind.STATUS, path=campaign.campaign_id, status=418)
        assert f"Campaign {campaign.campaign_id}: The vendor" in complaint(run("discover"), 1)

    def test_complains_of_an_account_that_is_not_connected(self, world: World) -> None:
        del world
        said = complaint(run("discover", "--account", "other"), 1)
        assert "email-opens connect other" in said

    @pytest.mark.parametrize(
        ("arguments", "days"), [(("--account", "a/b"), "7"), ((), "none"), (("--stack", "?"), "7")]
    )
    def test_refuses_what_cannot_be_used(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        arguments: tuple[str, ...],
        days: str,
    ) -> None:
        monkeypatch.setenv("DISCOVERY_LOOKBACK_DAYS", days)
        assert complaint(run("discover", *arguments), 2)
        assert world.vendor.requests == []


class TestWhatIsSaid:
    def test_of_an_account_that_another_holds_is_when_to_try_again(self) -> None:
        found = Found("default", stopped=OutOfTime("No time is left."))
        assert list(failure_sentences(found)) == [
            "Another turn or command works on account default; try again in a minute."
        ]

    def test_of_an_error_that_nobody_foresaw_is_its_kind_alone(self) -> None:
        failure = CampaignFailure("one", KeyError("ann@example.org"))
        found = Found("default", leased=True, failures=[failure])
        assert list(failure_sentences(found)) == ["Campaign one: unexpected KeyError"]

    def test_of_removed_campaigns_is_how_many(self) -> None:
        found = Found("default", leased=True, removed=["one", "two"])
        assert "Removed at the vendor, and skipped: 2 campaigns." in list(found_sentences(found))
