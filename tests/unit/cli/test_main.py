"""The main commands and their errors, with AWS emulated in process."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from constant_contact_emulator import Emulator, Kind
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.instants import iso
from tests.conftest import REGION, Aws
from tests.contract.samples import ACTIVITY
from tests.unit.cli.world import ONE, TWO, World, complaint, run, settings


class TestTrack:
    def test_starts_from_the_beginning_by_default(self, world: World) -> None:
        assert run("track", ONE).exit_code == 0
        assert world.activities()[ONE].tracked_from is None

    def test_accepts_an_instant_with_any_offset(self, world: World) -> None:
        run("track", ONE, "--from", "2026-03-02T09:07:00-05:00")
        assert world.activities()[ONE].tracked_from == datetime(2026, 3, 2, 14, 7, tzinfo=UTC)

    def test_accepts_now(self, world: World) -> None:
        run("track", ONE, "--from", "now")
        activity = world.activities()[ONE]
        assert activity.tracked_from == activity.tracked_at

    @pytest.mark.parametrize(("text", "ago"), [("2h", timedelta(hours=2)), ("1d", timedelta(1))])
    def test_accepts_a_time_ago(self, world: World, text: str, ago: timedelta) -> None:
        run("track", ONE, "--from", text)
        activity = world.activities()[ONE]
        assert activity.tracked_from == activity.tracked_at - ago

    def test_tracks_several_activities_and_prints_a_line_for_each(self, world: World) -> None:
        output = run("track", ONE, TWO.upper(), ONE).stdout
        assert set(world.activities()) == {ONE, TWO}
        assert output.count("is tracked, from the beginning.") == 2

    def test_leaves_a_tracked_activity_unchanged(self, world: World) -> None:
        run("track", ONE)
        before = world.activities()
        result = run("track", ONE, "--from", "now")
        assert "tracked already" in result.stdout
        assert world.activities() == before

    def test_tracks_for_another_account(self, world: World) -> None:
        world.aws.ssm.put_parameter(Name="/email-opens/other", Value="{}", Type="SecureString")
        run("track", ONE, "--account", "other")
        assert world.activities() == {}
        assert len(world.tracking.activities("other")) == 1

    def test_tracks_nothing_if_an_id_is_malformed(self, world: World) -> None:
        error = complaint(run("track", ONE, "nonsense"), 2)
        assert "“nonsense” is not a campaign activity id" in error
        assert world.activities() == {}

    @pytest.mark.parametrize("text", ["soon", "2026-02-30", "2026-03-02T14:07:00", ""])
    def test_refuses_a_malformed_instant(self, world: World, text: str) -> None:
        assert "is not an instant" in complaint(run("track", ONE, "--from", text), 2)
        assert world.activities() == {}

    def test_refuses_an_instant_in_the_future(self, world: World) -> None:
        tomorrow = iso(datetime.now(UTC) + timedelta(days=1))
        assert "lies in the future" in complaint(run("track", ONE, "--from", tomorrow), 2)
        assert world.activities() == {}


class TestUntrack:
    def test_reports_that_the_ledger_stays(self, world: World) -> None:
        run("track", ONE)
        assert "ledger stays" in run("untrack", ONE).stdout
        assert world.activities() == {}

    @pytest.mark.usefixtures("world")
    def test_reports_an_activity_that_is_not_tracked(self) -> None:
        assert f"Not tracked for account default: {ONE}." in complaint(run("untrack", ONE), 1)


class TestStatus:
    @pytest.mark.usefixtures("world")
    def test_suggests_track_when_nothing_is_tracked(self) -> None:
        result = run("status")
        assert "email-opens track" in result.stdout
        assert "Account default: 0 of 10000 requests today." in result.stdout

    @pytest.mark.usefixtures("world")
    def test_shows_whole_activity_ids(self) -> None:
        run("track", ONE)
        output = run("status").stdout
        assert ONE in output
        assert "active" in output

    def test_shows_the_results_of_a_poll(self, world: World) -> None:
        activity_id = world.opened(3)
        run("track", activity_id)
        run("poll")
        status = json.loads(run("status", "--json").stdout)
        (activity,) = status["activities"]
        assert activity["published"] == 3
        assert activity["watermark"].endswith("Z")
        assert status["account"]["requests_today"] == 1

    @pytest.mark.usefixtures("world")
    def test_prints_json_when_nothing_is_tracked(self) -> None:
        assert json.loads(run("status", "--json").stdout)["activities"] == []

    def test_does_not_print_a_token(self, world: World) -> None:
        token = world.vendor.credentials()["refresh_token"]
        assert token not in run("status", "--json").stdout

    def test_reports_a_closed_quota(self, world: World) -> None:
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
    def test_reports_an_activity_that_fails(self) -> None:
        run("track", ONE)
        assert ONE in complaint(run("poll"), 1)

    def test_suggests_a_retry_when_the_account_is_leased(self, world: World) -> None:
        now = datetime.now(UTC)
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=5), reserve=1, budget=1
        )
        assert "try again in a minute" in complaint(run("poll", "--wait", "0s"), 1)

    def test_reports_an_account_that_is_not_connected(self, world: World) -> None:
        world.tracking.add(replace(ACTIVITY, account_id="other"))
        assert "has no credentials" in complaint(run("poll", "--account", "other"), 1)


class TestSettings:
    @pytest.mark.usefixtures("aws")
    @pytest.mark.parametrize(
        "arguments", [["track", ONE], ["untrack", ONE], ["status"], ["poll"]], ids=lambda a: a[0]
    )
    def test_missing_settings_are_named(self, arguments: list[str]) -> None:
        assert "TRACKING_TABLE is not set" in complaint(run(*arguments), 2)

    def test_settings_are_read_from_the_outputs_of_a_stack(
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
            aws.ssm.put_parameter(Name="/email-opens/default", Value="{}", Type="SecureString")
            assert "is tracked" in run("track", ONE, "--stack", "mine").stdout
        assert len(DynamoDBTracking(aws.dynamodb, aws.tracking_table).activities("default")) == 1

    @pytest.mark.usefixtures("world")
    @pytest.mark.parametrize("stack", ["nowhere", "no stack's name"])
    def test_an_unknown_stack_is_refused(self, stack: str) -> None:
        assert "stack" in complaint(run("status", "--stack", stack), 2)

    @pytest.mark.usefixtures("world")
    def test_a_malformed_account_is_refused(self) -> None:
        assert "is not an account id" in complaint(run("status", "--account", "a/b"), 2)

    @pytest.mark.usefixtures("world")
    def test_a_missing_table_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRACKING_TABLE", "nowhere")
        assert "no such table" in complaint(run("status"), 1)

    @pytest.mark.usefixtures("world")
    def test_a_missing_region_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert "No AWS region is set" in complaint(run("status"), 2)

    @pytest.mark.usefixtures("world")
    def test_aws_region_alone_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_aws_default_region_alone_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_REGION")
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_the_region_of_the_config_file_alone_is_enough(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        monkeypatch.setenv("AWS_CONFIG_FILE", config_file(tmp_path, REGION))
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_aws_region_overrides_every_other_region(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
        monkeypatch.setenv("AWS_CONFIG_FILE", config_file(tmp_path, "us-east-1"))
        assert run("status").exit_code == 0

    @pytest.mark.usefixtures("world")
    def test_missing_aws_credentials_are_reported(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert "no AWS credentials" in complaint(run("status"), 2)

    @pytest.mark.usefixtures("world")
    def test_an_unknown_profile_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        assert "nobody" in complaint(run("status"), 2)


def config_file(folder: Path, region: str) -> str:
    """Write an AWS config file whose default profile has this region; return its path."""
    path = folder / "config"
    path.write_text(f"[default]\nregion = {region}\n", encoding="utf-8")
    return str(path)


def test_help_names_every_command() -> None:
    output = run("--help").stdout
    for command in ("demo", "track", "untrack", "status", "poll"):
        assert command in output
