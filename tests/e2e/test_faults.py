"""A fault at the calls of a walk, on the real stack: nothing is lost, and little comes twice.

A walk of six pages in two stretches makes 30 calls of AWS and of the vendor. Each of them is once
the last of a process, which is killed before the server has the request, and once after it has
worked it. The first call of each name is also reset, cut, delivered twice and answered too late,
under a process that lives on. Whatever was left is taken up by another invocation.
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
from tests.e2e.disturbed import KILLS, READ, SAVE, Disturbed, Site, SmallPages
from tests.e2e.proxy import Fault, Point
from tests.e2e.trial import received

TOKEN = "POST …/v1/token"
STORE = "PutParameter"
PUBLISH = "PublishBatch"
WALK = {
    "GetItem TrackingTable": 1,
    "UpdateItem TrackingTable": 2,
    "Query TrackingTable": 1,
    "GetParameter": 1,
    TOKEN: 1,
    STORE: 1,
    READ: 6,
    "Query LedgerTable": 6,
    PUBLISH: 6,
    "BatchWriteItem LedgerTable": 3,
    SAVE: 2,
}
"""The calls of a walk, by their names."""
POINTS = [
    Point(call, number, fault)
    for fault in Fault
    for call, times in WALK.items()
    for number in range(1, times + 1 if fault in KILLS else 2)
]
BATCH_OPENS = 10
REQUESTS_A_FAULT = 2
"""The report's head, which every turn reads, and the last page worked, or the one that failed."""
LINES = 5
"""Functions at work at once; they wait as much as they work."""

each_fault = pytest.mark.parametrize("fault", Fault)


@dataclass(frozen=True, slots=True)
class Walks:
    """What came of all walks."""

    undisturbed: Disturbed
    disturbed: list[Disturbed]

    def of(self, fault: Fault) -> Iterator[tuple[Point, Disturbed]]:
        for walk in self.disturbed:
            if walk.point and walk.point.fault is fault:
                yield walk.point, walk


@pytest.fixture(scope="module")
def walks(artefact: Artefact, stacks: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Walks:
    trial, sqs = stacks.idle, stacks.idle.aws.client("sqs")
    queue_url = sqs.create_queue(QueueName="disturbed-subscriber")["QueueUrl"]
    topic_arn = trial.stack.environment["OPENS_TOPIC_ARN"]
    subscribe(trial.aws.client("sns"), sqs, topic_arn, queue_url)
    with SmallPages(limits=Limits.off()) as vendor, ExitStack() as lines:
        site = Site(
            artefact=artefact,
            trial=trial,
            vendor=vendor,
            # Neither the pace nor the day's budget may hold up a walk; both are tried elsewhere.
            environment=trial.function_environment
            | {"REQUESTS_PER_SECOND": "100", "REQUESTS_PER_DAY": "10000000"},
            tracking=trial.tracking,
            folder=tmp_path_factory.mktemp("disturbed"),
        )
        for _ in range(LINES):
            site.free.put(lines.enter_context(site.line()))
        undisturbed = site.walk(None)
        # Else each that is to be killed would be waited for in vain.
        assert undisturbed.calls.made, "The function makes no call at all."
        with ThreadPoolExecutor(LINES) as threads:
            disturbed = list(threads.map(site.disturb, POINTS))
            # Only now: the leases of those that were killed are over, or soon will be.
            for _ in threads.map(site.again, disturbed):
                pass
    by_activity = {walk.activity_id: walk for walk in [undisturbed, *disturbed]}
    for event in received(sqs, queue_url):
        by_activity[event["data"]["campaign_activity_id"]].received.append(event)
    return Walks(undisturbed, disturbed)


def test_the_calls_of_a_walk_are_these_and_no_others(walks: Walks) -> None:
    assert Counter(walks.undisturbed.calls.made) == WALK


def test_an_undisturbed_walk_publishes_each_open_once(walks: Walks) -> None:
    walk = walks.undisturbed
    assert (walk.lost, walk.invented, walk.repeated) == (0, 0, [])


@each_fault
def test_each_fault_struck_where_it_should(walks: Walks, fault: Fault) -> None:
    struck = [walk.calls.until_point[-1:] for _, walk in walks.of(fault)]
    assert struck == [[point.call] for point in POINTS if point.fault is fault]


@each_fault
def test_no_open_is_lost(walks: Walks, fault: Fault) -> None:
    assert {point: walk.lost for point, walk in walks.of(fault) if walk.lost} == {}


@each_fault
def test_no_open_has_two_ids_and_no_id_is_of_no_open(walks: Walks, fault: Fault) -> None:
    assert {point: walk.invented for point, walk in walks.of(fault) if walk.invented} == {}


@each_fault
def test_only_opens_of_the_pages_in_hand_are_repeated(walks: Walks, fault: Fault) -> None:
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
def test_a_process_that_lives_on_repeats_no_more_than_the_batch_that_it_could_not_know_of(
    walks: Walks, fault: Fault, most: int
) -> None:
    repeated = {point.call: len(walk.repeated) for point, walk in walks.of(fault)}
    assert repeated.pop(PUBLISH) <= most
    assert {call: count for call, count in repeated.items() if count} == {}


@each_fault
def test_hardly_a_request_is_spent_beside_the_pages_in_hand(walks: Walks, fault: Fault) -> None:
    beside = {
        point: walk.requests - WALK[READ] - len(walk.pages_in_hand)
        for point, walk in walks.of(fault)
    }
    assert {point: count for point, count in beside.items() if count > REQUESTS_A_FAULT} == {}


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
def test_only_a_spent_refresh_token_whose_successor_was_not_stored_needs_a_person(
    walks: Walks, fault: Fault, calls: set[str]
) -> None:
    assert {point.call for point, walk in walks.of(fault) if walk.reconnected} == calls
