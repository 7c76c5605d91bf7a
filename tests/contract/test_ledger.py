"""The Ledger port over the fake, DynamoDB and SQLite."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_opens.adapters.aws.ledger import BATCH_ITEMS, ENTRY_FINGERPRINTS, TRIES, DynamoDBLedger
from email_opens.adapters.local.ledger import SqliteLedger
from email_opens.adapters.local.state_file import StateFile
from email_opens.errors import ActivityFailed
from email_opens.ports import Ledger
from tests.conftest import Aws
from tests.contract.replies import Answers, Parameters, error, nothing_more
from tests.contract.samples import ACTIVITY_ID
from tests.fakes import FakeClock, MemoryLedger

OTHER_ID = "5b1e0a52-0000-4000-8000-0000000000cc"
KEPT = timedelta(days=400)


def mark(number: int) -> bytes:
    return number.to_bytes(8)


def hour(number: int) -> str:
    return f"2026-03-02T{number:02}"


@pytest.fixture
def dynamodb_ledger(aws: Aws, clock: FakeClock) -> DynamoDBLedger:
    return DynamoDBLedger(aws.dynamodb, aws.ledger_table, KEPT, clock)


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with StateFile(tmp_path / "state.sqlite") as state:
        yield SqliteLedger(state)


@pytest.fixture(params=["memory", "dynamodb", "sqlite"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    adapter: Ledger = request.getfixturevalue(f"{request.param}_ledger")
    return adapter


class TestEveryLedger:
    def test_is_empty_at_first(self, ledger: Ledger) -> None:
        assert ledger.fingerprints(ACTIVITY_ID, hour(0), hour(23)) == {}

    def test_returns_appended_fingerprints_by_bucket(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): {mark(1), mark(2)}, hour(10): [mark(3)]})
        assert ledger.fingerprints(ACTIVITY_ID, hour(9), hour(10)) == {
            hour(9): {mark(1), mark(2)},
            hour(10): {mark(3)},
        }

    def test_adds_to_an_existing_bucket(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        ledger.append(ACTIVITY_ID, {hour(9): {mark(2)}})
        assert ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): {mark(1), mark(2)}}

    def test_is_unchanged_when_the_same_is_appended_again(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): {mark(1), mark(2)}})
        ledger.append(ACTIVITY_ID, {hour(9): {mark(2), mark(1)}})
        assert ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): {mark(1), mark(2)}}

    def test_includes_both_ends_of_a_range_and_nothing_beyond(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(number): {mark(number)} for number in range(8, 13)})
        assert list(ledger.fingerprints(ACTIVITY_ID, hour(9), hour(11))) == [
            hour(9),
            hour(10),
            hour(11),
        ]

    def test_keeps_activities_apart(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        assert ledger.fingerprints(OTHER_ID, hour(0), hour(23)) == {}

    def test_keeps_rejected_rows_in_a_bucket_of_their_own(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}, "rejected": {mark(2)}})
        assert ledger.fingerprints(ACTIVITY_ID, "rejected", "rejected") == {"rejected": {mark(2)}}

    def test_accepts_an_empty_bucket(self, ledger: Ledger) -> None:
        ledger.append(ACTIVITY_ID, {hour(9): set()})
        assert not ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)).get(hour(9))

    @settings(
        max_examples=20,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        appended=st.lists(
            st.dictionaries(
                st.integers(0, 23).map(hour),
                st.sets(st.integers(0, 2**64 - 1).map(mark), min_size=1, max_size=5),
                max_size=30,
            ),
            max_size=4,
        )
    )
    def test_holds_the_union_of_all_appended_fingerprints(
        self, ledger: Ledger, appended: list[dict[str, set[bytes]]]
    ) -> None:
        union = dict(ledger.fingerprints(ACTIVITY_ID, hour(0), hour(23)))
        for entries in appended:
            ledger.append(ACTIVITY_ID, {**entries})
            for name, marks in entries.items():
                union[name] = union.get(name, set()) | marks
        assert ledger.fingerprints(ACTIVITY_ID, hour(0), hour(23)) == union


def writes(request: Parameters, table: str) -> list[Any]:
    return list(request["RequestItems"][table])


class TestDynamoDBLedger:
    def test_names_an_entry_as_in_every_release(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        """Otherwise a retry by another version would add the same fingerprints once more."""
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1), mark(2)}})
        [item] = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        assert item["entry"] == {"S": "2026-03-02T09#b27e6ef25794a30343437d266375bc4d"}

    def test_writes_one_item_when_the_same_is_written_twice(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1), mark(2)}})
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): [mark(2), mark(1), mark(2)]})
        assert aws.dynamodb.scan(TableName=aws.ledger_table)["Count"] == 1

    def test_packs_a_fingerprint_into_eight_bytes(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(2), mark(1)}})
        [item] = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        assert item["fingerprints"]["B"] == mark(1) + mark(2)

    def test_entries_expire_after_the_retention_period(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger, clock: FakeClock
    ) -> None:
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        [item] = aws.dynamodb.scan(TableName=aws.ledger_table)["Items"]
        assert int(item["expires_at"]["N"]) == int((clock.now() + KEPT).timestamp())

    def test_ignores_expired_entries_that_are_not_deleted_yet(
        self, dynamodb_ledger: DynamoDBLedger, clock: FakeClock
    ) -> None:
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        clock.instant += KEPT
        assert dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {}

    def test_reads_the_entries_after_one_that_has_expired(
        self, dynamodb_ledger: DynamoDBLedger, clock: FakeClock
    ) -> None:
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        clock.instant += KEPT
        dynamodb_ledger.append(ACTIVITY_ID, {hour(10): {mark(2)}})
        found = dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(9), hour(10))
        assert found == {hour(10): {mark(2)}}

    def test_splits_a_bucket_that_is_too_large_for_an_item(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        many = {mark(number) for number in range(ENTRY_FINGERPRINTS + 1)}
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): many})
        assert aws.dynamodb.scan(TableName=aws.ledger_table)["Count"] == 2
        assert dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): many}

    def test_reads_more_than_a_query_returns_at_once(self, dynamodb_ledger: DynamoDBLedger) -> None:
        many = {
            hour(name): {mark(name * ENTRY_FINGERPRINTS + n) for n in range(ENTRY_FINGERPRINTS)}
            for name in range(14)
        }
        dynamodb_ledger.append(ACTIVITY_ID, {**many})
        assert dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(0), hour(23)) == many

    def test_reads_consistently(self, aws: Aws, dynamodb_ledger: DynamoDBLedger) -> None:
        answers = Answers(aws.dynamodb, "Query")
        dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9))
        assert answers.calls[0]["ConsistentRead"] is True

    def test_splits_writes_into_batches_that_dynamodb_accepts(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        answers = Answers(aws.dynamodb, "BatchWriteItem")
        dynamodb_ledger.append(
            ACTIVITY_ID, {f"2026-03-{day:02}T09": {mark(day)} for day in range(1, 32)}
        )
        sizes = [len(writes(call, aws.ledger_table)) for call in answers.calls]
        assert sizes == [BATCH_ITEMS, 31 - BATCH_ITEMS]

    def test_retries_only_unprocessed_writes(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger, clock: FakeClock
    ) -> None:
        started_at = clock.now()
        last: list[Any] = []

        def all_but_the_last(params: Parameters) -> Mapping[str, Any]:
            last.extend(writes(params, aws.ledger_table)[-1:])
            return {"UnprocessedItems": {aws.ledger_table: last}}

        answers = Answers(aws.dynamodb, "BatchWriteItem", all_but_the_last)
        dynamodb_ledger.append(ACTIVITY_ID, {hour(n): {mark(n)} for n in range(3)})
        assert writes(answers.calls[1], aws.ledger_table) == last
        assert clock.now() > started_at

    def test_retries_a_throttled_batch(self, aws: Aws, dynamodb_ledger: DynamoDBLedger) -> None:
        Answers(aws.dynamodb, "BatchWriteItem", error("ProvisionedThroughputExceededException"))
        dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        assert dynamodb_ledger.fingerprints(ACTIVITY_ID, hour(9), hour(9)) == {hour(9): {mark(1)}}

    def test_fails_the_activity_when_every_retry_is_throttled(
        self, aws: Aws, dynamodb_ledger: DynamoDBLedger
    ) -> None:
        throttled = [error("ThrottlingException")] * TRIES
        answers = Answers(aws.dynamodb, "BatchWriteItem", *throttled)
        with pytest.raises(ActivityFailed, match=r": DynamoDB has no capacity\.$"):
            dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        assert len(answers.calls) == TRIES

    def test_does_not_retry_denied_access(self, aws: Aws, dynamodb_ledger: DynamoDBLedger) -> None:
        answers = Answers(
            aws.dynamodb, "BatchWriteItem", error("AccessDeniedException"), nothing_more
        )
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb_ledger.append(ACTIVITY_ID, {hour(9): {mark(1)}})
        assert len(answers.calls) == 1
