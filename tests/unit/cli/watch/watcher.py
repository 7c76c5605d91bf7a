"""`email-opens watch`, run with the emulated vendor."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from constant_contact_emulator import Emulator
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.model import Activity
from email_opens_cli.main import app
from tests.contract.samples import varied
from tests.event_schema import checked


@dataclass(frozen=True, slots=True)
class Watcher:
    """Runs `watch` with a state folder, an emulated vendor and captured standard output."""

    folder: Path
    vendor: Emulator
    output: pytest.CaptureFixture[str]

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def watch(self, *arguments: str, credentials: dict[str, str] | None = None) -> Result:
        """Watch once, with these credentials, if any, on standard input."""
        options = () if credentials is None else ("--credentials", "-")
        return CliRunner().invoke(
            app,
            ["watch", "--once", "--state", str(self.state), *options, *arguments],
            input=json.dumps(credentials),
        )

    def connect(self) -> None:
        """Pass the credentials, and watch an activity without opens."""
        self.watch(self.add_opens(0), credentials=self.vendor.credentials())
        self.events()

    def add_opens(
        self,
        opens: int,
        activity_id: str | None = None,
        *,
        name: str = "Newsletter",
        sent_at: datetime | None = None,
    ) -> str:
        """Add opens to an activity, by default a new one; return its id."""
        world = self.vendor.world
        if activity_id is None:
            activity_id = world.add_campaign(name).activity_id
            world.send(activity_id, at=sent_at)
        first = world.count_rows(activity_id)
        for contact in range(first, first + opens):
            world.add_open(activity_id, contact)
        return activity_id

    def move_polls_back_an_hour(self) -> None:
        """Move the last polls an hour back, so that the next ones are worth a request."""
        with StateFile(self.state) as state:
            tracking = SqliteTracking(state)
            for activity in tracking.activities("default"):
                if polled_at := activity.progress.polled_at:
                    tracking.save(varied(activity, polled_at=polled_at - timedelta(hours=1)))

    def tracked(self) -> dict[str, Activity]:
        """Return the activities of the state file by their ids."""
        with StateFile(self.state) as state:
            activities = SqliteTracking(state).activities("default")
        return {activity.campaign_activity_id: activity for activity in activities}

    def events(self) -> list[Any]:
        """Return the events written since the last call."""
        return [json.loads(checked(line)) for line in self.output.readouterr().out.splitlines()]


def complaint(result: Result, code: int) -> str:
    """Return stderr, after checking the exit code and that stdout is empty."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr
    return result.stderr
