"""Each alarm goes off in the situation that its documentation describes, and not short of it."""

import re
from typing import Any, ClassVar

import pytest

from tests.integration.rendering import rendered
from tests.unit.template.cloudwatch import Minutes, goes_off
from tests.unit.template.test_alarms import ALARMS, SECTIONS, name_of
from tests.unit.template.test_template import PARAMETERS, RESOURCES, TEMPLATE

BY_NAME: dict[str, dict[str, Any]] = {name_of(alarm): alarm for alarm in ALARMS.values()}
EVALUATED = {
    *("Period", "EvaluationPeriods", "DatapointsToAlarm", "Statistic", "ExtendedStatistic"),
    *("ComparisonOperator", "Threshold", "TreatMissingData"),
}
RESOLVED: dict[str, dict[str, Any]] = rendered(
    {
        name: {key: value for key, value in alarm.items() if key in EVALUATED}
        for name, alarm in BY_NAME.items()
    }
)
"""The alarms of a schedule of every minute."""
DELAY = PARAMETERS["PublishDelayAlarmSeconds"]["Default"]
SILENT: list[float] = []


def each(values: list[float], minutes: int, *, apart: int = 1) -> list[list[float]]:
    """Return minutes of which every `apart`th has these values, the last one included."""
    return [values if (minutes - 1 - minute) % apart == 0 else SILENT for minute in range(minutes)]


def delays(late: int, of: int, seconds: float = DELAY + 1) -> list[float]:
    """Return the delays of `of` opens, of which so many were late by `seconds`."""
    return [seconds] * late + [1.0] * (of - late)


SITUATIONS: list[tuple[str, str, Minutes, Minutes]] = [
    # The alarm, what its section says, when it goes off, and what is just short of that.
    (
        "no-completed-turn",
        "For ten minutes no turn of the account was completed",
        each([0.0], 10),
        [[1.0], *each([0.0], 9)],
    ),
    (
        "no-completed-turn",
        "no turn was started",
        [[1.0], *each(SILENT, 12)],
        [[1.0], *each(SILENT, 9)],
    ),
    (
        "no-completed-turn",
        "`rate(1 minute)` to `rate(5 minutes)`",
        each([0.0], 60),
        each([1.0], 60, apart=5),
    ),
    (
        "no-completed-search",
        "No search for new sends was completed in two hours",
        each([1.0], 10),
        each([1.0], 5),
    ),
    (
        "account-stopped",
        "no opens are published until a person connects it again",
        each([1.0], 10),
        each([1.0], 5),
    ),
    (
        "account-stopped",
        "the key's requests for the day are spent",
        each([1.0, 0.0], 10, apart=5),
        each([1.0], 1),
    ),
    (
        "activities-failed",
        "in three of six periods of five minutes an activity failed",
        each([1.0, 0.0], 30, apart=10),
        each([1.0, 0.0], 10, apart=5),
    ),
    (
        "dead-letters",
        "It ends twenty minutes after the last dead letter arrived",
        [[2.0], *each(SILENT, 19)],
        [[2.0], *each(SILENT, 20)],
    ),
    (
        "deliveries-failed",
        "In the last hour SNS failed to deliver",
        [[1.0], *each(SILENT, 55)],
        [[1.0], *each([0.0], 60)],
    ),
    (
        "unshown-opens",
        "The alert has set messages aside",
        [[0.0], [1.0, 0.0]],
        each([0.0], 60),
    ),
    (
        "alert-delay",
        "An open has been waiting for the chat for thirty minutes",
        each([1800.0], 5),
        [*each([1799.0], 60), *each([1800.0], 4)],
    ),
    (
        "publish-delay",
        "For 15 minutes, one open in a hundred was published more than",
        each(delays(3, of=200), 15, apart=5),
        each(delays(3, of=200), 10, apart=5),
    ),
    (
        "publish-delay",
        "one open in a hundred",
        each(delays(2, of=100), 15),
        each(delays(1, of=200), 15),
    ),
    (
        "publish-delay",
        "more than `PublishDelayAlarmSeconds`",
        each([DELAY + 1], 15),
        each([DELAY], 15),
    ),
    (
        "function-errors",
        "In two of three periods of five minutes the polling function failed",
        each([1.0, 0.0], 10, apart=5),
        each([1.0], 5),
    ),
    ("function-throttles", "Turns are skipped", each([1.0, 0.0], 10), each([1.0], 5)),
]


