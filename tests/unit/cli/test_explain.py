"""`email-opens explain`: why an activity is polled when it is."""

import json
from copy import replace
from datetime import timedelta

import pytest

from email_opens.account import Account
from email_opens.config.settings import Settings
from email_opens.config.stack import read_settings
from email_opens.model import Activity, Estimate
from email_opens_cli.commands.explain import Explanation, explanations
from tests.contract.samples import ACTIVITY, ACTIVITY_ID, NOON, varied
from tests.fakes import MemoryTracking
from tests.unit.cli.world import World, complaint, run, settings

POLLED = varied(
    ACTIVITY,
    sent_at=NOON - timedelta(hours=3),
    polled_at=NOON - timedelta(seconds=10),
    audited_at=NOON,
    estimate=Estimate(opens=36.0, exposure_seconds=3600.0),
)


@pytest.fixture
def product_settings(world: World) -> Settings:
    return read_settings(settings(world.aws, world.vendor))


def explain_polled(product_settings: Settings, *, spent: int = 0) -> Explanation:
    account = Account(
        account_id="default", requests_day=NOON.date().isoformat(), requests_spent=spent
    )
    (explanation,) = explanations(account, tracking(POLLED), product_settings, NOON)
    return explanation


def tracking(*activities: Activity) -> MemoryTracking:
    store = MemoryTracking()
    for activity in activities:
        store.add(activity)
    return store


def test_the_rate_is_the_current_rate(product_settings: Settings) -> None:
    # 36 an hour at the send; three hours later, 2^-1.6 of it.
    assert explain_polled(product_settings).opens_an_hour == pytest.approx(36 * 2**-1.6)


def test_the_waiting_time_is_counted_in_open_seconds(product_settings: Settings) -> None:
    # 36 * 2^-1.6 an hour over ten seconds; each open waits half of them on average.
    assert explain_polled(product_settings).waiting == pytest.approx(
        0.01 * 2**-1.6 * 10**2 / 2, rel=1e-3
    )


def test_the_price_rises_as_fewer_requests_are_left(product_settings: Settings) -> None:
    high = explain_polled(product_settings, spent=8990).price
    low = explain_polled(product_settings, spent=8000).price
    assert high is not None
    assert low is not None
    assert high > low


def test_a_spent_budget_leaves_no_price_and_no_next_poll(product_settings: Settings) -> None:
    explanation = explain_polled(product_settings, spent=9000)
    assert (explanation.price, explanation.next_at) == (None, None)


def test_an_activity_that_was_never_read_is_next(product_settings: Settings) -> None:
    first, _ = explanations(
        Account(account_id="default"),
        tracking(POLLED, replace(ACTIVITY, campaign_activity_id="new")),
        product_settings,
        NOON,
    )
    assert (first.campaign_activity_id, first.next_at, first.why) == ("new", NOON, "first read")


def test_explain_prints_a_table_or_json(world: World) -> None:
    world.tracking.add(ACTIVITY)
    assert ACTIVITY_ID in run("explain").stdout
    (item,) = json.loads(run("explain", "--json").stdout)["activities"]
    assert item["why"] == "first read"


@pytest.mark.usefixtures("world")
def test_explain_reports_that_nothing_is_polled() -> None:
    assert "Nothing is polled" in run("explain").stdout


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e9"])
@pytest.mark.usefixtures("world")
def test_an_invalid_weight_is_refused(weight: str) -> None:
    assert "is not a weight" in complaint(run("track", ACTIVITY_ID, "--weight", weight), 2)
