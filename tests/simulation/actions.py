"""The actions of a simulation, as values: each is something that may happen."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from constant_contact_emulator import Kind, Row, Ties
from email_opens.instants import next_day
from email_opens.model import State
from tests.simulation.invocation import Fate
from tests.simulation.rules import RuleBroken, vendor_row_key
from tests.simulation.simulation import START, TIMEOUT, Simulation

DEVICES = (None, "mobile", "computer")
CONTACTS = 6
_STATUS = {Kind.STATUS: 500, Kind.HTML: 502, Kind.EXPIRED_LINK: 404}
MOST_TURNS_AT_REST = 60
LONGEST = timedelta(days=50)
"""An activity without opens for longer is finished, and its report is no longer read."""


class Action(Protocol):
    def apply(self, simulation: Simulation) -> None: ...


@dataclass(frozen=True, slots=True)
class AddOpens:
    """Identical rows appear, `late` after the instant in them."""

    activity: int
    contact: int
    device: int
    late: timedelta
    count: int
    between_pages: bool
    """Not now, but during the next request for the report."""

    def apply(self, simulation: Simulation) -> None:
        if not self.between_pages:
            self._appear(simulation)
            return
        pending = [self]

        def appear(_: str, target: str) -> None:
            if pending and "/opens" in target:
                pending.pop()._appear(simulation)

        simulation.vendor.world.before_request(appear)

    def _appear(self, simulation: Simulation) -> None:
        grain = simulation.setting.grain
        created = simulation.clock() - self.late
        created -= (created - START) % grain
        activity_id = activity_id_of(simulation, self.activity)
        world = simulation.vendor.world
        contact = world.contacts(self.contact + 1)[self.contact]
        rows = [
            Row(contact, created, DEVICES[self.device], simulation.clock())
            for _ in range(self.count)
        ]
        world.add_rows(activity_id, rows)
        for row in rows:
            simulation.rules.a_row_appeared(vendor_row_key(activity_id, row))


@dataclass(frozen=True, slots=True)
class AddBurst:
    """Many contacts open within minutes: more than one poll reads."""

    activity: int
    contacts: int
    over: timedelta

    def apply(self, simulation: Simulation) -> None:
        for contact in range(self.contacts):
            late = self.over * contact / self.contacts
            AddOpens(self.activity, CONTACTS + contact, 1, late, 1, between_pages=False).apply(
                simulation
            )


@dataclass(frozen=True, slots=True)
class AddMalformedRow:
    """A row appears that is not an open."""

    activity: int

    def apply(self, simulation: Simulation) -> None:
        row = {"contact_id": None, "note": simulation.steps}
        simulation.vendor.world.add_raw_row(activity_id_of(simulation, self.activity), row)


@dataclass(frozen=True, slots=True)
class WithdrawRows:
    """The vendor withdraws visible rows, the newest first."""

    activity: int
    count: int

    def apply(self, simulation: Simulation) -> None:
        withdraw(simulation, self.activity, self.count)


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes; if it is long, the schedule has missed some turns."""

    time: timedelta

    def apply(self, simulation: Simulation) -> None:
        simulation.wait(self.time)


@dataclass(frozen=True, slots=True)
class WaitForMidnight:
    """Time passes until shortly before 00:00 UTC, when the vendor's day ends."""

    before: timedelta

    def apply(self, simulation: Simulation) -> None:
        now = simulation.clock()
        simulation.wait(max(timedelta(), next_day(now) - self.before - now))


@dataclass(frozen=True, slots=True)
class CompleteTurn:
    """The schedule fires, and nothing interrupts the invocation."""

    def apply(self, simulation: Simulation) -> None:
        if (invocation := simulation.invoke()) is not None:
            simulation.finish(invocation)


@dataclass(frozen=True, slots=True)
class StartInvocation:
    """The schedule fires, perhaps a second time; the invocation waits before its first call."""

    skew: timedelta
    times_out: bool = True
    """False: it continues after its timeout, as on a computer that was asleep."""

    def apply(self, simulation: Simulation) -> None:
        if self.skew:
            # With a skewed clock, another invocation's lease may seem to expire too early.
            simulation.rules.a_fault_happened()
        simulation.invoke(self.skew, times_out=self.times_out)


@dataclass(frozen=True, slots=True)
class Continue:
    """A running invocation makes some calls, the last of which has a fate."""

    invocation: int
    calls: int
    fate: Fate = Fate.SUCCEEDS

    def apply(self, simulation: Simulation) -> None:
        if not simulation.invocations:
            simulation.invoke()
        invocation = simulation.invocations[self.invocation % len(simulation.invocations)]
        for _ in range(self.calls):
            simulation.step(invocation)
        simulation.step(invocation, self.fate)


