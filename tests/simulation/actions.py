"""What may happen in a simulation, as values: a scenario is a setting and a list of these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Protocol

from hypothesis import strategies as st

from constant_contact_emulator import Kind, Paging, Row, Ties
from email_opens.instants import next_day
from email_opens.model import State
from tests.simulation.invocation import Fate
from tests.simulation.rules import alike_row
from tests.simulation.simulation import START, TIMEOUT, Setting, Simulation

DEVICES = (None, "mobile", "computer")
CONTACTS = 6
MOST_TURNS_TO_REST = 60
LONGEST = timedelta(days=50)
"""An activity that is quiet for longer is finished, and read no more."""


class Action(Protocol):
    def apply(self, simulation: Simulation) -> None: ...


@dataclass(frozen=True, slots=True)
class Opens:
    """Rows alike appear, `late` after the instant that they tell."""

    activity: int
    contact: int
    device: int
    late: timedelta
    count: int
    between_pages: bool
    """Not now, but while the report is asked for next."""

    def apply(self, simulation: Simulation) -> None:
        if not self.between_pages:
            self._come(simulation)
            return
        waiting = [self]

        def come(_: str, target: str) -> None:
            if waiting and "/opens" in target:
                waiting.pop()._come(simulation)

        simulation.vendor.world.before_request(come)

    def _come(self, simulation: Simulation) -> None:
        grain = simulation.setting.grain
        created = simulation.clock() - self.late
        created -= (created - START) % grain
        activity_id = _activity(simulation, self.activity)
        world = simulation.vendor.world
        who = world.contacts(self.contact + 1)[self.contact]
        rows = [
            Row(who, created, DEVICES[self.device], simulation.clock()) for _ in range(self.count)
        ]
        world.add_rows(activity_id, rows)
        for row in rows:
            simulation.rules.a_row_came(alike_row(activity_id, row))


@dataclass(frozen=True, slots=True)
class Burst:
    """Many contacts open within some minutes: more than a poll reads at once."""

    activity: int
    contacts: int
    over: timedelta

    def apply(self, simulation: Simulation) -> None:
        for contact in range(self.contacts):
            late = self.over * contact / self.contacts
            Opens(self.activity, CONTACTS + contact, 1, late, 1, between_pages=False).apply(
                simulation
            )


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is no open appears."""

    activity: int

    def apply(self, simulation: Simulation) -> None:
        row = {"contact_id": None, "note": simulation.steps}
        simulation.vendor.world.add_raw_row(_activity(simulation, self.activity), row)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Visible rows go, the newest first."""

    activity: int
    count: int

    def apply(self, simulation: Simulation) -> None:
        activity_id = _activity(simulation, self.activity)
        left = [self.count]

        def goes(row: Row) -> bool:
            if row.raw is not None or not left[0]:
                return False
            left[0] -= 1
            simulation.rules.a_row_was_withdrawn(alike_row(activity_id, row))
            return True

        simulation.vendor.world.withdraw(activity_id, goes, at_most=self.count)


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes; if it is long, the schedule was missed."""

    time: timedelta

    def apply(self, simulation: Simulation) -> None:
        simulation.wait(self.time)


@dataclass(frozen=True, slots=True)
class NearMidnight:
    """It becomes nearly 00:00 UTC, when the vendor's day turns."""

    before: timedelta

    def apply(self, simulation: Simulation) -> None:
        now = simulation.clock()
        simulation.wait(max(timedelta(), next_day(now) - self.before - now))


@dataclass(frozen=True, slots=True)
class TurnReport:
    """The schedule fires, and nothing disturbs the invocation."""

    def apply(self, simulation: Simulation) -> None:
        if (invocation := simulation.invoke()) is not None:
            simulation.finish(invocation)


@dataclass(frozen=True, slots=True)
class Begin:
    """The schedule fires, once more perhaps; the invocation waits to be let go on."""

    skew: timedelta
    mortal: bool = True
    """False: it goes on though its time is up, as on a computer that was asleep."""

    def apply(self, simulation: Simulation) -> None:
        if self.skew:
            # A clock that is off may see another's lease end too early.
            simulation.rules.a_fault_happened()
        simulation.invoke(self.skew, mortal=self.mortal)


