"""DynamoDB's limits: a megabyte a page, 25 items a batch, and reads that may be stale."""

from collections.abc import Callable
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from tests.conftest import Aws
from tests.contract.replies import Answers, Parameters
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON
from tests.fakes import FakeClock

PAGE_BYTES = 1024 * 1024
"""The most that a query reads before it returns a page."""
BATCH_ITEMS = 25
"""The most that DynamoDB accepts in one BatchWriteItem."""
HOUR = "2026-03-02T09"
DAY = NOON.date().isoformat()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def tracking(aws: Aws) -> DynamoDBTracking:
    return DynamoDBTracking(aws.dynamodb, aws.tracking_table)


@pytest.fixture
def ledger(aws: Aws, clock: FakeClock) -> DynamoDBLedger:
    return DynamoDBLedger(aws.dynamodb, aws.ledger_table, timedelta(days=400), clock)


def lease(
    tracking: DynamoDBTracking, holder: str, *, now: datetime = NOON, reserve: int = 1
) -> bool:
    leased = tracking.lease(
        "default", holder=holder, now=now, until=now + MINUTE, reserve=reserve, budget=80
    )
    return leased is not None


def release(tracking: DynamoDBTracking, holder: str, *, unused: int = 0) -> None:
    tracking.release(
        "default", holder=holder, day=DAY, unused=unused, closed_until=None, last_error=None
    )


def test_all_activities_are_read_if_they_fill_more_than_a_page(
    aws: Aws, tracking: DynamoDBTracking
) -> None:
    name = "n" * 100_000
    added: set[str] = set()
    while len(added) * len(name) <= 2 * PAGE_BYTES:
        activity_id = f"5b1e0a52-0000-4000-8000-{len(added):012}"
        added.add(activity_id)
        tracking.add(replace(ACTIVITY, campaign_activity_id=activity_id, campaign_name=name))
    queries = Answers(aws.dynamodb, "Query")
    found = [activity.campaign_activity_id for activity in tracking.activities("default")]
    assert (set(found), len(found)) == (added, len(added))
    assert len(queries.calls) > 2  # Otherwise they did fit into fewer pages.


def test_no_batch_of_the_ledger_has_more_items_than_dynamodb_accepts(
    aws: Aws, ledger: DynamoDBLedger
) -> None:
    writes = Answers(aws.dynamodb, "BatchWriteItem")
    hours = [f"2026-03-{day:02}T09" for day in range(1, BATCH_ITEMS + 2)]
    ledger.append(ACTIVITY_ID, {hour: {number.to_bytes(8)} for number, hour in enumerate(hours)})
    sizes = [len(call["RequestItems"][aws.ledger_table]) for call in writes.calls]
    assert (max(sizes), sum(sizes)) == (BATCH_ITEMS, BATCH_ITEMS + 1)
    assert list(ledger.fingerprints(ACTIVITY_ID, hours[0], hours[-1])) == hours


class TestAReadOfWhatWasJustWritten:
    """A read that does not ask for consistency may return what was stored before the last write."""

    @pytest.fixture(autouse=True)
    def _stale_unless_consistent(
        self, aws: Aws, tracking: DynamoDBTracking, ledger: DynamoDBLedger
    ) -> None:
        lease(tracking, "the first")
        tracking.add(ACTIVITY)
        ledger.append(ACTIVITY_ID, {HOUR: {bytes(8)}})
        for operation, stale in (("GetItem", {}), ("Query", {"Items": [], "Count": 0})):

            def answer(call: Parameters, stale: dict[str, Any] = stale) -> dict[str, Any] | None:
                return None if call.get("ConsistentRead") else stale

            Answers(aws.dynamodb, operation, then=answer)

    @pytest.mark.parametrize(
        "read",
        [
            lambda tracking, _: tracking.account("default"),
            lambda tracking, _: tracking.activities("default"),
            lambda _, ledger: ledger.fingerprints(ACTIVITY_ID, HOUR, HOUR),
        ],
        ids=["the account", "the activities", "the ledger"],
    )
    def test_finds_it(
        self,
        tracking: DynamoDBTracking,
        ledger: DynamoDBLedger,
        read: Callable[[DynamoDBTracking, DynamoDBLedger], object],
    ) -> None:
        assert read(tracking, ledger)

    def test_finds_what_the_last_search_has_seen(self, aws: Aws) -> None:
        seen = DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)
        memory = SearchMemory({"a": SeenCampaign(NOON)})
        seen.store("default", memory)
        assert seen.load("default") == memory

    def test_shows_a_lease_before_another_one_is_attempted(
        self, aws: Aws, tracking: DynamoDBTracking
    ) -> None:
        attempts = Answers(aws.dynamodb, "UpdateItem")
        assert not lease(tracking, "the second")
        assert attempts.calls == []


class TestALeaseThatIsTakenWhileTheBudgetChanges:
    """The condition of a lease includes the budget: the lease alone may be as it was read."""

    @pytest.fixture
    def other(self, aws: Aws) -> DynamoDBTracking:
        return DynamoDBTracking(boto3.client("dynamodb"), aws.tracking_table)

    def spent(self, tracking: DynamoDBTracking) -> int:
        account = tracking.account("default")
        assert account is not None
        return account.requests_spent

    def test_counts_what_was_spent_under_a_lease_that_has_come_and_gone(
        self, aws: Aws, tracking: DynamoDBTracking, other: DynamoDBTracking
    ) -> None:
        def come_and_go(_: Parameters) -> None:
            lease(other, "another", reserve=30)
            release(other, "another", unused=10)

        lease(tracking, "the first")
        release(tracking, "the first")
        Answers(aws.dynamodb, "UpdateItem", come_and_go)
        assert lease(tracking, "me", reserve=1)
        assert self.spent(tracking) == 1 + 20 + 1

    def test_counts_what_the_holder_of_an_expired_lease_still_reserves(
        self, aws: Aws, tracking: DynamoDBTracking, other: DynamoDBTracking
    ) -> None:
        def reserve(_: Parameters) -> None:
            assert other.reserve("default", holder="the first", day=DAY, counted=1, requests=5)

        lease(tracking, "the first")
        Answers(aws.dynamodb, "UpdateItem", reserve)
        assert lease(tracking, "me", now=NOON + 2 * MINUTE)
        assert self.spent(tracking) == 1 + 5 + 1
