"""What is subscribed to the topic, and what was delivered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from email_opens_cli.arguments.options import Json, Stack
from email_opens_cli.commands.subscribers.only import words
from email_opens_cli.deployed.product import product_of_any_account
from email_opens_cli.terminal.columns import Column, fitting, measured, table
from email_opens_cli.terminal.console import console, say, say_json, warn
from email_opens_cli.terminal.words import age

if TYPE_CHECKING:
    from email_opens_cli.deployed.subscribing.reading import Report, Row

_COLUMNS = (
    Column("Subscriber", 20, 0, folds=True),
    Column("By", 8, 7),
    Column("Receives", 20, 1, folds=True),
    Column("24 hours", 8, 6, right=True),
    Column("Waiting", 7, 2, right=True),
    Column("Oldest", 6, 5, right=True),
    Column("Failed", 6, 3, right=True),
    Column("Undelivered", 11, 4, right=True),
)
_NOT_KNOWN = "-"
_PENDING = "nothing: pending, not confirmed"


def subscriptions(stack: Stack = None, *, as_json: Json = False) -> None:
    """Show the topic's subscriptions: filters, confirmations, and what is waiting or has failed.

    AWS counts deliveries for the topic, not for each subscription, so the column “24 hours” counts
    what a queue, function or stream has received from any sender. Waiting counts the messages in
    the queue, Failed those that its consumer could not process, and Undelivered those that SNS
    could not deliver.
    """
    wired = product_of_any_account(stack)
    # Imported late, or `--help` would load boto3.
    from email_opens_cli.deployed.subscribing.plans import Access  # noqa: PLC0415
    from email_opens_cli.deployed.subscribing.reading import read_report  # noqa: PLC0415
    from email_opens_cli.deployed.subscribing.targets import Topic  # noqa: PLC0415

    topic = Topic.of(wired.settings.opens_topic_arn)
    report = read_report(Access(topic, wired.clock))
    if as_json:
        say_json(_json(report, topic.arn), indent=2)
        return
    if report.rows:
        screen, rows = console(), [_cells(row) for row in report.rows]
        screen.print(table(fitting(measured(_COLUMNS, rows), screen.width), rows))
    else:
        say("Nothing is subscribed. `email-opens subscribe --queue NAME` subscribes a queue.")
    say(_topic_line(report.topic))
    if report.denied:
        warn(
            f"Some values are not known, because AWS denies this user: {', '.join(report.denied)}."
        )


def _cells(row: "Row") -> dict[str, str]:
    return {
        "Subscriber": _shown(row),
        "By": row.protocol,
        "Receives": words(row.filter_policy, row.scope) if row.confirmed else _PENDING,
        "24 hours": _number(row.received),
        "Waiting": _number(row.waiting),
        "Oldest": _NOT_KNOWN if row.oldest_seconds is None else age(row.oldest_seconds),
        "Failed": _number(row.failed),
        "Undelivered": _number(row.undelivered),
    }


def _shown(row: "Row") -> str:
    from email_opens_cli.deployed.subscribing.targets import shortened  # noqa: PLC0415

    return shortened(row.protocol, row.endpoint)


def _number(value: int | None) -> str:
    return _NOT_KNOWN if value is None else f"{value:,}"


def _topic_line(counts: Mapping[str, int | None]) -> str:
    if any(value is None for value in counts.values()):
        return "What the topic has delivered is not known."
    return (
        f"The topic in the last 24 hours: {_number(counts['published'])} published, "
        f"{_number(counts['delivered'])} delivered, {_number(counts['failed'])} failed, "
        f"{_number(counts['filtered_out'])} filtered out, "
        f"{_number(counts['dead_lettered'])} moved to dead-letter queues."
    )


def _json(report: "Report", topic_arn: str) -> dict[str, Any]:
    return {
        "topic": {"arn": topic_arn, "last_24_hours": dict(report.topic)},
        "subscriptions": [
            {
                "protocol": row.protocol,
                "endpoint": row.endpoint if row.endpoint.startswith("arn:") else _shown(row),
                "confirmed": row.confirmed,
                "filter_policy": dict(row.filter_policy) or None,
                "filter_scope": row.scope,
                "receives": words(row.filter_policy, row.scope) if row.confirmed else None,
                "received_last_24_hours": row.received,
                "waiting": row.waiting,
                "oldest_seconds": row.oldest_seconds,
                "failed": row.failed,
                "undelivered": row.undelivered,
            }
            for row in report.rows
        ],
        "denied": list(report.denied),
    }
