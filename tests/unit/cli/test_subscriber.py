"""What the demo counts, and what a queue hands it."""

from datetime import UTC, datetime
from threading import Event

from email_opens.adapters.sns import SnsPublisher
from email_opens_cli.subscriber import Seen, Subscriber, differences
from tests.conftest import Aws
from tests.contract.samples import ACTIVITY, new_opens
from tests.fakes import FakeClock

ONE = Seen("activity", "ann", datetime(2026, 3, 2, tzinfo=UTC), None)
TWO = ONE._replace(contact_id="bo")


def test_an_open_that_did_not_come_is_missing() -> None:
    assert differences([ONE, TWO], [TWO]) == (1, 0)


def test_an_open_that_came_twice_is_repeated() -> None:
    assert differences([ONE], [ONE, ONE]) == (0, 1)


def test_twins_are_two() -> None:
    assert differences([ONE, ONE], [ONE]) == (1, 0)


def test_a_stranger_is_repeated() -> None:
    assert differences([ONE], [TWO]) == (1, 1)


def test_a_subscriber_receives_what_is_published(aws: Aws, clock: FakeClock) -> None:
    publisher = SnsPublisher(aws.sns, aws.sqs, aws.topic_arn, aws.dlq_url, clock)
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
        Seen(
            new.open.campaign_activity_id,
            new.open.contact_id,
            new.open.created_time,
            new.open.device_type,
        )
        for new in opens
    ]
    assert differences(wanted, got) == (0, 0)
