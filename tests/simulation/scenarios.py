"""Scenarios: a setting and a list of actions, drawn from a seed or by Hypothesis, and played.

Hypothesis shrinks a scenario that fails.
"""

from collections.abc import Collection, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from hypothesis import strategies as st

from constant_contact_emulator import Kind, Paging, Ties
from tests.simulation.actions import (
    CONTACTS,
    DEVICES,
    Action,
    AddBurst,
    AddMalformedRow,
    AddOpens,
    AddVendorFault,
    CheckAtRest,
    CompleteTurn,
    Continue,
    ExpireTokens,
    FinishAll,
    RefuseOpens,
    SpendElsewhere,
    StartInvocation,
    Suspend,
    Wait,
    WaitForMidnight,
    WithdrawRows,
)
from tests.simulation.drawn_manners import MANNERS, SWITCHED_ON, UNDER_MANNERS, Draw
from tests.simulation.invocation import Fate
from tests.simulation.sends import Send
from tests.simulation.simulation import Setting, Simulation
from tests.simulation.wake_ups import (
    CompleteChain,
    DeliverStrayWakeUp,
    DeliverWakeUp,
    LoseWakeUps,
)


@dataclass(frozen=True, slots=True)
class Scenario:
    setting: Setting
    actions: Sequence[Action]


def play(scenario: Scenario) -> Simulation:
    """Play a scenario, checking the rules at every step."""
    simulation = Simulation(scenario.setting)
    try:
        for action in scenario.actions:
            simulation.steps += 1
            action.apply(simulation)
    finally:
        simulation.close()
    return simulation


_GRAINS = (timedelta(minutes=1), timedelta(seconds=1), timedelta(milliseconds=1))
_FAULTS = (
    Kind.STATUS, Kind.HTML, Kind.EMPTY, Kind.DROP, Kind.UNAUTHORIZED, Kind.THROTTLED,
    Kind.QUOTA_EXCEEDED, Kind.EXPIRED_LINK, Kind.CUT, Kind.HANG, Kind.FOREIGN_LINK,
    Kind.LOOP_LINK, Kind.LOSE_REPLY, Kind.EMPTY_PAGE,
)  # fmt: skip
_TIMES = tuple(timedelta(minutes=minutes) for minutes in (1, 1, 1, 2, 16, 61, 8 * 60, 25 * 60))


def draw_setting(random: Random) -> Setting:
    quota = random.choice((10_000, 10_000, 1000, 400))
    return Setting(
        seed=random.randint(0, 2**16),
        activities=random.randint(1, 3),
        page_rows=random.randint(3, 6),
        paging=random.choice(list(Paging)),
        ties=random.choice(list(Ties)),
        grain=random.choice(_GRAINS),
        link_lifetime=random.choice((None, None, timedelta(minutes=5))),
        rotating=random.choice((True, False)),
        vendor_requests_per_day=quota,
        requests_per_day=random.choice((quota, 10_000)),
        from_now=random.choice((False, False, True)),
        counters_stale_for=timedelta(minutes=random.choice((0, 5, 60))),
        woken=random.choice((False, True, True)),
        searching=random.choice((False, True, True)),
    )


def draw_opens(random: Random) -> Action:
    late = random.choice((0, 0, 0, 0, 1, 2, 50, 150, 26 * 60))
    return AddOpens(
        activity=random.randint(0, 2),
        contact=random.randint(0, CONTACTS - 1),
        device=random.randint(0, len(DEVICES) - 1),
        late=timedelta(minutes=late),
        count=random.choice((1, 1, 1, 2, 3)),
        between_pages=random.choice((False, False, False, True)),
    )


def draw_burst(random: Random) -> Action:
    over = timedelta(minutes=random.choice((1, 5, 200)))
    return AddBurst(random.randint(0, 2), random.randint(10, 40), over)


def draw_continue(random: Random) -> Action:
    return Continue(random.randint(0, 2), random.randint(0, 20), random.choice(list(Fate)))


def draw_vendor_fault(random: Random) -> Action:
    return AddVendorFault(random.choice(_FAULTS), random.randint(1, 4), random.choice((1, 1, 1, 6)))


