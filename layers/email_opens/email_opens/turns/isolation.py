"""Work on one activity at a time, so that the failure of one stops no other."""

from copy import replace
from datetime import datetime, timedelta

from msgspec import Struct

from email_opens.errors import (
    AccountStopped,
    ActivityFailed,
    ActivityGone,
    EmailOpensError,
    LinkExpired,
    LostRace,
    OutOfTime,
    PublishFailed,
    ReportUnavailable,
    VendorUnavailable,
)
from email_opens.model import Activity
from email_opens.polling.poller import Poller
from email_opens.polling.stretches import Walk
from email_opens.ports import Clock
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.lifecycle import missing
from email_opens.turns.backlog import Backlog
from email_opens.turns.report import Failure, TurnReport
from email_opens.turns.roster import Roster

SLOW = timedelta(seconds=5)
"""A head that had been read for this long when the time ended comes last in the next turn."""


class Isolation(Struct, frozen=True, kw_only=True):
    """Works on stretches, and reports and saves the failures of their activities."""

    poller: Poller
    clock: Clock
    roster: Roster
    backlog: Backlog
    turn_report: TurnReport
    lookback: timedelta
    before: datetime

    def work(self, walk: Walk, candidate: Candidate | None = None) -> bool:
        """Work on a stretch; return whether it succeeded.

        The first stretch of a poll has a `candidate`, from which the scheduler learns.

        Raises:
            AccountStopped, OutOfTime: no other request can be sent.
        """
        activity_id, began = walk.activity.campaign_activity_id, self.clock.now()
        try:
            result = self.poller.read_on(walk, self.turn_report.counts, before=self.before)
            activity = result.activity
            if candidate is not None:
                activity = self.roster.learn(candidate, activity, result.polled, self.lookback)
            self.poller.save(walk, result, activity)
        except (AccountStopped, OutOfTime) as error:
            self._let_others_first(walk, error, began)
            raise
        except (LostRace, LinkExpired):
            pass  # The winner's state stands; the next turn finds another link.
        except ActivityGone as error:
            activity = self.roster.as_counted(walk.activity)
            self._fail(walk, error, missing(activity, self.clock.now()))
        except ActivityFailed as error:
            self._fail(walk, error, walk.activity)
            if candidate is not None and isinstance(error, PublishFailed):
                return False  # Opens that could not be delivered do not hold up the gaps below.
        except Exception as error:  # noqa: BLE001 - reported, and it stops no other activity
            self.turn_report.failures.append(Failure(activity_id, error))
        else:
            return True
        finally:
            self.roster.activities[activity_id] = walk.activity
        self.backlog.drop(activity_id)
        return False

    def _fail(self, walk: Walk, error: EmailOpensError, activity: Activity) -> None:
        """Report a failure; if the head failed, the other due activities are polled first.

        A first read that got no reply is tried again by the next turn, because it is not known yet
        how long its opens can wait.
        """
        self.turn_report.failures.append(Failure(activity.campaign_activity_id, error))
        activity = replace(activity, last_error=str(error))
        unread = activity.progress.polled_at is None and isinstance(error, ReportUnavailable)
        if walk.place.from_head and not unread:
            walk.activity = self._polled(activity)
        else:
            walk.activity = self.roster.save(activity)

    def _let_others_first(self, walk: Walk, error: EmailOpensError, began: datetime) -> None:
        """If an activity has used up the turn, let the others be read first in the next one."""
        unread = walk.place.from_head and not walk.place.begun
        slow = unread and self.clock.now() - began >= SLOW
        if isinstance(error, VendorUnavailable) or (isinstance(error, OutOfTime) and slow):
            walk.activity = self._polled(walk.activity)

    def _polled(self, activity: Activity) -> Activity:
        """Save an activity as polled now, although that failed."""
        polled = replace(activity.progress, polled_at=self.clock.now())
        return self.roster.save(replace(activity, progress=polled))
