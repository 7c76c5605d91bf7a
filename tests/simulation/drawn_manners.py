"""The manners that scenarios draw, by name, so that each can be switched on or off alone."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from tests.simulation.actions import CONTACTS, Action
from tests.simulation.manners import (
    AskToWait,
    CloseDeadLetterQueue,
    FailContact,
    KeepPolling,
    Mend,
    Outage,
    Pause,
    RefuseStores,
    Resume,
    TurnTheDayLate,
)
from tests.simulation.report_manners import (
    ASTRAY,
    LINK_REFUSALS,
    ODD_COUNTERS,
    ODD_ROWS,
    RAW_ROWS,
    REFUSALS,
    AddOddRow,
    AddRawRow,
    EraseContact,
    LeadAstray,
    MakeCounterOdd,
    RefuseActivity,
    RefuseLinks,
    ReviseRows,
    WithdrawBetweenPages,
)
from tests.simulation.sends import FAILURES, SEARCHED, FailSearches

type Draw = Callable[[Random], Action]

UNDER_MANNERS: tuple[tuple[int, Draw], ...] = (
    (12, lambda random: KeepPolling(random.choice((20, 35, 80)))),
    (4, lambda _: Mend()),
)
_BELOW_ROWS = (1, 4, 12)
MANNERS: dict[str, tuple[int, Draw]] = {
    "refused activities": (
        12,
        lambda random: RefuseActivity(random.randint(0, 2), random.choice(list(REFUSALS))),
    ),
    "refused links": (
        12,
        lambda random: RefuseLinks(
            random.randint(0, 2), random.choice(LINK_REFUSALS), random.choice(_BELOW_ROWS)
        ),
    ),
    "links astray": (
        12,
        lambda random: LeadAstray(
            random.randint(0, 2), random.choice(ASTRAY), random.choice(_BELOW_ROWS)
        ),
    ),
    "outages": (
        4,
        lambda random: Outage(
            random.choice((5, 30, 90)), random.choice(("server error", "unavailable", "dropped"))
        ),
    ),
    "outages that ask for a wait": (
        2,
        lambda random: Outage(30, "unavailable", random.choice((30, 120, 600))),
    ),
    "requested waits": (
        12,
        lambda random: AskToWait(random.choice((429, 503)), random.choice((30, 120, 600))),
    ),
    "days that turn late": (
        4,
        lambda random: TurnTheDayLate(random.choice((30, 60, 240)), random.random() < 0.5),
    ),
    "odd rows": (
        12,
        lambda random: AddOddRow(
            random.randint(0, 2), random.randint(0, CONTACTS - 1), random.choice(ODD_ROWS)
        ),
    ),
    "raw rows": (6, lambda random: AddRawRow(random.randint(0, 2), random.choice(RAW_ROWS))),
    "odd counters": (
        12,
        lambda random: MakeCounterOdd(random.randint(0, 2), random.choice(list(ODD_COUNTERS))),
    ),
    "revised rows": (
        12,
        lambda random: ReviseRows(
            random.randint(0, 2),
            random.randint(1, 3),
            random.choice((None, "tablet")),
            timedelta(seconds=random.choice((0, 1, 59))),
        ),
    ),
    "erased contacts": (8, lambda random: EraseContact(random.randint(0, CONTACTS + 9))),
    "rows withdrawn between pages": (
        12,
        lambda random: WithdrawBetweenPages(random.randint(0, 2), random.randint(1, 6)),
    ),
    "opens that always fail": (6, lambda random: FailContact(random.randint(0, CONTACTS + 9))),
    "a closed dead-letter queue": (6, lambda _: CloseDeadLetterQueue()),
    "refused stores": (6, lambda random: RefuseStores(random.randint(1, 3))),
    "searches that fail": (
        8,
        lambda random: FailSearches(random.choice(SEARCHED), random.choice(list(FAILURES))),
    ),
    "pauses": (8, lambda random: random.choice((Pause, Resume))(random.randint(0, 2))),
}
"""What vendors, networks, people and stores do, by name, with its weight."""
HELD_BACK: dict[str, str] = {}
"""The manners under which the product breaks a rule yet, with the reason."""
SWITCHED_ON = tuple(name for name in MANNERS if name not in HELD_BACK)