@dataclass(frozen=True, slots=True)
class Suspend:
    """An invocation is suspended until its lease has expired, and continues after another turn."""

    calls: int
    contacts: int
    """The number of contacts who open meanwhile."""

    def apply(self, simulation: Simulation) -> None:
        suspended = simulation.invoke(times_out=False)
        if suspended is None:
            return
        for _ in range(self.calls):
            simulation.step(suspended)
        simulation.wait(TIMEOUT)
        if self.contacts:
            AddBurst(0, self.contacts, timedelta(minutes=1)).apply(simulation)
        CompleteTurn().apply(simulation)
        simulation.finish(suspended)


@dataclass(frozen=True, slots=True)
class FinishAll:
    """All running invocations continue to their end, in turn and call by call."""

    def apply(self, simulation: Simulation) -> None:
        while simulation.invocations:
            for invocation in list(simulation.invocations):
                simulation.step(invocation)


@dataclass(frozen=True, slots=True)
class AddVendorFault:
    """The vendor's reply to one of the next requests is faulty."""

    kind: Kind
    nth: int
    times: int

    def apply(self, simulation: Simulation) -> None:
        simulation.add_passing_fault(
            self.kind, nth=self.nth, times=self.times, seconds=15, status=_STATUS.get(self.kind)
        )


@dataclass(frozen=True, slots=True)
class ExpireTokens:
    """The vendor refuses the current access tokens, before they expire."""

    def apply(self, simulation: Simulation) -> None:
        simulation.vendor.authorization.expire_access_tokens()


@dataclass(frozen=True, slots=True)
class SpendElsewhere:
    """Another user of the API key spends some of the day's requests."""

    requests: int

    def apply(self, simulation: Simulation) -> None:
        limits = simulation.vendor.limits
        for key in simulation.vendor.authorization.clients:
            before = limits.spent.get(key, 0)
            limits.spent[key] = before + self.requests


@dataclass(frozen=True, slots=True)
class RefuseOpens:
    """The topic permanently refuses some of the next opens."""

    count: int

    def apply(self, simulation: Simulation) -> None:
        simulation.refused_opens += self.count


@dataclass(frozen=True, slots=True)
class CheckAtRest:
    """All faults end and everything is audited twice; then every visible row must be delivered."""

    def apply(self, simulation: Simulation) -> None:
        if simulation.clock() - START > LONGEST:
            return
        FinishAll().apply(simulation)
        simulation.mend()
        simulation.revive()
        behaviour = simulation.vendor.world.behaviour
        # While ties change their order, a walk may pass a row that no reply contained.
        ties, behaviour.ties = behaviour.ties, Ties.NEWEST_FIRST
        simulation.end_scarcity()
        simulation.connect()
        for _ in range(2):
            simulation.wait(next_day(simulation.clock()) + 2 * TIMEOUT - simulation.clock())
            self._poll_until_everything_is_audited(simulation)
        behaviour.ties = ties
        simulation.rules.every_send_was_found()
        for activity_id in simulation.tracked_ids:
            rows = simulation.vendor.world.rows(activity_id)
            simulation.rules.everything_was_delivered(activity_id, rows)

    def _poll_until_everything_is_audited(self, simulation: Simulation) -> None:
        started = simulation.clock()
        for _ in range(MOST_TURNS_AT_REST):
            invocation = simulation.invoke()
            assert invocation is not None
            simulation.finish(invocation)
            turn = invocation.result
            assert turn.leased, "no other invocation runs"
            activities = simulation.tracking.activities("default")
            assert all(activity.state is State.ACTIVE for activity in activities)
            audited = all(
                activity.progress.audited_at and activity.progress.audited_at >= started
                for activity in activities
            )
            if (
                audited
                and not turn.stopped
                and not any(activity.progress.gaps for activity in activities)
            ):
                return
            simulation.wait(timedelta(hours=1))
        raise RuleBroken(
            f"1: not everything was audited after {MOST_TURNS_AT_REST} turns: {turn.stopped}"
        )


def withdraw(simulation: Simulation, activity: int, count: int) -> None:
    """Withdraw the newest visible rows of an activity."""
    activity_id = activity_id_of(simulation, activity)
    remaining = [count]

    def withdrawn(row: Row) -> bool:
        if row.raw is not None or not remaining[0]:
            return False
        remaining[0] -= 1
        simulation.rules.a_row_was_withdrawn(vendor_row_key(activity_id, row))
        return True

    simulation.vendor.world.withdraw(activity_id, withdrawn, at_most=count)


def activity_id_of(simulation: Simulation, number: int) -> str:
    return simulation.activity_ids[number % len(simulation.activity_ids)]
