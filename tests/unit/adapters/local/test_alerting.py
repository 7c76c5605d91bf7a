"""The alert of a watch: what is written to the output is shown at the webhook, if it is fresh."""

from collections.abc import Sequence
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from email_opens.adapters.local.alerting import AlertingPublisher
from email_opens.adapters.waits import UNCUT
from email_opens.alerts.ports import NoReply, Reply
from email_opens.model import Activity, NewOpen, RejectedRow
from email_opens.ports import Delivery
from tests.alerting import Setup
from tests.contract.samples import ACTIVITY, new_open


class Output:
    """Settles what it is given, or the first of it."""

    def __init__(self) -> None:
        self.most = 100
        self.written: list[NewOpen] = []

    def publish(self, _: Activity, opens: Sequence[NewOpen], now: datetime) -> Delivery[NewOpen]:
        del now
        self.written += opens[: self.most]
        return Delivery(settled=tuple(opens[: self.most]))

    def set_aside(self, _: Activity, rows: Sequence[RejectedRow]) -> Delivery[RejectedRow]:
        return Delivery(settled=tuple(rows))


class Watch:
    def __init__(self, *, every_open: bool = False) -> None:
        self.setup = Setup()
        self.output = Output()
        self.warnings: list[str] = []
        self.every_open = every_open
        self.start()

    def start(self) -> None:
        """Start the command, which knows what earlier runs have decided."""
        self.publisher = AlertingPublisher(
            publisher=self.output,
            alerts=self.setup.container(),
            clock=self.setup.clock,
            waits=UNCUT,
            warn=self.warnings.append,
            every_open=self.every_open,
        )

    def publish(self, *opens: NewOpen) -> None:
        self.publisher.publish(ACTIVITY, opens, self.setup.clock.now())
        self.publisher.flush()

    def wait(self, seconds: float) -> None:
        self.setup.clock.sleep(seconds)
        self.publisher.flush()

    @property
    def shown(self) -> list[str]:
        return self.setup.web.shown


@pytest.fixture
def watch() -> Watch:
    return Watch()


def fresh(watch: Watch, number: int = 1, **changes: Any) -> NewOpen:
    new = new_open(number)
    at = watch.setup.clock.now() - timedelta(minutes=2)
    return replace(new, open=replace(new.open, created_time=at), **({"first_open": True} | changes))


def test_fresh_first_opens_are_shown(watch: Watch) -> None:
    new = fresh(watch)
    watch.publish(new)
    assert watch.shown == [new.event_id]
    assert watch.output.written == [new]


def test_nothing_is_posted_before_the_opens_are_recorded(watch: Watch) -> None:
    watch.publisher.publish(ACTIVITY, [fresh(watch)], watch.setup.clock.now())
    assert watch.setup.web.documents == []


def test_an_open_that_is_not_the_contacts_first_is_written_only(watch: Watch) -> None:
    watch.publish(fresh(watch, first_open=False))
    assert len(watch.output.written) == 1
    assert watch.shown == []


def test_an_old_open_is_written_only(watch: Watch) -> None:
    new = fresh(watch)
    watch.setup.clock.sleep(14 * 60)
    watch.publish(new)
    assert watch.shown == []


def test_every_open_is_shown_if_that_is_wanted() -> None:
    watch = Watch(every_open=True)
    new = fresh(watch, first_open=False)
    watch.setup.clock.sleep(86_400)
    watch.publish(new)
    assert watch.shown == [new.event_id]


def test_an_open_that_was_not_written_is_not_shown(watch: Watch) -> None:
    watch.output.most = 1
    first, second = fresh(watch, 1), fresh(watch, 2)
    watch.publish(first, second)
    assert watch.shown == [first.event_id]


def test_an_open_that_is_written_again_after_a_crash_is_not_shown_again(watch: Watch) -> None:
    new = fresh(watch)
    watch.publish(new)
    watch.start()
    watch.publish(new)
    assert watch.shown == [new.event_id]


def test_a_post_that_fails_is_tried_again(watch: Watch) -> None:
    watch.setup.web.replies = [Reply(status=500)]
    new = fresh(watch)
    watch.publish(new)
    watch.wait(29)
    assert watch.shown == []
    watch.wait(1)
    assert watch.shown == [new.event_id]
    assert len(watch.warnings) == 1


def test_a_problem_that_lasts_is_told_once(watch: Watch) -> None:
    watch.setup.web.replies = [Reply(status=404)] * 2
    watch.publish(fresh(watch))
    watch.wait(30)
    assert [warning[:58] for warning in watch.warnings] == [
        "The webhook at alerts.example.org answered 404: there is n"
    ]


def test_opens_that_are_no_longer_fresh_are_given_up(watch: Watch) -> None:
    watch.setup.web.replies = [Reply(status=404)] * 50
    watch.publish(fresh(watch))
    for _ in range(60):
        watch.wait(30)
    assert watch.warnings[-1] == "Opens that the webhook did not accept for 15 minutes: 1."
    posts = len(watch.setup.web.documents)
    watch.wait(3_600)
    assert len(watch.setup.web.documents) == posts


def test_a_post_that_may_be_shown_is_not_repeated(watch: Watch) -> None:
    watch.setup.web.replies = [NoReply(reason="it timed out", sent=True)]
    watch.publish(fresh(watch))
    watch.wait(3_600)
    assert len(watch.setup.web.documents) == 1
    assert "may be shown and is not repeated" in watch.warnings[0]
