"""The demo account: e-mails that were sent, and that are being opened."""

import os
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from constant_contact_emulator import Emulator, Limits, ManualClock
from constant_contact_emulator.__main__ import INTERRUPTED
from constant_contact_emulator.demo import ACCOUNT, CLIENT_ID, REFRESH_TOKEN, DemoAccount

NOW = datetime(2026, 3, 2, 14, 7, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def test_earlier_sends_have_opens_and_the_latest_is_being_opened(clock: ManualClock) -> None:
    with Emulator(clock=clock, limits=Limits.off(), rotating=False) as emulator:
        DemoAccount(emulator)
        world = emulator.world
        activities = [
            next(a for a in campaign.activities if a.role == "primary_email")
            for campaign in world.campaigns.values()
        ]
        *earlier, latest = [activity.campaign_activity_id for activity in activities]
        assert all(world.count_rows(activity_id) for activity_id in earlier)
        for _ in range(3):
            before = world.count_rows(latest)
            clock.advance(timedelta(minutes=2))
            assert world.count_rows(latest) > before


def test_the_next_send_has_another_name(clock: ManualClock) -> None:
    with Emulator(clock=clock, limits=Limits.off(), rotating=False) as emulator:
        demo = DemoAccount(emulator)
        names = {demo.send_next() for _ in range(7)}
        assert len(names) == 7
        assert {campaign.account_id for campaign in emulator.world.campaigns.values()} == {ACCOUNT}


def test_its_refresh_token_can_be_used_again_and_again(clock: ManualClock) -> None:
    with Emulator(clock=clock, limits=Limits.off(), rotating=False) as emulator:
        DemoAccount(emulator)
        for _ in range(2):
            form = {
                "client_id": CLIENT_ID,
                "grant_type": "refresh_token",
                "refresh_token": REFRESH_TOKEN,
            }
            reply = requests.post(f"{emulator.auth_url}/token", data=form, timeout=5).json()
            assert reply["refresh_token"] == REFRESH_TOKEN


def test_the_program_names_the_command_that_watches_it() -> None:
    program_file = Path(sys.executable).with_name("constant-contact-emulator")
    command = [str(program_file), "--demo", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PATH": ""}
    ) as program:
        try:
            assert program.stdout
            printed = [program.stdout.readline() for _ in range(3)]
            watch = shlex.quote(str(program_file.with_name("email-opens")))
            port = printed[0].partition("127.0.0.1:")[2].partition(".")[0]
            assert printed[2].strip() == f"{watch} watch --demo --demo-port {port}"
            program.send_signal(signal.SIGINT)
            assert program.wait(timeout=10) == INTERRUPTED
        finally:
            program.kill()
