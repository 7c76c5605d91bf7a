"""The Decisions port over the fake, DynamoDB and SQLite."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_opens.adapters.aws.decisions import (
    ENTRY_DECISIONS,
    PAIR_BYTES,
    TRIES,
    DynamoDBDecisions,
)
from email_opens.adapters.local.decisions import SqliteDecisions
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import ActivityFailed
from email_opens.packed import BUCKET_RECORDS
from email_opens.ports import Decisions
from tests.conftest import Aws
from tests.contract.replies import Answers, Parameters, error
from tests.fakes import FakeClock, MemoryDecisions
from tests.hostile.operations import calls

PARTITION = "first-opens#5b1e0a52-0000-4000-8000-0000000000aa"
OTHER = "first-opens#5b1e0a52-0000-4000-8000-0000000000cc"
KEPT = timedelta(days=400)


def mark(number: int) -> bytes:
    return number.to_bytes(8)


@pytest.fixture
def dynamodb_decisions(aws: Aws, clock: FakeClock) -> DynamoDBDecisions:
    return dynamodb(aws, clock)


def dynamodb(aws: Aws, clock: FakeClock, most_in_memory: int = 1000) -> DynamoDBDecisions:
    """Return decisions with a memory of their own, as another process has."""
    return DynamoDBDecisions(
        aws.dynamodb, aws.ledger_table, KEPT, clock, most_in_memory=most_in_memory
    )


@pytest.fixture
def sqlite_decisions(tmp_path: Path) -> Iterator[SqliteDecisions]:
    with StateFile(tmp_path / "state.sqlite") as state:
        yield SqliteDecisions(state)


@pytest.fixture(params=["memory", "dynamodb", "sqlite"])
def decisions(request: pytest.FixtureRequest) -> Decisions:
    if request.param == "memory":
        return MemoryDecisions()
    adapter: Decisions = request.getfixturevalue(f"{request.param}_decisions")
    return adapter


class TestAllDecisions:
    def test_nothing_is_decided_at_first(self, decisions: Decisions) -> None:
        assert decisions.decided(PARTITION, [mark(1)]) == {}

    def test_the_first_value_of_a_key_is_wanted_and_returned(self, decisions: Decisions) -> None:
        wanted = {mark(1): mark(11), mark(2): mark(12)}
        assert decisions.decide(PARTITION, wanted) == wanted

    def test_a_later_value_changes_nothing(self, decisions: Decisions) -> None:
        decisions.decide(PARTITION, {mark(1): mark(11)})
        again = decisions.decide(PARTITION, {mark(1): mark(12), mark(2): mark(13)})
        assert again == {mark(1): mark(11), mark(2): mark(13)}
        assert decisions.decided(PARTITION, [mark(1), mark(2), mark(3)]) == again

    def test_partitions_are_decided_separately(self, decisions: Decisions) -> None:
        decisions.decide(PARTITION, {mark(1): mark(11)})
        assert decisions.decided(OTHER, [mark(1)]) == {}
        assert decisions.decide(OTHER, {mark(1): mark(12)}) == {mark(1): mark(12)}

    def test_nothing_wanted_is_nothing_decided(self, decisions: Decisions) -> None:
        assert decisions.decide(PARTITION, {}) == {}

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        calls=st.lists(
            st.dictionaries(
                # Keys and values that look like each other when they are packed side by side.
                st.binary(min_size=8, max_size=8) | st.sampled_from([bytes(8), b"\1" * 8]),
                st.binary(min_size=8, max_size=8) | st.sampled_from([bytes(8), b"\1" * 8]),
                max_size=4,
            ),
            max_size=6,
        )
    )
    def test_every_key_keeps_its_first_value(
        self, decisions: Decisions, calls: list[dict[bytes, bytes]]
    ) -> None:
        partition = f"{PARTITION}{hash(str(calls))}"
        first: dict[bytes, bytes] = {}
        for wanted in calls:
            first = wanted | first
            assert decisions.decide(partition, wanted) == {key: first[key] for key in wanted}


@pytest.fixture
def atomic(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make calls of threads atomic, as in DynamoDB: moto checks a condition and then writes."""
    call: Any = aws.dynamodb._make_api_call  # type: ignore[attr-defined]
    lock = Lock()

    def locked(*parameters: Any) -> Any:
        with lock:
            return call(*parameters)

    monkeypatch.setattr(aws.dynamodb, "_make_api_call", locked)


