"""A queue, a webhook and invocations of the alert that can be killed at every step."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from email_opens.alerts.alerts import Alerts, Incoming
from email_opens.alerts.deduplication import Deduplication
from email_opens.alerts.events import read_open
from email_opens.alerts.ports import NoReply, Reply
from tests.alerting import FixedAddress
from tests.fakes import FakeClock, MemoryDecisions

VISIBILITY = timedelta(minutes=6)

type Step = Callable[[str], None]
"""Called before and after each call of a port; raises where an invocation is killed."""


class Killed(BaseException):
    """The end of an invocation in the middle of its work."""


@dataclass
class Message:
    key: str
    body: str
    visible_at: datetime
    receives: int = 0
    retried_at: datetime | None = None


@dataclass
class Stepping:
    """The alert's ports, with a step before and after each call."""

    world: "AlertWorld"
    step: Step

    def decide(self, partition: str, wanted: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        self.step("decide")
        decided = self.world.decisions.decide(partition, wanted)
        self.step("stored")
        return decided

    def decided(self, partition: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        self.step("read")
        return self.world.decisions.decided(partition, keys)

    def post(self, url: str, document: bytes, *, before: datetime) -> Reply | NoReply:
        self.step("post")
        reply = self.world.webhook(url, document, before)
        self.step("posted")
        return reply


@dataclass
class AlertWorld:
    webhook_reply: Callable[[], Reply | NoReply] = field(default=lambda: Reply(status=200))
    deduplication: type[Deduplication] = Deduplication
    clock: FakeClock = field(default_factory=FakeClock)
    decisions: MemoryDecisions = field(default_factory=MemoryDecisions)
    messages: dict[str, Message] = field(default_factory=dict)
    shown: Counter[str] = field(default_factory=Counter)
    """How often the webhook has shown each event."""
    dead_letters: dict[str, list[str]] = field(default_factory=dict)
    """The reasons by event."""

    def __post_init__(self) -> None:
        self._numbers = count()

    def send(self, body: str, retried_at: datetime | None = None) -> None:
        key = f"m{next(self._numbers)}"
        self.messages[key] = Message(key, body, self.clock.now(), retried_at=retried_at)

    def receive(self, most: int) -> list[Message]:
        """Receive visible messages, which are hidden for as long as an invocation may take."""
        now = self.clock.now()
        batch = [each for each in self.messages.values() if each.visible_at <= now][:most]
        for message in batch:
            message.receives += 1
            message.visible_at = now + VISIBILITY
        return batch

    def webhook(self, url: str, document: bytes, before: datetime) -> Reply | NoReply:
        del url, before
        reply = self.webhook_reply()
        if (reply.status < 300) if isinstance(reply, Reply) else reply.sent:
            self.shown.update(opened["event_id"] for opened in json.loads(document)["opens"])
        return reply

    def invoke(self, batch: list[Message], step: Step) -> None:
        """Handle a batch as the function and Lambda do, in a new container."""
        ports = Stepping(self, step)
        alerts = Alerts(
            address=FixedAddress(),
            web=ports,
            deduplication=self.deduplication(ports, self.clock),
            clock=self.clock,
        )
        before = self.clock.now() + timedelta(seconds=50)
        incoming = [
            Incoming(key=m.key, body=m.body, receives=m.receives, retried_at=m.retried_at)
            for m in batch
        ]
        delivered = alerts.deliver(incoming, before)
        for key, reason in delivered.set_aside.items():
            step("set aside")
            event = read_open(self.messages[key].body).event_id if self.messages.get(key) else ""
            self.dead_letters.setdefault(event, []).append(reason)
        for key, delay in delivered.returned.items():
            step("hide")
            if key in self.messages:
                self.messages[key].visible_at = self.clock.now() + delay
        for message in batch:
            if message.key not in delivered.returned:
                step("delete")
                self.messages.pop(message.key, None)

    def drain(self, most: int = 100) -> None:
        """Let undisturbed invocations handle the queue until it is empty."""
        for batch in self.batches(most):
            self.invoke(batch, lambda _: None)

    def batches(self, most: int) -> Iterator[list[Message]]:
        for _ in range(10_000):
            if not self.messages:
                return
            batch = self.receive(most)
            if batch:
                yield batch
            else:
                next_at = min(message.visible_at for message in self.messages.values())
                self.clock.instant = max(next_at, self.clock.now())
        raise AssertionError("The queue is not emptied.")

    def check(self, events: Collection[str]) -> None:
        """Check that nothing was shown twice, and that nothing was lost."""
        assert max(self.shown.values(), default=0) <= 1
        lost = [each for each in events if not self.shown[each] and each not in self.dead_letters]
        assert lost == []
        reasons: Any = {reason for found in self.dead_letters.values() for reason in found}
        assert all(reason.startswith("may have been shown already") for reason in reasons)
