"""The simulated accounts, and which of a month's days are simulated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from bench.cost.deployed import Deployed
from bench.cost.durations import Function
from bench.cost.prices import (
    HOURS_A_MONTH,
    LAMBDA_REQUESTS,
    METRICS,
    MONTH_SECONDS,
    STORAGE,
    XRAY,
)
from bench.cost.usage import added, scaled
from bench.freshness.account import Account, instant, stale
from bench.freshness.world import (
    DAY,
    HOUR,
    LIVE_SECONDS,
    WEEK,
    Send,
    World,
    draw_opens,
    draw_world,
)
from email_opens.model import LEDGER_KEPT
from email_opens.scheduling.rates import exposure
from tests.fakes import FakeClock
from tests.integration.template import of_type, read_template

OPENS_A_CONTACT = 0.5
"""Opens of a send, repeated ones included, for each contact."""
SEED = 1
MODES = ("basic", "full", "none")
"""The values of the parameter Monitoring."""
MINUTE = 60.0
GB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Simulated days, in seconds from the start of the world."""

    begins: float
    ends: float
    stands_for: float
    """Seconds of the month, of which these days are typical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An account: its world, and the days that are simulated."""

    name: str
    days: str
    """Which days are simulated, in words."""
    world: Callable[[], World]
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a month of an account takes."""

    units: Mapping[str, float]
    """By service line, without what a stack has once."""
    calls: Mapping[str, float]
    turns: float
    woken: float
    requests: float
    """To the vendor."""
    opens: int
    """That became visible in the simulated days and were published."""
    mean_delay: float | None
    """Their mean delay, in seconds."""


def sends(contacts: int, *instants: float) -> list[Send]:
    """Return a send to so many contacts at each instant."""
    chance = Random(SEED)
    size = contacts * OPENS_A_CONTACT
    return [
        Send(
            number=number,
            sent=sent,
            opens_a_second=size / exposure(0, LIVE_SECONDS),
            opens=draw_opens(chance, sent, size),
        )
        for number, sent in enumerate(instants)
    ]


def _idle() -> World:
    return World(sends=[], begins=0.0, ends=DAY)


def _shop(contacts: int = 800) -> World:
    """One send a week, on Tuesday at 10:00; those of the four weeks before are live."""
    weekly = [week * WEEK + DAY + 10 * HOUR for week in range(6)]
    return World(sends=sends(contacts, *weekly), begins=5 * WEEK, ends=6 * WEEK)


def _agency() -> World:
    return draw_world(SEED, 60, 1)


def _million() -> World:
    return World(sends=sends(1_000_000, 10 * HOUR), begins=0.0, ends=15 * DAY)


def _typical(begins: float, ends: float) -> tuple[Period, ...]:
    return (Period(begins=begins, ends=ends, stands_for=MONTH_SECONDS),)


_AGENCY_BEGINS = LIVE_SECONDS + WEEK
IDLE, SHOP, AGENCY, LARGE = "idle", "small shop", "agency of 60", "a million"
SCENARIOS: Mapping[str, Scenario] = {
    LARGE: Scenario(
        name="one send to 1,000,000 contacts",
        days="the first two days and the fifteenth, which stands for the others",
        world=_million,
        periods=(
            Period(begins=0.0, ends=2 * DAY, stands_for=2 * DAY),
            Period(begins=14 * DAY, ends=15 * DAY, stands_for=MONTH_SECONDS - 2 * DAY),
        ),
    ),
    AGENCY: Scenario(
        name="an agency of 60 live e-mails",
        days="a day",
        world=_agency,
        periods=_typical(_AGENCY_BEGINS, _AGENCY_BEGINS + DAY),
    ),
    SHOP: Scenario(
        name="a small shop, one send a week to 800 contacts",
        days="the day of the send and the next, and a Saturday for the others",
        world=_shop,
        periods=(
            Period(
                begins=5 * WEEK + DAY, ends=5 * WEEK + 3 * DAY, stands_for=MONTH_SECONDS * 2 / 7
            ),
            Period(
                begins=5 * WEEK + 5 * DAY, ends=5 * WEEK + 6 * DAY, stands_for=MONTH_SECONDS * 5 / 7
            ),
        ),
    ),
    IDLE: Scenario(name="an idle account", days="a day", world=_idle, periods=_typical(0.0, DAY)),
}
"""The longest first, so that the processes end at about the same time."""


def function() -> Function:
    """Return the polling function of the template."""
    found = of_type(read_template(), "AWS::Serverless::Function")
    return Function(found["PollOpens"]["MemorySize"])


def count(scenario: Scenario, monitoring: str = "basic", memory_mb: int | None = None) -> Counted:
    """Simulate a scenario's days and return what its month takes.

    Without `memory_mb`, the polling function has the memory of the template.
    """
    world = scenario.world()
    account = Account(world, FakeClock(instant(scenario.periods[0].begins - HOUR)), stale(0))
    deployed = Deployed(account, Function(memory_mb) if memory_mb else function(), monitoring)
    coming = list(reversed(world.sends))
    units: dict[str, float] = {}
    calls: dict[str, float] = {}
    delays: list[float] = []
    seconds = account.measurements.delays.all
    turns = woken = stored = requests = 0.0
    for period in scenario.periods:
        # The hour before is not counted: it reads what is due by then.
        _play(deployed, coming, period.begins - HOUR, period.begins)
        deployed.meter.reset()
        deployed.turns = deployed.woken = 0
        deployed.metric_hours.clear()
        before, known = deployed.session.dynamodb.stored_bytes("ledger"), len(seconds)
        _play(deployed, coming, period.begins, period.ends)
        factor = period.stands_for / (period.ends - period.begins)
        units = added(units, scaled(deployed.meter.units, factor))
        metric_months = len(deployed.metric_hours) / HOURS_A_MONTH * factor
        traces = deployed.meter.units[LAMBDA_REQUESTS] * factor if monitoring == "full" else 0.0
        units = added(units, {METRICS: metric_months, XRAY: traces})
        for name, number in deployed.meter.calls.items():
            calls[name] = calls.get(name, 0.0) + number * factor
        turns += deployed.turns * factor
        woken += deployed.woken * factor
        hours = account.measurements.requests
        # Not those of opens that came on days that were not simulated.
        longest = period.ends - period.begins
        delays += (delay for delay in seconds[known:] if delay <= longest)
        requests += factor * sum(
            number for hour, number in hours.items() if period.begins <= hour * HOUR < period.ends
        )
        stored += (deployed.session.dynamodb.stored_bytes("ledger") - before) * factor
    # Entries of the ledger are kept for so many months: this is the size when the first expire.
    kept_months = LEDGER_KEPT.total_seconds() / MONTH_SECONDS
    tracking = deployed.session.dynamodb.stored_bytes("tracking")
    units[STORAGE] = (stored * kept_months + tracking) / GB
    return Counted(
        units=units,
        calls=calls,
        turns=turns,
        woken=woken,
        requests=requests,
        opens=len(delays),
        mean_delay=sum(delays) / len(delays) if delays else None,
    )


def _play(deployed: Deployed, coming: list[Send], begins: float, ends: float) -> None:
    """Simulate each minute; sends are tracked from the minute in which they are sent."""
    for minute in range(round((ends - begins) / MINUTE)):
        now = begins + minute * MINUTE
        for send in [send for send in deployed.tracked if send.ends <= now]:
            deployed.untrack(send)
        while coming and coming[-1].sent <= now:
            send = coming.pop()
            if send.ends > now:
                deployed.track(send)
        deployed.minute(instant(now))
