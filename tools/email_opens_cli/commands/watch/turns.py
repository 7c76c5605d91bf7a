"""The turns of a watch: when they are taken, what is printed, and when the watch ends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from email_opens.adapters.local.wake_ups import NextWakeUp
from email_opens.errors import (
    AccountDisconnected,
    AccountPaused,
    AccountResting,
    AccountStopped,
    BudgetSpent,
    OutOfTime,
    QuotaExceeded,
)
from email_opens.instants import iso
from email_opens.model import Activity, State
from email_opens_cli.commands.watch.emails import Emails, Wanted
from email_opens_cli.commands.watch.lookup import HOLDER, Lookup
from email_opens_cli.commands.watch.standing import Standing, behind, waits
from email_opens_cli.deployed.turns.reports import COMMIT, TURN, failure_sentences
from email_opens_cli.terminal.complaints import FAILED, sentence_of
from email_opens_cli.terminal.ending import Ending
from email_opens_cli.terminal.plain import warn, warn_a_person
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from email_opens.bootstrap.watch import Watch
    from email_opens.turns.report import TurnReport
    from email_opens_cli.commands.watch.screen import Screen

NO_WAIT = timedelta()
MIDNIGHT = timedelta(seconds=1)

type _FailureKind = tuple[str | None, str]
"""An activity, a campaign, or None for the account, and the kind of its failure."""
_RESTING: _FailureKind = None, AccountResting.__name__


@dataclass(slots=True, kw_only=True)
class Following:
    """A watch from its first search to its end."""

    product: "Watch"
    wanted: Wanted
    ending: Ending
    standing: Standing
    screen: "Screen | None"
    """None: nothing is a terminal."""
    rejected: Path
    """Where rows that are not opens are set aside."""
    warnings: Sequence[str] = ()
    """What was printed before the first turn: the reason in it is not repeated."""
    before_turn: Callable[[], None] = lambda: None
    published: int = 0
    _emails: Emails = field(init=False)
    _wake_ups: NextWakeUp = field(default_factory=NextWakeUp)
    _reported: set[_FailureKind] = field(default_factory=set)
    """The failures that were printed and have lasted since."""

    def __post_init__(self) -> None:
        self._emails = Emails(self.product, self.wanted)

    def begin(self) -> None:
        """Find what is wanted.

        Raises:
            NotSelected, EmailOpensError: as `Emails.begin` raises.
        """
        self._follow(self._emails.begin())

    def take_turns(self) -> int:
        """Take turns until one ends the watch; return the exit code."""
        from email_opens.adapters.local.lines import OutputClosed  # noqa: PLC0415

        woken_by, turn_ends = None, self.product.clock.now()
        while True:
            now = self.product.clock.now()
            if woken_by is None or now >= turn_ends:  # Or the machine was asleep.
                woken_by, turn_ends = None, now + (self.wanted.every or TURN)
            self.before_turn()
            turn = self._take_turn(woken_by)
            if self.ending.requested or isinstance(turn.stopped, OutputClosed):
                return 0
            self.published += turn.counts.published
            failed = self._print_failures(turn, turn_ends)
            searched = self._search_is_due()
            if searched:
                self._follow(self._emails.search())
                if self.ending.requested:
                    return 0
            if self._ends(turn):
                return FAILED if failed else 0
            # What was found is polled at once.
            woken_by = None if searched else self._rest(turn, turn_ends)

    def conclude(self) -> int:
        """Print what was read, or what is left of it; return the exit code."""
        activities = self.standing.activities.values()
        left = [activity for activity in activities if waits(activity)]
        if not left:
            opens = count(self.published, "new open")
            warn_a_person(f"Everything is read: {opens} of {count(len(activities), 'e-mail')}.")
            return 0
        due = (gap.retry_at for activity in left for gap in activity.progress.gaps)
        next_at = min(filter(None, due), default=None)
        when = f"after {iso(next_at.replace(microsecond=0))}" if next_at else "later"
        warn(
            f"An earlier attempt to read {count(len(left), 'e-mail')} failed: run the command "
            f"again {when}, which makes the next one."
        )
        return FAILED

    def _rest(self, turn: "TurnReport", ends: datetime) -> str | None:
        """Wait until the next turn is due, unless there is work left for it.

        Returns the token that wakes the next turn; None: that turn begins a new chain.
        """
        if turn.wake_up_in_seconds is not None:
            self.product.clock.sleep(turn.wake_up_in_seconds)
            return self._wake_ups.token
        if _is_out_of_time(turn):
            # Just before midnight, no request may begin.
            ends = self.product.clock.now() + (NO_WAIT if turn.requests else MIDNIGHT)
        left = (ends - self.product.clock.now()).total_seconds()
        self.product.clock.sleep(max(0.0, left))
        return None

    def _take_turn(self, woken_by: str | None) -> "TurnReport":
        ends = self.product.clock.now() + TURN
        goes_on = self.wanted.every is None and not (self.wanted.once or self._emails.unfinished)
        return self.product.turns.take_turn(
            self.wanted.account_id,
            holder=HOLDER,
            before=ends,
            until=ends + COMMIT,
            wake_ups=self._wake_ups if goes_on else None,
            woken_by=woken_by,
        )

    def _search_is_due(self) -> bool:
        search_at = self._emails.search_at
        if search_at is None or (self.wanted.once and not self._emails.unfinished):
            return False
        return self.product.clock.now() >= search_at

    def _follow(self, new: list[Activity]) -> None:
        """Show what is followed from now on, and its opens so far."""
        self.standing.follow(self._emails.followed())
        if self.screen is None:
            return
        lookup = Lookup(self.product, self.wanted.account_id, self.wanted.since)
        campaigns = {activity.campaign_id: None for activity in new if activity.campaign_id}
        self.standing.reported |= lookup.counters(list(campaigns))
        self.screen.list_emails(new)

    def _print_failures(self, turn: "TurnReport", next_at: datetime) -> bool:
        """Print what has failed, unless it has failed before; return whether something failed.

        The next turn is due at `next_at`.
        """
        if turn.counts.rejected:
            rows = count(turn.counts.rejected, "row")
            warn(f"Set aside {rows} that are not opens, in {self.rejected}.")
        sentences = failure_sentences(turn, self._emails.followed())
        failures = dict(zip(_failure_kinds(turn), sentences, strict=True))
        if _is_out_of_time(turn):
            del failures[None, type(turn.stopped).__name__]
        failures |= self._search_failures()
        for error in (turn.stopped, self._emails.found and self._emails.found.stopped):
            kind = None, type(error).__name__
            if isinstance(error, AccountStopped) and kind in failures:
                failures[kind] = self._stop_sentence(error, next_at)
        stops = {kind for kind in self._reported | failures.keys() if kind[0] is None}
        # The account rests because of the others.
        known = self._reported | ({_RESTING} if stops - {_RESTING} else set())
        warn(*(text for kind, text in failures.items() if text and kind not in known))
        self.warnings = ()
        # An activity that waits after a failure has not recovered from it.
        failing = {
            activity.campaign_activity_id
            for activity in self._emails.followed()
            if activity.last_error
        }
        lasting = {kind for kind in self._reported if kind[0] in failing}
        if isinstance(turn.stopped, AccountResting):
            lasting |= stops
        self._reported = lasting | failures.keys()
        return bool(failures)

    def _stop_sentence(self, error: AccountStopped, next_at: datetime) -> str:
        """Return why the account has stopped, as far as it is news, and when it is tried again."""
        reason = str(error)
        news = [] if any(reason in warning for warning in self.warnings) else [reason]
        if not (self.wanted.once or isinstance(error, AccountDisconnected)):
            if isinstance(error, AccountPaused | QuotaExceeded) and error.until is not None:
                next_at = max(next_at, error.until)
            again = iso(next_at.replace(microsecond=0))
            news += [] if again in reason else [f"The next attempt is at {again}."]
        return " ".join(news)

    def _search_failures(self) -> dict[_FailureKind, str]:
        found = self._emails.found
        if found is None:
            return {}
        failures: dict[_FailureKind, str] = {
            (failure.campaign_id, type(failure.error).__name__): (
                f"Campaign {failure.campaign_id}: {sentence_of(failure.error)}"
            )
            for failure in found.failures
        }
        if found.stopped is not None and not self._emails.unfinished:
            failures[None, type(found.stopped).__name__] = str(found.stopped)
        return failures

    def _ends(self, turn: "TurnReport") -> bool:
        """Return whether there is nothing left to do."""
        if isinstance(turn.stopped, AccountDisconnected) or not turn.leased:
            return True
        if self.wanted.once:
            stopped = isinstance(turn.stopped, AccountStopped | BudgetSpent)
            return stopped or not (self._emails.unfinished or self._is_behind(turn))
        followed = self._emails.followed()
        over = all(a.state in (State.FINISHED, State.PAUSED) for a in followed)
        if over and not self._emails.grows:
            warn("Nothing is left to watch.")
            return True
        return False

    def _is_behind(self, turn: "TurnReport") -> bool:
        """Return whether another turn will read more."""
        failed = {failure.campaign_activity_id for failure in turn.failures}
        return any(
            behind(activity) and activity.campaign_activity_id not in failed
            for activity in self._emails.followed()
        )


def _is_out_of_time(turn: "TurnReport") -> bool:
    """Return whether a turn ended only because its time was over."""
    return isinstance(turn.stopped, OutOfTime) and not isinstance(turn.stopped, BudgetSpent)


def _failure_kinds(turn: "TurnReport") -> Iterator[_FailureKind]:
    """Yield the kind of each of the `failure_sentences`, whose texts differ by their trace ids."""
    if not turn.leased:
        yield None, "busy"
    for failure in turn.failures:
        yield failure.campaign_activity_id, type(failure.error).__name__
    if turn.stopped:
        yield None, type(turn.stopped).__name__