@dataclass(frozen=True, slots=True)
class Go:
    """An invocation under way makes some calls, and the last of them has a fate."""

    which: int
    calls: int
    fate: Fate = Fate.WORKS

    def apply(self, simulation: Simulation) -> None:
        if not simulation.invocations:
            simulation.invoke()
        invocation = simulation.invocations[self.which % len(simulation.invocations)]
        for _ in range(self.calls):
            simulation.step(invocation)
        simulation.step(invocation, self.fate)


@dataclass(frozen=True, slots=True)
class Slumber:
    """An invocation sleeps in mid-work until its lease is over, and goes on after another's."""

    calls: int
    contacts: int
    """Who open meanwhile."""

    def apply(self, simulation: Simulation) -> None:
        slow = simulation.invoke(mortal=False)
        if slow is None:
            return
        for _ in range(self.calls):
            simulation.step(slow)
        simulation.wait(TIMEOUT)
        if self.contacts:
            Burst(0, self.contacts, timedelta(minutes=1)).apply(simulation)
        TurnReport().apply(simulation)
        simulation.finish(slow)


@dataclass(frozen=True, slots=True)
class FinishAll:
    """All that is under way goes on in turn, call by call, to its end."""

    def apply(self, simulation: Simulation) -> None:
        while simulation.invocations:
            for invocation in list(simulation.invocations):
                simulation.step(invocation)


@dataclass(frozen=True, slots=True)
class VendorFault:
    """The vendor answers one of the next requests wrongly."""

    kind: Kind
    nth: int
    times: int

    def apply(self, simulation: Simulation) -> None:
        simulation.vendor.faults.add(
            self.kind, nth=self.nth, times=self.times, seconds=15, status=_STATUS.get(self.kind)
        )


@dataclass(frozen=True, slots=True)
class TokensEnd:
    """Access tokens are refused from now on, before their time."""

    def apply(self, simulation: Simulation) -> None:
        simulation.vendor.authorization.expire_access_tokens()


@dataclass(frozen=True, slots=True)
class SpentElsewhere:
    """Another user of the key spends requests of the day."""

    requests: int

    def apply(self, simulation: Simulation) -> None:
        limits = simulation.vendor.limits
        for key in simulation.vendor.authorization.clients:
            before = limits.spent.get(key, 0)
            limits.spent[key] = before + self.requests


@dataclass(frozen=True, slots=True)
class RefusedOpens:
    """The topic refuses some of the next opens for good."""

    count: int

    def apply(self, simulation: Simulation) -> None:
        simulation.refused_opens += self.count


@dataclass(frozen=True, slots=True)
class Rest:
    """All faults end, everything is audited twice, and every visible row was delivered then."""

    def apply(self, simulation: Simulation) -> None:
        if simulation.clock() - START > LONGEST:
            return
        FinishAll().apply(simulation)
        simulation.vendor.faults.clear()
        simulation.refused_opens = 0
        behaviour = simulation.vendor.world.behaviour
        # While ties change places, a walk may pass a row without ever being shown it.
        ties, behaviour.ties = behaviour.ties, Ties.NEWEST_FIRST
        simulation.end_scarcity()
        simulation.connect()
        for _ in range(2):
            simulation.wait(next_day(simulation.clock()) + 2 * TIMEOUT - simulation.clock())
            self._poll_until_all_is_audited(simulation)
        behaviour.ties = ties
        for activity_id in simulation.activity_ids:
            rows = simulation.vendor.world.rows(activity_id)
            simulation.rules.everything_was_delivered(activity_id, rows)

    def _poll_until_all_is_audited(self, simulation: Simulation) -> None:
        begun = simulation.clock()
        for _ in range(MOST_TURNS_TO_REST):
            invocation = simulation.invoke()
            assert invocation is not None
            simulation.finish(invocation)
            turn = invocation.result
            assert turn.leased, "nobody else is at work"
            activities = simulation.tracking.activities("default")
            assert all(one.state is State.ACTIVE for one in activities)
            audited = all(
                one.progress.audited_at and one.progress.audited_at >= begun for one in activities
            )
            if audited and not turn.stopped and not any(one.progress.gaps for one in activities):
                return
            simulation.wait(timedelta(hours=1))
        raise AssertionError(f"no rest after {MOST_TURNS_TO_REST} turns: {turn.stopped}")


