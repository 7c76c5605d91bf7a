"""The vendor's data: accounts, campaigns, activities and the rows of their reports."""

from collections.abc import Callable, Iterable, Mapping
from copy import replace
from datetime import UTC, datetime, timedelta
from random import Random
from threading import RLock
from typing import Any
from uuid import UUID

from constant_contact_emulator.messages import Raw
from constant_contact_emulator.world.behaviour import Behaviour
from constant_contact_emulator.world.campaigns import Activity, Campaign
from constant_contact_emulator.world.clocks import Clock, system_clock
from constant_contact_emulator.world.report import Contact, Report, Row

DEFAULT_ACCOUNT = "default"


class World:
    """Everything that exists at the vendor. Thread-safe; its clock gives every time."""

    def __init__(
        self, clock: Clock = system_clock, *, seed: int = 1, behaviour: Behaviour | None = None
    ) -> None:
        self.clock = clock
        self.behaviour = behaviour or Behaviour()
        self.lock = RLock()
        self.random = Random(seed)  # noqa: S311
        self.campaigns: dict[str, Campaign] = {}
        self.activities: dict[str, Activity] = {}
        self._contacts: list[Contact] = []
        self._hooks: list[Callable[[str, str], None]] = []

    def new_id(self) -> str:
        with self.lock:
            return str(UUID(int=self.random.getrandbits(128), version=4))

    def contacts(self, count: int) -> list[Contact]:
        """Return the first `count` contacts, which are the same in every world."""
        with self.lock:
            for number in range(len(self._contacts), count):
                contact_id = f"{(number * 2654435761) % 2**32:08x}-0000-4000-8000-{number:012x}"
                name = f"Contact{number}"
                email = f"contact{number}@example.com"
                self._contacts.append(Contact(contact_id, email, name, "Example"))
            return self._contacts[:count]

    def add_campaign(
        self,
        name: str = "Newsletter",
        *,
        account_id: str = DEFAULT_ACCOUNT,
        status: str = "Draft",
        campaign_id: str | None = None,
        activity_id: str | None = None,
    ) -> Campaign:
        """Add a campaign with its primary e-mail and its permalink, without sending it."""
        with self.lock:
            now = self.clock()
            campaign = Campaign(campaign_id or self.new_id(), account_id, name, status, now, now)
            self.campaigns[campaign.campaign_id] = campaign
            self._add_activity(campaign, "primary_email", activity_id)
            self._add_activity(campaign, "permalink")
            return campaign

    def send(self, activity_id: str, *, at: datetime | None = None, contacts: int = 1000) -> None:
        """Send an activity, or send it again to new contacts. This adds no opens."""
        with self.lock:
            activity = self.activities[activity_id]
            campaign = self.campaigns[activity.campaign_id]
            sent_at = at or self.clock()
            activity.sent.append((sent_at, contacts))
            campaign.status = "Done"
            campaign.updated_at = sent_at

    def resend(
        self, campaign_id: str, *, at: datetime | None = None, contacts: int = 500
    ) -> Activity:
        """Resend a campaign to contacts who did not open: a new activity with its own report."""
        with self.lock:
            activity = self._add_activity(self.campaigns[campaign_id], "resend")
            self.send(activity.campaign_activity_id, at=at, contacts=contacts)
            return activity

    def schedule(self, activity_id: str, at: datetime | None) -> None:
        """Schedule a send of an activity, or move it; None: unschedule it. This adds no opens."""
        with self.lock:
            activity = self.activities[activity_id]
            campaign = self.campaigns[activity.campaign_id]
            activity.scheduled_at = at
            campaign.status = "Scheduled" if at else "Draft"
            campaign.updated_at = self.clock()

    def schedule_resend(self, campaign_id: str, at: datetime | None) -> None:
        """Schedule the resend of a campaign, or move it; None: unschedule it."""
        with self.lock:
            self.campaigns[campaign_id].resend_at = at

    def send_scheduled(self) -> None:
        """Send what is scheduled for an instant that has passed."""
        with self.lock:
            now = self.clock()
            for campaign in self.campaigns.values():
                for activity in campaign.activities:
                    if activity.scheduled_at is not None and activity.scheduled_at <= now:
                        at, activity.scheduled_at = activity.scheduled_at, None
                        self.send(activity.campaign_activity_id, at=at)
                if campaign.resend_at is not None and campaign.resend_at <= now:
                    at, campaign.resend_at = campaign.resend_at, None
                    self.resend(campaign.campaign_id, at=at)

    def add_open(
        self,
        activity_id: str,
        contact: Contact | int = 0,
        *,
        at: datetime | None = None,
        device_type: str | None = "computer",
        visible_from: datetime | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Row:
        """Add an open of a contact, or of the contact with a number.

        `at` becomes its `created_time` (default: the current minute). The row appears at
        `visible_from` (default: now), with the fields of `extra`.
        """
        if isinstance(contact, int):
            contact = self.contacts(contact + 1)[contact]
        now = self.clock()
        created = (at or now.replace(second=0, microsecond=0)).astimezone(UTC)
        row = Row(contact, created, device_type, visible_from or now, extra or {})
        self.add_rows(activity_id, [row])
        return row

    def add_raw_row(
        self, activity_id: str, row: Mapping[str, Any] | Raw, *, at: datetime | None = None
    ) -> None:
        """Add a row that the report writes as it is, in the position of an open of `at`."""
        now = self.clock()
        contact_id = row.get("contact_id") if isinstance(row, Mapping) else None
        self.add_rows(
            activity_id, [Row(Contact(str(contact_id), ""), at or now, None, now, raw=row)]
        )

    def add_rows(self, activity_id: str, rows: Iterable[Row]) -> None:
        with self.lock:
            self.activities[activity_id].report.add(rows, self.behaviour.ties)

    def withdraw(
        self,
        activity_id: str,
        matching: Callable[[Row], bool] = lambda _: True,
        *,
        at_most: int | None = 1,
    ) -> int:
        """Remove visible rows from a report, the newest first; return how many were removed."""
        with self.lock:
            return len(self.report(activity_id).withdraw(matching, at_most))

    def revise(
        self,
        activity_id: str,
        matching: Callable[[Row], bool] = lambda _: True,
        *,
        device_type: str | None = None,
        later: timedelta = timedelta(),
        at_most: int | None = 1,
    ) -> list[Row]:
        """Fill in the device of visible rows, or refine their instants; return the new rows."""
        with self.lock:
            old = self.report(activity_id).withdraw(matching, at_most)
            # What is filled in replaces an odd field of the same name.
            revised = {"device_type"} if device_type else set()
            new = [
                replace(
                    row,
                    created=row.created + later,
                    device_type=device_type or row.device_type,
                    visible_from=self.clock(),
                    extra={name: value for name, value in row.extra.items() if name not in revised},
                )
                for row in old
            ]
            self.add_rows(activity_id, new)
            return new

    def erase(self, contact_id: str) -> int:
        """Erase a contact: its rows lose their address. Return how many did."""
        with self.lock:
            rows = [
                row
                for activity in self.activities.values()
                for row in (*activity.report.rows, *activity.report.hidden)
                if row.contact.contact_id == contact_id
            ]
            for row in rows:
                row.contact = replace(row.contact, email_address=None)
                row.extra = {**row.extra, "deleted_at": self.clock().date().isoformat()}
            return len(rows)

    def report(self, activity_id: str) -> Report:
        """Return the report as it is now; raise KeyError if the activity is unknown."""
        with self.lock:
            report = self.activities[activity_id].report
            report.reveal(self.clock())
            return report

    def rows(self, activity_id: str) -> list[Row]:
        """Return the visible rows, newest first."""
        with self.lock:
            return self.report(activity_id).rows[::-1]

    def count_rows(self, activity_id: str) -> int:
        with self.lock:
            return len(self.report(activity_id).rows)

    def counters(self, activity: Activity) -> dict[str, int]:
        """Return an activity's counters, as stale as the behaviour allows."""
        with self.lock:
            now = self.clock()
            stale_at = now - self.behaviour.counters_stale_for
            if activity.counted_at is None or activity.counted_at <= stale_at:
                report = self.report(activity.campaign_activity_id)
                activity.counted_at = now
                activity.counters = {
                    "em_sends": sum(contacts for _, contacts in activity.sent),
                    "em_opens": len(report.opens_by_contact),
                    "em_opens_all": len(report.rows),
                    **dict.fromkeys(_ALWAYS_ZERO, 0),
                }
            return dict(activity.counters)

    def before_request(self, hook: Callable[[str, str], None]) -> None:
        """Call `hook(method, target)` before each request is answered, e.g. to add opens."""
        self._hooks.append(hook)

    def run_hooks(self, method: str, target: str) -> None:
        for hook in list(self._hooks):
            hook(method, target)

    def forget_hooks(self) -> None:
        self._hooks.clear()

    def _add_activity(
        self, campaign: Campaign, role: str, activity_id: str | None = None
    ) -> Activity:
        activity = Activity(activity_id or self.new_id(), campaign.campaign_id, role)
        campaign.activities.append(activity)
        self.activities[activity.campaign_activity_id] = activity
        campaign.updated_at = max(campaign.updated_at, self.clock())
        return activity


_ALWAYS_ZERO = (
    "em_bounces", "em_abuse", "em_clicks", "em_clicks_all", "em_optouts", "em_forwards",
    "em_forwards_all", "em_not_opened",
)  # fmt: skip
