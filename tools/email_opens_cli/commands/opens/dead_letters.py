"""What the topic refused, and rows that are no opens: look, put back, throw away."""

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from email_opens.errors import InvalidInput
from email_opens.instants import utc
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.terminal.columns import Column, fitting, table
from email_opens_cli.terminal.complaints import FAILED, complain, complaints
from email_opens_cli.terminal.console import confirm, console
from email_opens_cli.terminal.options import Stack, Yes

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from email_opens_cli.deployed.letters import Letter

Reason = Annotated[
    str | None, typer.Option("--reason", metavar="WORDS", help="Only where the reason holds them.")
]

app = typer.Typer(help="What the topic refused, and rows that are no opens.", no_args_is_help=True)

_COLUMNS = (
    Column("Kind", 4, rank=1),
    Column("Reason", 24, rank=0, folds=True),
    Column("Activity", 36, rank=3),
    Column("Opened", 20, rank=2),
)
_MOST_BYTES = 250_000
"""Of one request to the topic."""


@app.command("list")
def list_letters(
    reason: Reason = None,
    most: Annotated[int, typer.Option("--most", min=1, help="List at most this many.")] = 100,
    stack: Stack = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON each.")] = False,
) -> None:
    """Show dead letters with their reasons; they stay where they are."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415 - late, or `--help` would wait

    with complaints():
        found: list[dict[str, str | None]] = []
        with Letters(*_queue(stack)) as letters:
            for some in letters.taken(reason):
                found += [described(letter) for letter in some]
                if len(found) >= most:
                    break
        found = found[:most]
        if as_json:
            for one in found:
                print(json.dumps(one))
            return
        if not found:
            print("There are no such dead letters.")
            return
        shown = console()
        columns = fitting(_COLUMNS, shown.width)
        rows = table(columns)
        for one in found:
            values = {
                "Kind": one["kind"],
                "Reason": one["reason"],
                "Activity": one["campaign_activity_id"],
                "Opened": one["time"],
            }
            rows.add_row(*(escape(values[column.name] or "-") for column in columns))
        shown.print(rows)


@app.command()
def redrive(reason: Reason = None, stack: Stack = None) -> None:
    """Publish dead opens again, under their ids; each is deleted once the topic has it."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415

    with complaints():
        wired = product(stack)
        sns, queue = aws().client("sns"), _queue(stack)
        topic_arn, now = wired.settings.opens_topic_arn, wired.clock.now()
        published, no_opens, refused = 0, 0, set[str]()
        with Letters(*queue) as letters:
            for some in letters.taken(reason):
                opens = [letter for letter in some if letter.event]
                no_opens += len(some) - len(opens)
                for batch in _sendable(opens):
                    taken, faults = publish(sns, topic_arn, batch, now)
                    letters.delete(taken)
                    published += len(taken)
                    refused |= faults
        print(f"Published {published} dead opens again; they are no dead letters any more.")
        if no_opens:
            print(
                f"{no_opens} dead letters are no opens and cannot be published: look at them with "
                "list, and drop them."
            )
        if refused:
            complain(f"The topic refused others, which stay: {'; '.join(sorted(refused))}.", FAILED)


@app.command()
def drop(reason: Reason = None, stack: Stack = None, *, yes: Yes = False) -> None:
    """Delete dead letters for good."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415

    with complaints(), Letters(*_queue(stack)) as letters:
        chosen = [replace(one, body="") for some in letters.taken(reason) for one in some]
        if not chosen:
            print("There are no such dead letters.")
            return
        confirm(f"Delete {len(chosen)} dead letters for good?", yes=yes)
        gone = letters.delete(chosen)
        print(f"Deleted {gone} dead letters.")
        if gone < len(chosen):
            complain(f"The queue kept {len(chosen) - gone}; try again.", FAILED)


def described(letter: "Letter") -> dict[str, str | None]:
    """Return what may be shown of a letter: no address, and nothing of a row."""
    event = letter.event or {}
    told = {name: event.get(name) for name in ("id", "time", "subject")}
    return {
        "message_id": letter.message_id,
        "kind": "open" if event else "row",
        "reason": letter.reason,
        "campaign_activity_id": letter.activity_id,
    } | {name: value if isinstance(value, str) else None for name, value in told.items()}


def publish(
    sns: "SNSClient", topic_arn: str, batch: "list[Letter]", now: datetime
) -> "tuple[list[Letter], set[str]]":
    """Publish letters again; return those that the topic has, and why it refused the others."""
    entries: list[Any] = [
        _entry(letter, now, ordered=topic_arn.endswith(".fifo")) | {"Id": str(number)}
        for number, letter in enumerate(batch)
    ]
    reply = sns.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    taken = [batch[int(one["Id"])] for one in reply.get("Successful", [])]
    faults = {f"{one['Code']}: {one.get('Message', '')}" for one in reply.get("Failed", [])}
    return taken, faults


def _entry(letter: "Letter", now: datetime, *, ordered: bool) -> dict[str, Any]:
    event = letter.event or {}
    values = {name: text for name, text in letter.attributes.items() if text and name != "reason"}
    try:
        # Published less created: who alerts on fresh opens is not to hear of old ones.
        late = now - utc(event["time"])
        values["delay_seconds"] = str(int(late.total_seconds()))
    except (KeyError, TypeError, ValueError):
        values.pop("delay_seconds", None)
    entry: dict[str, Any] = {
        "Message": letter.body,
        "MessageAttributes": {
            name: {
                "DataType": "Number" if name == "delay_seconds" else "String",
                "StringValue": text,
            }
            for name, text in values.items()
        },
    }
    if ordered:
        entry["MessageGroupId"] = letter.activity_id or "unknown"
        entry["MessageDeduplicationId"] = event["id"]
    return entry


def _sendable(opens: "list[Letter]") -> "list[list[Letter]]":
    """Part letters that are too large for one request."""
    if sum(len(one.body.encode()) for one in opens) <= _MOST_BYTES:
        return [opens] if opens else []
    return [[one] for one in opens]


def _queue(stack: str | None) -> tuple[Any, str]:
    wired = product(stack)
    url = wired.settings.dead_letter_queue_url
    if not url:
        raise InvalidInput("DEAD_LETTER_QUEUE_URL is not set.")
    return aws().client("sqs"), url
