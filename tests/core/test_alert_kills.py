"""Three deliveries of every open and a kill in every batch: nothing repeats, nothing is lost."""

import random
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from email_opens.alerts.deduplication import Claim, Deduplication
from email_opens.alerts.ports import NoReply, Reply
from tests.alerting import EMAIL, OTHER_EMAIL, body, event_id
from tests.core.alert_world import AlertWorld, Killed, Message, Step

type Retried = Mapping[str, datetime]
NONE: Retried = MappingProxyType({})
EVENTS = 6
COPIES = 3
ALL = [event_id(number) for number in range(EVENTS)]
SENT = Reply(status=200)
REPLIES: list[Reply | NoReply] = [
    SENT,
    Reply(status=500),
    Reply(status=429, retry_after=timedelta(seconds=90)),
    Reply(status=404),
    NoReply(reason="no connection", sent=False),
    NoReply(reason="it timed out", sent=True),
]


def fill(world: AlertWorld, seed: int = 0) -> None:
    """Send every open three times, in any order."""
    numbers = [number for number in range(EVENTS) for _ in range(COPIES)]
    random.Random(seed).shuffle(numbers)
    for number in numbers:
        world.send(body(number, email=EMAIL if number % 3 else OTHER_EMAIL))


def counting(steps: list[str]) -> Step:
    return steps.append


def killing(at: int) -> Step:
    """Return a step function that kills the invocation at one of its steps."""
    taken = 0

    def step(_: str) -> None:
        nonlocal taken
        if taken == at:
            raise Killed
        taken += 1

    return step


def steps_of_a_batch() -> list[str]:
    world, steps = AlertWorld(), list[str]()
    fill(world)
    world.invoke(world.receive(10), counting(steps))
    return steps


STEPS = steps_of_a_batch()


def test_a_batch_has_each_kind_of_step() -> None:
    assert {"decide", "stored", "post", "posted", "delete"} <= set(STEPS)


@pytest.mark.parametrize("at", range(len(STEPS) + 1))
@pytest.mark.parametrize("reply", [SENT, Reply(status=500)], ids=["shown", "refused"])
def test_a_kill_at_each_step_of_every_batch_repeats_and_loses_nothing(
    at: int, reply: Reply
) -> None:
    kill_each_batch(at, reply).check(ALL)


def kill_each_batch(
    at: int, reply: Reply = SENT, deduplication: type[Deduplication] = Deduplication
) -> AlertWorld:
    """Let every batch be killed at one step, and its messages be delivered again."""
    replies = [reply] * 3
    world = AlertWorld(
        webhook_reply=lambda: replies.pop() if replies else SENT, deduplication=deduplication
    )
    fill(world, seed=at)
    for batch in world.batches(4):
        first = any(message.receives == 1 for message in batch)
        with suppress(Killed):
            world.invoke(batch, killing(at) if first else lambda _: None)
    return world


class WithoutDecisions(Deduplication):
    """Shows whatever comes."""

    def claim(self, partition: str, events: Collection[str], _: Retried = NONE) -> Claim:
        self.claims = getattr(self, "claims", 0) + 1
        return super().claim(f"{partition} {id(self)} {self.claims}", events)


class RepeatsInterrupted(Deduplication):
    """Posts again what was in a post that was interrupted."""

    def claim(self, partition: str, events: Collection[str], _: Retried = NONE) -> Claim:
        return super().claim(partition, events, retried=dict.fromkeys(events, self._clock.now()))


