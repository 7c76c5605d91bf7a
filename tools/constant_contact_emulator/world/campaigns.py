"""A campaign, its activities, and how its counters may differ from its reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from constant_contact_emulator.world.report import Report


@dataclass(slots=True, eq=False)
class Activity:
    campaign_activity_id: str
    campaign_id: str
    role: str
    sent: list[tuple[datetime, int]] = field(default_factory=list)
    """The instant and the number of contacts of each send; a repeat goes to new contacts."""
    scheduled_at: datetime | None = None
    """When it will be sent; None: it is not scheduled."""
    report: Report = field(default_factory=Report)
    counters: dict[str, int] = field(default_factory=dict)
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OddCounter:
    """How the counters of a campaign differ from what its reports say."""

    stats: Mapping[str, Any] = field(default_factory=dict)
    """Values in place of the real ones, by name: `{"em_opens_all": None}`."""
    without: tuple[str, ...] = ()
    """The names that are missing."""
    last_refresh_time: Any = None
    """In place of the real instant; None: the real one."""
    in_errors: bool = False
    """The campaign is an entry of `errors`, not of `results`."""


@dataclass(slots=True, eq=False)
class Campaign:
    campaign_id: str
    account_id: str
    name: str
    status: str
    created_at: datetime
    updated_at: datetime
    activities: list[Activity] = field(default_factory=list)
    resend_at: datetime | None = None
    """When it will be resent to contacts who did not open; None: it will not."""
    odd_counter: OddCounter | None = None

    @property
    def activity_id(self) -> str:
        """The id of the primary e-mail's activity."""
        return self.activities[0].campaign_activity_id

    @property
    def last_sent(self) -> datetime | None:
        return max((at for activity in self.activities for at, _ in activity.sent), default=None)
