"""What the template's alarms and dashboard watch: metrics, and fields of the log."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.integration.deployment import STACK
from tests.integration.template import Template, of_type

NAMESPACE = "EmailOpens"
_KEYWORDS = {"and", "or", "not", "by", "asc", "desc"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's identity in CloudWatch."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def watched_by_alarms(template: Template) -> dict[str, Metric]:
    """Return the metric of each alarm, with parameters at their defaults."""
    return {
        name: Metric(
            alarm["Namespace"],
            alarm["MetricName"],
            frozenset(
                (dimension["Name"], _resolve(dimension["Value"], template))
                for dimension in alarm["Dimensions"]
            ),
        )
        for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items()
    }


def dashboard(template: Template) -> dict[str, Any]:
    """Return the dashboard, with parameters at their defaults."""
    (properties,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    text, repeated = properties["DashboardBody"]["Fn::Sub"]
    for name, value in repeated.items():
        text = text.replace(f"${{{name}}}", value["Fn::Sub"])
    body: dict[str, Any] = json.loads(_substitute(text, template))
    return body


def watched_by_dashboard(template: Template) -> set[Metric]:
    return {
        _metric(row)
        for widget in dashboard(template)["widgets"]
        for row in rows(widget["properties"].get("metrics", []))
    }


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A query of CloudWatch Logs Insights: of which log, of which line, and of which fields."""

    log: str
    message: str
    fields: frozenset[str]


def log_queries(template: Template) -> list[LogQuery]:
    widgets = dashboard(template)["widgets"]
    return [
        log_query(widget["properties"]["query"]) for widget in widgets if widget["type"] == "log"
    ]


def log_query(text: str) -> LogQuery:
    """Parse a query: commands are separated by `|`; functions, aliases and texts are no fields."""
    (log,) = re.findall(r"SOURCE '([^']+)'", text)
    (message,) = re.findall(r"message = '([^']+)'", text)
    fields = set()
    for command in text.split("|")[1:]:
        plain = re.sub(r"'[^']*'", "", command.strip())
        words = re.sub(r"\bas \w+", "", plain).split(maxsplit=1)[1]
        fields |= set(re.findall(r"(?<![\w@])@?[a-zA-Z_]\w*(?!\w*\()", words)) - _KEYWORDS
    return LogQuery(log, message, frozenset(fields))


def rows(metrics: list[list[Any]]) -> Iterator[list[str]]:
    """Yield a widget's metrics in full: `.` repeats the field above, `...` the whole row above."""
    above: list[str] = []
    for written in metrics:
        row = [part for part in written if isinstance(part, str)]
        if row == ["..."]:
            row = above
        above = [above[place] if part == "." else part for place, part in enumerate(row)]
        yield above


def emitted(record: Mapping[str, Any]) -> set[Metric]:
    """Return the metrics of a record in the embedded metric format."""
    return {
        Metric(
            directive["Namespace"],
            metric["Name"],
            frozenset((name, record[name]) for name in names),
        )
        for directive in record["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for metric in directive["Metrics"]
    }


def _metric(row: list[str]) -> Metric:
    namespace, name, *dimensions = row
    return Metric(namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))


def _resolve(value: Any, template: Template) -> str:
    match value:
        case {"Ref": name}:
            return _default(name, template)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"{resource}.{attribute}"
        case _:
            return str(value)


def _substitute(text: str, template: Template) -> str:
    return re.sub(r"\$\{([^}]+)\}", lambda found: _default(found[1], template), text)


def _default(name: str, template: Template) -> str:
    """Return a parameter's default, or the stack's name; return any other name unchanged."""
    if name == "AWS::StackName":
        return STACK
    return str(template["Parameters"].get(name, {}).get("Default", name))
