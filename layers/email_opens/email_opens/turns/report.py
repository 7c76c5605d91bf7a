"""What an invocation did for an account, for logs and metrics."""

from dataclasses import dataclass, field

from email_opens.errors import EmailOpensError
from email_opens.poller import PollCounts

MOST_DECISIONS = 1000
"""So many are told of a turn, the first of it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An activity that failed alone, or of which nobody could say what happened."""

    campaign_activity_id: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was done with a request, and why."""

    campaign_activity_id: str | None
    """None: the counters of all campaigns were asked for."""
    waiting: float
    """Open-seconds that were expected to have accrued."""
    price: float
    """Open-seconds that a request had to end."""
    cost: float
    """Requests that it was expected to take."""
    why: str


@dataclass(slots=True)
class TurnReport:
    """What an invocation did for an account."""

    account_id: str
    leased: bool = True
    activities: int = 0
    requests: int = 0
    throttled: int = 0
    gaps: int = 0
    counts: PollCounts = field(default_factory=PollCounts)
    failures: list[Failure] = field(default_factory=list)
    stopped: EmailOpensError | None = None
    """Why the account's turn ended early, if it did."""
    requests_left: int = 0
    """Of the day's budget, at the turn's end."""
    price: float | None = None
    """Open-seconds that a request had to end, as the turn began; None: there was no budget."""
    shortfall: int = 0
    """Requests of the rest of the day that the longest intervals need beyond what there is."""
    probes: int = 0
    uncounted: Exception | None = None
    """Why no counters were read, where they should have been."""
    decisions: list[Decision] = field(default_factory=list)

    def decide(self, decision: Decision) -> None:
        if len(self.decisions) < MOST_DECISIONS:
            self.decisions.append(decision)
