"""CloudWatch's evaluation of an alarm, as far as the template uses it."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

type Minutes = Sequence[Sequence[float]]
"""The values that a metric has in each minute, the oldest minute first; empty: no data."""

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_TREATS_MISSING = {"breaching": True, "notBreaching": False}


def goes_off(alarm: Mapping[str, Any], minutes: Minutes, threshold: float | None = None) -> bool:
    """Return whether an alarm is in ALARM after these minutes; before them there was no data.

    `threshold` stands for a threshold that a parameter sets.
    """
    limit = alarm["Threshold"] if threshold is None else threshold
    evaluated, length = alarm["EvaluationPeriods"], alarm["Period"] // 60
    window = list(minutes)[-evaluated * length :]
    window = [[] for _ in range(evaluated * length - len(window))] + window
    periods = [
        [value for minute in window[start : start + length] for value in minute]
        for start in range(0, len(window), length)
    ]
    breaching = [
        bool(_COMPARISONS[alarm["ComparisonOperator"]](_statistic(alarm, values), limit))
        if values
        else _TREATS_MISSING[alarm["TreatMissingData"]]
        for values in periods
    ]
    return sum(breaching) >= int(alarm.get("DatapointsToAlarm", evaluated))


def _statistic(alarm: Mapping[str, Any], values: Sequence[float]) -> float:
    if "ExtendedStatistic" not in alarm:
        return _STATISTICS[alarm["Statistic"]](values)
    percent = float(alarm["ExtendedStatistic"].removeprefix("p"))
    return sorted(values)[ceil(len(values) * percent / 100) - 1]
