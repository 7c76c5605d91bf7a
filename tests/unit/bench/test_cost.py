"""The counts of `bench.cost`: an AWS in memory that counts as AWS bills."""

from collections.abc import Iterator
from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from bench.cost.__main__ import stored
from bench.cost.durations import Function
from bench.cost.dynamodb import CountingDynamoDB
from bench.cost.prices import HOURS_A_MONTH, LAMBDA_DURATION, PRICES, READS, WRITES, Price
from bench.cost.scenarios import IDLE, SCENARIOS, Period, Scenario, count
from bench.cost.usage import Meter, added, cost, scaled
from bench.freshness.world import HOUR, World
from bench.idle import embedded, item_bytes
from email_opens.adapters.aws.decisions import DynamoDBDecisions
from email_opens.adapters.aws.ledger import DynamoDBLedger
from email_opens.adapters.aws.tracking import DynamoDBTracking
from email_opens.errors import LostRace
from email_opens.model import LEDGER_KEPT, Activity
from tests.fakes import FakeClock

ACTIVITY = Activity(
    account_id="default",
    campaign_activity_id="5b1e0a52-0000-4000-8000-0000000000aa",
    tracked_at=FakeClock().now(),
    campaign_name="n" * 80,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def meter(clock: FakeClock) -> Meter:
    return Meter(clock)


@pytest.fixture
def dynamodb(meter: Meter) -> CountingDynamoDB:
    return CountingDynamoDB(meter)


@pytest.fixture(params=["counting", "moto"])
def client(request: pytest.FixtureRequest, dynamodb: CountingDynamoDB) -> Iterator[Any]:
    if request.param == "counting":
        yield dynamodb
    else:
        with embedded() as moto:
            yield moto


class TestTheCountingDynamoDB:
    """It returns what moto returns to the real adapters."""

    def test_stores_accounts(self, client: Any, clock: FakeClock) -> None:
        tracking, now = DynamoDBTracking(client, "tracking"), clock.now()
        until, day = now + timedelta(minutes=1), now.date().isoformat()

        def lease(holder: str) -> Any:
            return tracking.lease(
                "default", holder=holder, now=now, until=until, reserve=60, budget=9_000
            )

        assert lease("first")
        assert lease("second") is None
        assert tracking.reserve("default", holder="first", day=day, counted=60, requests=60)
        assert not tracking.reserve("default", holder="first", day=day, counted=7, requests=60)
        tracking.release(
            "default", holder="first", day=day, unused=100, closed_until=None, last_error="It is."
        )
        account = tracking.account("default")
        assert account
        assert (account.requests_spent, account.last_error) == (20, "It is.")
        assert lease("second")

    def test_stores_activities(self, client: Any) -> None:
        tracking = DynamoDBTracking(client, "tracking")
        assert tracking.add(ACTIVITY)
        assert not tracking.add(ACTIVITY)
        saved = tracking.save(ACTIVITY)
        with pytest.raises(LostRace):
            tracking.save(replace(ACTIVITY, version=7))
        assert tracking.activities("default") == [saved]
        assert tracking.activities("other") == []
        assert tracking.remove("default", ACTIVITY.campaign_activity_id)
        assert not tracking.remove("default", ACTIVITY.campaign_activity_id)

    def test_stores_the_ledger_and_decisions(self, client: Any, clock: FakeClock) -> None:
        ledger = DynamoDBLedger(client, "ledger", LEDGER_KEPT, clock)
        entries = {"2026-03-02T13": {b"a" * 8}, "2026-03-02T14": {b"b" * 8, b"c" * 8}}
        ledger.append("activity", entries)
        found = ledger.fingerprints("activity", "2026-03-02T14", "2026-03-02T15")
        assert found == {"2026-03-02T14": entries["2026-03-02T14"]}
        decisions = DynamoDBDecisions(client, "ledger", LEDGER_KEPT, clock)
        assert decisions.decide("p", {b"k" * 8: b"1" * 8}) == {b"k" * 8: b"1" * 8}
        another = DynamoDBDecisions(client, "ledger", LEDGER_KEPT, clock)
        assert another.decide("p", {b"k" * 8: b"2" * 8}) == {b"k" * 8: b"1" * 8}


class TestUnits:
    def test_of_a_write_are_those_of_the_larger_item(
        self, dynamodb: CountingDynamoDB, meter: Meter
    ) -> None:
        key = {"account_id": {"S": "default"}, "item": {"S": "account"}}
        dynamodb.put_item(TableName="tracking", Item=key | {"text": {"S": "x" * 2000}})
        dynamodb.put_item(TableName="tracking", Item=key)
        assert meter.units[WRITES] == 2 + 2

    def test_of_a_refused_write_are_counted(self, dynamodb: CountingDynamoDB, meter: Meter) -> None:
        tracking = DynamoDBTracking(dynamodb, "tracking")  # type: ignore[arg-type]
        tracking.add(ACTIVITY)
        tracking.add(ACTIVITY)
        assert meter.units[WRITES] == 2

    def test_of_a_query_are_those_of_all_that_it_reads(
        self, dynamodb: CountingDynamoDB, meter: Meter
    ) -> None:
        tracking = DynamoDBTracking(dynamodb, "tracking")  # type: ignore[arg-type]
        for number in range(20):
            tracking.add(replace(ACTIVITY, campaign_activity_id=f"{number:036}"))
        meter.reset()
        size = sum(
            item_bytes(item)
            for item in dynamodb.query(
                TableName="tracking",
                KeyConditionExpression="account_id = :a",
                ExpressionAttributeValues={":a": {"S": "default"}},
            )["Items"]
        )
        eventually = meter.units[READS]
        tracking.current("default")
        assert meter.units[READS] - eventually == -(-size // 4096) == 2 * eventually

    def test_of_nothing_found_are_still_one(self, dynamodb: CountingDynamoDB, meter: Meter) -> None:
        assert DynamoDBTracking(dynamodb, "tracking").account("default") is None  # type: ignore[arg-type]
        assert meter.units[READS] == 1

    def test_of_other_tables_are_left_out(self, meter: Meter) -> None:
        dynamodb = CountingDynamoDB(meter, uncounted={"tracking"})
        DynamoDBTracking(dynamodb, "tracking").add(ACTIVITY)  # type: ignore[arg-type]
        assert meter.units[WRITES] == 0


def test_a_call_takes_its_time(meter: Meter, clock: FakeClock) -> None:
    began = clock.now()
    meter.use({}, "GetItem", 0.5)
    assert (clock.now() - began, meter.calls["GetItem"]) == (timedelta(seconds=0.5), 1)


def test_cpu_time_lasts_longer_with_less_memory() -> None:
    whole, half = Function(1769), Function(1769 // 2)
    assert whole.seconds(10) == Function(3000).seconds(10) == pytest.approx(0.010)
    assert half.seconds(10) == pytest.approx(0.020, rel=0.01)


def test_costs_are_units_by_their_price() -> None:
    assert Price(0.20, 1_000_000, "requests").cost(5_000_000) == pytest.approx(1.00)
    units = {line: float(price.units) for line, price in PRICES.items()}
    assert cost(units) == pytest.approx(sum(price.usd for price in PRICES.values()))
    assert cost(added(units, scaled(units, 2))) == pytest.approx(3 * cost(units))


def test_an_hour_of_an_idle_account_is_counted_as_in_the_stored_month() -> None:
    hour = Scenario(
        name="",
        days="",
        world=lambda: World(sends=[], begins=0.0, ends=HOUR),
        periods=(Period(begins=0.0, ends=HOUR, stands_for=HOURS_A_MONTH * HOUR),),
    )
    found, month = count(hour), stored()[IDLE]
    assert found.turns == month.turns
    for line in (LAMBDA_DURATION, WRITES, READS):
        assert found.units[line] == pytest.approx(month.units[line], rel=0.05)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_periods_of_a_scenario_stand_for_a_month(name: str) -> None:
    scenario = SCENARIOS[name]
    assert sum(period.stands_for for period in scenario.periods) == HOURS_A_MONTH * HOUR
    assert scenario.world().ends >= scenario.periods[-1].ends
