"""Malformed items in the tracking table."""

from copy import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_opens.account import Chain
from email_opens.adapters.aws.items import activity_item
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.records.accounts import WAKE_UP, account_from
from email_opens.adapters.records.activities import activity_from
from email_opens.errors import AccountStopped, LostRace
from email_opens.model import Gap, State
from email_opens.scheduling.searches import LONGEST_PAUSE, is_due
from email_opens.scheduling.wake_ups import CHAIN, MOST_WAKE_UPS, wake_up_after
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.core.setup import Core
from tests.hostile.operations import growth
from tests.hostile.values import ADDRESS, SECRET, instants_as_text, leaked, refusal

FULL = varied(
    ACTIVITY,
    sent_at=NOON,
    tracked_from=NOON,
    watermark=NOON,
    gaps=(Gap(NOON, NOON, "/v3/x?next=y"),),
    polled_at=NOON,
    head_at=NOON,
    continued_at=NOON,
    swept_at=NOON,
    audited_at=NOON,
    reported=3,
    last_error="The vendor answered 503.",
)
CENTURY = timedelta(days=36_500)
ACTIVITY_ATTRIBUTES = sorted(activity_item(FULL).keys() - {"account_id", "item"})
ACCOUNT_ATTRIBUTES = sorted(
    [
        *("lease_holder", "lease_until", "requests_day", "requests_spent", "closed_until"),
        *("last_error", *WAKE_UP),
    ]
)
numbers = (st.integers(-(10**37), 10**37) | st.decimals(-9, 9, places=3)).map(str)
texts = st.text(st.characters(codec="utf-8")) | st.sampled_from([ADDRESS, SECRET, "active"])
# What DynamoDB may return, in the form in which boto3 returns it.
values = st.recursive(
    st.fixed_dictionaries({"S": texts | instants_as_text})
    | st.fixed_dictionaries({"N": numbers})
    | st.fixed_dictionaries({"B": st.binary()})
    | st.fixed_dictionaries({"BOOL": st.booleans()})
    | st.just({"NULL": True})
    | st.fixed_dictionaries({"SS": st.lists(texts)}),
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner)})
        | st.fixed_dictionaries({"M": st.dictionaries(texts, inner)})
    ),
    max_leaves=5,
)
gaps = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("floor", "ceiling", "link", "rows_above"), values),
).map(lambda gap: {"L": [{"M": gap}]})


def activity_items() -> st.SearchStrategy[Any]:
    """Return items with some attributes changed and some missing."""
    changed = st.dictionaries(st.sampled_from(ACTIVITY_ATTRIBUTES), values, max_size=3)
    missing = st.sets(st.sampled_from(ACTIVITY_ATTRIBUTES), max_size=3)
    return st.builds(
        lambda change, absent, gap: {
            name: value
            for name, value in (activity_item(FULL) | change | gap).items()
            if name not in absent
        },
        changed,
        missing,
        st.just({}) | gaps.map(lambda gap: {"gaps": gap}),
    )


def activity_with(**changed: Any) -> Any:
    """Return an activity that was read from an item with these attributes."""
    return activity_from(activity_item(FULL) | changed)


@given(activity_items())
@example(activity_item(FULL) | {"watermark": {"S": "0001-01-01T00:00:00Z"}})
def test_every_instant_of_an_activity_is_a_century_away_from_the_calendars_ends(item: Any) -> None:
    found = activity_from(item)
    assert found.campaign_activity_id == ACTIVITY_ID
    instants = (found.progress.watermark, found.sent_at, found.tracked_at)
    assert all(instant - CENTURY < instant < instant + CENTURY for instant in instants if instant)


@given(activity_items())
def test_the_error_of_a_broken_item_contains_none_of_its_content(item: Any) -> None:
    found = activity_from(item)
    if "cannot be read" in (found.last_error or ""):
        assert ADDRESS not in (found.last_error or "")
        assert SECRET not in (found.last_error or "")
        assert found.state is State.BROKEN


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"state": {"N": "1"}}, "its state is not text"),
        ({"tracked_at": {"S": "yesterday"}}, "its tracked_at is not an instant"),
        ({"tracked_at": {"S": "2026-03-02T14:07:00"}}, "its tracked_at is not an instant"),
        (
            {"watermark": {"S": "1969-12-31T23:59:59Z"}},
            "its watermark is not between 1970 and 9000",
        ),
        ({"tracked_at": {"S": "1969-12-31T23:59:59Z"}}, "its tracked_at is not between"),
        ({"watermark": {"NULL": True}}, "its watermark is not text"),
        ({"published": {"N": "1.5"}}, "its published is not a whole number"),
        ({"version": {"S": "7"}}, "its version is not a number"),
        ({"gaps": {"M": {}}}, "its gaps is not a list"),
        ({"gaps": {"L": [{"S": "gap"}]}}, "one of its gaps is not a map"),
        ({"gaps": {"L": [{"M": {"floor": {"S": "soon"}}}]}}, "its floor is not an instant"),
    ],
)
def test_the_error_names_the_malformed_attribute(changed: Any, fault: str) -> None:
    assert f"cannot be read: {fault}" in (activity_with(**changed).last_error or "")


