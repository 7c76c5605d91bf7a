"""Dead letters: opens that the topic refused, and rows that are not opens."""

from copy import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_opens.adapters.aws.publishing.messages import wire_attributes
from email_opens.errors import InvalidInput
from email_opens.instants import utc
from email_opens_cli.arguments.options import Json, Stack, Yes, whole_number
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.terminal.columns import Column, fitted, table
from email_opens_cli.terminal.complaints import FAILED, complain
from email_opens_cli.terminal.console import confirm, console, say, say_json
from email_opens_cli.terminal.words import count

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from email_opens_cli.deployed.letters import Letter

Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="WORDS", help="Only letters whose reason contains these words."
    ),
]

app = typer.Typer(
    help="List, publish again or delete what the topic refused, and rows that are not opens.",
    no_args_is_help=True,
)

_COLUMNS = (
    Column("Kind", 4, rank=1),
    Column("Reason", 24, rank=0, folds=True),
    Column("E-mail", 14, rank=2, folds=True),
    Column("Opened", 20, rank=3),
    Column("Id", 36, rank=4),
)
_MOST_BYTES = 250_000
"""The most bytes of one request to the topic."""


@app.command("list")
def list_letters(
    reason: Reason = None,
    most: Annotated[
        int,
        typer.Option(
            "--most", metavar="N", parser=whole_number("--most", 1), help="List at most this many."
        ),
    ] = 100,
    stack: Stack = None,
    *,
    as_json: Json = False,
) -> None:
    """List dead letters with their reasons; they stay in the queue."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415 - for a fast --help

    found: list[dict[str, str | None]] = []
    with Letters(*_queue(stack)) as letters:
        for batch in letters.matching(reason):
            found += [described(letter) for letter in batch]
            if len(found) >= most:
                break
    found = found[:most]
    if as_json:
        say_json({"dead_letters": found}, indent=2)
        return
    if not found:
        say("There are no such dead letters.")
        return
    shown = console()
    rows = [_cells(letter) for letter in found]
    shown.print(table(*fitted(_COLUMNS, rows, shown.width)))


def _cells(letter: dict[str, str | None]) -> dict[str, str]:
    return {
        "Kind": letter["kind"] or "-",
        "Reason": letter["reason"] or "-",
        "E-mail": letter["campaign_name"] or letter["campaign_activity_id"] or "-",
        "Id": letter["campaign_activity_id"] or "-",
        "Opened": letter["time"] or "-",
    }


@app.command()
def redrive(reason: Reason = None, stack: Stack = None) -> None:
    """Publish the refused opens again, under the same ids, and delete those that are accepted."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415

    wired = product(stack)
    sns, queue = aws().client("sns"), _queue(stack)
    topic_arn, now = wired.settings.opens_topic_arn, wired.clock.now()
    published, kept, rows, refused = 0, 0, 0, set[str]()
    with Letters(*queue) as letters:
        for some in letters.matching(reason):
            opens = [letter for letter in some if letter.event]
            rows += len(some) - len(opens)
            for batch in _sendable(opens):
                accepted, faults = publish(sns, topic_arn, batch, now)
                kept += len(accepted) - letters.delete(accepted)
                published += len(accepted)
                refused |= faults
    say(
        f"Published {count(published, 'dead open')} again, and deleted "
        f"{count(published - kept, 'dead letter')}."
    )
    if rows:
        say(
            f"Not published, since they hold no open: {count(rows, 'dead letter')}. See "
            "`email-opens dead-letters list`, and remove them with "
            "`email-opens dead-letters drop`."
        )
    if refused:
        complain(f"The topic refused others, which stay: {'; '.join(sorted(refused))}.", FAILED)
    if kept:
        complain(
            f"The queue kept {count(kept, 'dead letter')} of those. Run the command again: it "
            "publishes them once more under the same ids, and deletes them.",
            FAILED,
        )


@app.command()
def drop(reason: Reason = None, stack: Stack = None, *, yes: Yes = False) -> None:
    """Delete dead letters for good."""
    from email_opens_cli.deployed.letters import Letters  # noqa: PLC0415

    with Letters(*_queue(stack)) as letters:
        chosen = [
            replace(letter, body="") for batch in letters.matching(reason) for letter in batch
        ]
        if not chosen:
            say("There are no such dead letters.")
            return
        confirm(f"Delete {count(len(chosen), 'dead letter')} for good?", yes=yes)
        deleted = letters.delete(chosen)
        say(f"Deleted {count(deleted, 'dead letter')}.")
        if deleted < len(chosen):
            complain(f"The queue kept {len(chosen) - deleted}; run the command again.", FAILED)


def described(letter: "Letter") -> dict[str, str | None]:
    """Return what may be shown of a letter: no address, and no content of a row."""
    event = letter.event or {}
    values = {name: event.get(name) for name in ("id", "time", "subject")}
    data = event.get("data")
    values["campaign_name"] = data.get("campaign_name") if isinstance(data, dict) else None
    return {
        "message_id": letter.message_id,
        "kind": "open" if event else "row",
        "reason": letter.reason,
        "campaign_activity_id": letter.activity_id,
    } | {name: value if isinstance(value, str) else None for name, value in values.items()}


def publish(
    sns: "SNSClient", topic_arn: str, batch: "list[Letter]", now: datetime
) -> "tuple[list[Letter], set[str]]":
    """Publish letters again; return those that the topic accepted, and why it refused others."""
    entries: list[Any] = [
        _entry(letter, now, ordered=topic_arn.endswith(".fifo")) | {"Id": str(number)}
        for number, letter in enumerate(batch)
    ]
    reply = sns.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    accepted = [batch[int(entry["Id"])] for entry in reply.get("Successful", [])]
    faults = {f"{fault['Code']}: {fault.get('Message', '')}" for fault in reply.get("Failed", [])}
    return accepted, faults


def _entry(letter: "Letter", now: datetime, *, ordered: bool) -> dict[str, Any]:
    event = letter.event or {}
    values: dict[str, str | int] = {
        name: text for name, text in letter.attributes.items() if text and name != "reason"
    }
    try:
        # Published less created: alerts on fresh opens must not be sent for old ones.
        values["delay_seconds"] = int((now - utc(event["time"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        values.pop("delay_seconds", None)
    entry: dict[str, Any] = {
        "Message": letter.body,
        "MessageAttributes": wire_attributes(values),
    }
    if ordered:
        entry["MessageGroupId"] = letter.activity_id or "unknown"
        entry["MessageDeduplicationId"] = event["id"]
    return entry


def _sendable(opens: "list[Letter]") -> "list[list[Letter]]":
    """Split letters that are too large for one request."""
    if sum(map(_size_bytes, opens)) <= _MOST_BYTES:
        return [opens] if opens else []
    return [[letter] for letter in opens]


def _size_bytes(letter: "Letter") -> int:
    """Return about how much of a request a letter takes: its body and its attributes."""
    texts = [letter.body]
    for name, text in letter.attributes.items():
        texts += [name, "String", text or ""]
    return sum(len(text.encode()) for text in texts)


def _queue(stack: str | None) -> tuple[Any, str]:
    wired = product(stack)
    url = wired.settings.dead_letter_queue_url
    if not url:
        raise InvalidInput("DEAD_LETTER_QUEUE_URL is not set.")
    return aws().client("sqs"), url
