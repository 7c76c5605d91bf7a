"""Activities as they are offered to the scheduling, for tests."""

from email_opens.model import CounterTrust, Estimate
from email_opens.scheduling.choice import Candidate
from email_opens.scheduling.rates import rate_at

HOUR = 3600.0
DAY = 86_400.0
OLD = 30 * DAY
"""An age at which a day changes a rate by little."""
FRESH = CounterTrust()
"""Counters that tell of all, at once."""


def candidate(
    name: str = "one", *, rate: float = 0.001, idle: float = 60.0, age: float = OLD, **other: object
) -> Candidate:
    """Return an activity with a rate now, that was read so many seconds ago."""
    falling = rate_at(Estimate(1.0, 1.0), age)
    values = {
        "campaign_activity_id": name,
        "weight": 1.0,
        "cost": 1.0,
        "estimate": Estimate(1.0, falling / rate),
        "age": age,
        "read_age": age - idle,
        "seen_age": age - idle,
        "longest_seconds": DAY,
    }
    return Candidate(**(values | other))  # type: ignore[arg-type] # varied by tests
