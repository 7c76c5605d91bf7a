"""The values of `--only` as a filter policy, and policies in words."""

from datetime import timedelta
from typing import Any

import pytest

from email_opens_cli.commands.subscribers.only import matches, parse_only, words
from tests.unit.cli.subscribers.subscribers import subscribe
from tests.unit.cli.world import ONE, TWO, World, run

PREFIX = {"prefix": "Spring"}


class TestPolicy:
    @pytest.mark.parametrize(
        ("values", "policy"),
        [
            ([], {}),
            (["fresh"], {"delay_seconds": [{"numeric": ["<", 900]}]}),
            (["fresh=2h"], {"delay_seconds": [{"numeric": ["<", 7200]}]}),
            (["fresh", "fresh=2h"], {"delay_seconds": [{"numeric": ["<", 7200]}]}),
            (["first-opens"], {"first_open": ["true"]}),
            (["campaign=March news"], {"campaign_name": ["March news"]}),
            (
                ["campaign=Spring*", "campaign=A=B"],
                {"campaign_name": [{"prefix": "Spring"}, "A=B"]},
            ),
            (["device=mobile", "device=tablet"], {"device_type": ["mobile", "tablet"]}),
            (["device=mobile", "device=mobile"], {"device_type": ["mobile"]}),
            ([f"email={ONE}", f"email={TWO.upper()}"], {"campaign_activity_id": [ONE, TWO]}),
            (["account=acme"], {"account_id": ["acme"]}),
            (
                ["first-opens", "device=mobile"],
                {"device_type": ["mobile"], "first_open": ["true"]},
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_has_alternatives_of_one_kind_and_all_kinds_together(
        self, values: list[str], policy: dict[str, Any]
    ) -> None:
        assert parse_only(values).policy == policy

    def test_keeps_the_longest_of_several_delays(self) -> None:
        assert parse_only(["fresh=1m", "fresh"]).fresh == (
            timedelta(minutes=1),
            timedelta(minutes=15),
        )


class TestWords:
    @pytest.mark.parametrize(
        ("values", "text"),
        [
            ([], "all opens"),
            (["fresh"], "published within 15m"),
            (["fresh=90s"], "published within 90s"),
            (["fresh=1d"], "published within 1d"),
            (["first-opens"], "first opens"),
            (["campaign=Spring*", "campaign=March news"], "campaign Spring* or March news"),
            (["device=mobile"], "device mobile"),
            ([f"email={ONE}"], f"e-mail {ONE}"),
            (["account=acme", "first-opens"], "account acme, first opens"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_name_what_only_can_select(self, values: list[str], text: str) -> None:
        assert words(parse_only(values).policy) == text

    @pytest.mark.parametrize(
        "policy",
        [
            {"delay_seconds": [{"numeric": [">=", 60]}]},
            {"account_id": [{"anything-but": "sample"}]},
            {"device_type": [{"exists": False}]},
            {"device_type": "mobile"},
            {"something": ["else"]},
        ],
        ids=str,
    )
    def test_are_json_for_any_other_policy(self, policy: dict[str, Any]) -> None:
        assert words(policy).startswith("{")

    def test_say_that_a_policy_is_about_the_body(self) -> None:
        assert words({"type": ["email.opened"]}, "MessageBody").startswith("by the body: {")

    def test_leave_out_the_type_of_all_events(self) -> None:
        assert words({"type": ["email.opened"]}) == "all opens"


@pytest.mark.parametrize(
    ("campaign", "name", "selected"),
    [
        ("Spring", "Spring", True),
        ("Spring", "Spring sale", False),
        ("Spring*", "Spring sale", True),
        ("spring*", "Spring sale", False),
    ],
)
def test_a_campaign_is_a_name_or_the_beginning_of_one(
    campaign: str, name: str, *, selected: bool
) -> None:
    assert matches(campaign, name) is selected


class TestACampaign:
    def test_that_is_not_tracked_is_a_warning_with_those_that_are(self, world: World) -> None:
        activity = world.vendor.world.add_campaign("Spring sale").activity_id
        world.vendor.world.send(activity)
        run("track", activity)
        result = subscribe("--queue", "team", "--only", "campaign=spring sale")
        assert "Warning: No tracked campaign is called “spring sale”" in result.stderr
        assert "tracked campaigns: “Spring sale”." in result.stderr

    @pytest.mark.parametrize("campaign", ["Spring sale", "Spring*"])
    def test_that_is_tracked_is_none(self, world: World, campaign: str) -> None:
        activity = world.vendor.world.add_campaign("Spring sale").activity_id
        world.vendor.world.send(activity)
        run("track", activity)
        result = subscribe("--queue", "team", "--only", f"campaign={campaign}")
        assert "Warning" not in result.stderr

    @pytest.mark.usefixtures("world")
    def test_is_a_warning_if_nothing_is_tracked(self) -> None:
        result = subscribe("--queue", "team", "--only", "campaign=Spring*")
        said = "No tracked campaign has a name that begins with “Spring”. None is tracked yet."
        assert said in result.stderr
