"""Candidates for the scheduler's tests."""

from datetime import timedelta

from email_opens.account import CounterTrust
from email_opens.model import Estimate
from email_opens.scheduling.candidates import Candidate
from email_opens.scheduling.rates import rate_at
from tests.contract.samples import NOON

HOUR = 3600.0
DAY = 86_400.0
OLD = 30 * DAY
"""An age at which a day hardly changes the rate."""
FRESH = CounterTrust()
"""Counters that count every open at once."""


def candidate(
    name: str = "one",
    *,
    rate: float = 0.001,
    idle: float = 60.0,
    age: float = OLD,
    clear: float | None = None,
    hot_for: float = 0.0,
    **other: object,
) -> Candidate:
    """Return an activity with a rate at noon that was read `idle` seconds before.

    A counter showed `clear` seconds before noon that nothing was unread, if that is given.
    """
    falling = rate_at(Estimate(1.0, 1.0), age)
    read_at = NOON - timedelta(seconds=idle)
    born_at = NOON - timedelta(seconds=age)
    values = {
        "campaign_activity_id": name,
        "weight": 1.0,
        "cost": 1.0,
        "estimate": Estimate(1.0, falling / rate),
        "born_at": born_at,
        "read_at": read_at,
        "clear_at": read_at if clear is None else NOON - timedelta(seconds=clear),
        "longest_seconds": DAY,
        "hot_until": born_at + timedelta(seconds=hot_for),
    }
    return Candidate(**(values | other))  # type: ignore[arg-type] # varied by tests
