"""What `doctor` says about alarms, and about what no alarm watches."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from email_opens.instants import iso
from tests.unit.cli.deployed.checks.doctor import (
    STACK,
    alarm,
    findings,
    make_healthy,
    make_stack,
)
from tests.unit.cli.world import World


class TestAlarms:
    def test_of_a_stack_without_monitoring_are_not_there_to_tell(self, world: World) -> None:
        make_stack(world, MONITORING="none")
        line = findings("--stack", STACK, code=0)["alarms"]
        assert line.startswith("- alarms: the stack has no alarms and no metrics")
        assert "doctor --quiet --stack mine` from cron" in line

    @pytest.mark.parametrize("monitoring", ["basic", "full"])
    def test_are_checked_with_any_other_monitoring(self, world: World, monitoring: str) -> None:
        make_stack(world, MONITORING=monitoring)
        alarm(f"{STACK}-Missing", "OK")
        assert "none of 1 is in alarm" in findings("--stack", STACK, code=0)["alarms"]

    def test_are_checked_in_a_stack_of_an_earlier_version(self, world: World) -> None:
        make_stack(world)
        alarm(f"{STACK}-Missing", "ALARM")
        assert "alarm" in findings("--stack", STACK, code=1)


@pytest.mark.parametrize(("days", "mark"), [(149, "✓"), (150, "!")])
def test_a_token_that_was_not_used_for_150_days_is_a_warning(
    world: World, days: int, mark: str
) -> None:
    make_healthy(world)
    name = "/email-opens/default"
    kept = world.aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    expired = datetime.now(UTC) - timedelta(days=days, minutes=1)
    idle = json.dumps(json.loads(kept) | {"expires_at": iso(expired.replace(microsecond=0))})
    world.aws.ssm.put_parameter(Name=name, Value=idle, Type="SecureString", Overwrite=True)
    line = findings(code=0)["token"]
    assert line.startswith(mark)
    assert (f"not used for {days} days" in line) == (mark == "!")
