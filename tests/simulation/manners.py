"""Manners of the vendor as a whole, of stores and of people, as actions.

Something goes wrong for as long as it lasts. `KeepPolling` lets the schedule fire every minute
meanwhile and checks what must go on; `CheckAtRest` mends everything first.
"""

from copy import replace
from dataclasses import dataclass
from datetime import timedelta

from constant_contact_emulator import Kind
from email_opens.instants import next_day
from email_opens.model import State
from tests.simulation.actions import CompleteTurn, FinishAll, activity_id_of
from tests.simulation.report_manners import REFUSALS
from tests.simulation.simulation import PLENTY, Simulation
from tests.simulation.watch import Watch

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outage:
    """The vendor answers nothing but errors for a while, and is polled every minute meanwhile."""

    minutes: int
    refusal: str
    retry_after: int | None = None

    def apply(self, simulation: Simulation) -> None:
        FinishAll().apply(simulation)
        simulation.end_passing_faults()
        details = dict(REFUSALS[self.refusal])
        if self.retry_after is not None:
            details["headers"] = {"Retry-After": str(self.retry_after)}
        simulation.vendor.faults.add(path="/", for_seconds=60 * self.minutes, **details)
        watch = Watch(simulation)
        simulation.trouble.nothing_is_read = True
        keep_polling(simulation, self.minutes, watch)
        watch.check_outage()
        simulation.trouble.nothing_is_read = False
        after = Watch(simulation)
        keep_polling(simulation, 3, after)
        if self.retry_after is None and after.can_poll():
            after.check_answered("7: nothing was polled within two minutes of an outage's end")


@dataclass(frozen=True, slots=True)
class AskToWait:
    """The vendor's next reply asks for a wait before the next request."""

    status: int
    seconds: int

    def apply(self, simulation: Simulation) -> None:
        headers = {"Retry-After": str(self.seconds)}
        simulation.add_passing_fault(Kind.STATUS, status=self.status, headers=headers)


@dataclass(frozen=True, slots=True)
class TurnTheDayLate:
    """The quota is spent as the day ends, and the vendor's day begins some seconds after ours."""

    seconds: int
    through_gateway: bool

    def apply(self, simulation: Simulation) -> None:
        FinishAll().apply(simulation)
        simulation.end_passing_faults()
        simulation.connect()
        limits = simulation.vendor.limits
        limits.turns_late = timedelta(seconds=self.seconds)
        limits.through_gateway = self.through_gateway
        midnight = next_day(simulation.clock() + 12 * MINUTE)
        simulation.wait(midnight - simulation.clock() - 12 * MINUTE)
        for key in simulation.vendor.authorization.clients:
            limits.refuse(key, simulation.clock())  # the day's first request clears the others
            limits.spent[key] = PLENTY
        watch = Watch(simulation)
        keep_polling(simulation, 10, watch)
        watch.check_spent_quota()
        simulation.wait(max(timedelta(), midnight - simulation.clock() + timedelta(seconds=5)))
        watch = Watch(simulation)
        keep_polling(simulation, 20, watch)
        watch.check_answered("6: a day that turned late was given up")


@dataclass(frozen=True, slots=True)
class FailContact:
    """The topic neither accepts nor refuses the opens of a contact."""

    contact: int

    def apply(self, simulation: Simulation) -> None:
        contacts = simulation.vendor.world.contacts(self.contact + 1)
        simulation.trouble.failing.add(contacts[self.contact].contact_id)


@dataclass(frozen=True, slots=True)
class CloseDeadLetterQueue:
    """The dead-letter queue accepts nothing."""

    def apply(self, simulation: Simulation) -> None:
        simulation.trouble.queue_is_down = True


@dataclass(frozen=True, slots=True)
class RefuseStores:
    """The access token expires, and the store refuses the new pair a few times."""

    times: int

    def apply(self, simulation: Simulation) -> None:
        FinishAll().apply(simulation)
        simulation.vendor.authorization.expire_access_tokens()
        simulation.trouble.refused_stores = self.times
        for _ in range(2):
            CompleteTurn().apply(simulation)
            simulation.wait(MINUTE)
        simulation.trouble.refused_stores = 0
        account = simulation.tracking.account("default")
        simulation.rules.require(
            simulation.rules.faults or not (account and "connect" in (account.last_error or "")),
            "7: a store that refused a few times disconnected the account",
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """A person pauses an activity, whatever runs."""

    activity: int

    def apply(self, simulation: Simulation) -> None:
        activity_id = activity_id_of(simulation, self.activity)
        set_state(simulation, activity_id, State.ACTIVE, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Resume:
    """A person resumes an activity, whatever runs."""

    activity: int

    def apply(self, simulation: Simulation) -> None:
        activity_id = activity_id_of(simulation, self.activity)
        set_state(simulation, activity_id, State.PAUSED, State.ACTIVE)


@dataclass(frozen=True, slots=True)
class Mend:
    """Everything that is wrong ends."""

    def apply(self, simulation: Simulation) -> None:
        simulation.mend()


@dataclass(frozen=True, slots=True)
class KeepPolling:
    """The schedule fires every minute, and nothing is interrupted: what must go on goes on."""

    minutes: int

    def apply(self, simulation: Simulation) -> None:
        FinishAll().apply(simulation)
        simulation.end_passing_faults()
        simulation.connect()
        watch = Watch(simulation)
        watch.add_fresh_opens()
        keep_polling(simulation, self.minutes, watch)
        watch.check_news()
        watch.check_gaps()
        watch.check_rows()
        watch.check_requests()
        watch.check_sends()


def keep_polling(simulation: Simulation, minutes: int, watch: Watch) -> None:
    """Let the schedule fire every minute."""
    for _ in range(minutes):
        began = simulation.clock()
        invocation = simulation.invoke()
        assert invocation is not None
        simulation.finish(invocation)
        watch.note(invocation)
        simulation.wait(max(timedelta(), began + MINUTE - simulation.clock()))


def set_state(simulation: Simulation, activity_id: str, old: State, new: State) -> None:
    """Change an activity's state as a command does."""
    activity = simulation.tracking.items.get(("default", activity_id))
    if activity and activity.state is old:
        simulation.tracking.save(replace(activity, state=new))
