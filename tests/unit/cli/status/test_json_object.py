"""An activity as programs read it."""

import json
from copy import replace
from datetime import timedelta

from email_opens.model import Gap, State
from email_opens_cli.commands.status.json_object import status_json
from tests.contract.samples import NOON, varied
from tests.unit.cli.status.samples import POLLED, status


class TestDelay:
    def test_is_unknown_for_a_paused_activity(self) -> None:
        (activity,) = status_json(status(replace(POLLED, state=State.PAUSED)))["activities"]
        assert activity["delay_seconds"] is None

    def test_is_the_time_since_the_last_poll(self) -> None:
        (activity,) = status_json(status(POLLED))["activities"]
        assert activity["delay_seconds"] == 90

    def test_is_never_negative_when_clocks_differ(self) -> None:
        ahead = varied(POLLED, polled_at=NOON + timedelta(days=1))
        (activity,) = status_json(status(ahead))["activities"]
        assert activity["delay_seconds"] == 0


def test_what_a_newer_version_has_stored_is_not_shown() -> None:
    unknown = {"colour": {"B": b"red"}}
    gap = Gap(NOON, None, None, unknown=unknown)
    newer = replace(varied(POLLED, gaps=(gap,)), unknown=unknown)
    (shown,) = status_json(status(newer))["activities"]
    (known,) = status_json(status(varied(newer, gaps=(replace(gap, unknown={}),))))["activities"]
    assert shown == known
    assert "unknown" not in {*shown, *shown["gaps"][0]}
    json.dumps(shown)