class TestDynamoDBDecisions:
    def test_another_process_reads_what_was_decided(self, aws: Aws, clock: FakeClock) -> None:
        dynamodb(aws, clock).decide(PARTITION, {mark(1): mark(11)})
        other = dynamodb(aws, clock)
        assert other.decide(PARTITION, {mark(1): mark(12)}) == {mark(1): mark(11)}

    def test_a_process_with_an_old_memory_does_not_decide_again(
        self, aws: Aws, clock: FakeClock
    ) -> None:
        early, late = dynamodb(aws, clock), dynamodb(aws, clock)
        early.decide(PARTITION, {mark(1): mark(11)})
        late.decide(PARTITION, {mark(2): mark(12)})
        # This process has not read the entry about the key 2.
        assert early.decide(PARTITION, {mark(2): mark(13), mark(3): mark(14)}) == {
            mark(2): mark(12),
            mark(3): mark(14),
        }

    @pytest.mark.usefixtures("atomic")
    def test_processes_at_the_same_time_agree(self, aws: Aws, clock: FakeClock) -> None:
        wanted = [{mark(key): mark(100 * process + key) for key in range(20)} for process in (1, 2)]
        found: list[dict[bytes, bytes]] = [{}, {}]

        def work(process: int) -> None:
            decisions = dynamodb(aws, clock)
            for key, value in wanted[process].items():
                found[process] |= decisions.decide(PARTITION, {key: value})

        threads = [Thread(target=work, args=(process,)) for process in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found[0] == found[1]
        assert len(found[0]) == 20

    def test_a_call_costs_one_write_and_no_read_once_the_log_is_in_memory(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)})
        calls: list[str] = []
        aws.dynamodb.meta.events.register(
            "before-call.dynamodb", lambda model, **_: calls.append(model.name)
        )
        dynamodb_decisions.decide(PARTITION, {mark(2): mark(12), mark(3): mark(13)})
        dynamodb_decisions.decide(PARTITION, {mark(2): mark(14)})
        assert calls == ["PutItem"]

    def test_a_lost_reply_decides_nothing_twice(
        self, aws: Aws, clock: FakeClock, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        dynamodb_decisions.decided(PARTITION, [])
        # The entry was written, but this process has not learned so: its retry is refused.
        same = dynamodb(aws, clock)
        same.decide(PARTITION, {mark(1): mark(11)})
        assert dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)}) == {mark(1): mark(11)}
        assert dynamodb(aws, clock).decided(PARTITION, [mark(1)]) == {mark(1): mark(11)}

    def test_memory_is_bounded_and_what_left_it_is_read_again(
        self, aws: Aws, clock: FakeClock
    ) -> None:
        decisions = dynamodb(aws, clock, most_in_memory=3)
        decisions.decide(PARTITION, {mark(number): mark(11) for number in range(3)})
        decisions.decide(OTHER, {mark(1): mark(12)})
        assert decisions.decide(PARTITION, {mark(1): mark(13)}) == {mark(1): mark(11)}

    def test_memory_is_bounded_however_few_decisions_each_e_mail_has(
        self, aws: Aws, clock: FakeClock
    ) -> None:
        decisions = dynamodb(aws, clock, most_in_memory=100)
        decisions.decide(PARTITION, {mark(1): mark(11)})
        for number in range(30):
            decisions.decided(f"{OTHER}{number}", [])
        queries = Answers(aws.dynamodb, "Query")
        decisions.decide(PARTITION, {mark(1): mark(12)})
        assert len(queries.calls) == 1

    def test_a_log_that_could_be_read_in_part_only_is_read_on_from_there(
        self, aws: Aws, clock: FakeClock, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        for number in range(2):
            dynamodb_decisions.decide(PARTITION, {mark(number): mark(11)})
        key = {"campaign_activity_id": {"S": PARTITION}, "entry": {"S": "00000000"}}
        first = key | {"decisions": {"B": mark(0) + mark(11)}}
        page = {"Items": [first], "Count": 1, "LastEvaluatedKey": key}
        queries = Answers(aws.dynamodb, "Query", lambda _: page, error("AccessDeniedException"))
        other = dynamodb(aws, clock)
        with pytest.raises(ClientError):
            other.decide(PARTITION, {mark(1): mark(12)})
        assert other.decide(PARTITION, {mark(1): mark(12)}) == {mark(1): mark(11)}
        assert queries.calls[-1]["ExpressionAttributeValues"][":next"] == {"S": "00000001"}

    def test_more_than_an_entry_holds_is_several_entries(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions, clock: FakeClock
    ) -> None:
        wanted = {mark(number): mark(number + 1) for number in range(ENTRY_DECISIONS + 1)}
        assert dynamodb_decisions.decide(PARTITION, wanted) == wanted
        assert dynamodb(aws, clock).decided(PARTITION, wanted) == wanted

    def test_a_key_is_sought_among_few_decisions_however_many_there_are(
        self, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        wanted = {mark(number): mark(number) for number in range(6 * ENTRY_DECISIONS)}
        dynamodb_decisions.decide(PARTITION, wanted)
        made = calls(lambda: dynamodb_decisions.decide(PARTITION, {mark(1): mark(2)}))
        searched = [
            len(bucket)
            for function, bucket in made
            if getattr(function, "__name__", "") == "find" and isinstance(bucket, bytes | bytearray)
        ]
        assert 0 < sum(searched) < 5 * BUCKET_RECORDS * PAIR_BYTES

    def test_decisions_expire(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions, clock: FakeClock
    ) -> None:
        dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)})
        (item,) = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        assert item["expires_at"] == {"N": str(int((clock.now() + KEPT).timestamp()))}

    def test_a_malformed_entry_is_named_with_its_remedy(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        aws.dynamodb.put_item(
            TableName=aws.ledger_table,
            Item={
                "campaign_activity_id": {"S": PARTITION},
                "entry": {"S": "00000000"},
                "decisions": {"B": b"short"},
            },
        )
        with pytest.raises(ActivityFailed, match=r"entry 00000000 .* cannot be read. Delete it"):
            dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)})

    def test_throttled_writes_are_retried(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        Answers(aws.dynamodb, "PutItem", error("ThrottlingException"))
        assert dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)}) == {mark(1): mark(11)}

    def test_fails_the_activity_when_every_retry_is_throttled(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        answers = Answers(aws.dynamodb, "PutItem", *[error("ThrottlingException")] * TRIES)
        with pytest.raises(ActivityFailed, match=r": DynamoDB has no capacity\.$"):
            dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)})
        assert len(answers.calls) == TRIES

    def test_does_not_retry_denied_access(
        self, aws: Aws, dynamodb_decisions: DynamoDBDecisions
    ) -> None:
        answers = Answers(aws.dynamodb, "PutItem", error("AccessDeniedException"))
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb_decisions.decide(PARTITION, {mark(1): mark(11)})
        assert len(answers.calls) == 1

    def test_fails_the_activity_when_others_are_always_first(
        self, aws: Aws, clock: FakeClock
    ) -> None:
        late, others = dynamodb(aws, clock), dynamodb(aws, clock)
        late.decided(PARTITION, [])
        numbers = count(1)

        def somebody_is_faster(_: Parameters) -> None:
            number = next(numbers)
            if number % 2:  # Each write of the others comes through here too.
                others.decide(PARTITION, {mark(100 + number): mark(1)})

        Answers(aws.dynamodb, "PutItem", then=somebody_is_faster)
        with pytest.raises(ActivityFailed, match="at the same time"):
            late.decide(PARTITION, {mark(1): mark(11)})
