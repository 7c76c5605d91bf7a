"""What people type: what it does, and how it complains. AWS is emulated in process."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from constant_contact_emulator import Emulator, Kind
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.instants import iso
from email_opens.turns import turns
from tests.conftest import REGION, Aws
from tests.unit.cli.world import ONE, TWO, World, complaint, run, settings


class TestTrack:
    def test_begins_at_the_beginning_unless_told(self, world: World) -> None:
        assert run("track", ONE).exit_code == 0
        assert world.activities()[ONE].tracked_from is None

    def test_takes_an_instant_with_any_offset(self, world: World) -> None:
        run("track", ONE, "--from", "2026-03-02T09:07:00-05:00")
        assert world.activities()[ONE].tracked_from == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)

    def test_takes_now(self, world: World) -> None:
        run("track", ONE, "--from", "now")
        activity = world.activities()[ONE]
        assert activity.tracked_from == activity.tracked_at

    def test_takes_several_and_says_so_of_each(self, world: World) -> None:
        said = run("track", ONE, TWO.upper(), ONE).stdout
        assert set(world.activities()) == {ONE, TWO}
        assert said.count("is tracked, from the beginning.") == 2

    def test_changes_nothing_of_what_is_tracked(self, world: World) -> None:
        run("track", ONE)
        before = world.activities()
        result = run("track", ONE, "--from", "now")
        assert "tracked already" in result.stdout
        assert world.activities() == before

    def test_tracks_for_another_account(self, world: World) -> None:
        run("track", ONE, "--account", "other")
        assert world.activities() == {}
        assert len(world.tracking.activities("other")) == 1

    def test_tracks_nothing_if_one_id_is_malformed(self, world: World) -> None:
        said = complaint(run("track", ONE, "nonsense"), 2)
        assert "“nonsense” is not a campaign activity id" in said
        assert world.activities() == {}

    @pytest.mark.parametrize("text", ["yesterday", "2026-03-02", "2026-03-02T14:07:00", ""])
    def test_refuses_a_malformed_instant(self, world: World, text: str) -> None:
        assert "is not an instant" in complaint(run("track", ONE, "--from", text), 2)
        assert world.activities() == {}

    def test_refuses_the_future(self, world: World) -> None:
        tomorrow = iso(datetime.now(UTC) + timedelta(days=1))
        assert "lies in the future" in complaint(run("track", ONE, "--from", tomorrow), 2)
        assert world.activities() == {}


class TestUntrack:
    def test_says_what_stays(self, world: World) -> None:
        run("track", ONE)
        assert "ledger stays" in run("untrack", ONE).stdout
        assert world.activities() == {}

    @pytest.mark.usefixtures("world")
    def test_complains_of_what_was_not_tracked(self) -> None:
        assert f"Not tracked for account default: {ONE}." in complaint(run("untrack", ONE), 1)


class TestStatus:
    @pytest.mark.usefixtures("world")
    def test_of_nothing_names_the_way_on(self) -> None:
        result = run("status")
        assert "email-opens track" in result.stdout
        assert "Account default: 0 of 10000 requests today." in result.stdout

    @pytest.mark.usefixtures("world")
    def test_shows_activities_uncut(self) -> None:
        run("track", ONE)
        shown = run("status").stdout
        assert ONE in shown
        assert "active" in shown

    def test_shows_what_a_poll_has_done(self, world: World) -> None:
        activity_id = world.opened(3)
        run("track", activity_id)
        run("poll")
        shown = json.loads(run("status", "--json").stdout)
        (activity,) = shown["activities"]
        assert activity["published"] == 3
        assert activity["watermark"].endswith("Z")
        assert shown["account"]["requests_today"] == 1

    @pytest.mark.usefixtures("world")
    def test_for_machines_is_json_even_of_nothing(self) -> None:
        assert json.loads(run("status", "--json").stdout)["activities"] == []

    def test_holds_no_token(self, world: World) -> None:
        token = world.vendor.credentials()["refresh_token"]
        assert token not in run("status", "--json").stdout

    def test_says_when_the_quota_is_closed(self, world: World) -> None:
        run("track", world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "the quota is closed until" in run("status").stdout


class TestPoll:
    def test_publishes_each_open_once(self, world: World) -> None:
        run("track", world.opened(5))
        assert "Published 5 opens of 1 activities with 1 requests" in run("poll").stdout
        assert "Published 0 opens" in run("poll").stdout

    @pytest.mark.usefixtures("world")
    def test_tells_what_failed(self) -> None:
        run("track", ONE)
        assert ONE in complaint(run("poll"), 1)

    def test_tells_that_the_account_is_at_work_elsewhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(turns, "LEASE_PATIENCE", timedelta())
        now = datetime.now(UTC)
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=5), reserve=1, budget=1
        )
        assert "try again in a minute" in complaint(run("poll"), 1)

    @pytest.mark.usefixtures("world")
    def test_tells_that_an_account_is_not_connected(self) -> None:
        run("track", ONE, "--account", "other")
        assert "has no credentials" in complaint(run("poll", "--account", "other"), 1)


class TestSettings:
    @pytest.mark.usefixtures("aws")
    @pytest.mark.parametrize(
        "arguments", [["track", ONE], ["untrack", ONE], ["status"], ["poll"]], ids=lambda a: a[0]
    )
    def test_that_are_missing_are_named(self, arguments: list[str]) -> None:
        assert "TRACKING_TABLE is not set" in complaint(run(*arguments), 2)

    def test_are_read_from_a_stacks_outputs(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Emulator() as vendor:
            outputs = {
                "".join(word.capitalize() for word in name.split("_")): {"Value": value}
                for name, value in settings(aws, vendor).items()
            }
            monkeypatch.setenv("TRACKING_TABLE", "another")
            template = {
                "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
                "Outputs": outputs,
            }
            boto3.client("cloudformation").create_stack(
                StackName="mine", TemplateBody=json.dumps(template)
            )
            assert "is tracked" in run("track", ONE, "--stack", "mine").stdout
        assert len(DynamoDBTracking(aws.dynamodb, aws.tracking_table).activities("default")) == 1

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize("stack", ["nowhere", "no stack's name"])
    def test_of_an_unknown_stack_are_refused(self, stack: str) -> None:
        assert "stack" in complaint(run("status", "--stack", stack), 2)

    @pytest.mark.usefixtures("world")
    def test_with_a_malformed_account_are_refused(self) -> None:
        assert "is not an account id" in complaint(run("status", "--account", "a/b"), 2)

    @pytest.mark.usefixtures("world")
    def test_with_a_table_that_is_not_there_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRACKING_TABLE", "nowhere")
        assert "no such table" in complaint(run("status"), 1)

    @pytest.mark.usefixtures("world")
    def test_without_a_region_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert "No AWS region is set" in complaint(run("status"), 2)

    @pytest.mark.usefixtures("world")
    def test_go_to_the_region_of_aws_region_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_go_to_the_region_of_aws_default_region_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_REGION")
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_go_to_the_region_of_the_config_file_alone(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        monkeypatch.setenv("AWS_CONFIG_FILE", config_file(tmp_path, REGION))
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_go_to_aws_region_before_any_other_region(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
        monkeypatch.setenv("AWS_CONFIG_FILE", config_file(tmp_path, "us-east-1"))
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_without_credentials_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert "no AWS credentials" in complaint(run("status"), 2)

    @pytest.mark.usefixtures("world")
    def test_with_an_unknown_profile_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        assert "nobody" in complaint(run("status"), 2)


def config_file(folder: Path, region: str) -> str:
    """Write an AWS config file whose default profile has this region; return its path."""
    path = folder / "config"
    path.write_text(f"[default]\nregion = {region}\n", encoding="utf-8")
    return str(path)


def test_help_names_every_command() -> None:
    shown = run("--help").stdout
    for command in ("demo", "track", "untrack", "status", "poll"):
        assert command in shown
