"""A client of an emulator whose clock is moved by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from constant_contact_emulator import Emulator, ManualClock

START = datetime(2026, 3, 2, 14, 0, 30, tzinfo=UTC)
SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries"


@dataclass(slots=True)
class EmulatorClient:
    emulator: Emulator
    clock: ManualClock
    session: requests.Session
    headers: dict[str, str] = field(default_factory=dict)

    def connect(self, account_id: str = "default", **options: str) -> None:
        """Connect an account; later requests carry its token."""
        self.authorize(self.emulator.connect(account_id, **options).access_token)

    def authorize(self, access_token: str) -> None:
        self.headers["Authorization"] = f"Bearer {access_token}"

    def send_activity(self) -> str:
        """Send a campaign; return the id of its activity."""
        return self.send_campaign()[1]

    def send_campaign(self, *contacts: int) -> tuple[str, str]:
        """Send a campaign that contacts open; return its id and that of its activity."""
        world = self.emulator.world
        campaign = world.add_campaign()
        world.send(campaign.activity_id, contacts=100)
        for contact in contacts:
            world.add_open(campaign.activity_id, contact)
        return campaign.campaign_id, campaign.activity_id

    def get(self, path: str, timeout: float = 5) -> requests.Response:
        return self.session.get(self.emulator.url + path, headers=self.headers, timeout=timeout)

    def post(
        self, path: str, form: dict[str, str], auth: tuple[str, str] | None = None
    ) -> requests.Response:
        """Send a form to the authorization server."""
        return self.session.post(self.emulator.auth_url + path, data=form, auth=auth, timeout=5)

    def head(self, activity_id: str, limit: int = 500) -> dict[str, Any]:
        """Read the first page of a report."""
        page: dict[str, Any] = self.get(opens_path(activity_id, limit)).json()
        return page

    def walk(self, activity_id: str, limit: int = 500) -> list[dict[str, Any]]:
        """Read a report to its end."""
        page = self.head(activity_id, limit)
        rows: list[dict[str, Any]] = page["tracking_activities"]
        while href := next_link(page):
            page = self.get(href).json()
            rows += page["tracking_activities"]
        return rows


def opens_path(activity_id: str, limit: int = 500) -> str:
    return f"/v3/reports/email_reports/{activity_id}/tracking/opens?limit={limit}"


def next_link(page: dict[str, Any]) -> str | None:
    links = page.get("_links") or {}
    following = links.get("next") or {}
    href: str | None = following.get("href")
    return href
