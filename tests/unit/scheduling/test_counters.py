"""Which campaigns a probe reads."""

from email_opens.model import Activity
from email_opens.scheduling.counters import campaigns_to_probe
from tests.contract.samples import ACTIVITY, varied
from tests.core.setup import at


def sleeping(count: int) -> list[Activity]:
    """Return activities that are no longer polled, the latest first."""
    return [
        varied(ACTIVITY, campaign_id=f"asleep-{number}", polled_at=at(-number))
        for number in range(count)
    ]


def polled(count: int) -> list[Activity]:
    return [varied(ACTIVITY, campaign_id=f"polled-{number}") for number in range(count)]


def test_the_rest_of_a_request_reads_the_latest_that_are_no_longer_polled() -> None:
    assert campaigns_to_probe(polled(2), sleeping(5), 4, hour=0) == [
        "polled-0",
        "polled-1",
        "asleep-0",
        "asleep-1",
    ]


def test_every_sleeping_campaign_is_read_in_time_however_many_there_are() -> None:
    read = [
        campaign
        for hour in range(4)
        for campaign in campaigns_to_probe(polled(1), sleeping(8), 3, hour)
    ]
    assert {f"asleep-{number}" for number in range(8)} <= set(read)


def test_no_campaign_is_read_twice_in_a_probe() -> None:
    read = campaigns_to_probe(polled(1), sleeping(4), 4, hour=3)
    assert len(read) == len(set(read)) == 4


def test_a_full_request_has_no_room_for_them() -> None:
    assert campaigns_to_probe(polled(3), sleeping(3), 3, hour=1) == [
        "polled-0",
        "polled-1",
        "polled-2",
    ]
