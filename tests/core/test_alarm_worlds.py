"""Each alarm goes off when something is wrong and ends after the mend, and no other time.

The real handler takes the turns and writes its metrics; what AWS measures itself is counted, or
stated by the test; CloudWatch's rules are those of `tests.unit.template.cloudwatch`.
"""

from collections.abc import Callable, Iterator
from copy import replace
from datetime import timedelta

import pytest

from email_opens.errors import AccountDisconnected, ActivityForbidden, ReportUnavailable
from email_opens.events import event_id
from email_opens.model import Open, State
from tests.contract.samples import ACTIVITY_ID
from tests.core.setup import Core, row
from tests.core.watched import ALARMS, TEMPLATE, Watched

DELAY = TEMPLATE["Parameters"]["PublishDelayAlarmSeconds"]["Default"]
EXTRA_PERIODS = (0, 2, 5)
"""AWS does not say how many periods an alarm retrieves beyond those that it evaluates."""

type Story = Callable[[Watched], Iterator[None]]
"""Breaks something and yields while it is broken; then mends it."""


@pytest.fixture
def watched(capsys: pytest.CaptureFixture[str]) -> Watched:
    return Watched(capsys)


def new_open(watched: Watched, contact: str, *, late: timedelta = timedelta()) -> Open:
    """Add an open to the report, which the vendor reports so late."""
    opened = replace(row(0, contact), created_time=watched.core.clock.now() - late)
    watched.core.arrive(opened)
    return opened


def track(watched: Watched) -> None:
    """Track an e-mail that was sent a day ago."""
    now = watched.core.clock.now()
    day = timedelta(days=1)
    watched.core.track(sent_at=now - day, tracked_at=now - day)


def disconnect(watched: Watched) -> None:
    error = AccountDisconnected("Run `email-opens connect default`.")
    watched.core.report_errors[ACTIVITY_ID] = error
    watched.troubles()["summaries"] = error


def connect(watched: Watched) -> None:
    watched.core.report_errors.clear()
    watched.troubles().clear()


def silent(watched: Watched, **parameters: str) -> bool:
    """Return whether no alarm has notified anybody."""
    return not any(watched.rang(more=more, **parameters) for more in EXTRA_PERIODS)


# --- Nothing is wrong ---


def test_a_week_without_sends_raises_no_alarm(watched: Watched) -> None:
    watched.every = 5
    watched.play(7 * 24 * 60)
    assert silent(watched, ScheduleExpression="rate(5 minutes)")


def test_the_first_hour_raises_no_alarm(watched: Watched) -> None:
    track(watched)
    new_open(watched, "ann")
    watched.play(60)
    assert silent(watched)


def test_an_account_that_is_still_to_be_connected_raises_no_alarm(watched: Watched) -> None:
    disconnect(watched)
    watched.play(60)
    connect(watched)
    watched.play(60)
    assert silent(watched)


@pytest.mark.parametrize(("expression", "every"), [("rate(5 minutes)", 5), ("rate(1 hour)", 60)])
def test_a_slower_schedule_raises_no_alarm(watched: Watched, expression: str, every: int) -> None:
    watched.every = every
    track(watched)
    new_open(watched, "ann")
    watched.play(26 * 60)
    assert silent(watched, ScheduleExpression=expression)


def test_a_paused_e_mail_raises_no_alarm(watched: Watched) -> None:
    track(watched)
    watched.play(5)
    watched.core.tracking.save(replace(watched.core.activity(), state=State.PAUSED))
    new_open(watched, "ann")
    watched.play(60)
    assert silent(watched)


def test_an_untracked_e_mail_raises_no_alarm(watched: Watched) -> None:
    track(watched)
    watched.play(5)
    watched.core.tracking.remove("default", ACTIVITY_ID)
    new_open(watched, "ann")
    watched.play(60)
    assert silent(watched)


def test_a_schedule_that_is_disabled_by_its_parameter_raises_no_alarm(watched: Watched) -> None:
    watched.play(30)
    watched.invoked = False
    watched.play(120)
    assert silent(watched, ScheduleState="DISABLED")


def test_a_day_with_few_requests_raises_no_alarm_about_its_searches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watched = Watched(capsys, core=Core(requests_per_day=300))
    watched.every = 5
    watched.play(24 * 60)
    assert "no-completed-search" not in watched.rang()


# --- Something is wrong ---


def a_schedule_disabled_by_hand(watched: Watched) -> Iterator[None]:
    watched.invoked = False
    watched.play(20)
    yield
    watched.invoked = True
    watched.play(5)


