"""Walk an activity's whole report now, publish what was missing, and tell the numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from email_opens.errors import EmailOpensError, LinkExpired, LostRace
from email_opens.instants import iso
from email_opens.model import AUDIT_PAGE_ROWS, PAGE_ROWS, Activity, State, account_id, activity_id
from email_opens.poller import PollCounts, Poller, Walk
from email_opens.walk import Depth, floor_of
from email_opens_cli.commands.activities.pause import of_account
from email_opens_cli.deployed.leased import Lease, in_turns
from email_opens_cli.deployed.product import product
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.console import progress
from email_opens_cli.terminal.options import Account, Id, Stack

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens


def audit(activity: Id, account: Account = "default", stack: Stack = None) -> None:
    """Read an e-mail's report to its end, publish what was missing, and compare the counts."""
    with complaints():
        who, wanted = account_id(account), activity_id(activity)
        wired = product(stack)
        (found,) = of_account(wired.tracking, who, [wanted])
        audited = Audit(wired, found)
        with progress("Auditing", found.counts.reported) as come:
            audited.on_rows = come
            in_turns(wired, who, "audit", audited.work)
        for sentence in audited.told():
            print(sentence)
        if audited.counts.dead_lettered:
            complain(
                f"The topic refused {audited.counts.dead_lettered} opens: "
                "see `email-opens dead-letters list`.",
                FAILED,
            )


@dataclass(slots=True)
class Audit:
    """An audit under way: a walk from the head, then the gaps until none is left."""

    wired: "EmailOpens"
    activity: Activity
    counts: PollCounts = field(default_factory=PollCounts)
    requests: int = 0
    counted: int | None = None
    """Opens by the vendor's own counter."""
    on_rows: Callable[[int], None] = lambda _: None
    _state: State | None = None
    _walked: bool = False

    def work(self, lease: Lease) -> bool:
        """Walk while the lease lasts; say whether the whole report is read."""
        self.activity = self._stored()
        self._state = self._state or self.activity.state
        try:
            while (walk := self._next()) is not None:
                while not walk.done:
                    if self.wired.clock.now() >= lease.before:
                        return False
                    self._stretch(walk, lease)
            self.counted = counter(lease, self.activity.campaign_activity_id)
        except (LostRace, LinkExpired):
            # Another's state stands, or the walk begins again from the head: at the next turn.
            return False
        finally:
            self.requests += lease.requests
            self._keep_state()
        return True

    def told(self) -> list[str]:
        """Return the numbers, in sentences."""
        now = self.activity
        floor = floor_of(now, Depth.AUDIT, self.wired.turns.lookback, self.wired.clock.now())
        rows = (
            f"{now.counts.reported} rows"
            if floor is None
            else f"rows of interest since {iso(floor)}"
        )
        said = [
            f"The report has {rows}; read with {self.requests} requests.",
            f"Missing were {self.counts.published}; they are published now.",
            f"Published so far: {now.counts.published}.",
        ]
        if self.counts.rejected:
            said.append(f"Set aside {self.counts.rejected} rows that are no opens.")
        if self.counted is None:
            said.append("The vendor's own counter could not be read.")
        elif floor is None and now.counts.reported is not None:
            difference = self.counted - now.counts.reported
            said.append(
                f"The vendor's own counter says {self.counted}"
                + (f", {difference:+d} against its report; it may be late." if difference else ".")
            )
        return said

    def _next(self) -> Walk | None:
        """Return the next walk: from the head at first, then what such walks have left."""
        if self._walked:
            gap = next(iter(self.activity.progress.gaps), None)
            if gap is None:
                return None
            return Walk(activity=self.activity, floor=gap.floor, gap=gap, rows_read=gap.rows_above)
        now = self.wired.clock.now()
        again = self.activity.progress.watermark is not None
        return Walk(
            activity=self.activity,
            depth=Depth.AUDIT,
            floor=floor_of(self.activity, Depth.AUDIT, self.wired.turns.lookback, now),
            rows=AUDIT_PAGE_ROWS if again else PAGE_ROWS,
        )

    def _stretch(self, walk: Walk, lease: Lease) -> None:
        turns = self.wired.turns
        poller = Poller(
            lease.report, turns.ledger, turns.publisher, self.wired.tracking, self.wired.clock
        )
        try:
            poller.work(walk, self.counts, before=lease.before)
        finally:
            # What was read before a failing request is recorded, and the rest of it is a gap.
            self._walked = self._walked or walk.activity != self.activity
            self.activity = walk.activity
        self.on_rows(walk.rows_read)

    def _keep_state(self) -> None:
        """A walk makes an activity active; one that was paused or finished stays so."""
        now = self.activity
        if self._state in (State.PAUSED, State.FINISHED) and now.state is State.ACTIVE:
            try:
                self.activity = self.wired.tracking.save(replace(now, state=self._state))
            except LostRace:
                return  # Whoever wrote first has said what it should be.

    def _stored(self) -> Activity:
        one = self.activity
        (found,) = of_account(self.wired.tracking, one.account_id, [one.campaign_activity_id])
        return found


def counter(lease: Lease, campaign_activity_id: str) -> int | None:
    """Ask the vendor's counter for an activity's opens; None where it says nothing usable."""
    path = f"/v3/reports/stats/email_campaign_activities/{campaign_activity_id}"
    try:
        said = lease.ask(path).json()
    except EmailOpensError:
        return None
    results = said.get("results") if isinstance(said, dict) else None
    for one in results if isinstance(results, list) else ():
        stats = one.get("stats") if isinstance(one, dict) else None
        if isinstance(stats, dict) and isinstance(stats.get("em_opens_all"), int):
            return int(stats["em_opens_all"])
    return None
