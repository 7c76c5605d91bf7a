"""The ledger as a turn remembers it: the same answers, with fewer reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_opens.errors import ActivityFailed
from email_opens.events import REJECTED
from email_opens.turns.ledger_memory import LedgerMemory
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import RecordingLedger
from tests.fakes import MemoryLedger

OTHER_ID = "5b1e0a52-0000-4000-8000-0000000000cc"


def hour(number: int) -> str:
    return f"2026-03-02T{number:02}"


def mark(number: int) -> bytes:
    return number.to_bytes(8)


@pytest.fixture
def ledger() -> RecordingLedger:
    ledger = RecordingLedger()
    ledger.append(ACTIVITY_ID, {hour(number): {mark(number)} for number in (8, 9, 11)})
    return ledger


def test_what_was_read_is_not_read_again(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger)
    for _ in range(3):
        found = memory.fingerprints(ACTIVITY_ID, hour(9), hour(11))
        assert found == {hour(9): {mark(9)}, hour(11): {mark(11)}}
    assert ledger.reads == [("09", "11")]


def test_only_hours_that_are_missing_are_read(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger)
    memory.fingerprints(ACTIVITY_ID, hour(9), hour(10))
    memory.fingerprints(ACTIVITY_ID, hour(9), hour(11))
    memory.fingerprints(ACTIVITY_ID, hour(8), hour(10))
    assert ledger.reads == [("09", "10"), ("11", "11"), ("08", "08")]


def test_what_the_turn_adds_is_remembered(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger)
    memory.fingerprints(ACTIVITY_ID, hour(9), hour(9))
    memory.append(ACTIVITY_ID, {hour(9): {mark(1)}, hour(10): {mark(2)}})
    assert memory.fingerprints(ACTIVITY_ID, hour(9), hour(10)) == {
        hour(9): {mark(9), mark(1)},
        hour(10): {mark(2)},
    }
    assert ledger.reads == [("09", "09"), ("10", "10")]


def test_a_range_of_a_century_costs_one_read(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger)
    for _ in range(2):
        assert len(memory.fingerprints(ACTIVITY_ID, "2000-01-01T00", "2099-12-31T23")) == 3
    assert len(ledger.reads) == 1


def test_an_answer_that_is_changed_changes_nothing(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger)
    memory.fingerprints(ACTIVITY_ID, hour(9), hour(9))[hour(9)].add(mark(1))
    assert memory.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): {mark(9)}}


def test_a_failed_write_is_looked_up_again(ledger: RecordingLedger) -> None:
    class LosesTheReply(MemoryLedger):
        def append(self, campaign_activity_id: str, entries: object) -> None:
            super().append(campaign_activity_id, entries)  # type: ignore[arg-type]
            raise ActivityFailed("The reply is lost.")

    lossy = LosesTheReply()
    lossy.entries = ledger.entries
    memory = LedgerMemory(lossy)
    memory.fingerprints(ACTIVITY_ID, hour(9), hour(9))
    with pytest.raises(ActivityFailed):
        memory.append(ACTIVITY_ID, {hour(9): {mark(1)}})
    assert memory.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): {mark(9), mark(1)}}


def test_no_more_is_remembered_than_fits(ledger: RecordingLedger) -> None:
    memory = LedgerMemory(ledger, most=1)
    for _ in range(2):
        assert len(memory.fingerprints(ACTIVITY_ID, hour(8), hour(9))) == 2
    assert ledger.reads == [("08", "09")] * 2


_BUCKETS = st.sampled_from([*map(hour, range(22, 24)), "2026-03-03T00", "2026-03-03T01"])
_CALLS = st.lists(
    st.tuples(
        st.sampled_from([ACTIVITY_ID, OTHER_ID]),
        st.tuples(_BUCKETS, _BUCKETS) | st.just((REJECTED, REJECTED)),
        st.none() | st.dictionaries(_BUCKETS | st.just(REJECTED), st.sets(st.binary(max_size=1))),
    ),
    max_size=20,
)


@given(calls=_CALLS, most=st.integers(0, 6))
def test_answers_are_those_of_the_ledger(
    calls: list[tuple[str, tuple[str, str], dict[str, set[bytes]] | None]], most: int
) -> None:
    ledger = MemoryLedger()
    memory = LedgerMemory(ledger, most)
    for activity_id, (one, other), added in calls:
        if added is not None:
            memory.append(activity_id, added)
        first, last = sorted([one, other])
        stored = ledger.fingerprints(activity_id, first, last)
        assert memory.fingerprints(activity_id, first, last) == {
            name: marks for name, marks in stored.items() if marks
        }