def a_revoked_account(watched: Watched) -> Iterator[None]:
    disconnect(watched)
    watched.play(50)
    yield
    connect(watched)
    watched.play(40)


def searches_that_fail(watched: Watched) -> Iterator[None]:
    watched.troubles()["summaries"] = ReportUnavailable("The vendor answered 418.")
    watched.play(150)
    yield
    connect(watched)
    watched.play(90)


def opens_that_the_vendor_reports_late(watched: Watched) -> Iterator[None]:
    track(watched)
    contacts = iter(range(99))
    late = timedelta(seconds=DELAY + 60)
    watched.play(20, lambda: (new_open(watched, f"c{next(contacts)}", late=late), None)[1])
    yield
    watched.play(40)


def opens_that_the_topic_refuses(watched: Watched) -> Iterator[None]:
    if not watched.core.tracking.items:
        track(watched)
    opened = new_open(watched, f"c{len(watched.minutes)}")
    watched.core.publisher.refused.add(event_id(opened, 1))
    watched.play(5)
    yield
    watched.play(30)


def stated(alarm: str, value: float, minutes: int, after: int) -> Story:
    """Return a story in which AWS measures a value for some minutes."""

    def story(watched: Watched) -> Iterator[None]:
        watched.stated = {alarm: value}
        watched.play(minutes)
        yield
        watched.stated = {alarm: 0.0}
        watched.play(after)

    return story


def an_e_mail_that_fails(watched: Watched) -> Iterator[None]:
    track(watched)
    watched.core.track(campaign_activity_id="other")
    watched.core.report_errors[ACTIVITY_ID] = ActivityForbidden("The vendor answered 403.")
    watched.play(30)
    yield
    connect(watched)
    watched.play(60)


def a_malformed_setting(watched: Watched) -> Iterator[None]:
    watched.settings_fail = True
    watched.play(15)
    yield
    watched.settings_fail = False
    watched.play(30)


STORIES: list[tuple[str, Story]] = [
    ("no-completed-turn", a_schedule_disabled_by_hand),
    ("account-stopped", a_revoked_account),
    ("no-completed-search", searches_that_fail),
    ("publish-delay", opens_that_the_vendor_reports_late),
    ("dead-letters", opens_that_the_topic_refuses),
    ("deliveries-failed", stated("deliveries-failed", 1.0, 1, 100)),
    ("activities-failed", an_e_mail_that_fails),
    ("function-errors", a_malformed_setting),
    ("function-throttles", stated("function-throttles", 1.0, 10, 30)),
    ("alert-delay", stated("alert-delay", 1800.0, 10, 10)),
    ("unshown-opens", stated("unshown-opens", 1.0, 5, 5)),
]
CONSEQUENCES = {
    "account-stopped": {"no-completed-turn"},
    "function-errors": {"no-completed-turn"},
}
"""Alarms that go off beside the one of a story, as its section says."""


def test_each_alarm_has_a_story() -> None:
    assert {alarm for alarm, _ in STORIES} == set(ALARMS)


@pytest.mark.parametrize("more", EXTRA_PERIODS)
@pytest.mark.parametrize(("alarm", "story"), STORIES)
def test_an_alarm_goes_off_and_ends_after_the_mend(
    watched: Watched, alarm: str, story: Story, more: int
) -> None:
    watched.play(15)
    assert watched.in_alarm(more=more) == set()
    acts = story(watched)
    next(acts)
    assert watched.in_alarm(more=more) - CONSEQUENCES.get(alarm, set()) == {alarm}
    assert list(acts) == []
    assert watched.in_alarm(more=more) == set()


def test_each_wave_of_dead_letters_sets_the_alarm_off_again(watched: Watched) -> None:
    for _ in range(2):
        acts = opens_that_the_topic_refuses(watched)
        next(acts)
        assert watched.in_alarm() == {"dead-letters"}
        assert list(acts) == []
        assert watched.in_alarm() == set()


@pytest.mark.parametrize(
    ("alarm", "story"),
    [
        ("no-completed-turn", a_schedule_disabled_by_hand),
        ("account-stopped", a_revoked_account),
        ("function-errors", a_malformed_setting),
    ],
)
def test_an_alarm_goes_off_with_a_turn_every_five_minutes(
    watched: Watched, alarm: str, story: Story
) -> None:
    watched.every = 5
    watched.play(16)
    next(story(watched))
    assert alarm in watched.in_alarm(ScheduleExpression="rate(5 minutes)")
