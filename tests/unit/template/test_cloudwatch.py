"""The evaluator gives the states in the tables of CloudWatch's user guide."""

import pytest

from tests.unit.template.cloudwatch import Minutes, goes_off

POINTS: dict[str, list[float]] = {"0": [0.0], "X": [1.0], "-": []}
ALARM = {
    "Period": 60,
    "EvaluationPeriods": 3,
    "Statistic": "Maximum",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Threshold": 1,
}


def of_points(points: str) -> Minutes:
    """Return the minutes of a row of a table, in which each character is a data point."""
    return [POINTS[point] for point in points]


@pytest.mark.parametrize(
    ("points", "to_alarm", "breaching", "not_breaching"),
    [
        ("0-X-X", 3, False, False),
        ("0----", 3, False, False),
        ("-----", 3, True, False),
        ("0XX-X", 3, True, True),
        ("----X", 3, True, False),
        ("X----", 3, True, False),
        ("0-X-X", 2, True, True),
        ("00X0X", 2, True, True),
        ("0-X--", 2, True, False),
        ("----0", 2, True, False),
        ("----X", 2, True, False),
    ],
)
def test_an_alarm_is_evaluated_as_the_tables_say(
    points: str, to_alarm: int, *, breaching: bool, not_breaching: bool
) -> None:
    alarm = ALARM | {"DatapointsToAlarm": to_alarm}
    for treatment, expected in (("breaching", breaching), ("notBreaching", not_breaching)):
        assert goes_off(alarm | {"TreatMissingData": treatment}, of_points(points)) == expected


def test_a_period_of_several_minutes_is_one_data_point() -> None:
    alarm = ALARM | {"Period": 120, "TreatMissingData": "notBreaching", "Statistic": "Sum"}
    assert goes_off(alarm, of_points("X--X-X"), more=0)
    assert not goes_off(alarm, of_points("X-----"), more=0)
