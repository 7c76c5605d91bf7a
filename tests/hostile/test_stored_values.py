"""What the vendor's adapters accept, the stores give back."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from email_opens.account import CounterTrust
from email_opens.adapters.aws.seen_campaigns import DynamoDBSeenCampaigns
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.adapters.local.state_file import StateFile
from email_opens.adapters.local.tracking import SqliteTracking
from email_opens.adapters.vendor.campaigns import ConstantContactCampaigns
from email_opens.adapters.vendor.report import ConstantContactReport
from email_opens.discovery.campaigns import SearchMemory, SeenCampaign
from email_opens.discovery.selection import first_tracked
from email_opens.errors import EmailOpensError
from email_opens.model import Activity, Page
from email_opens.polling.gaps import Stretch, advance
from email_opens.ports import Tracking
from email_opens.scheduling.counters import after_reading, trust_after
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON
from tests.hostile.values import instants_as_text, json_values, texts

CAMPAIGN_ID = "5b1e0a52-0000-4000-8000-0000000000bb"
BEFORE = NOON + timedelta(minutes=1)

huge = st.sampled_from([10**60, 10**400, 1e300])
sized = st.integers(0, 10**12 + 1) | huge | st.floats() | texts | json_values
names = texts | json_values | st.builds(lambda: "é" * 10_000)
ids = st.just(CAMPAIGN_ID) | texts | st.from_regex(r"[A-Za-z0-9_-]{1,120}", fullmatch=True)
instants = instants_as_text | json_values | st.just("2026-03-02T11:00:00.000Z")
links = st.builds(lambda: "/v3/" + "x" * 5_000) | st.just("/v3/x?next=y") | names


def bodies(replies: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return replies.map(json.dumps).map(str.encode)


def listed(name: str, entries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {name: st.lists(entries | json_values, max_size=3)},
        optional={"_links": links.map(lambda link: {"next": {"href": link}}) | json_values},
    )


pages = listed(
    "tracking_activities",
    st.fixed_dictionaries(
        {"contact_id": names, "created_time": instants},
        optional={"email_address": names, "device_type": names},
    ),
)
counters = listed(
    "results",
    st.fixed_dictionaries(
        {"campaign_id": ids, "stats": st.fixed_dictionaries({"em_opens_all": sized})},
        optional={"last_refresh_time": instants},
    ),
)
summaries = listed(
    "bulk_email_campaign_summaries",
    st.fixed_dictionaries({"campaign_id": ids, "last_sent_date": instants}),
)
campaigns = st.fixed_dictionaries(
    {
        "campaign_id": st.just(CAMPAIGN_ID),
        "name": names,
        "campaign_activities": st.just(
            [{"campaign_activity_id": ACTIVITY_ID, "role": "primary_email"}]
        ),
    }
)
histories = st.lists(st.fixed_dictionaries({"run_date": instants}), max_size=3)


def refreshed(instant: str) -> bytes:
    """Return a reply with one counter that was refreshed at an instant."""
    result = {"campaign_id": CAMPAIGN_ID, "stats": {"em_opens_all": 10**12}}
    return json.dumps({"results": [result | {"last_refresh_time": instant}]}).encode()


class OneReply:
    """An API that gives one reply to every request."""

    url = "https://api.cc.email"

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get[T](self, resource: object, decode: Callable[[bytes], T], before: datetime) -> T:
        del resource, before
        return decode(self._body)


def report(body: bytes) -> ConstantContactReport:
    return ConstantContactReport(cast("Any", OneReply(body)))


def at_the_vendor(body: bytes) -> ConstantContactCampaigns:
    return ConstantContactCampaigns(cast("Any", OneReply(body)))


def accepted[T](read: Callable[[], T]) -> Iterator[T]:
    """Yield what a read accepts, and nothing if it refuses."""
    with suppress(ValueError, EmailOpensError):
        yield read()


def walked(page: Page, *, ended: bool) -> Activity:
    """Return an activity after a walk over one page."""
    instants = [row.created_time for row in page.opens]
    stretch = Stretch(
        top=None,
        bottom=min(instants, default=None),
        newest=max(instants, default=None),
        link=page.next_link,
        ended=ended,
        rows_above=len(instants),
    )
    return advance(ACTIVITY, stretch, min(instants, default=None), None, NOON)[0]


@pytest.fixture(params=["dynamodb", "sqlite"])
def tracking(request: pytest.FixtureRequest, aws: Aws, tmp_path: Path) -> Iterator[Tracking]:
    if request.param == "dynamodb":
        yield DynamoDBTracking(aws.dynamodb, aws.tracking_table)
    else:
        with StateFile(tmp_path / "state.sqlite") as state:
            yield SqliteTracking(state)


def stored(tracking: Tracking, activity: Activity) -> Activity:
    """Store an activity, and return it as it is read back."""
    tracking.remove(activity.account_id, activity.campaign_activity_id)
    assert tracking.add(activity)
    (found,) = tracking.activities(activity.account_id)
    return found


shared = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(body=bodies(pages), ended=st.booleans())
def test_an_activity_is_stored_as_far_as_a_page_was_read(
    tracking: Tracking, body: bytes, ended: bool
) -> None:
    for page in accepted(
        lambda: report(body).read(ACTIVITY_ID, link=None, rows=500, before=BEFORE)
    ):
        activity = walked(page, ended=ended)
        assert stored(tracking, activity) == activity


@shared
@given(body=bodies(counters))
@example(refreshed("0001-01-01T00:00:00Z"))
@example(refreshed("9999-12-31T23:59:59Z"))
def test_an_activity_and_its_account_are_stored_with_any_counter(
    tracking: Tracking, body: bytes
) -> None:
    for readings in accepted(lambda: report(body).count([CAMPAIGN_ID], before=BEFORE)):
        activity = after_reading(ACTIVITY, readings)
        assert stored(tracking, activity) == activity
        trust = trust_after(CounterTrust(), readings, NOON, NOON)
        found = stored_trust(tracking, trust)
        assert found.lag_seconds == pytest.approx(trust.lag_seconds, rel=1e-5)
        assert found == replace(trust, lag_seconds=found.lag_seconds)


def stored_trust(tracking: Tracking, trust: CounterTrust) -> CounterTrust:
    """Store what was learned of the counters, and return it as the next turn reads it."""
    tracking.lease("default", holder="a", now=NOON, until=BEFORE, reserve=1, budget=100)
    tracking.release(
        "default",
        holder="a",
        day=NOON.date().isoformat(),
        unused=1,
        closed_until=None,
        last_error=None,
        counter_trust=trust,
    )
    account = tracking.account("default")
    assert account is not None
    return account.counter_trust


@shared
@given(campaign=bodies(campaigns), history=bodies(histories))
def test_a_send_is_stored_with_any_name_and_date(
    tracking: Tracking, campaign: bytes, history: bytes
) -> None:
    campaigns, runs = at_the_vendor(campaign), at_the_vendor(history)
    for found in accepted(lambda: campaigns.campaign(CAMPAIGN_ID, before=BEFORE)):
        for sent_at in accepted(lambda: runs.last_run(ACTIVITY_ID, before=BEFORE)):
            assert found is not None
            activity = first_tracked("default", found, ACTIVITY_ID, sent_at, None, NOON)
            assert stored(tracking, activity) == activity


@shared
@given(body=bodies(summaries), campaign=bodies(campaigns))
def test_a_campaign_is_seen_with_any_name_and_date(aws: Aws, body: bytes, campaign: bytes) -> None:
    seen = DynamoDBSeenCampaigns(aws.dynamodb, aws.tracking_table)
    for page in accepted(lambda: at_the_vendor(body).summaries(link=None, before=BEFORE)):
        for found in accepted(lambda: at_the_vendor(campaign).campaign(CAMPAIGN_ID, before=BEFORE)):
            left_out = None if found is None else found.name
            campaigns = {
                summary.campaign_id: SeenCampaign(summary.last_sent, left_out)
                for summary in page.summaries
            }
            memory = SearchMemory(campaigns)
            seen.store("default", memory)
            assert seen.load("default") == memory
