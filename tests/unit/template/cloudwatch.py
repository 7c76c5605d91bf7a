"""CloudWatch's evaluation of an alarm, minute by minute, as far as the template uses it.

The rules are those of "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing
data" in the CloudWatch user guide
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html):

- An alarm retrieves more periods than `EvaluationPeriods`; AWS does not say how many more, and its
  tables show two more for three. `more` is that number, and tests try several.
- If it finds at least `EvaluationPeriods` data points, it evaluates the latest of them, and does
  not use the treatment of missing data.
- If it finds fewer, each of them is evaluated, and the rest is filled as `TreatMissingData` says.
- It is in ALARM if at least `DatapointsToAlarm` of those points breach, and otherwise in OK.
- A percentile is evaluated however few its samples are, unless `EvaluateLowSampleCountPercentile`
  says otherwise, which the template does not.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

type Minutes = Sequence[Sequence[float]]
"""The values that a metric has in each minute, the oldest minute first; empty: no data."""

MORE = 2
"""The periods that AWS's tables show beyond the evaluated ones."""
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


def goes_off(alarm: Mapping[str, Any], minutes: Minutes, *, more: int = MORE) -> bool:
    """Return whether an alarm is in ALARM after these minutes; before them there was no data.

    Intrinsic functions in the alarm are resolved. The latest period ends with the last minute;
    CloudWatch aligns periods with the clock, which may make a state begin and end a period later.
    """
    evaluated, length = int(alarm["EvaluationPeriods"]), int(alarm["Period"]) // 60
    retrieved = (evaluated + more) * length
    window = list(minutes[-retrieved:])
    window = [[] for _ in range(retrieved - len(window))] + window
    periods = [
        [value for minute in window[start : start + length] for value in minute]
        for start in range(0, retrieved, length)
    ]
    compare = _COMPARISONS[alarm["ComparisonOperator"]]
    real = [
        bool(compare(_statistic(alarm, values), alarm["Threshold"])) for values in periods if values
    ][-evaluated:]
    filled = [_TREATS_MISSING[alarm["TreatMissingData"]]] * (evaluated - len(real))
    return sum([*filled, *real]) >= int(alarm.get("DatapointsToAlarm", evaluated))


def states(alarm: Mapping[str, Any], minutes: Minutes, *, more: int = MORE) -> list[bool]:
    """Return whether the alarm is in ALARM after each minute; before the first it has no data."""
    if not any(minutes):
        return [goes_off(alarm, [], more=more)] * len(minutes)
    longest = (int(alarm["EvaluationPeriods"]) + more) * int(alarm["Period"]) // 60
    return [
        goes_off(alarm, minutes[max(0, end - longest) : end], more=more)
        for end in range(1, len(minutes) + 1)
    ]


def _statistic(alarm: Mapping[str, Any], values: Sequence[float]) -> float:
    if "ExtendedStatistic" not in alarm:
        return _STATISTICS[alarm["Statistic"]](values)
    percent = float(alarm["ExtendedStatistic"].removeprefix("p"))
    return sorted(values)[ceil(len(values) * percent / 100) - 1]
