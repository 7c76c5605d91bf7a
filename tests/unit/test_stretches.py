"""What a stretch makes of its activity when only some of its opens were delivered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from email_opens.errors import AccountStopped, EmailOpensError, PublishFailed
from email_opens.events import event_id
from email_opens.gaps import PATIENCE, PAUSES
from email_opens.model import Activity, Gap, NewOpen
from email_opens.ports import Delivery
from email_opens.stretches import MOST_UNDELIVERED
from tests.core.setup import Core, at, report_of, row
from tests.fakes import MemoryPublisher


class FailingPublisher(MemoryPublisher):
    """A publisher that fails for all opens but the first."""

    def __init__(self, failure: EmailOpensError) -> None:
        super().__init__()
        self.failure = failure

    def publish(
        self, activity: Activity, opens: Sequence[NewOpen], now: datetime
    ) -> Delivery[NewOpen]:
        delivery = super().publish(activity, opens[:1], now)
        return replace(delivery, failure=self.failure)


@pytest.fixture
def core() -> Core:
    core = Core()
    core.track()
    return core


def gap_after(core: Core, gap: Gap | None = None) -> Gap:
    """Return the gap for what a partial delivery of a one-page report has left."""
    with pytest.raises(EmailOpensError):
        core.work(report_of((row(3), row(2))), core.walk(gap=gap))
    (left,) = core.activity().progress.gaps
    return left


def test_its_gap_waits_a_minute_after_a_first_failure(core: Core) -> None:
    core.publisher.failing = {event_id(row(3), 1)}
    left = gap_after(core)
    assert (left.failures, left.retry_at) == (PATIENCE, core.clock.now() + PAUSES[0])


@pytest.mark.parametrize(("before", "after"), [(0, 3), (2, 3), (3, 4), (4, 5), (5, 5)])
def test_its_gap_counts_one_failure_more_up_to_a_limit(core: Core, before: int, after: int) -> None:
    core.publisher.failing = {event_id(row(3), 1)}
    left = gap_after(core, Gap(None, None, None, failures=before))
    assert left.failures == after <= MOST_UNDELIVERED


def test_a_failure_that_is_not_the_activitys_own_is_not_counted(core: Core) -> None:
    core.publisher = FailingPublisher(AccountStopped("The output is closed."))
    left = gap_after(core, Gap(None, None, None, failures=4))
    assert (left.failures, left.retry_at) == (0, None)


def test_its_gap_reaches_from_the_head_down_to_the_last_row(core: Core) -> None:
    core.publisher = FailingPublisher(PublishFailed("The topic is down."))
    left = gap_after(core)
    assert (left.floor, left.ceiling, left.link, left.reached) == (at(2), None, None, at(2))
