"""Why an e-mail is polled when it is."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from email_opens.config import Settings, read_settings
from email_opens.model import Account, Activity, Estimate
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
def told(world: World) -> Settings:
    return read_settings(settings(world.aws, world.vendor))


def explained(told: Settings, *, spent: int = 0) -> Explanation:
    account = Account(
        account_id="default", requests_day=NOON.date().isoformat(), requests_spent=spent
    )
    (one,) = explanations(account, tracking(POLLED), told, NOON)
    return one


def tracking(*activities: Activity) -> MemoryTracking:
    kept = MemoryTracking()
    for one in activities:
        kept.add(one)
    return kept


def test_the_rate_is_that_of_now(told: Settings) -> None:
    # 36 an hour at the send; three hours later a share of 2^-1.6.
    assert explained(told).opens_an_hour == pytest.approx(36 * 2**-1.6)


def test_what_has_accrued_is_told_in_open_seconds(told: Settings) -> None:
    # 36 * 2^-1.6 an hour over ten seconds, each open waiting half of them.
    assert explained(told).waiting == pytest.approx(0.01 * 2**-1.6 * 10**2 / 2, rel=1e-3)


def test_the_fewer_requests_are_left_the_higher_the_price(told: Settings) -> None:
    dear, cheap = explained(told, spent=8990).price, explained(told, spent=8000).price
    assert dear is not None
    assert cheap is not None
    assert dear > cheap


def test_without_requests_there_is_no_price_and_no_poll_before_midnight(told: Settings) -> None:
    one = explained(told, spent=9000)
    assert (one.price, one.next_at) == (None, None)


def test_who_was_never_read_is_next(told: Settings) -> None:
    one, _ = explanations(
        Account(account_id="default"),
        tracking(POLLED, replace(ACTIVITY, campaign_activity_id="new")),
        told,
        NOON,
    )
    assert (one.campaign_activity_id, one.next_at, one.why) == ("new", NOON, "first read")


def test_it_is_shown_as_a_table_and_as_json(world: World) -> None:
    world.tracking.add(ACTIVITY)
    assert ACTIVITY_ID in run("explain").stdout
    (one,) = json.loads(run("explain", "--json").stdout)
    assert one["why"] == "first read"


@pytest.mark.usefixtures("world")
def test_of_nothing_there_is_nothing_to_explain() -> None:
    assert "Nothing is polled" in run("explain").stdout


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e9"])
@pytest.mark.usefixtures("world")
def test_what_is_no_weight_is_refused(weight: str) -> None:
    assert "is not a weight" in complaint(run("track", ACTIVITY_ID, "--weight", weight), 2)


def test_a_weight_is_kept(world: World) -> None:
    run("track", ACTIVITY_ID, "--weight", "2.5")
    assert world.activities()[ACTIVITY_ID].weight == 2.5
