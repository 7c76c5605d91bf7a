"""Finished activities that are archived: turns do not read them, except a page of them each hour.

An archived activity wakes like any other if its campaign's counter has moved, but its counter is
read less often: the first probe of an hour fills the room that it has left with the next ones.
"""

from datetime import datetime

from email_opens.errors import LostRace
from email_opens.model import Activity
from email_opens.scheduling.candidates import countable
from email_opens.scheduling.counters import page_is_due
from email_opens.scheduling.lifecycle import to_archive, wakes
from email_opens.turns.report import Failure, TurnReport
from email_opens.turns.roster import Roster

MOST_A_TURN = 50
"""Activities that a turn archives, so that thousands of them do not keep it from ending."""


def archive_finished(roster: Roster, turn_report: TurnReport, now: datetime) -> None:
    """Archive finished activities; a failure is reported, and ends no turn."""
    for activity in to_archive(roster.finished.values(), now)[:MOST_A_TURN]:
        activity_id = activity.campaign_activity_id
        try:
            roster.tracking.archive(activity)
        except LostRace:
            continue  # It was woken, or its counter was stored.
        except Exception as error:  # noqa: BLE001 - reported; the turn has done its work
            turn_report.failures.append(Failure(activity_id, error))
            return


def page_to_probe(roster: Roster, account_id: str, now: datetime) -> list[Activity]:
    """Return this hour's page of archived activities, and add them to those asleep.

    If the page has been read, return none. Once its counters are read, the next page follows it.
    """
    countables = [name for name, candidate in roster.candidates.items() if candidate.countable]
    polled = {roster.activities[activity_id].campaign_id for activity_id in countables}
    per_probe = roster.campaigns_per_probe
    room = -len(polled) % per_probe if polled else per_probe
    if not room or not page_is_due(roster.counter_trust, now):
        return []
    page = roster.tracking.archived(account_id, after=roster.counter_trust.archived_to, most=room)
    roster.page_at = now
    roster.page_to = page[-1].campaign_activity_id if len(page) == room else None
    woken = [activity for activity in page if _can_wake(roster, activity, now)]
    if not woken:
        roster.pass_page()
    roster.asleep |= {activity.campaign_activity_id: activity for activity in woken}
    return woken


def _can_wake(roster: Roster, activity: Activity, now: datetime) -> bool:
    # An older version may have tracked it again.
    is_current = activity.campaign_activity_id in roster.current
    return not is_current and countable(activity) and wakes(activity, now)
