"""Read an activity's whole report now, publish what was missing, and print the numbers."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from email_opens.allowance.lease import Lease
from email_opens.errors import LinkExpired, LostRace
from email_opens.instants import iso
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, Activity, Depth
from email_opens.polling.poller import PollCounts
from email_opens.polling.stretches import Walk
from email_opens.published import PublishedWindow
from email_opens.walk import Aim, floor_of
from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Email,
    Stack,
    Wait,
    parse_account,
    parse_wait,
)
from email_opens_cli.deployed.product import product
from email_opens_cli.deployed.turns.leases import work_in_leases
from email_opens_cli.deployed.turns.reports import set_aside
from email_opens_cli.emails.activities import choose_one, of_account
from email_opens_cli.terminal.complaints import FAILED, complain
from email_opens_cli.terminal.console import progress, say
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens.adapters.vendor.report import ConstantContactReport
    from email_opens.bootstrap.product import EmailOpens


def audit(
    email: Email, account: Account = "default", stack: Stack = None, wait: Wait = LONGEST_WAIT
) -> None:
    """Read an e-mail's report to its end, and publish what was missing.

    The command also compares the report with Constant Contact's own counter.
    """
    account_id, patience, wired = parse_account(account), parse_wait(wait), product(stack)
    found = choose_one(wired.tracking, account_id, email)
    audited = Audit(wired, found)
    with progress("Auditing", found.counts.reported) as show_rows:
        audited.on_rows = show_rows
        work_in_leases(wired.leases, account_id, "audit", audited.work, wait=patience)
    say(*audited.summary())
    if audited.counts.dead_lettered:
        complain(
            f"The topic refused {count(audited.counts.dead_lettered, 'open')}: "
            "see `email-opens dead-letters list`.",
            FAILED,
        )


class Audit(Struct):
    """An audit under way: a walk from the head, then the gaps until none is left."""

    wired: "EmailOpens"
    activity: Activity
    counts: PollCounts = field(default_factory=PollCounts)
    requests: int = 0
    counted: int | None = None
    """Opens by the vendor's own counter."""
    on_rows: Callable[[int], None] = lambda _: None
    _walked: bool = False

    def work(self, lease: Lease) -> bool:
        """Walk while the lease lasts; return whether the whole report was read."""
        wired, activity_id = self.wired, self.activity.campaign_activity_id
        report = wired.report(self.activity.account_id, lease.budget)
        self.activity = self._stored()
        try:
            while (walk := self._next()) is not None:
                while not walk.done:
                    if wired.clock.now() >= lease.before:
                        return False
                    self._stretch(walk, report, lease)
            self.counted = report.count_activity(activity_id, before=lease.before)
        except (LostRace, LinkExpired):
            # Another write stands, or the walk begins again from the head, under the next lease.
            return False
        finally:
            self.requests += report.requests
        return True

    def summary(self) -> list[str]:
        """Return the numbers, in sentences."""
        counts = self.activity.counts
        floor = self._floor()
        rows = (
            count(counts.reported or 0, "row")
            if floor is None
            else f"rows to publish since {iso(floor)}"
        )
        sentences = [
            f"The report has {rows}; it was read with {count(self.requests, 'request')}.",
            _missing(self.counts.published),
            f"Published so far: {counts.published}.",
        ]
        if self.counts.rejected:
            sentences.append(set_aside(self.counts.rejected))
        if self.counted is None:
            sentences.append("The vendor's own counter could not be read.")
        elif floor is None and counts.reported is not None:
            difference = self.counted - counts.reported
            sentences.append(
                f"The vendor's own counter is {self.counted}"
                + (f", {difference:+d} against its report; it may lag." if difference else ".")
            )
        return sentences

    def _floor(self) -> datetime | None:
        lookback, now = self.wired.settings.lookback, self.wired.clock.now()
        return floor_of(self.activity, Depth.AUDIT, lookback, now)

    def _next(self) -> Walk | None:
        """Return the next walk: first from the head, then those of the gaps that are left."""
        activity = self.activity
        window = PublishedWindow(self.wired.ledger, activity.campaign_activity_id)
        if self._walked:
            gap = next(iter(activity.progress.gaps), None)
            return None if gap is None else Walk.of_gap(activity, gap, window)
        again = activity.progress.watermark is not None
        rows = AUDIT_PAGE_ROWS if again else PAGE_ROWS
        aim = Aim(floor=self._floor(), depth=Depth.AUDIT, rows=rows)
        return Walk.from_head(activity, aim, window)

    def _stretch(self, walk: Walk, report: "ConstantContactReport", lease: Lease) -> None:
        poller = self.wired.turns.poller(report)
        try:
            poller.work(walk, self.counts, before=lease.before)
        finally:
            # What was read before a failing request is recorded, and the rest is a gap.
            self._walked = self._walked or walk.activity != self.activity
            self.activity = walk.activity
        self.on_rows(walk.place.rows_read)

    def _stored(self) -> Activity:
        activity = self.activity
        (found,) = of_account(
            self.wired.tracking, activity.account_id, [activity.campaign_activity_id]
        )
        return found


def _missing(opens: int) -> str:
    if opens == 0:
        return "No open was missing."
    verbs = ("was", "has") if opens == 1 else ("were", "have")
    return f"{count(opens, 'open')} {verbs[0]} missing, and {verbs[1]} been published."
