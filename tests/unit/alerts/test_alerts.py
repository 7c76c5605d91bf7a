"""A batch: one post for each e-mail, and what becomes of each message."""

from datetime import timedelta
from itertools import pairwise

import pytest

from email_opens.alerts.alerts import Incoming
from email_opens.alerts.deduplication import Outcome
from email_opens.alerts.ports import NoReply, Reply
from email_opens.alerts.templates import read_template
from email_opens.errors import ActivityFailed
from tests.alerting import (
    EMAIL,
    OTHER_EMAIL,
    SLACK_URL,
    FixedAddress,
    Setup,
    body,
    event_id,
    incoming,
)

SECOND = timedelta(seconds=1)
GONE = Reply(status=410)


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_opens_of_one_e_mail_are_one_post(setup: Setup) -> None:
    delivered = setup.alerts.deliver([incoming(n) for n in (2, 1, 3)], setup.before)
    (document,) = setup.web.documents
    assert document["count"] == 3
    assert setup.web.shown == [event_id(n) for n in (1, 2, 3)]
    assert (delivered.posts, delivered.opens) == (1, 3)
    assert not delivered.returned
    assert not delivered.set_aside


def test_opens_are_listed_by_the_time_of_the_open(setup: Setup) -> None:
    late, early = incoming(1), incoming(2, created_time="2026-03-02T13:50:00Z")
    setup.alerts.deliver([late, early], setup.before)
    assert setup.web.shown == [event_id(2), event_id(1)]


def test_each_e_mail_has_its_own_post(setup: Setup) -> None:
    setup.alerts.deliver([incoming(1), incoming(2, email=OTHER_EMAIL)], setup.before)
    assert [document["count"] for document in setup.web.documents] == [1, 1]


def test_an_open_that_is_twice_in_a_batch_is_shown_once(setup: Setup) -> None:
    delivered = setup.alerts.deliver([incoming(1, key="a"), incoming(1, key="b")], setup.before)
    assert setup.web.shown == [event_id(1)]
    assert not delivered.returned


def test_an_open_that_was_shown_is_done_without_a_post(setup: Setup) -> None:
    setup.alerts.deliver([incoming(1)], setup.before)
    delivered = setup.container().deliver([incoming(1), incoming(2)], setup.before)
    assert setup.web.shown == [event_id(1), event_id(2)]
    assert delivered.repeats == 1
    assert not delivered.returned


def test_a_message_that_is_no_open_is_set_aside_and_blocks_nothing(setup: Setup) -> None:
    delivered = setup.alerts.deliver([Incoming(key="bad", body="hello"), incoming(1)], setup.before)
    assert delivered.set_aside == {"bad": "The message is not a JSON object."}
    assert setup.web.shown == [event_id(1)]


def test_a_post_that_fails_is_tried_again_later(setup: Setup) -> None:
    setup.web.replies = [Reply(status=500)]
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.returned == {"m1": timedelta(seconds=30)}
    setup.clock.sleep(30)
    assert not setup.alerts.deliver([incoming(1, receives=2)], setup.before).returned
    assert setup.web.shown == [event_id(1)]


@pytest.mark.parametrize(
    ("receives", "seconds"), [(1, 30), (2, 60), (5, 480), (6, 900), (300, 900)]
)
def test_a_message_waits_longer_each_time(setup: Setup, receives: int, seconds: int) -> None:
    setup.web.replies = [GONE]
    delivered = setup.alerts.deliver([incoming(1, receives=receives)], setup.before)
    assert delivered.returned["m1"] == timedelta(seconds=seconds)


def test_a_wait_that_the_webhook_asks_for_is_kept_to(setup: Setup) -> None:
    setup.web.replies = [Reply(status=429, retry_after=timedelta(minutes=20))]
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.returned["m1"] == timedelta(minutes=20)
    setup.clock.sleep(19 * 60)
    assert setup.alerts.deliver([incoming(1)], setup.before).returned["m1"] == timedelta(minutes=1)
    setup.clock.sleep(60)
    assert not setup.alerts.deliver([incoming(1)], setup.before).returned


def test_a_wait_of_days_is_no_longer_than_a_queue_can_hide_a_message(setup: Setup) -> None:
    setup.web.replies = [Reply(status=429, retry_after=timedelta(days=9))]
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.returned["m1"] == timedelta(hours=11)