def test_each_alarm_has_a_situation() -> None:
    assert {name for name, *_ in SITUATIONS} == set(BY_NAME)


@pytest.mark.parametrize(("name", "words", "bad", "short"), SITUATIONS)
class TestAnAlarm:
    def test_is_described_so(self, name: str, words: str, bad: Minutes, short: Minutes) -> None:
        del bad, short
        assert words in SECTIONS[name]

    def test_goes_off_then(self, name: str, words: str, bad: Minutes, short: Minutes) -> None:
        del words, short
        assert goes_off(RESOLVED[name], bad)

    def test_does_not_go_off_before(
        self, name: str, words: str, bad: Minutes, short: Minutes
    ) -> None:
        del words, bad
        assert not goes_off(RESOLVED[name], short, more=0)


WORDS = {"ten": 10}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_description_names_the_time_that_is_evaluated(name: str) -> None:
    alarm = RESOLVED[name]
    found = re.search(r"\b(ten|\d+) minutes\b", BY_NAME[name]["AlarmDescription"])
    if found:
        count = WORDS.get(found[1]) or int(found[1])
        assert alarm["Period"] * alarm["EvaluationPeriods"] == 60 * count


@pytest.mark.parametrize(
    ("queue", "alarm"),
    [("DeadLetterQueue", "dead-letters"), ("AlertDeadLetterQueue", "unshown-opens")],
)
def test_a_dead_letter_is_kept_for_as_long_as_the_alarm_and_its_section_say(
    queue: str, alarm: str
) -> None:
    kept_seconds = RESOURCES[queue]["Properties"]["MessageRetentionPeriod"]
    days = f"{kept_seconds // 86_400} days"
    assert days in BY_NAME[alarm]["AlarmDescription"]
    assert f"keeps a dead letter for {days}" in SECTIONS[alarm]


class TestAnAlarmThatIsSilenced:
    """Where what an alarm watches is disabled, it may change state but notifies nobody."""

    SWITCHES: ClassVar = {"Polled": "ScheduleState"}

    @pytest.mark.parametrize("name", BY_NAME)
    def test_is_one_that_goes_off_without_data(self, name: str) -> None:
        alarm = BY_NAME[name]
        expected = "Polled" if goes_off(RESOLVED[name], []) else None
        actions = {"Fn::If": [expected, True, False]} if expected else True
        assert alarm.get("ActionsEnabled", True) == actions

    @pytest.mark.parametrize("condition", SWITCHES)
    def test_acts_where_the_parameter_says_so(self, condition: str) -> None:
        parameter = self.SWITCHES[condition]
        assert TEMPLATE["Conditions"][condition] == {"Fn::Equals": [{"Ref": parameter}, "ENABLED"]}
        assert PARAMETERS[parameter]["AllowedValues"] == ["ENABLED", "DISABLED"]


HEALTHY = {"no-completed-turn": 1.0}
"""What a metric is in each minute while nothing is wrong, if not 0."""


@pytest.mark.parametrize(("name", "words", "bad", "short"), SITUATIONS)
def test_an_alarm_ends_within_an_hour_after_its_situation(
    name: str, words: str, bad: Minutes, short: Minutes
) -> None:
    del words, short
    healthy = each([HEALTHY.get(name, 0.0)], 60)
    assert not goes_off(RESOLVED[name], [*bad, *healthy])