@dataclass(frozen=True, slots=True)
class Scenario:
    setting: Setting
    actions: Sequence[Action]


def run(scenario: Scenario) -> Simulation:
    """Play a scenario; the rules are checked on the way."""
    simulation = Simulation(scenario.setting)
    try:
        for action in scenario.actions:
            simulation.steps += 1
            action.apply(simulation)
    finally:
        simulation.close()
    return simulation


def _activity(simulation: Simulation, number: int) -> str:
    return simulation.activity_ids[number % len(simulation.activity_ids)]


# --- Drawn by chance: from a seed, or from Hypothesis, which then shrinks what fails ---

_STATUS = {Kind.STATUS: 500, Kind.HTML: 502, Kind.EXPIRED_LINK: 404}
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
        stays=random.choice((False, True)),
    )


def draw_opens(random: Random) -> Action:
    late = random.choice((0, 0, 0, 0, 1, 2, 50, 150, 26 * 60))
    return Opens(
        activity=random.randint(0, 2),
        contact=random.randint(0, CONTACTS - 1),
        device=random.randint(0, len(DEVICES) - 1),
        late=timedelta(minutes=late),
        count=random.choice((1, 1, 1, 2, 3)),
        between_pages=random.choice((False, False, False, True)),
    )


def draw_burst(random: Random) -> Action:
    over = timedelta(minutes=random.choice((1, 5, 200)))
    return Burst(random.randint(0, 2), random.randint(10, 40), over)


def draw_go(random: Random) -> Action:
    return Go(random.randint(0, 2), random.randint(0, 20), random.choice(list(Fate)))


def draw_vendor_fault(random: Random) -> Action:
    return VendorFault(random.choice(_FAULTS), random.randint(1, 4), random.choice((1, 1, 1, 6)))


_CALM = (
    (30, draw_opens),
    (6, draw_burst),
    (2, lambda random: BrokenRow(random.randint(0, 2))),
    (4, lambda random: Withdrawal(random.randint(0, 2), random.randint(1, 4))),
    (12, lambda random: Wait(random.choice(_TIMES))),
    (1, lambda random: NearMidnight(timedelta(seconds=random.randint(1, 15)))),
    (14, lambda _: TurnReport()),
    (3, lambda _: Begin(timedelta())),
    (3, lambda random: Go(random.randint(0, 2), random.randint(0, 20))),
    (4, lambda _: FinishAll()),
    (5, draw_vendor_fault),
    (1, lambda _: TokensEnd()),
    (1, lambda random: SpentElsewhere(random.choice((5, 100)))),
    (1, lambda random: RefusedOpens(random.randint(1, 2))),
    (1, lambda _: Rest()),
)
_FAULTY = (
    (3, lambda random: Begin(timedelta(seconds=random.choice((0, 3, -3))), random.random() < 0.5)),
    (16, draw_go),
    (3, lambda random: Slumber(random.randint(0, 20), random.choice((0, 1, 20)))),
)
_DRAW_CALM = [draw for weight, draw in _CALM for _ in range(weight)]
_DRAW = [draw for weight, draw in _CALM + _FAULTY for _ in range(weight)]


def draw_action(random: Random) -> Action:
    return random.choice(_DRAW)(random)


def draw_calm_action(random: Random) -> Action:
    """Draw an action that is no fault, so that nothing may come twice."""
    return random.choice(_DRAW_CALM)(random)


def draw_scenario(seed: int, length: int) -> Scenario:
    """Return the scenario of a seed: so many actions, and a rest; every third one is calm."""
    random = Random(seed)
    setting = replace(draw_setting(random), seed=seed)
    draw = draw_action if seed % 3 else draw_calm_action
    return Scenario(setting, [*(draw(random) for _ in range(length)), Rest()])


_RANDOMS = st.randoms(use_true_random=False)
_ACTIONS = st.builds(draw_action, _RANDOMS)
_CALM_ACTIONS = st.builds(draw_calm_action, _RANDOMS)

SCENARIOS = st.builds(
    lambda setting, actions: Scenario(setting, [*actions, Rest()]),
    st.builds(draw_setting, _RANDOMS),
    st.lists(_ACTIONS, max_size=40) | st.lists(_CALM_ACTIONS, max_size=40),
)
