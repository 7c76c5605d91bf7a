"""Faults at the calls of a walk, on the real stack: nothing is lost, and little is repeated.

A walk of six pages in two stretches makes 37 calls to AWS and to the vendor. At each of them, a
process is killed before the server has the request, and another after the server has processed
it. The first call of each name is also reset, cut off, delivered twice and answered too late, in
a process that stays alive. Another invocation then resumes each walk.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from constant_contact_emulator import Limits
from tests.conftest import subscribe
from tests.e2e.built_function import Artefact
from tests.e2e.conftest import Stacks
from tests.e2e.interruptions import KILLS, READ, SAVE, SmallPages, Walk, WalkRunner
from tests.e2e.proxy import Fault, Point
from tests.e2e.trial import received

TOKEN = "POST …/v1/token"
STORE = "PutParameter"
PUBLISH = "PublishBatch"
CALLS_OF_A_WALK = {
    "GetItem TrackingTable": 1,
    "UpdateItem TrackingTable": 2,
    "Query TrackingTable": 2,
    "GetParameter": 2,
    "GetParameterHistory": 1,
    TOKEN: 1,
    STORE: 2,
    READ: 6,
    "Query LedgerTable": 7,
    "PutItem LedgerTable": 2,
    PUBLISH: 6,
    "BatchWriteItem LedgerTable": 3,
    SAVE: 2,
    "SendMessage": 1,
}
"""By name."""
POINTS = [
    Point(call, number, fault)
    for fault in Fault
    for call, times in CALLS_OF_A_WALK.items()
    for number in range(1, times + 1 if fault in KILLS else 2)
]
BATCH_OPENS = 10
REQUESTS_A_FAULT = 2
"""The report's head, which every turn reads, and the last page processed, or the failed one."""
FUNCTIONS = 5
"""Functions that run at once; they wait as much as they work."""

each_fault = pytest.mark.parametrize("fault", Fault)


@dataclass(frozen=True, slots=True)
class Walks:
    """All walks and their outcomes."""

    uninterrupted: Walk
    interrupted: list[Walk]

    def of(self, fault: Fault) -> Iterator[tuple[Point, Walk]]:
        for walk in self.interrupted:
            if walk.point and walk.point.fault is fault:
                yield walk.point, walk


@pytest.fixture(scope="module")
def walks(artefact: Artefact, stacks: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Walks:
    trial, sqs = stacks.idle, stacks.idle.aws.client("sqs")
    queue_url = sqs.create_queue(QueueName="interrupted-subscriber")["QueueUrl"]
    topic_arn = trial.stack.environment["OPENS_TOPIC_ARN"]
    subscribe(trial.aws.client("sns"), sqs, topic_arn, queue_url)
    # Of its own, so that no wake-up starts the stack's function beside a walk.
    wake_ups_url = sqs.create_queue(QueueName="interrupted-wake-ups")["QueueUrl"]
    with SmallPages(limits=Limits.off()) as vendor, ExitStack() as functions:
        runner = WalkRunner(
            artefact=artefact,
            trial=trial,
            vendor=vendor,
            # Neither the pace nor the day's budget may delay a walk; other tests cover both.
            environment=trial.function_environment
            | {"REQUESTS_PER_SECOND": "100", "REQUESTS_PER_DAY": "10000000"}
            | {"WAKE_UPS_QUEUE_URL": wake_ups_url},
            tracking=trial.tracking,
            folder=tmp_path_factory.mktemp("interruptions"),
        )
        for _ in range(FUNCTIONS):
            runner.idle.put(functions.enter_context(runner.start_function()))
        uninterrupted = runner.run(None)
        # Otherwise the wait for each kill would time out.
        assert uninterrupted.calls.made, "The function makes no call at all."
        with ThreadPoolExecutor(FUNCTIONS) as threads:
            interrupted = list(threads.map(runner.interrupt, POINTS))
            # Only now, when the leases of the killed invocations have expired or soon will.
            for _ in threads.map(runner.resume, interrupted):
                pass
    by_activity = {walk.activity_id: walk for walk in [uninterrupted, *interrupted]}
    for event in received(sqs, queue_url):
        by_activity[event["data"]["campaign_activity_id"]].received.append(event)
    return Walks(uninterrupted, interrupted)


def test_a_walk_makes_exactly_the_expected_calls(walks: Walks) -> None:
    assert Counter(walks.uninterrupted.calls.made) == CALLS_OF_A_WALK


def test_an_uninterrupted_walk_publishes_each_open_once(walks: Walks) -> None:
    walk = walks.uninterrupted
    assert (walk.lost, walk.invented, walk.repeated) == (0, 0, [])


@each_fault
def test_each_fault_happens_at_its_call(walks: Walks, fault: Fault) -> None:
    calls = [walk.calls.until_point[-1:] for _, walk in walks.of(fault)]
    assert calls == [[point.call] for point in POINTS if point.fault is fault]


@each_fault
def test_no_open_is_lost(walks: Walks, fault: Fault) -> None:
    assert {point: walk.lost for point, walk in walks.of(fault) if walk.lost} == {}


@each_fault
def test_no_open_has_two_ids_and_every_id_belongs_to_an_open(walks: Walks, fault: Fault) -> None:
    assert {point: walk.invented for point, walk in walks.of(fault) if walk.invented} == {}


@each_fault
def test_a_resumed_walk_repeats_only_opens_of_the_pages_in_hand(walks: Walks, fault: Fault) -> None:
    beyond = {
        point: Counter(walk.repeated) - Counter(walk.rows_in_hand)
        for point, walk in walks.of(fault)
    }
    assert {point: opens for point, opens in beyond.items() if opens} == {}


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        (Fault.RESET_BEFORE, 0),
        (Fault.RESET_AFTER, BATCH_OPENS),
        (Fault.TWICE, BATCH_OPENS),
        (Fault.LATE, BATCH_OPENS),
        (Fault.CUT, BATCH_OPENS),
        (Fault.CUT_HEAD, BATCH_OPENS),
    ],
)
def test_a_process_that_stays_alive_repeats_at_most_the_batch_whose_reply_it_missed(
    walks: Walks, fault: Fault, most: int
) -> None:
    repeated = {point.call: len(walk.repeated) for point, walk in walks.of(fault)}
    assert repeated.pop(PUBLISH) <= most
    assert {call: count for call, count in repeated.items() if count} == {}


@each_fault
def test_a_fault_costs_few_requests_beyond_the_pages_in_hand(walks: Walks, fault: Fault) -> None:
    extra = {
        point: walk.requests - CALLS_OF_A_WALK[READ] - len(walk.pages_in_hand)
        for point, walk in walks.of(fault)
    }
    assert {point: count for point, count in extra.items() if count > REQUESTS_A_FAULT} == {}


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (Fault.KILLED_BEFORE, {STORE}),
        (Fault.KILLED_AFTER, {TOKEN}),
        (Fault.RESET_BEFORE, set()),
        (Fault.RESET_AFTER, {TOKEN}),
        (Fault.CUT, {TOKEN}),
        (Fault.CUT_HEAD, {TOKEN}),
        (Fault.TWICE, {TOKEN}),
        (Fault.LATE, {TOKEN}),
    ],
)
def test_the_account_is_disconnected_only_if_a_used_refresh_token_has_no_stored_successor(
    walks: Walks, fault: Fault, calls: set[str]
) -> None:
    assert {point.call for point, walk in walks.of(fault) if walk.reconnected} == calls