class ForgetsInterrupted(Deduplication):
    """Counts what was in a post that was interrupted as shown."""

    def claim(self, partition: str, events: Collection[str], retried: Retried = NONE) -> Claim:
        claim = super().claim(partition, events, retried)
        return replace(claim, shown=claim.shown | claim.unknown, unknown=frozenset())


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_a_dead_letter_that_is_sent_again_is_posted_once_more_at_most(at: int) -> None:
    world = AlertWorld(lambda: NoReply(reason="it timed out", sent=True))
    world.send(body(0))
    world.drain()
    world.webhook_reply = lambda: SENT
    world.clock.sleep(3_600)
    world.send(body(0), retried_at=world.clock.now())
    with suppress(Killed):
        world.invoke(world.receive(100), killing(at))
    world.drain()
    assert world.shown[event_id(0)] <= 2


@pytest.mark.parametrize("wrong", [WithoutDecisions, RepeatsInterrupted, ForgetsInterrupted])
def test_a_wrong_version_is_caught(wrong: type[Deduplication]) -> None:
    caught = 0
    for at in range(len(STEPS)):
        try:
            kill_each_batch(at, deduplication=wrong).check(ALL)
        except AssertionError:
            caught += 1
    assert caught


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_another_invocation_at_each_step_shows_no_open_twice(at: int) -> None:
    world = AlertWorld()
    fill(world)
    taken = 0

    def step(_: str) -> None:
        nonlocal taken
        if taken == at:
            taken += 1
            world.invoke(world.receive(100), lambda _: None)
        taken += 1

    world.invoke(world.receive(8), step)
    world.drain()
    world.check(ALL)


def test_without_a_fault_no_open_is_set_aside() -> None:
    world = AlertWorld()
    fill(world)
    world.drain(5)
    world.check(ALL)
    assert set(world.shown) == set(ALL)
    assert not world.dead_letters


class Interleaved:
    """Runs invocations in threads, of which one at a time takes a step."""

    def __init__(self, works: list[Callable[[Step], None]]) -> None:
        self._resumed = [threading.Semaphore(0) for _ in works]
        self._paused = threading.Semaphore(0)
        self.running = set(range(len(works)))
        self._killed: set[int] = set()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number, work), daemon=True)
            for number, work in enumerate(works)
        ]
        for thread in self._threads:
            thread.start()
            self._paused.acquire()

    def advance(self, number: int, *, kill: bool = False) -> None:
        """Let one invocation go on to its next step, or end there."""
        if kill:
            self._killed.add(number)
        self._resumed[number].release()
        self._paused.acquire()

    def finish(self) -> None:
        while self.running:
            self.advance(min(self.running))
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, number: int, work: Callable[[Step], None]) -> None:
        def step(_: str) -> None:
            self._paused.release()
            self._resumed[number].acquire()
            if number in self._killed:
                raise Killed

        try:
            step("begin")
            work(step)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self._errors.append(error)
        self.running.discard(number)
        self._paused.release()


@settings(max_examples=150)
@given(data=st.data())
def test_invocations_in_any_order_with_any_reply_and_any_kill_repeat_and_lose_nothing(
    data: st.DataObject,
) -> None:
    replies = data.draw(st.lists(st.sampled_from(REPLIES), max_size=8), label="replies")
    world = AlertWorld(webhook_reply=lambda: replies.pop() if replies else SENT)
    fill(world, seed=data.draw(st.integers(0, 1_000), label="order"))

    def handling(batch: list[Message]) -> Callable[[Step], None]:
        return lambda step: world.invoke(batch, step)

    for _ in range(data.draw(st.integers(1, 3), label="rounds")):
        batches = [world.receive(data.draw(st.integers(1, 9), label="batch")) for _ in range(3)]
        invocations = Interleaved([handling(batch) for batch in batches])
        while invocations.running:
            number = data.draw(st.sampled_from(sorted(invocations.running)), label="next")
            world.clock.sleep(data.draw(st.sampled_from([0, 0, 0, 1, 45, 70]), label="seconds"))
            invocations.advance(number, kill=data.draw(st.integers(0, 19), label="kill") == 0)
        invocations.finish()
        world.clock.sleep(data.draw(st.sampled_from([0, 61, 400]), label="between"))
    world.drain()
    world.check(ALL)
