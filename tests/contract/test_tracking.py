"""The Tracking port over the fake, DynamoDB and SQLite."""

import re
from collections.abc import Iterator
from copy import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from email_opens.account import (
    Account,
    Chain,
    CounterTrust,
    ExpectedSend,
    Hours,
    KeyShare,
    Searches,
    WakeUp,
)
from email_opens.adapters.aws.accounts import LEASE_TRIES
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.errors import LostRace, StaleWakeUp
from email_opens.model import Estimate, Gap, State
from email_opens.ports import Tracking
from tests.conftest import Aws
from tests.contract.replies import Answers, error
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import FakeClock, MemoryTracking

MINUTE = timedelta(minutes=1)
TODAY = NOON.date().isoformat()
TOMORROW = NOON + timedelta(days=1)
SEARCHES = Searches(
    completed_at=NOON - MINUTE,
    tried_at=NOON,
    failures=2,
    expected=(ExpectedSend("news", NOON + MINUTE), ExpectedSend("sale", TOMORROW, "an id")),
    schedules_due_at=TOMORROW,
)

EVERYTHING = varied(
    ACTIVITY,
    state=State.PAUSED,
    sent_at=NOON - timedelta(days=2),
    tracked_from=NOON - timedelta(hours=3),
    watermark=NOON - timedelta(microseconds=1),
    gaps=(
        Gap(floor=None, ceiling=None, link=None),
        Gap(NOON - timedelta(hours=2), NOON - timedelta(hours=1), "/v3/x?next=y", rows_above=500),
    ),
    polled_at=NOON,
    head_at=NOON,
    continued_at=NOON + MINUTE,
    swept_at=NOON - MINUTE,
    audited_at=NOON - timedelta(hours=5),
    published=3,
    reported=0,
    rejected=1,
    last_error="The vendor answered 503.",
    weight=2.5,
    estimate=Estimate(opens=12.5, exposure_seconds=98765.4),
    surged_at=NOON - MINUTE,
    pages=1.25,
    counter=0,
    uncounted=True,
)
COUNTER_TRUST = CounterTrust(
    read_at=NOON,
    current_until=NOON - timedelta(seconds=90),
    lag_seconds=61.5,
    missed=0.25,
    archived_at=NOON,
    archived_to=ACTIVITY_ID,
)

HOURS = Hours(tuple(float(hour + 1) for hour in range(24)), (12.5,) * 24)
KEY_SHARE = KeyShare(1900, date(2026, 3, 1))

WAKE_UP = WakeUp(
    token="8a6b", due_at=NOON + timedelta(seconds=5), chain=Chain(NOON - timedelta(seconds=20), 3)
)


@pytest.fixture
def dynamodb_tracking(aws: Aws) -> DynamoDBTracking:
    return DynamoDBTracking(aws.dynamodb, aws.tracking_table)


@pytest.fixture
def sqlite_tracking(tmp_path: Path) -> Iterator[SqliteTracking]:
    with StateFile(tmp_path / "state.sqlite") as state:
        yield SqliteTracking(state)


@pytest.fixture(params=["memory", "dynamodb", "sqlite"])
def tracking(request: pytest.FixtureRequest) -> Tracking:
    if request.param == "memory":
        return MemoryTracking()
    adapter: Tracking = request.getfixturevalue(f"{request.param}_tracking")
    return adapter


def lease(
    tracking: Tracking,
    holder: str = "a",
    *,
    now: datetime = NOON,
    reserve: int = 50,
    budget: int = 80,
    woken_by: str | None = None,
) -> Account | None:
    return tracking.lease(
        "default",
        holder=holder,
        now=now,
        until=now + MINUTE,
        reserve=reserve,
        budget=budget,
        woken_by=woken_by,
    )


