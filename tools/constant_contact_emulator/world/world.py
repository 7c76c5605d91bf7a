"""What exists at the vendor: accounts, campaigns, activities and the rows of their reports."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from threading import RLock
from typing import Any
from uuid import UUID

from constant_contact_emulator.world.behaviour import Behaviour
from constant_contact_emulator.world.clocks import Clock, system_clock
from constant_contact_emulator.world.report import Contact, Report, Row

DEFAULT_ACCOUNT = "default"


@dataclass(slots=True, eq=False)
class Activity:
    campaign_activity_id: str
    campaign_id: str
    role: str
    sent: list[tuple[datetime, int]] = field(default_factory=list)
    """When it was sent, and to how many contacts; a send may be repeated to new contacts."""
    report: Report = field(default_factory=Report)
    counters: dict[str, int] = field(default_factory=dict)
    counted_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Campaign:
    campaign_id: str
    account_id: str
    name: str
    status: str
    created_at: datetime
    updated_at: datetime
    activities: list[Activity] = field(default_factory=list)

    @property
    def activity_id(self) -> str:
        """The primary e-mail's activity."""
        return self.activities[0].campaign_activity_id

    @property
    def last_sent(self) -> datetime | None:
        return max((when for one in self.activities for when, _ in one.sent), default=None)


class World:
    """Thread-safe; every time in it is its clock's."""

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
        self._before_request: list[Callable[[str, str], None]] = []

    def new_id(self) -> str:
        with self.lock:
            return str(UUID(int=self.random.getrandbits(128), version=4))

    def contacts(self, count: int) -> list[Contact]:
        """Return the first `count` people of this world; always the same ones."""
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
        """Add a campaign with its primary e-mail and its permalink; nothing is sent yet."""
        with self.lock:
            now = self.clock()
            campaign = Campaign(campaign_id or self.new_id(), account_id, name, status, now, now)
            self.campaigns[campaign.campaign_id] = campaign
            self._add_activity(campaign, "primary_email", activity_id)
            self._add_activity(campaign, "permalink")
            return campaign

    def send(self, activity_id: str, *, at: datetime | None = None, contacts: int = 1000) -> None:
        """Send an activity, or send it once more to new contacts; no opens come of it yet."""
        with self.lock:
            activity = self.activities[activity_id]
            campaign = self.campaigns[activity.campaign_id]
            when = at or self.clock()
            activity.sent.append((when, contacts))
            campaign.status = "Done"
            campaign.updated_at = when

    def resend(
        self, campaign_id: str, *, at: datetime | None = None, contacts: int = 500
    ) -> Activity:
        """Send a campaign again to those who did not open: a new activity with a new report."""
        with self.lock:
            activity = self._add_activity(self.campaigns[campaign_id], "resend")
            self.send(activity.campaign_activity_id, at=at, contacts=contacts)
            return activity

    def add_open(
        self,
        activity_id: str,
        contact: Contact | int = 0,
        *,
        at: datetime | None = None,
        device_type: str | None = "computer",
        visible_from: datetime | None = None,
    ) -> Row:
        """Add an open; `contact` may be a number, `at` its `created_time` as it is (default: now).

        It is late if `visible_from` is later; without it, it is in the report at once.
        """
        who = self.contacts(contact + 1)[contact] if isinstance(contact, int) else contact
        now = self.clock()
        created = (at or now.replace(second=0, microsecond=0)).astimezone(UTC)
        row = Row(who, created, device_type, visible_from or now)
        self.add_rows(activity_id, [row])
        return row

    def add_raw_row(
        self, activity_id: str, row: dict[str, Any], *, at: datetime | None = None
    ) -> None:
        """Add a row shown word for word, however broken, where an open of `at` would stand."""
        now = self.clock()
        nobody = Contact(str(row.get("contact_id")), "")
        self.add_rows(activity_id, [Row(nobody, at or now, None, now, row)])

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
        """Take visible rows out of a report, the newest first; return how many were."""
        with self.lock:
            return self.report(activity_id).withdraw(matching, at_most)

    def report(self, activity_id: str) -> Report:
        """Return the report as it is now; an unknown activity is a KeyError."""
        with self.lock:
            report = self.activities[activity_id].report
            report.show(self.clock())
            return report

    def rows(self, activity_id: str) -> list[Row]:
        """Return the visible rows, newest first."""
        with self.lock:
            return self.report(activity_id).rows[::-1]

    def count_rows(self, activity_id: str) -> int:
        with self.lock:
            return len(self.report(activity_id).rows)

    def counters(self, activity: Activity) -> dict[str, int]:
        """Return an activity's counters, as fresh as the behaviour lets them be."""
        with self.lock:
            now = self.clock()
            fresh_after = now - self.behaviour.counters_stale_for
            if activity.counted_at is None or activity.counted_at <= fresh_after:
                report = self.report(activity.campaign_activity_id)
                activity.counted_at = now
                activity.counters = {
                    "em_sends": sum(contacts for _, contacts in activity.sent),
                    "em_opens": len(report.opens_by_contact),
                    "em_opens_all": len(report.rows),
                    **dict.fromkeys(_ZEROES, 0),
                }
            return dict(activity.counters)

    def before_request(self, act: Callable[[str, str], None]) -> None:
        """Call `act(method, target)` before each API request is answered, e.g. to add opens."""
        self._before_request.append(act)

    def announce(self, method: str, target: str) -> None:
        for act in list(self._before_request):
            act(method, target)

    def forget_hooks(self) -> None:
        self._before_request.clear()

    def _add_activity(
        self, campaign: Campaign, role: str, activity_id: str | None = None
    ) -> Activity:
        activity = Activity(activity_id or self.new_id(), campaign.campaign_id, role)
        campaign.activities.append(activity)
        self.activities[activity.campaign_activity_id] = activity
        campaign.updated_at = max(campaign.updated_at, self.clock())
        return activity


_ZEROES = (
    "em_bounces", "em_abuse", "em_clicks", "em_clicks_all", "em_optouts", "em_forwards",
    "em_forwards_all", "em_not_opened",
)  # fmt: skip
