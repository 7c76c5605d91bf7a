"""`email-opens doctor`: whether opens arrive, for people, for cron and as JSON."""

import json
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from email_opens.account import Searches
from email_opens.model import State
from tests.contract.samples import ACTIVITY
from tests.unit.cli.deployed.checks.doctor import STACK, complete, findings, make_stack
from tests.unit.cli.world import World, run


def searched(ago: timedelta, failures: int = 0) -> Searches:
    """Return searches of which the last was completed so long ago."""
    at = datetime.now(UTC) - ago
    return Searches(completed_at=at, tried_at=at, failures=failures)


@pytest.fixture
def stack(world: World) -> World:
    return make_stack(world)


class TestReports:
    def test_a_turn_that_was_not_completed_for_long(self, stack: World) -> None:
        complete(stack, searches=searched(timedelta()), ago=timedelta(minutes=20))
        lines = findings("--stack", STACK, code=1)
        assert "completed 20m ago, though one is due every 1 min" in lines["last turn"]
        assert lines["last search"].startswith("✓")

    def test_a_search_that_was_not_completed_for_long(self, stack: World) -> None:
        complete(stack, searches=searched(timedelta(hours=3)))
        line = findings("--stack", STACK, code=0)["last search"]
        assert line.startswith("! last search: completed 3h ago")

    def test_searches_that_fail(self, stack: World) -> None:
        complete(stack, searches=searched(timedelta(minutes=9), failures=1))
        line = findings("--stack", STACK, code=0)["last search"]
        assert line.startswith("! last search: completed 9m ago; the last 1 search failed")

    def test_searches_that_have_failed_for_long(self, stack: World) -> None:
        complete(stack, searches=searched(timedelta(hours=3), failures=4))
        line = findings("--stack", STACK, code=1)["last search"]
        assert line.startswith("✗ last search: completed 3h ago; the last 4 searches failed")

    def test_an_account_whose_turns_do_not_search(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISCOVERY", "DISABLED")
        complete(world)
        line = findings(code=1)["last search"]
        assert line.startswith("! last search: turns do not search for the new sends of account")
        assert "`email-opens discover` from cron" in line

    def test_an_account_that_tracks_nothing(self, world: World) -> None:
        complete(world)
        assert findings(code=1)["activities"].startswith("! activities: nothing is tracked")

    @pytest.mark.parametrize(
        ("changes", "mark", "words"),
        [
            ({"last_error": "The vendor answered 503."}, "✗", "1 of the 1 that are polled fail"),
            ({"state": State.PAUSED}, "!", "none of 1 is polled: 1 paused"),
        ],
    )
    def test_activities_whose_opens_do_not_arrive(
        self, world: World, changes: dict[str, Any], mark: str, words: str
    ) -> None:
        complete(world)
        world.tracking.add(replace(ACTIVITY, **changes))
        line = findings(code=1)["activities"]
        assert line.startswith(f"{mark} activities: {words}")

    def test_what_is_wrong_to_cron(self, world: World) -> None:
        complete(world, ago=timedelta(days=3))
        output = run("doctor", "--quiet").stdout
        assert "✗ subscription" in output
        assert "✓" not in output

    def test_what_is_wrong_as_json(self, world: World) -> None:
        world.aws.sqs.send_message(QueueUrl=world.aws.dlq_url, MessageBody="{}")
        result = run("doctor", "--json")
        report = json.loads(result.stdout)
        assert (result.exit_code, report["ok"]) == (1, False)
        (found,) = (each for each in report["findings"] if each["subject"] == "dead-letter queue")
        assert (found["result"], found["remedy"]) == (
            "failed",
            "Run `email-opens dead-letters list`.",
        )