HINTS: dict[str, Any] = {
    "campaign_id": None,
    "campaign_name": None,
    "sent_at": None,
    "audit_at": None,
    "missing_since": None,
    "reported": None,
    "last_error": None,
    "pages": 1.0,
    "estimate": None,
    "surged_at": None,
    "counter": None,
    "uncounted": False,
}
"""What is learned again by itself, with its value when nothing is known."""
STORED_AS = {"estimate": ["opens", "exposure"]}


@given(st.sampled_from(sorted(HINTS)), values)
@example("sent_at", {"S": "0001-01-01T00:00:00Z"})
@example("sent_at", {"S": "9999-12-31T23:59:59Z"})
@example("counter", {"N": "1.5"})
@example("estimate", {"N": "0"})
def test_a_malformed_hint_of_an_activity_is_dropped(name: str, value: Any) -> None:
    for attribute in STORED_AS.get(name, [name]):
        found = activity_with(**{attribute: value})
        assert found.state is FULL.state
        assert found.progress.watermark == FULL.progress.watermark


@pytest.mark.parametrize("name", sorted(HINTS))
def test_a_hint_of_another_type_is_as_good_as_none(name: str) -> None:
    found = activity_with(**{name: {"NULL": True} for name in STORED_AS.get(name, [name])})
    assert found == varied(FULL, **{name: HINTS[name]})


@given(
    st.dictionaries(
        st.sampled_from(["counted_at", "told_until", "lag_seconds", "missed"])
        | st.sampled_from(["rests_until", "outages", "last_error", "search_failures"])
        | st.sampled_from(
            ["turn_completed_at", "search_completed_at", "search_tried_at", "expected_sends"]
        )
        | st.sampled_from(["share_requests", "share_day", "hours"]),
        values,
    )
)
@example({"told_until": {"S": "0001-01-01T00:00:00Z"}})
@example({"told_until": {"S": "9999-12-31T23:59:59Z"}})
@example({"hours": {"S": "AAAA"}})
@example({"hours": {"S": "A" * 192}})
@example({"hours": {"S": "é" * 192}})
@example({"share_requests": {"N": str(10**400)}, "share_day": {"S": "2026-03-01"}})
def test_a_malformed_hint_of_an_account_stops_nothing(item: Any) -> None:
    account = account_from("default", {"requests_spent": {"N": "70"}} | item)
    assert account.requests_spent == 70


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ["search_completed_at", "search_tried_at", "search_failures", "expected_sends"], values
        ),
    )
)
@example({"search_failures": {"N": "-3"}, "search_tried_at": {"S": "2026-03-02T11:59:59Z"}})
@example({"search_failures": {"N": str(10**400)}})
@example({"search_tried_at": {"S": "8999-12-31T23:59:59Z"}})
def test_no_stored_search_keeps_the_next_one_from_being_made(item: Any) -> None:
    searches = account_from("default", item).searches
    tried_at = searches.tried_at or NOON
    # One that was tried in the future is due at once: the clock has jumped back.
    now = NOON if tried_at > NOON else tried_at + LONGEST_PAUSE
    assert is_due(searches, timedelta(minutes=1), 9_000, now)


@given(values, st.dates().map(lambda day: {"S": day.isoformat()}))
@example({"N": str(10**9)}, {"S": "2026-02-16"})
@example({"N": "1"}, {"S": "9999-12-31"})
@example({"N": "1"}, {"S": "0001-01-01"})
def test_no_stored_share_of_a_key_ends_the_requests_of_a_day(requests: Any, day: Any) -> None:
    account = account_from("default", {"share_requests": requests, "share_day": day})
    assert 1 <= account.requests_to_spend(9_000, NOON) <= 9_000


@pytest.mark.parametrize("name", ["state", "tracked_at"])
def test_the_error_names_the_missing_attribute(name: str) -> None:
    item = activity_item(FULL)
    del item[name]
    assert f"its {name} is missing" in (activity_from(item).last_error or "")


@given(st.dictionaries(st.sampled_from(ACCOUNT_ATTRIBUTES), values))
def test_an_account_is_read_or_stopped_without_leaking_its_content(item: Any) -> None:
    assert leaked(refusal(AccountStopped, lambda: account_from("default", item))) == []


