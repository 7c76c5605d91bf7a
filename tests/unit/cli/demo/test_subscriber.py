"""What the demo counts, and what a queue hands it."""

from datetime import UTC, datetime
from threading import Event

from email_opens.adapters.aws.publishing.publisher import SnsPublisher
from email_opens.adapters.aws.publishing.receivers import queue, topic
from email_opens_cli.demo.subscriber import (
    ReportedOpen,
    Subscriber,
    UnderWay,
    differences,
    under_way,
)
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, new_opens
from tests.fakes import FakeClock

ONE = ReportedOpen("activity", "ann", datetime(2026, 3, 2, tzinfo=UTC), None)
TWO = ONE._replace(contact_id="bo")


def test_an_open_that_did_not_come_is_missing() -> None:
    assert differences([ONE, TWO], [TWO]) == (1, 0)


def test_an_open_that_came_twice_is_repeated() -> None:
    assert differences([ONE], [ONE, ONE]) == (0, 1)


def test_twins_are_two() -> None:
    assert differences([ONE, ONE], [ONE]) == (1, 0)


def test_a_stranger_is_repeated() -> None:
    assert differences([ONE], [TWO]) == (1, 1)


def test_rows_that_the_report_does_not_show_yet_are_under_way() -> None:
    assert under_way(2, [ONE], [ONE]) == UnderWay(not_reported=1, not_received=0)


def test_reported_rows_that_were_not_received_are_under_way() -> None:
    assert under_way(2, [ONE, TWO], [TWO]) == UnderWay(not_reported=0, not_received=1)


def test_nothing_is_under_way_once_each_row_is_reported_and_received() -> None:
    assert under_way(2, [ONE, TWO], [TWO, ONE]) is None


def test_a_send_that_is_not_reported_at_all_is_under_way() -> None:
    assert under_way(2, [], []) == UnderWay(not_reported=2, not_received=0)


def test_a_subscriber_receives_what_is_published(aws: Aws, clock: FakeClock) -> None:
    publisher = SnsPublisher(topic(aws.sns, aws.topic_arn), queue(aws.sqs, aws.dlq_url), clock)
    opens = new_opens(12)
    pause = Event()
    with Subscriber(aws.sns, aws.sqs, aws.topic_arn) as subscriber:
        publisher.publish(ACTIVITY, opens, clock.now())
        for _ in range(200):
            if len(subscriber.received()) == len(opens):
                break
            pause.wait(0.05)
    got = [one.open for one in subscriber.received()]
    wanted = [
        ReportedOpen(
            new.open.campaign_activity_id,
            new.open.contact_id,
            new.open.created_time,
            new.open.device_type,
        )
        for new in opens
    ]
    assert differences(wanted, got) == (0, 0)