def draw_wake_up(random: Random) -> Action:
    late = random.choice((0, 0, 0, 1, 20, 120, 600))
    return DeliverWakeUp(
        random.choice((0, 0, 0, 1, 2, 9)),
        late=timedelta(seconds=late),
        again=random.random() < 0.3,
        completes=random.random() < 0.7,
    )


def draw_send(random: Random) -> Action:
    scheduled = random.choice((None, None, 5, 30, 300))
    return Send(
        random.choice((None, None, 0, 1)),
        None if scheduled is None else timedelta(minutes=scheduled),
    )


_CALM_WEIGHTS: tuple[tuple[int, Draw], ...] = (
    (30, draw_opens),
    (6, draw_burst),
    (2, lambda random: AddMalformedRow(random.randint(0, 2))),
    (4, lambda random: WithdrawRows(random.randint(0, 2), random.randint(1, 4))),
    (12, lambda random: Wait(random.choice(_TIMES))),
    (1, lambda random: WaitForMidnight(timedelta(seconds=random.randint(1, 15)))),
    (12, lambda _: CompleteTurn()),
    (2, lambda _: CompleteChain()),
    (8, draw_wake_up),
    (1, lambda random: DeliverStrayWakeUp(random.choice(("default", "gone")))),
    (1, lambda _: LoseWakeUps()),
    (3, lambda _: StartInvocation(timedelta())),
    (3, lambda random: Continue(random.randint(0, 2), random.randint(0, 20))),
    (4, lambda _: FinishAll()),
    (5, draw_vendor_fault),
    (1, lambda _: ExpireTokens()),
    (1, lambda random: SpendElsewhere(random.choice((5, 100)))),
    (1, lambda random: RefuseOpens(random.randint(1, 2))),
    (4, draw_send),
    (1, lambda _: CheckAtRest()),
)
_FAULTY_WEIGHTS: tuple[tuple[int, Draw], ...] = (
    (
        3,
        lambda random: StartInvocation(
            timedelta(seconds=random.choice((0, 3, -3))), random.random() < 0.5
        ),
    ),
    (16, draw_continue),
    (3, lambda random: Suspend(random.randint(0, 20), random.choice((0, 1, 20)))),
)


def _draws(*weighted: tuple[int, Draw]) -> list[Draw]:
    return [draw for weight, draw in weighted for _ in range(weight)]


_CALM = _draws(*_CALM_WEIGHTS)
_FAULTY = _draws(*_CALM_WEIGHTS, *_FAULTY_WEIGHTS)


def draw_kind(random: Random, manners: Collection[str]) -> list[Draw]:
    """Return the draws of a scenario: calm or with faults, with some of the manners or without.

    In a calm one nothing is a fault, so nothing may be repeated.
    """
    draws = random.choice((_CALM, _FAULTY, _FAULTY))
    chosen = random.sample(sorted(manners), min(len(manners), random.choice((0, 1, 3))))
    if not chosen:
        return draws
    return [*draws, *_draws(*(MANNERS[name] for name in chosen), *UNDER_MANNERS)]


def draw_scenario(seed: int, length: int, manners: Collection[str] = SWITCHED_ON) -> Scenario:
    """Return the scenario of a seed: actions, and a check at rest."""
    random = Random(seed)
    setting = replace(draw_setting(random), seed=seed)
    draws = draw_kind(random, manners)
    actions = (random.choice(draws)(random) for _ in range(length))
    return Scenario(setting, [*actions, CheckAtRest()])


_RANDOMS = st.randoms(use_true_random=False)


@st.composite
def _drawn_actions(draw: st.DrawFn, manners: Collection[str]) -> list[Action]:
    draws = draw_kind(draw(_RANDOMS), manners)
    one = st.builds(lambda random: random.choice(draws)(random), _RANDOMS)
    return draw(st.lists(one, max_size=40))


def scenarios(manners: Collection[str] = SWITCHED_ON) -> st.SearchStrategy[Scenario]:
    """Return the scenarios that Hypothesis draws, some of them with some of the manners."""
    return st.builds(
        lambda setting, actions: Scenario(setting, [*actions, CheckAtRest()]),
        st.builds(draw_setting, _RANDOMS),
        _drawn_actions(manners),
    )