def test_after_a_failure_other_batches_do_not_post_until_the_pause_is_over(setup: Setup) -> None:
    setup.web.replies = [GONE]
    setup.alerts.deliver([incoming(1)], setup.before)
    delivered = setup.alerts.deliver([incoming(2, email=OTHER_EMAIL)], setup.before)
    assert len(setup.web.documents) == 1
    assert delivered.returned == {"m2": timedelta(seconds=30)}


def test_pauses_grow_while_the_webhook_fails_and_end_with_a_success(setup: Setup) -> None:
    pauses = []
    for number in range(8):
        setup.web.replies = [GONE]
        setup.alerts.deliver([incoming(number)], setup.before)
        start = setup.clock.now()
        while setup.alerts.deliver([incoming(number)], setup.before).returned:
            setup.web.replies = []
            setup.clock.sleep(30)
        pauses.append(setup.clock.now() - start)
    assert set(pauses) == {timedelta(seconds=30)}


def test_a_webhook_that_is_down_for_hours_is_asked_every_quarter_of_an_hour(setup: Setup) -> None:
    for receives in range(1, 40):
        setup.web.replies = [GONE]
        delay = setup.alerts.deliver([incoming(1, receives=receives)], setup.before).returned["m1"]
        setup.clock.sleep(delay.total_seconds())
    assert not setup.alerts.deliver([incoming(1)], setup.before).returned
    times = setup.web.posted_at
    assert times[-1] - times[-2] == timedelta(minutes=15)
    assert times[-1] - times[0] > timedelta(hours=8)
    assert setup.web.shown == [event_id(1)]


def test_a_document_that_is_refused_once_does_not_hold_up_other_e_mails(setup: Setup) -> None:
    setup.web.replies = [Reply(status=400, body=b"invalid_payload")]
    delivered = setup.alerts.deliver([incoming(1), incoming(2, email=OTHER_EMAIL)], setup.before)
    assert list(delivered.returned) == ["m1"]
    assert setup.web.shown == [event_id(2)]


def test_documents_that_are_refused_one_after_another_pause_the_webhook(setup: Setup) -> None:
    setup.web.replies = [Reply(status=400), Reply(status=400)]
    emails = [OTHER_EMAIL.replace("bb", f"b{number}") for number in range(4)]
    setup.alerts.deliver([incoming(n, email=each) for n, each in enumerate(emails)], setup.before)
    assert len(setup.web.documents) == 2


def test_after_a_4xx_the_url_is_read_again(setup: Setup) -> None:
    setup.web.replies = [Reply(status=404), Reply(status=500)]
    setup.alerts.deliver([incoming(1)], setup.before)
    assert setup.address.forgotten == 1
    setup.clock.sleep(3600)
    setup.alerts.deliver([incoming(1)], setup.before)
    assert setup.address.forgotten == 1


def test_a_post_that_may_be_shown_is_not_repeated_but_set_aside(setup: Setup) -> None:
    setup.web.replies = [NoReply(reason="it timed out", sent=True)]
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.set_aside["m1"].startswith("may have been shown already: ")
    assert not delivered.returned
    setup.clock.sleep(3600)
    again = setup.alerts.deliver([incoming(1)], setup.before)
    assert again.set_aside["m1"].startswith("may have been shown already: the function")
    assert len(setup.web.documents) == 1


def test_a_dead_letter_that_a_person_sends_again_is_shown(setup: Setup) -> None:
    setup.web.replies = [NoReply(reason="it timed out", sent=True)]
    setup.alerts.deliver([incoming(1)], setup.before)
    setup.clock.sleep(3600)
    letter = Incoming(key="l", body=body(1), retried_at=setup.clock.now())
    assert not setup.alerts.deliver([letter], setup.before).set_aside
    assert not setup.alerts.deliver([letter, incoming(1)], setup.before).returned
    assert setup.web.shown == [event_id(1)]


def test_an_open_that_another_invocation_posts_waits_for_the_end_of_that(setup: Setup) -> None:
    other = setup.container()
    waiting: list[timedelta] = []

    def post(*_: object, **__: object) -> Reply:
        waiting.extend(other.deliver([incoming(1, key="copy")], setup.before).returned.values())
        return Reply(status=200)

    setup.web.post = post  # type: ignore[method-assign] # the other one comes in the middle
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert waiting == [timedelta(seconds=61)]
    assert delivered.opens == 1


