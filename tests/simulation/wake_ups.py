"""What may happen to wake-ups, as actions: they come in time, late, twice, or not at all."""

from dataclasses import dataclass
from datetime import timedelta

from tests.simulation.actions import CompleteTurn
from tests.simulation.invocation import Message
from tests.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True)
class CompleteChain:
    """The schedule fires, every wake-up comes in time, and nothing interrupts the invocations."""

    def apply(self, simulation: Simulation) -> None:
        CompleteTurn().apply(simulation)
        while simulation.messages and simulation.messages[-1].due_at > simulation.clock():
            DeliverWakeUp(0).apply(simulation)


@dataclass(frozen=True, slots=True)
class DeliverWakeUp:
    """A wake-up starts an invocation: the latest one, or one of those that were sent before."""

    earlier: int
    late: timedelta = timedelta()
    again: bool = False
    """It will come again."""
    completes: bool = True
    """Nothing interrupts the invocation."""

    def apply(self, simulation: Simulation) -> None:
        if not simulation.messages:
            return
        number = -1 - self.earlier % len(simulation.messages)
        message = simulation.messages[number]
        simulation.wait(max(timedelta(), message.due_at + self.late - simulation.clock()))
        invocation = simulation.invoke(message=message)
        if invocation is None:
            return
        if not self.again:
            simulation.messages.remove(message)
        if self.completes:
            simulation.finish(invocation)


@dataclass(frozen=True, slots=True)
class DeliverStrayWakeUp:
    """A wake-up comes that nobody has asked for, perhaps of an account that is gone."""

    account_id: str = "default"

    def apply(self, simulation: Simulation) -> None:
        message = Message(self.account_id, "no turn", simulation.clock())
        if (invocation := simulation.invoke(message=message)) is not None:
            simulation.finish(invocation)


@dataclass(frozen=True, slots=True)
class LoseWakeUps:
    """The queue loses what is in it."""

    def apply(self, simulation: Simulation) -> None:
        simulation.messages.clear()