@given(st.fixed_dictionaries(dict.fromkeys(WAKE_UP, values)), st.floats(0, 1e9))
@example(
    {
        "wake_up": {"S": "t"},
        "wake_up_at": {"S": "2026-03-02T14:00:00Z"},
        "chain_began_at": {"S": "8999-12-31T23:59:59Z"},
        "chain_wake_ups": {"N": "0"},
    },
    1.0,
)
@example(
    {
        "wake_up": {"S": "t"},
        "wake_up_at": {"S": "2026-03-02T14:00:00Z"},
        "chain_began_at": {"S": "1970-01-01T00:00:00Z"},
        "chain_wake_ups": {"N": "-9"},
    },
    1.0,
)
def test_a_malformed_chain_is_not_longer_than_another(item: Any, next_in_seconds: float) -> None:
    wake_up = account_from("default", item).wake_up
    chain = wake_up.chain if wake_up else Chain(NOON)
    following = wake_up_after(chain, token="t", next_in_seconds=next_in_seconds, now=NOON)
    if following:
        assert NOON < following.due_at < NOON + CHAIN
        assert 0 < following.chain.wake_ups <= MOST_WAKE_UPS


def test_the_error_of_a_broken_account_names_the_malformed_attribute() -> None:
    with pytest.raises(AccountStopped, match="its requests_spent is not a whole number"):
        account_from("default", {"requests_spent": {"N": "0.5"}})


@pytest.mark.parametrize("name", ["watermark", "last_error", "campaign_name"])
def test_the_work_does_not_grow_with_the_length_of_an_attribute(name: str) -> None:
    short, long = (activity_item(FULL) | {name: {"S": "x" * size}} for size in (10, 400_000))
    assert growth(activity_from, short, long) == 1


def test_the_work_grows_with_the_gaps() -> None:
    few, many = (
        activity_item(varied(FULL, gaps=FULL.progress.gaps * count)) for count in (50, 200)
    )
    assert growth(activity_from, few, many) <= 4


def store_account(aws: Aws, **attributes: Any) -> None:
    key = {"account_id": {"S": "default"}, "item": {"S": "account"}}
    aws.dynamodb.put_item(TableName=aws.tracking_table, Item=key | attributes)


class TestABrokenItemBesideAnother:
    BROKEN = "5b1e0a52-0000-4000-8000-0000000000cc"

    @pytest.fixture
    def tracking(self, aws: Aws) -> DynamoDBTracking:
        tracking = DynamoDBTracking(aws.dynamodb, aws.tracking_table)
        tracking.add(ACTIVITY)
        item = activity_item(replace(FULL, campaign_activity_id=self.BROKEN))
        aws.dynamodb.put_item(
            TableName=aws.tracking_table, Item=item | {"watermark": {"S": "0001-01-01T00:00:00Z"}}
        )
        return tracking

    def test_does_not_stop_the_other_from_being_polled(self, tracking: DynamoDBTracking) -> None:
        core = Core(tracking=cast("Any", tracking))
        core.world.rows[ACTIVITY_ID] = []
        turn = core.take_turn()
        assert core.polled == [ACTIVITY_ID]
        (failure,) = turn.failures
        assert failure.campaign_activity_id == self.BROKEN
        assert "its watermark" in str(failure.error)

    def test_is_not_overwritten(self, tracking: DynamoDBTracking) -> None:
        (found,) = (item for item in tracking.activities("default") if item.last_error)
        with pytest.raises(LostRace):
            tracking.save(replace(found, state=State.ACTIVE))

    def test_can_be_removed(self, tracking: DynamoDBTracking) -> None:
        assert tracking.remove("default", self.BROKEN)

    @pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    def test_what_was_learned_of_the_counters_stops_no_turn(
        self, aws: Aws, tracking: DynamoDBTracking, instant: str
    ) -> None:
        store_account(aws, requests_spent={"N": "0"}, told_until={"S": instant})
        core = Core(tracking=cast("Any", tracking))
        core.world.rows[ACTIVITY_ID] = []
        assert core.take_turn().stopped is None
        assert core.polled == [ACTIVITY_ID]

    def test_a_broken_account_is_not_leased(self, aws: Aws, tracking: DynamoDBTracking) -> None:
        store_account(aws, lease_until={"S": "soon"})
        with pytest.raises(AccountStopped, match="its lease_until is not an instant"):
            Core(tracking=cast("Any", tracking)).take_turn()


@pytest.mark.parametrize(
    "name", ["watermark", "sent_at", "tracked_at", "polled_at", "swept_at", "audited_at"]
)
@pytest.mark.parametrize("instant", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_at_either_end_of_time_ends_no_turn(name: str, instant: str) -> None:
    core = Core()
    core.track()
    item = activity_item(varied(ACTIVITY, watermark=NOON)) | {name: {"S": instant}}
    core.tracking.items["default", ACTIVITY_ID] = activity_from(item)
    turn = core.take_turn()
    broken = core.activity().state is State.BROKEN
    assert len(turn.failures) == broken
