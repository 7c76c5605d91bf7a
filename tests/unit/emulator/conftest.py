from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from constant_contact_emulator import Emulator, Limits, ManualClock

START = datetime(2026, 3, 2, 14, 0, 30, tzinfo=UTC)


@dataclass(slots=True)
class Vendor:
    """An emulator whose clock stands still, and a client of it."""

    emulator: Emulator
    clock: ManualClock
    session: requests.Session
    headers: dict[str, str] = field(default_factory=dict)

    def connect(self, account_id: str = "default", **how: str) -> None:
        token = self.emulator.connect(account_id, **how).access_token
        self.headers["Authorization"] = f"Bearer {token}"

    def activity(self, name: str = "Newsletter") -> str:
        """Send a campaign; return its activity's id."""
        activity_id = self.emulator.world.add_campaign(name).activity_id
        self.emulator.world.send(activity_id)
        return activity_id

    def get(self, path: str, timeout: float = 5) -> requests.Response:
        return self.session.get(self.emulator.url + path, headers=self.headers, timeout=timeout)

    def post(self, url: str, form: dict[str, str], **how: Any) -> requests.Response:
        return self.session.post(url, data=form, timeout=5, **how)

    def head(self, activity_id: str, limit: int = 500) -> dict[str, Any]:
        page: dict[str, Any] = self.get(opens_path(activity_id, limit)).json()
        return page

    def walk(self, activity_id: str, limit: int = 500) -> list[dict[str, Any]]:
        """Read a report to its end."""
        page, rows = self.head(activity_id, limit), []
        while True:
            rows += page["tracking_activities"]
            href = next_link(page)
            if href is None:
                return rows
            page = self.get(href).json()


def opens_path(activity_id: str, limit: int = 500) -> str:
    return f"/v3/reports/email_reports/{activity_id}/tracking/opens?limit={limit}"


def next_link(page: dict[str, Any]) -> str | None:
    links = page.get("_links") or {}
    following = links.get("next") or {}
    href: str | None = following.get("href")
    return href


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    clock = ManualClock(START)
    with (
        Emulator(clock=clock, limits=Limits.off()) as emulator,
        requests.Session() as session,
    ):
        vendor = Vendor(emulator, clock, session)
        vendor.connect()
        yield vendor
