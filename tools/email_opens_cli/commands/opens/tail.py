"""Show opens live, as they are published."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from email_opens.events import EVENT_TYPE
from email_opens_cli.arguments.options import (
    Account,
    SomeEmails,
    Stack,
    checked,
    parse_account,
    parse_duration,
    whole_number,
)
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.emails.activities import choose
from email_opens_cli.terminal.console import Styled, TextConsole, console, say_json, styled
from email_opens_cli.terminal.ending import Ending

if TYPE_CHECKING:
    from email_opens.ports import Clock
    from email_opens_cli.deployed.queues import TailQueue


def tail(
    emails: SomeEmails = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", metavar="TYPE", help="A device type, such as mobile."),
    ] = None,
    newer_than: Annotated[
        str | None,
        typer.Option(
            "--newer-than",
            metavar="DURATION",
            help="Only opens published within this time, such as 15m.",
            callback=checked(parse_duration),
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            metavar="N",
            parser=whole_number("--count", 1),
            help="End after this many opens.",
        ),
    ] = None,
    account: Account = "default",
    stack: Stack = None,
) -> None:
    """Show opens live until Ctrl-C: lines on a terminal, else a line of JSON for each event.

    A temporary queue is subscribed to the topic, and removed afterwards.
    """
    account_id = parse_account(account)
    delay = None if newer_than is None else parse_duration(newer_than)
    wired = product(stack)
    chosen = choose(wired.tracking, account_id, emails) if emails else []
    wanted = [activity.campaign_activity_id for activity in chosen]
    from email_opens_cli.deployed.queues import TailQueue, left_over, remove  # noqa: PLC0415

    sns, sqs = aws().client("sns"), aws().client("sqs")
    topic_arn, now = wired.settings.opens_topic_arn, wired.clock.now()
    for url in left_over(sqs, topic_arn, now):
        remove(sns, sqs, topic_arn, url)
    policy = filter_policy(account_id, wanted, device or (), delay)
    queue, screen = TailQueue(sns, sqs, topic_arn), console()
    show = _print_line(screen) if screen.is_terminal else say_json
    with Ending() as ending, queue.listening(policy, now):
        if screen.is_terminal:
            screen.print("Listening; Ctrl-C ends it.", style="dim")
        for number, event in enumerate(events(queue, wired.clock, ending), 1):
            show(event)
            if number == count:
                break
    if ending.requested:
        raise typer.Exit(ending.exit_code)


def filter_policy(
    account: str, activity_ids: Sequence[str], devices: Sequence[str], delay: timedelta | None
) -> dict[str, Any]:
    """Return the filter policy of the subscription."""
    policy: dict[str, Any] = {"type": [EVENT_TYPE], "account_id": [account]}
    if activity_ids:
        policy["campaign_activity_id"] = list(activity_ids)
    if devices:
        policy["device_type"] = list(devices)
    if delay is not None:
        policy["delay_seconds"] = [{"numeric": ["<", int(delay.total_seconds())]}]
    return policy


def events(queue: "TailQueue", clock: "Clock", ending: Ending) -> Iterator[Mapping[str, Any]]:
    """Yield events as they arrive, until the end is requested."""
    while not ending.requested:
        for body in queue.receive(clock.now()):
            if ending.requested:
                return
            event = json.loads(body)
            if isinstance(event, dict):
                yield event


def line(event: Mapping[str, Any]) -> list[Styled]:
    """Return an open as a line for a person, without the address."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    return [
        (str(event.get("time", "")), "dim"),
        (f" {data.get('device_type') or '-'!s:<8}", "bold"),
        (f" {data.get('campaign_name') or data.get('campaign_activity_id', '')}", ""),
        (f" {data.get('contact_id', '')}", "cyan"),
    ]


def _print_line(screen: TextConsole) -> Callable[[Mapping[str, Any]], None]:
    return lambda event: screen.print(styled(*line(event)), overflow="ellipsis", no_wrap=True)
