"""New sends, and what may go wrong while they are searched for, as actions."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from constant_contact_emulator import Kind
from tests.simulation.actions import CONTACTS, AddOpens, activity_id_of
from tests.simulation.report_manners import ABOUT_THE_ACCOUNT, LINK_REFUSALS, REFUSALS
from tests.simulation.simulation import Simulation

MOST_ACTIVITIES = 12
"""Of all campaigns, their permalinks included; then nothing more is sent."""
SEARCHED = ("/email_campaign_summaries", "/v3/emails")
"""Where searches read: the list of sends; and campaigns, their activities and schedules."""
_ODD_REPLIES: dict[str, Any] = {
    "an empty object": {},
    "a number": 7,
    "a list that is none": {"bulk_email_campaign_summaries": 7, "campaign_activities": 7},
    "entries that are none": {
        "bulk_email_campaign_summaries": [None, 7, {}],
        "campaign_activities": [None, 7, {}],
        "campaigns": [None, 7, {}],
    },
    "nonsense": {
        "bulk_email_campaign_summaries": [{"campaign_id": 7, "last_sent_date": "yesterday"}],
        "campaign_activities": [{"campaign_activity_id": None, "role": 7}],
        "campaigns": [{"campaign_id": "", "current_status": None}],
    },
}
FAILURES = {name: REFUSALS[name] for name in LINK_REFUSALS} | {
    name: {"kind": Kind.STATUS, "status": 200, "body": body} for name, body in _ODD_REPLIES.items()
}
"""Replies that the requests of a search may get each time, by name."""


@dataclass(frozen=True, slots=True)
class Send:
    """A campaign is sent, or one that was sent is resent, at once or as it was scheduled."""

    resent: int | None = None
    """The activity whose campaign is resent; None: a new campaign is sent."""
    scheduled: timedelta | None = None
    """How long before the send it was scheduled; None: it is sent at once."""

    def apply(self, simulation: Simulation) -> None:
        world = simulation.vendor.world
        if not simulation.setting.searching or len(world.activities) > MOST_ACTIVITIES:
            return
        at = None if self.scheduled is None else simulation.clock() + self.scheduled
        if self.resent is not None:
            activity = world.activities[activity_id_of(simulation, self.resent)]
            if at is None:
                world.resend(activity.campaign_id)
            else:
                world.schedule_resend(activity.campaign_id, at)
        elif at is None:
            world.send(world.add_campaign().activity_id)
        else:
            world.schedule(world.add_campaign().activity_id, at)
        if at is None:
            newest = len(simulation.activity_ids) - 1
            AddOpens(newest, CONTACTS, 1, timedelta(), 1, between_pages=False).apply(simulation)


@dataclass(frozen=True, slots=True)
class LimitRequests:
    """A person sets the requests of a day."""

    requests: int

    def apply(self, simulation: Simulation) -> None:
        simulation.requests_per_day = self.requests


@dataclass(frozen=True, slots=True)
class FailSearches:
    """Every request of a search for one kind of thing gets the same reply."""

    path: str
    failure: str

    def apply(self, simulation: Simulation) -> None:
        simulation.vendor.faults.add(path=self.path, times=None, **FAILURES[self.failure])
        simulation.trouble.unsearched = True
        if self.failure in ABOUT_THE_ACCOUNT:
            simulation.trouble.about_one_activity = True
