"""AWS's default quotas beside what many small shops take: which breaks first, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cost.prices import LAMBDA_DURATION, MONTH_SECONDS, READS, SCHEDULER, SNS, WRITES
from bench.cost.scenarios import Counted, function

SIZES = (1_000, 10_000, 100_000)
"""Accounts."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A default quota of a region, and what a number of accounts takes of it on average."""

    name: str
    most: float
    taken: Callable[[Counted, int], float]
    """Of a month of one account, and the number of accounts."""
    raised: str
    """What to do before it is reached."""


def _each_second(units: Callable[[Counted], float]) -> Callable[[Counted, int], float]:
    return lambda month, accounts: accounts * units(month) / MONTH_SECONDS


def _at_once(month: Counted) -> float:
    """Return the seconds that an account's functions run in a month."""
    return month.units[LAMBDA_DURATION] / function().gb


QUOTAS: Sequence[Quota] = (
    Quota(
        "Parameter Store: `GetParameter` a second, if no instance remembers the tokens",
        40,
        _each_second(lambda month: min(month.turns, month.requests)),
        "switch on higher throughput (a setting of Parameter Store, charged by the call)",
    ),
    Quota(
        "Parameter Store: standard parameters",
        10_000,
        lambda _, accounts: accounts,
        "advanced parameters, up to 100,000; or several stacks in several AWS accounts",
    ),
    Quota(
        "Lambda: concurrent executions",
        1_000,
        _each_second(_at_once),
        "ask for more; a new AWS account may have only 10",
    ),
    Quota(
        "EventBridge Scheduler: invocations a second",
        1_000,
        _each_second(lambda month: month.units[SCHEDULER]),
        "ask for more; check: some regions have 500",
    ),
    Quota(
        "EventBridge Scheduler: schedules",
        1_000_000,
        lambda _, accounts: accounts,
        "ask for more",
    ),
    Quota(
        "SQS: wake-ups a second; Lambda receives with up to 1,250 turns at once (check)",
        1_250,
        _each_second(lambda month: month.woken),
        "a second queue and event source",
    ),
    Quota(
        "DynamoDB: write units a second of a table",
        40_000,
        _each_second(lambda month: month.units[WRITES]),
        "ask for more; a new table on demand starts with 4,000",
    ),
    Quota(
        "DynamoDB: read units a second of a table",
        40_000,
        _each_second(lambda month: month.units[READS]),
        "ask for more; a new table on demand starts with 12,000",
    ),
    Quota(
        "SNS: messages a second; 30,000 in us-east-1, fewer elsewhere (check)",
        30_000,
        _each_second(lambda month: 10 * month.units[SNS]),
        "ask for more",
    ),
)
"""In November 2026. The taken ones are means: the first hour of many sends at once takes more."""
