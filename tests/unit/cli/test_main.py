"""The main commands and their errors, with AWS emulated in process."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from constant_contact_emulator import Emulator, Kind
from email_opens.adapters.aws.tracking import DynamoDBTracking
from tests.conftest import REGION, Aws
from tests.contract.samples import ACTIVITY, ACTIVITY_ID
from tests.unit.cli.world import ONE, World, complaint, run, settings


class TestUntrack:
    def test_reports_that_the_ledger_stays(self, world: World) -> None:
        world.track(ONE)
        assert "ledger stays" in run("untrack", ONE).stdout
        assert world.activities() == {}

    @pytest.mark.usefixtures("world")
    def test_reports_an_activity_that_is_not_tracked(self) -> None:
        error = complaint(run("untrack", ONE), 2)
        assert f"No tracked e-mail has the name or the id “{ONE}”." in error


class TestStatus:
    @pytest.mark.usefixtures("world")
    def test_suggests_track_when_nothing_is_tracked(self) -> None:
        result = run("status")
        assert "email-opens track" in result.stdout
        assert "Account default: 0 of 9,000 requests today." in result.stdout

    def test_shows_whole_activity_ids(self, world: World) -> None:
        world.track(ONE)
        output = run("status").stdout
        assert ONE in output
        assert "active" in output

    def test_shows_the_results_of_a_poll(self, world: World) -> None:
        activity_id = world.opened(3)
        world.track(activity_id)
        run("poll")
        status = json.loads(run("status", "--json").stdout)
        (activity,) = status["activities"]
        assert activity["published"] == 3
        assert activity["watermark"].endswith("Z")
        assert status["account"]["requests_today"] == 5

    @pytest.mark.usefixtures("world")
    def test_prints_json_when_nothing_is_tracked(self) -> None:
        assert json.loads(run("status", "--json").stdout)["activities"] == []

    def test_does_not_print_a_token(self, world: World) -> None:
        token = world.vendor.credentials()["refresh_token"]
        assert token not in run("status", "--json").stdout

    def test_reports_a_closed_quota(self, world: World) -> None:
        world.track(world.opened(1))
        world.vendor.faults.add(Kind.QUOTA_EXCEEDED)
        run("poll")
        assert "the quota is closed until" in run("status").stdout


class TestPoll:
    def test_publishes_each_open_once(self, world: World) -> None:
        world.track(world.opened(5))
        assert (
            # A search reads the list of sends and this campaign, and which sends are scheduled.
            "Published 5 opens of 1 e-mail with 5 requests; 0 gaps are left." in run("poll").stdout
        )
        assert "Published 0 opens" in run("poll").stdout

    def test_tracks_a_new_send(self, world: World) -> None:
        activity_id = world.opened(5)
        assert f"({activity_id})." in run("poll").stdout.splitlines()[0]

    def test_reports_a_search_that_fails(self, world: World) -> None:
        world.vendor.faults.add(Kind.STATUS, path="summaries", status=418, times=None)
        assert "The search for new sends failed: The vendor answered 418" in complaint(
            run("poll"), 1
        )

    def test_reports_an_activity_that_fails(self, world: World) -> None:
        world.tracking.add(ACTIVITY)
        assert f"“March news” ({ACTIVITY_ID}): The vendor" in complaint(run("poll"), 1)

    def test_suggests_a_retry_when_the_account_is_leased(self, world: World) -> None:
        now = datetime.now(UTC)
        world.tracking.lease(
            "default", holder="x", now=now, until=now + timedelta(minutes=5), reserve=1, budget=1
        )
        assert "try again in a minute" in complaint(run("poll", "--wait", "0s"), 1)

    def test_reports_an_account_that_is_not_connected(self, world: World) -> None:
        world.track(ONE, account_id="other")
        assert "has no credentials" in complaint(run("poll", "--account", "other"), 1)


class TestSettings:
    @pytest.mark.usefixtures("aws")
    @pytest.mark.parametrize(
        "arguments", [["track", ONE], ["untrack", ONE], ["poll"]], ids=lambda a: a[0]
    )
    def test_a_stack_is_asked_for_where_there_are_no_settings(self, arguments: list[str]) -> None:
        assert complaint(run(*arguments), 2).startswith("No stack is named: add --stack NAME")

    @pytest.mark.usefixtures("world")
    def test_a_missing_setting_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LEDGER_TABLE")
        assert "LEDGER_TABLE is not set" in complaint(run("poll"), 2)

    def test_settings_are_read_from_the_outputs_of_a_stack_of_an_earlier_version(
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
            DynamoDBTracking(aws.dynamodb, aws.tracking_table).add(ACTIVITY)
            assert ACTIVITY_ID in run("status", "--stack", "mine").stdout

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


def test_help_of_a_command_is_wrapped_once() -> None:
    paragraph = (
        run("watch", "--help").stdout.split("Without a name")[1].split("The command needs")[0]
    )
    lines = [line.strip() for line in paragraph.strip().splitlines()]
    assert all(len(line) > 50 for line in lines[:-1])


def test_help_names_every_command() -> None:
    output = run("--help").stdout
    for command in ("demo", "track", "untrack", "status", "poll"):
        assert command in output