def release(
    tracking: Tracking,
    holder: str = "a",
    *,
    day: str = TODAY,
    unused: int = 0,
    closed_until: datetime | None = None,
    last_error: str | None = None,
    counter_trust: CounterTrust | None = None,
    hours: Hours | None = None,
    rests_until: datetime | None = None,
    outages: int = 0,
    turn_completed_at: datetime | None = None,
    searches: Searches | None = None,
    key_share: KeyShare | None = None,
    wake_up: WakeUp | None = None,
) -> None:
    tracking.release(
        "default",
        holder=holder,
        day=day,
        unused=unused,
        closed_until=closed_until,
        last_error=last_error,
        counter_trust=counter_trust,
        hours=hours,
        rests_until=rests_until,
        outages=outages,
        turn_completed_at=turn_completed_at,
        searches=searches,
        key_share=key_share,
        wake_up=wake_up,
    )


def reserve(
    tracking: Tracking,
    holder: str = "a",
    *,
    day: str = TODAY,
    counted: int = 50,
    requests: int = 20,
) -> bool:
    return tracking.reserve("default", holder=holder, day=day, counted=counted, requests=requests)


def stored_account(tracking: Tracking) -> Account:
    account = tracking.account("default")
    assert account is not None
    return account


class TestEveryLease:
    def test_of_an_unknown_account_creates_it(self, tracking: Tracking) -> None:
        assert tracking.account("default") is None
        before = lease(tracking)
        assert before is not None
        assert (before.lease_holder, before.requests_spent) == (None, 0)
        assert stored_account(tracking).lease_holder == "a"
        assert stored_account(tracking).lease_until == NOON + MINUTE

    def test_counts_reserved_requests_as_spent(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        assert (stored_account(tracking).requests_day, stored_account(tracking).requests_spent) == (
            TODAY,
            50,
        )

    def test_reserves_at_most_the_rest_of_the_budget(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50, budget=30)
        assert stored_account(tracking).requests_spent == 30

    def test_reserves_nothing_when_the_budget_is_overspent(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50, budget=50)
        release(tracking)
        lease(tracking, reserve=50, budget=10)
        assert stored_account(tracking).requests_spent == 50

    def test_that_outlasts_any_invocation_is_ignored(self, tracking: Tracking) -> None:
        tracking.lease(
            "default", holder="a", now=NOON, until=NOON + 16 * MINUTE, reserve=0, budget=0
        )
        assert lease(tracking, "b") is not None

    def test_excludes_other_holders_until_it_expires(self, tracking: Tracking) -> None:
        lease(tracking, "a")
        assert lease(tracking, "b", now=NOON + MINUTE - timedelta(microseconds=1)) is None
        assert stored_account(tracking).lease_holder == "a"
        assert lease(tracking, "b", now=NOON + MINUTE) is not None
        assert stored_account(tracking).lease_holder == "b"

    def test_can_be_renewed_by_its_holder(self, tracking: Tracking) -> None:
        lease(tracking, "a", reserve=10)
        again = lease(tracking, "a", reserve=10)
        assert again is not None
        assert again.requests_spent == 10
        assert stored_account(tracking).requests_spent == 20

    def test_starts_a_new_day_with_nothing_spent(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        account = lease(tracking, now=TOMORROW, reserve=7)
        assert account is not None
        assert (account.requests_day, account.requests_spent) == (TOMORROW.date().isoformat(), 0)
        assert stored_account(tracking).requests_day == TOMORROW.date().isoformat()
        assert stored_account(tracking).requests_spent == 7

    def test_of_one_account_leaves_another_free(self, tracking: Tracking) -> None:
        lease(tracking)
        other = tracking.lease(
            "other", holder="b", now=NOON, until=NOON + MINUTE, reserve=1, budget=1
        )
        assert other is not None
        assert stored_account(tracking).lease_holder == "a"

    def test_returns_the_instant_at_which_the_quota_opens(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, closed_until=TOMORROW)
        account = lease(tracking)
        assert account is not None
        assert account.closed_until == TOMORROW


class TestEveryWakeUp:
    @pytest.fixture(autouse=True)
    def _asked(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, wake_up=WAKE_UP)

    def test_is_stored_with_the_release(self, tracking: Tracking) -> None:
        assert stored_account(tracking).wake_up == WAKE_UP

    def test_is_returned_with_the_lease_that_it_is_for(self, tracking: Tracking) -> None:
        account = lease(tracking, "b", woken_by=WAKE_UP.token)
        assert account is not None
        assert account.wake_up == WAKE_UP
        assert stored_account(tracking).lease_holder == "b"

    def test_starts_one_turn_and_no_second_one(self, tracking: Tracking) -> None:
        lease(tracking, "b", woken_by=WAKE_UP.token)
        release(tracking, "b")
        after = stored_account(tracking)
        assert after.wake_up is None
        with pytest.raises(StaleWakeUp, match="it came twice or late"):
            lease(tracking, "c", woken_by=WAKE_UP.token)
        assert stored_account(tracking) == after

    def test_is_replaced_by_a_later_one(self, tracking: Tracking) -> None:
        lease(tracking, "b", woken_by=WAKE_UP.token)
        release(tracking, "b", wake_up=replace(WAKE_UP, token="9b7c"))
        with pytest.raises(StaleWakeUp):
            lease(tracking, "c", woken_by=WAKE_UP.token)
        assert lease(tracking, "c", woken_by="9b7c") is not None

    def test_is_removed_by_any_other_lease(self, tracking: Tracking) -> None:
        assert lease(tracking, "b") is not None
        assert stored_account(tracking).wake_up is None
        with pytest.raises(StaleWakeUp):
            lease(tracking, "c", woken_by=WAKE_UP.token)
        assert stored_account(tracking).lease_holder == "b"

    def test_is_not_stored_by_a_holder_that_has_lost_the_lease(self, tracking: Tracking) -> None:
        lease(tracking, "b")
        release(tracking, "a", wake_up=WAKE_UP)
        assert stored_account(tracking).wake_up is None

    def test_is_stored_at_a_release_on_another_day(self, tracking: Tracking) -> None:
        lease(tracking)
        lease(tracking, now=TOMORROW)
        release(tracking, day=TODAY, wake_up=WAKE_UP)
        assert stored_account(tracking).wake_up == WAKE_UP

    def test_of_an_unknown_account_creates_none(self, tracking: Tracking) -> None:
        with pytest.raises(StaleWakeUp):
            tracking.lease(
                "gone",
                holder="b",
                now=NOON,
                until=NOON + MINUTE,
                reserve=1,
                budget=1,
                woken_by=WAKE_UP.token,
            )
        assert tracking.account("gone") is None


class TestEveryNameOfTheVendorsAccount:
    def name(self, tracking: Tracking, holder: str = "a", name: str = "a07e") -> bool:
        return tracking.name_vendor_account("default", holder=holder, vendor_account_id=name)

    def test_is_stored_under_the_lease(self, tracking: Tracking) -> None:
        lease(tracking)
        assert self.name(tracking)
        assert stored_account(tracking).vendor_account_id == "a07e"

    def test_can_be_replaced(self, tracking: Tracking) -> None:
        lease(tracking)
        self.name(tracking)
        assert self.name(tracking, name="b07e")
        assert stored_account(tracking).vendor_account_id == "b07e"

    def test_changes_nothing_else_of_the_account(self, tracking: Tracking) -> None:
        lease(tracking)
        before = stored_account(tracking)
        self.name(tracking)
        assert stored_account(tracking) == replace(before, vendor_account_id="a07e")

    def test_is_kept_when_the_lease_is_taken_and_given_back(self, tracking: Tracking) -> None:
        lease(tracking)
        self.name(tracking)
        release(tracking)
        account = lease(tracking, "b")
        assert account is not None
        assert account.vendor_account_id == "a07e"
        release(tracking, "b")
        assert stored_account(tracking).vendor_account_id == "a07e"

    def test_is_not_stored_without_the_lease(self, tracking: Tracking) -> None:
        assert not self.name(tracking)
        lease(tracking, "b")
        assert not self.name(tracking, "a")
        release(tracking, "b")
        assert not self.name(tracking, "b")
        assert stored_account(tracking).vendor_account_id is None


class TestEveryRelease:
    def test_returns_unused_requests(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        release(tracking, unused=48)
        assert stored_account(tracking).requests_spent == 2

    def test_ends_the_lease(self, tracking: Tracking) -> None:
        lease(tracking, "a")
        release(tracking, "a")
        assert lease(tracking, "b") is not None

    def test_by_another_holder_does_nothing(self, tracking: Tracking) -> None:
        lease(tracking, "a", reserve=50)
        release(tracking, "b", unused=50, last_error="The quota is spent.")
        assert stored_account(tracking).requests_spent == 50
        assert stored_account(tracking).lease_holder == "a"
        assert stored_account(tracking).last_error is None

    def test_twice_returns_unused_requests_once(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        release(tracking, unused=20)
        release(tracking, unused=20)
        assert stored_account(tracking).requests_spent == 30

    def test_for_yesterday_leaves_the_count_of_today(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        lease(tracking, now=TOMORROW, reserve=7)
        release(tracking, day=TODAY, unused=50)
        assert stored_account(tracking).requests_spent == 7
        assert stored_account(tracking).lease_holder is None

    def test_replaces_the_closure_and_the_error_of_the_previous_release(
        self, tracking: Tracking
    ) -> None:
        lease(tracking)
        release(tracking, closed_until=TOMORROW, last_error="The day's quota is spent.")
        assert stored_account(tracking).closed_until == TOMORROW
        assert stored_account(tracking).last_error == "The day's quota is spent."
        lease(tracking)
        release(tracking)
        assert (stored_account(tracking).closed_until, stored_account(tracking).last_error) == (
            None,
            None,
        )

    def test_stores_how_long_the_account_rests_and_after_how_many_outages(
        self, tracking: Tracking
    ) -> None:
        lease(tracking)
        release(tracking, rests_until=NOON + 10 * MINUTE, outages=3)
        account = lease(tracking)
        assert account is not None
        assert (account.rests_until, account.outages) == (NOON + 10 * MINUTE, 3)

    def test_replaces_the_rest_of_the_previous_release(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, rests_until=TOMORROW, outages=3)
        lease(tracking)
        tracking.release(
            "default", holder="a", day=TODAY, unused=0, closed_until=None, last_error=None
        )
        assert (stored_account(tracking).rests_until, stored_account(tracking).outages) == (None, 0)

    def test_for_yesterday_stores_the_rest_too(self, tracking: Tracking) -> None:
        lease(tracking)
        lease(tracking, now=TOMORROW)
        release(tracking, day=TODAY, rests_until=TOMORROW + MINUTE, outages=1)
        assert (stored_account(tracking).rests_until, stored_account(tracking).outages) == (
            TOMORROW + MINUTE,
            1,
        )

    def test_stores_when_a_turn_and_a_search_were_completed(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, turn_completed_at=NOON, searches=SEARCHES)
        account = stored_account(tracking)
        assert (account.turn_completed_at, account.searches) == (NOON, SEARCHES)

    def test_keeps_when_a_turn_and_a_search_were_completed_unless_it_says_so(
        self, tracking: Tracking
    ) -> None:
        lease(tracking)
        release(tracking, turn_completed_at=NOON, searches=SEARCHES)
        lease(tracking)
        release(tracking, turn_completed_at=NOON + MINUTE, last_error="It was stopped.")
        lease(tracking)
        release(tracking)
        account = stored_account(tracking)
        assert (account.turn_completed_at, account.searches) == (NOON + MINUTE, SEARCHES)

    def test_replaces_the_failures_and_the_scheduled_sends_of_searches(
        self, tracking: Tracking
    ) -> None:
        lease(tracking)
        release(tracking, searches=SEARCHES)
        lease(tracking)
        after = replace(SEARCHES, tried_at=SEARCHES.completed_at, failures=0, expected=())
        release(tracking, searches=after)
        assert stored_account(tracking).searches == after

    @pytest.mark.parametrize(
        "after", [Searches(), Searches(completed_at=NOON, tried_at=NOON)], ids=["none", "completed"]
    )
    def test_lets_the_schedules_be_read_again_at_once(
        self, tracking: Tracking, after: Searches
    ) -> None:
        lease(tracking)
        release(tracking, searches=SEARCHES)
        lease(tracking)
        release(tracking, searches=after)
        assert stored_account(tracking).searches == after

    def test_of_an_unknown_account_does_nothing(self, tracking: Tracking) -> None:
        release(tracking)
        assert tracking.account("default") is None

    def test_stores_the_counter_trust(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, counter_trust=COUNTER_TRUST)
        account = lease(tracking)
        assert account is not None
        assert account.counter_trust == COUNTER_TRUST

    def test_without_counter_trust_keeps_the_stored_one(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, counter_trust=COUNTER_TRUST)
        lease(tracking)
        release(tracking)
        assert stored_account(tracking).counter_trust == COUNTER_TRUST

    def test_removes_counter_trust_that_no_longer_applies(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, counter_trust=COUNTER_TRUST)
        lease(tracking)
        release(tracking, counter_trust=CounterTrust(missed=0.5))
        assert stored_account(tracking).counter_trust == CounterTrust(missed=0.5)

    def test_stores_what_is_known_of_the_hours_of_the_day(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, hours=HOURS)
        assert stored_account(tracking).hours == HOURS

    def test_without_hours_keeps_the_stored_ones(self, tracking: Tracking) -> None:
        lease(tracking)
        assert stored_account(tracking).hours == Hours()
        release(tracking, hours=HOURS)
        lease(tracking)
        release(tracking)
        assert stored_account(tracking).hours == HOURS

    def test_stores_the_share_of_the_key(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, key_share=KEY_SHARE)
        account = lease(tracking)
        assert account is not None
        assert account.key_share == KEY_SHARE

    def test_without_a_share_of_the_key_keeps_the_stored_one(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, key_share=KEY_SHARE)
        lease(tracking)
        release(tracking)
        assert stored_account(tracking).key_share == KEY_SHARE

    def test_replaces_the_share_of_the_key(self, tracking: Tracking) -> None:
        lease(tracking)
        release(tracking, key_share=KEY_SHARE)
        lease(tracking)
        release(tracking, key_share=KeyShare(1805, NOON.date()))
        assert stored_account(tracking).key_share == KeyShare(1805, NOON.date())

    def test_on_another_day_stores_the_share_of_the_key(self, tracking: Tracking) -> None:
        lease(tracking)
        lease(tracking, now=TOMORROW)
        release(tracking, day=TODAY, key_share=KEY_SHARE)
        assert stored_account(tracking).key_share == KEY_SHARE

    def test_by_another_holder_stores_no_share_of_the_key(self, tracking: Tracking) -> None:
        lease(tracking, "a")
        release(tracking, "b", key_share=KEY_SHARE)
        assert stored_account(tracking).key_share is None


class TestEveryReservation:
    def test_counts_more_as_spent(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        assert reserve(tracking, counted=50, requests=20)
        assert stored_account(tracking).requests_spent == 70

    def test_by_another_holder_counts_nothing(self, tracking: Tracking) -> None:
        lease(tracking, "a", reserve=50)
        assert not reserve(tracking, "b")
        assert stored_account(tracking).requests_spent == 50

    def test_after_a_release_counts_nothing(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        release(tracking)
        assert not reserve(tracking)

    def test_for_another_day_counts_nothing(self, tracking: Tracking) -> None:
        lease(tracking, now=TOMORROW, reserve=50)
        assert not reserve(tracking, day=TODAY)
        assert stored_account(tracking).requests_spent == 50

    def test_from_another_count_counts_nothing(self, tracking: Tracking) -> None:
        lease(tracking, reserve=50)
        assert not reserve(tracking, counted=49)
        assert stored_account(tracking).requests_spent == 50

    def test_of_an_unknown_account_counts_nothing(self, tracking: Tracking) -> None:
        assert not reserve(tracking)
        assert tracking.account("default") is None


class TestEveryActivity:
    @pytest.mark.parametrize("activity", [ACTIVITY, EVERYTHING], ids=["bare", "full"])
    def test_is_read_as_it_was_added(self, tracking: Tracking, activity: Any) -> None:
        assert tracking.add(activity)
        assert tracking.activities("default") == [activity]

    def test_is_read_as_it_was_saved(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        saved = tracking.save(EVERYTHING)
        assert saved == replace(EVERYTHING, version=1)
        assert tracking.activities("default") == [saved]

    def test_loses_the_values_that_a_save_omits(self, tracking: Tracking) -> None:
        tracking.add(EVERYTHING)
        tracking.save(ACTIVITY)
        assert tracking.activities("default") == [replace(ACTIVITY, version=1)]

    def test_is_not_added_twice(self, tracking: Tracking) -> None:
        tracking.add(EVERYTHING)
        assert not tracking.add(ACTIVITY)
        assert tracking.activities("default") == [EVERYTHING]

    def test_that_another_writer_has_saved_is_not_saved(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        winner = tracking.save(varied(ACTIVITY, published=1))
        reason = f"Activity {ACTIVITY_ID} was changed by another writer since it was read."
        with pytest.raises(LostRace, match=rf"^{re.escape(reason)}$"):
            tracking.save(varied(ACTIVITY, published=2))
        assert tracking.activities("default") == [winner]

    def test_that_is_not_tracked_is_not_saved(self, tracking: Tracking) -> None:
        with pytest.raises(LostRace):
            tracking.save(ACTIVITY)
        assert tracking.activities("default") == []

    def test_that_was_removed_and_added_again_is_not_saved(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        tracking.remove("default", ACTIVITY_ID)
        added_again = replace(ACTIVITY, tracked_at=NOON, tracked_from=NOON)
        tracking.add(added_again)
        with pytest.raises(LostRace):
            tracking.save(ACTIVITY)
        assert tracking.activities("default") == [added_again]

    def test_is_removed_once(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        assert tracking.remove("default", ACTIVITY_ID)
        assert not tracking.remove("default", ACTIVITY_ID)
        assert tracking.activities("default") == []

    def test_belongs_to_one_account(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        lease(tracking)
        assert tracking.activities("other") == []
        assert not tracking.remove("other", ACTIVITY_ID)

    def test_is_one_of_many(self, tracking: Tracking) -> None:
        many = {
            f"5b1e0a52-0000-4000-8000-{number:012}": replace(
                ACTIVITY, campaign_activity_id=f"5b1e0a52-0000-4000-8000-{number:012}"
            )
            for number in range(20)
        }
        for activity in many.values():
            tracking.add(activity)
        found = tracking.activities("default")
        assert {activity.campaign_activity_id: activity for activity in found} == many


class TestArchivedActivities:
    def test_are_read_with_all_and_not_with_the_current_ones(self, tracking: Tracking) -> None:
        tracking.add(EVERYTHING)
        archived = tracking.archive(EVERYTHING)
        assert archived == replace(EVERYTHING, archived=True, version=1)
        assert tracking.activities("default") == [archived]
        assert tracking.current("default") == []

    def test_are_read_a_page_at_a_time(self, tracking: Tracking) -> None:
        ids = [f"5b1e0a52-0000-4000-8000-{number:012}" for number in range(5)]
        for activity_id in reversed(ids):
            activity = replace(ACTIVITY, campaign_activity_id=activity_id)
            tracking.add(activity)
            tracking.archive(activity)
        pages, after = [], None
        while page := tracking.archived("default", after=after, most=2):
            pages.append([activity.campaign_activity_id for activity in page])
            after = pages[-1][-1]
        assert pages == [ids[:2], ids[2:4], ids[4:]]
        assert tracking.archived("other", after=None, most=2) == []

    def test_are_current_again_once_they_are_saved(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        archived = tracking.archive(varied(ACTIVITY, published=3))
        saved = tracking.save(replace(archived, state=State.PAUSED))
        assert saved == varied(ACTIVITY, published=3, state=State.PAUSED, version=2)
        assert tracking.current("default") == tracking.activities("default") == [saved]
        assert tracking.archived("default", after=None, most=2) == []

    def test_are_not_added_again(self, tracking: Tracking) -> None:
        tracking.add(EVERYTHING)
        archived = tracking.archive(EVERYTHING)
        assert not tracking.add(ACTIVITY)
        assert tracking.activities("default") == [archived]

    def test_are_removed_once(self, tracking: Tracking) -> None:
        tracking.add(ACTIVITY)
        tracking.archive(ACTIVITY)
        assert tracking.remove("default", ACTIVITY_ID)
        assert not tracking.remove("default", ACTIVITY_ID)
        assert tracking.activities("default") == []

    def test_that_another_writer_has_saved_are_neither_archived_nor_saved(
        self, tracking: Tracking
    ) -> None:
        tracking.add(ACTIVITY)
        winner = tracking.save(varied(ACTIVITY, published=1))
        with pytest.raises(LostRace):
            tracking.archive(ACTIVITY)
        assert tracking.activities("default") == [winner]
        archived = tracking.archive(winner)
        woken = tracking.save(archived)
        with pytest.raises(LostRace):
            tracking.save(archived)
        assert tracking.activities("default") == [woken]


class LostReply:
    """A write that succeeds but whose reply is lost, so that botocore retries it."""

    def __init__(self, aws: Aws, operation: str, method: str, *, times: int = 1) -> None:
        self.left = times
        self._write = getattr(boto3.client("dynamodb"), method)
        aws.dynamodb.meta.events.register(
            f"provide-client-params.dynamodb.{operation}", self._write_first
        )

    def _write_first(self, params: dict[str, Any], **_: Any) -> None:
        if self.left:
            self.left -= 1
            self._write(**params)


class TestDynamoDB:
    def test_recognizes_its_own_write_when_the_reply_to_an_addition_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        LostReply(aws, "PutItem", "put_item")
        assert dynamodb_tracking.add(ACTIVITY)

    def test_recognizes_its_own_write_when_the_reply_to_a_save_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        dynamodb_tracking.add(ACTIVITY)
        LostReply(aws, "PutItem", "put_item")
        assert dynamodb_tracking.save(ACTIVITY).version == 1

    def test_reserves_once_when_the_reply_to_a_lease_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        LostReply(aws, "UpdateItem", "update_item")
        assert lease(dynamodb_tracking) is not None
        assert stored_account(dynamodb_tracking).requests_spent == 50

    def test_reserves_more_once_when_the_reply_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        lease(dynamodb_tracking, reserve=50)
        LostReply(aws, "UpdateItem", "update_item")
        assert reserve(dynamodb_tracking, counted=50, requests=20)
        assert stored_account(dynamodb_tracking).requests_spent == 70

    def test_returns_unused_requests_once_when_the_reply_to_a_release_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        lease(dynamodb_tracking)
        LostReply(aws, "UpdateItem", "update_item")
        release(dynamodb_tracking, unused=10)
        assert stored_account(dynamodb_tracking).requests_spent == 40

    def test_retries_a_lease_when_the_budget_changes_after_the_read(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        lease(dynamodb_tracking, reserve=50)
        other = DynamoDBTracking(boto3.client("dynamodb"), aws.tracking_table)
        waiting = [lambda: release(other, unused=30)]
        aws.dynamodb.meta.events.register(
            "provide-client-params.dynamodb.UpdateItem",
            lambda **_: waiting.pop()() if waiting else None,
        )
        account = lease(dynamodb_tracking, reserve=5)
        assert account is not None
        assert account.requests_spent == 20
        assert stored_account(dynamodb_tracking).requests_spent == 25

    def test_gives_up_a_lease_after_repeated_conflicts(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        calls = Answers(
            aws.dynamodb, "UpdateItem", *[error("ConditionalCheckFailedException")] * LEASE_TRIES
        )
        assert lease(dynamodb_tracking) is None
        assert len(calls.calls) == LEASE_TRIES

    def test_wakes_one_of_two_turns_that_have_read_the_same_wake_up(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        lease(dynamodb_tracking)
        release(dynamodb_tracking, wake_up=WAKE_UP)
        other = DynamoDBTracking(boto3.client("dynamodb"), aws.tracking_table)

        def work_meanwhile() -> None:
            lease(other, "b", woken_by=WAKE_UP.token)
            release(other, "b", unused=30)

        waiting = [work_meanwhile]
        aws.dynamodb.meta.events.register(
            "provide-client-params.dynamodb.UpdateItem",
            lambda **_: waiting.pop()() if waiting else None,
        )
        with pytest.raises(StaleWakeUp):
            lease(dynamodb_tracking, "c", reserve=30, woken_by=WAKE_UP.token)
        assert not waiting
        assert stored_account(dynamodb_tracking).lease_holder is None

    def test_recognizes_its_own_write_when_the_reply_to_a_woken_lease_is_lost(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        lease(dynamodb_tracking)
        release(dynamodb_tracking, wake_up=WAKE_UP)
        LostReply(aws, "UpdateItem", "update_item")
        account = lease(dynamodb_tracking, "b", woken_by=WAKE_UP.token)
        assert account is not None
        assert account.wake_up == WAKE_UP

    def test_writes_nothing_for_a_wake_up_that_is_not_awaited(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking
    ) -> None:
        writes = Answers(aws.dynamodb, "UpdateItem", error("AccessDeniedException"))
        with pytest.raises(StaleWakeUp):
            lease(dynamodb_tracking, woken_by=WAKE_UP.token)
        assert writes.calls == []

    @pytest.mark.parametrize(
        ("operation", "act"),
        [
            ("PutItem", lambda tracking: tracking.save(ACTIVITY)),
            ("PutItem", lambda tracking: tracking.add(ACTIVITY)),
            ("UpdateItem", lease),
            ("UpdateItem", reserve),
            ("UpdateItem", release),
        ],
        ids=["save", "add", "lease", "reserve", "release"],
    )
    def test_raises_every_other_error(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking, operation: str, act: Any
    ) -> None:
        Answers(aws.dynamodb, operation, error("AccessDeniedException"))
        with pytest.raises(ClientError, match="AccessDenied"):
            act(dynamodb_tracking)

    def test_stores_an_activity_without_gaps_within_one_write_unit(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking, clock: FakeClock
    ) -> None:
        named = varied(EVERYTHING, gaps=(), watermark=clock.now(), campaign_name="n" * 80)
        dynamodb_tracking.add(named)
        (item,) = aws.dynamodb.scan(TableName=aws.tracking_table)["Items"]
        size = sum(len(name) + len(str(next(iter(v.values())))) for name, v in item.items())
        assert size < 1024

    @pytest.mark.parametrize(
        "state",
        [
            {"wake_up": replace(WAKE_UP, token="8a6b6c1e-0000-4000-8000-000000000002")},
            # Such an account asks for no wake-up.
            {"closed_until": TOMORROW, "rests_until": TOMORROW, "outages": 3},
        ],
        ids=["with a wake-up", "that rests"],
    )
    def test_stores_an_account_within_one_write_unit(
        self, aws: Aws, dynamodb_tracking: DynamoDBTracking, state: dict[str, Any]
    ) -> None:
        request_id = "8a6b6c1e-0000-4000-8000-000000000002"
        lease(dynamodb_tracking)
        dynamodb_tracking.name_vendor_account(
            "default", holder="a", vendor_account_id="a07e1kupzc4d"
        )
        release(
            dynamodb_tracking,
            last_error="e" * 200,
            counter_trust=COUNTER_TRUST,
            hours=HOURS,
            turn_completed_at=NOON,
            searches=Searches(completed_at=NOON, tried_at=NOON, schedules_due_at=TOMORROW),
            key_share=KEY_SHARE,
            **state,
        )
        (item,) = aws.dynamodb.scan(TableName=aws.tracking_table)["Items"]
        held = {"lease_holder": {"S": request_id}, "lease_until": {"S": "n" * 27}}
        size = sum(
            len(name) + len(str(next(iter(v.values())))) for name, v in (item | held).items()
        )
        assert size < 1024
