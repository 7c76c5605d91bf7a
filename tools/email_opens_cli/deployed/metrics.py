"""Metrics of CloudWatch, several in one request."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

type Values = Mapping[datetime, float]
"""A metric's values, by the beginning of each period."""

_MOST = 500
"""The most metrics of one request."""


class Metric(NamedTuple):
    """A metric with one dimension."""

    namespace: str
    name: str
    dimension: str
    value: str
    statistic: str = "Sum"


def measured(
    cloudwatch: Any,
    wanted: Collection[Metric],
    *,
    start: datetime,
    end: datetime,
    period: timedelta,
) -> dict[Metric, Values]:
    """Return the values of metrics; of one that was never counted, none."""
    metrics = list(dict.fromkeys(wanted))
    found: dict[Metric, Values] = {metric: {} for metric in metrics}
    for first in range(0, len(metrics), _MOST):
        some = {f"m{first + number}": each for number, each in enumerate(metrics[first:][:_MOST])}
        queries = [_query(each, own_id, period) for own_id, each in some.items()]
        reply = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
        for result in reply["MetricDataResults"]:
            values = zip(result["Timestamps"], result["Values"], strict=False)
            found[some[result["Id"]]] = dict(values)
    return found


def _query(metric: Metric, own_id: str, period: timedelta) -> dict[str, Any]:
    return {
        "Id": own_id,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": metric.dimension, "Value": metric.value}],
            },
            "Period": int(period.total_seconds()),
            "Stat": metric.statistic,
        },
    }