def test_posts_to_slack_are_a_second_apart(setup: Setup) -> None:
    setup.address.url = SLACK_URL
    emails = [OTHER_EMAIL.replace("bb", f"b{number}") for number in range(4)]
    setup.alerts.deliver([incoming(n, email=each) for n, each in enumerate(emails)], setup.before)
    times = setup.web.posted_at
    assert [later - one for one, later in pairwise(times)] == [SECOND] * 3


@pytest.mark.parametrize("url", [None, SLACK_URL])
def test_a_url_that_is_read_slowly_does_not_take_the_function_over_its_time(
    setup: Setup, url: str | None
) -> None:
    class SlowAddress(FixedAddress):
        def read(self) -> str:
            setup.clock.sleep(24)
            return super().read()

    before = setup.before
    setup.address = SlowAddress(url)
    emails = [OTHER_EMAIL.replace("bb", f"b{number}") for number in range(9)]
    delivered = setup.container().deliver(
        [incoming(n, email=each) for n, each in enumerate(emails)], before
    )
    assert setup.clock.now() < before
    assert delivered.posts + len(delivered.returned) == 9
    assert len(delivered.problems) == (url is None)


def test_what_does_not_fit_into_an_invocation_stays_in_the_queue(setup: Setup) -> None:
    setup.address.url = SLACK_URL
    emails = [OTHER_EMAIL.replace("bb", f"{number:02}") for number in range(60)]
    delivered = setup.alerts.deliver(
        [incoming(n, email=each) for n, each in enumerate(emails)], setup.before
    )
    assert delivered.posts + len(delivered.returned) == 60
    assert 30 < delivered.posts < 50
    assert set(delivered.returned.values()) == {SECOND}


def test_without_a_url_all_stays_in_the_queue(setup: Setup) -> None:
    setup.address.url = None
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.returned == {"m1": timedelta(seconds=30)}
    assert delivered.problems == ["There is no URL."]


def test_a_template_is_used(setup: Setup) -> None:
    setup.template = read_template('{"m": "{{title}}"}', "X")
    setup.container().deliver([incoming(1)], setup.before)
    assert setup.web.documents == [{"m": "“March news” was opened once"}]


def test_an_unforeseen_error_stops_one_e_mail_and_is_logged_by_its_place_only(
    setup: Setup,
) -> None:
    decide = setup.decisions.decide

    def fail(*_: object) -> None:
        setup.decisions.decide = decide
        raise KeyError("ann@example.org")

    setup.decisions.decide = fail
    delivered = setup.alerts.deliver([incoming(1), incoming(2, email=OTHER_EMAIL)], setup.before)
    assert [problem[:20] for problem in delivered.problems] == ["Unexpected KeyError "]
    assert "@" not in delivered.problems[0]
    assert list(delivered.returned) == ["m1"]
    assert setup.web.shown == [event_id(2)]


def test_what_was_shown_is_done_although_its_outcome_could_not_be_stored(setup: Setup) -> None:
    decide = setup.decisions.decide

    def fail(partition: str, wanted: dict[bytes, bytes]) -> dict[bytes, bytes]:
        if partition.endswith("#posts"):
            raise ActivityFailed("No capacity.")
        decided: dict[bytes, bytes] = decide(partition, wanted)
        return decided

    setup.decisions.decide = fail
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert delivered.problems == ["No capacity."]
    assert not delivered.returned
    setup.clock.sleep(3600)
    again = setup.alerts.deliver([incoming(1)], setup.before)
    assert list(again.set_aside) == ["m1"]
    assert setup.web.shown == [event_id(1)]


def test_a_claim_that_took_too_long_is_given_up_without_a_post(setup: Setup) -> None:
    decide = setup.decisions.decide

    def slow(partition: str, wanted: dict[bytes, bytes]) -> dict[bytes, bytes]:
        setup.clock.sleep(40)
        decided: dict[bytes, bytes] = decide(partition, wanted)
        return decided

    setup.decisions.decide = slow
    delivered = setup.alerts.deliver([incoming(1)], setup.before)
    assert setup.web.documents == []
    assert list(setup.decisions.partitions[f"{EMAIL}#posts"].values()) == [Outcome.FAILED.value]
    assert delivered.returned
