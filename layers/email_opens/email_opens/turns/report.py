"""The report of a turn: what it did for an account, for logs and metrics."""

from msgspec import Struct, field

from email_opens.discovery.report import Found
from email_opens.errors import EmailOpensError, OutOfTime
from email_opens.polling.poller import PollCounts
from email_opens.scheduling.choice import Poll, Probe


class Failure(Struct, frozen=True):
    """The failure of one activity, which stops no other."""

    campaign_activity_id: str
    error: Exception


class TurnReport(Struct):
    """What a turn did for an account."""

    account_id: str
    leased: bool = True
    """The turn has held the account's lease."""
    activities: int = 0
    requests: int = 0
    throttled: int = 0
    gaps: int = 0
    counts: PollCounts = field(default_factory=PollCounts)
    failures: list[Failure] = field(default_factory=list)
    stopped: EmailOpensError | None = None
    """Why the turn ended early."""
    requests_left: int = 0
    """Requests of the day's budget at the end of the turn."""
    price: float | None = None
    """Open-seconds that a request was expected to end as the turn began; None: none was left."""
    shortfall: int = 0
    """Requests that the longest intervals of the rest of the day need beyond those left."""
    probes: int = 0
    uncounted: Exception | None = None
    """Why a probe of the counters failed."""
    found: Found | None = None
    """What a search for new sends did; None: none was due."""
    unsearched: Exception | None = None
    """Why that search failed."""
    searched_seconds_ago: float | None = None
    """The time since the last completed search; None: none was, or the turn does not search."""
    search_overdue: bool = False
    """No search was completed for too long, although turns search."""
    decisions: list[Poll | Probe] = field(default_factory=list)
    """What requests were spent on at the heads, in order."""
    woken: bool = False
    """A wake-up has started the turn, and not the schedule."""
    next_in_seconds: float | None = None
    """In how many seconds the next request will be worth sending; None: that is not known."""
    wake_up_in_seconds: int | None = None
    """The delay of the wake-up that the turn asked for; None: the schedule starts the next one."""
    not_asked: EmailOpensError | None = None
    """Why it could not ask for a wake-up."""

    @property
    def completed(self) -> bool:
        """The turn did its work; the next one continues what it had no time for."""
        out_of_time = isinstance(self.stopped, OutOfTime) and self.requests > 0
        return self.leased and (self.stopped is None or out_of_time)
