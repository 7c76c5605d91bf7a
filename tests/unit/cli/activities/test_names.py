"""Names and ids of tracked e-mails, in every command that takes them."""

from copy import replace

import pytest

from constant_contact_emulator import Campaign
from email_opens.model import State
from tests.unit.cli.account.test_discover import _unlimited_pace as _unlimited_pace  # noqa: PLC0414 - a fixture
from tests.unit.cli.account.test_discover import send
from tests.unit.cli.world import World, complaint, run

COMMANDS = (
    ("untrack",),
    ("pause",),
    ("resume",),
    ("audit",),
    ("explain",),
    ("tail", "--count", "1"),
    ("replay", "--since", "beginning", "--to", "https://sqs.invalid/queue", "--yes"),
)
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@pytest.fixture
def spring(world: World) -> Campaign:
    campaign = send(world, "Spring sale")
    run("discover")
    return campaign


def state(world: World, campaign: Campaign) -> State:
    return world.activities()[campaign.activity_id].state


class TestEveryCommand:
    @every_command
    def test_suggests_a_similar_name(
        self, world: World, spring: Campaign, command: tuple[str, ...]
    ) -> None:
        del world
        name, *options = command
        error = complaint(run(name, "Spirng sale", *options), 2)
        assert "No tracked e-mail has the name or the id “Spirng sale”. Did you mean:" in error
        assert f"{spring.activity_id}  Spring sale" in error

    @every_command
    @pytest.mark.usefixtures("world")
    def test_reports_that_nothing_is_tracked(self, command: tuple[str, ...]) -> None:
        name, *options = command
        error = complaint(run(name, "Spring", *options), 2)
        assert "Nothing is tracked for account default." in error

    @every_command
    def test_lists_e_mails_of_the_same_name(
        self, world: World, spring: Campaign, command: tuple[str, ...]
    ) -> None:
        other = send(world, "Spring sale")
        run("discover")
        name, *options = command
        error = complaint(run(name, "spring", *options), 2)
        assert "“spring” matches 2 e-mails. Use the id of one of them:" in error
        assert all(campaign.activity_id in error for campaign in (spring, other))


class TestPause:
    @pytest.mark.parametrize("query", ["spring", "Spring sale", "*SALE", "campaign", "beginning"])
    def test_finds_an_e_mail(self, world: World, spring: Campaign, query: str) -> None:
        words = {"campaign": spring.campaign_id, "beginning": spring.activity_id[:-2]}
        assert (
            f"“Spring sale” ({spring.activity_id}) is paused"
            in run("pause", words.get(query, query)).stdout
        )
        assert state(world, spring) is State.PAUSED

    def test_pauses_each_e_mail_of_a_campaign(self, world: World, spring: Campaign) -> None:
        world.vendor.world.resend(spring.campaign_id)
        world.track(ids := "5b1e0a52-0000-4000-8000-0000000000aa")
        resend = replace(world.activities()[ids], campaign_id=spring.campaign_id)
        world.tracking.save(resend)
        assert run("pause", "spring sale").stdout.count("is paused") == 1
        assert run("pause", spring.campaign_id).stdout.count("is paused") == 2


class TestAudit:
    def test_finds_an_e_mail_by_its_name(self, spring: Campaign) -> None:
        del spring
        assert "The report has 0 rows" in run("audit", "spring sale").stdout


class TestUntrack:
    def test_finds_an_e_mail_by_its_name(self, world: World, spring: Campaign) -> None:
        result = run("untrack", "spring")
        assert f"“Spring sale” ({spring.activity_id}) is no longer tracked." in result.stdout
        assert world.activities() == {}


class TestExplain:
    def test_shows_only_the_chosen_e_mails(self, world: World, spring: Campaign) -> None:
        del spring
        send(world, "Autumn sale")
        run("discover")
        output = run("explain", "spring").stdout
        assert "Spring sale" in output
        assert "Autumn" not in output
