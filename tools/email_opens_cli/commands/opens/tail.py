"""Opens as they are published, live."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from email_opens.events import EVENT_TYPE
from email_opens_cli.deployed.product import aws, product
from email_opens_cli.terminal.complaints import complaints
from email_opens_cli.terminal.console import console
from email_opens_cli.terminal.ending import Ending
from email_opens_cli.terminal.options import (
    Account,
    Stack,
    parse_account,
    parse_duration,
    parse_ids,
)

if TYPE_CHECKING:
    from email_opens.ports import Clock
    from email_opens_cli.deployed.queues import TailQueue


def tail(
    activities: Annotated[
        list[str] | None, typer.Argument(metavar="[ACTIVITY_ID]…", help="All, if none is named.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option("--device", metavar="TYPE", help="Such as mobile.")
    ] = None,
    newer_than: Annotated[
        str | None,
        typer.Option("--newer-than", metavar="DURATION", help="Only opens published so soon: 15m."),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many opens.")
    ] = None,
    account: Account = "default",
    stack: Stack = None,
) -> None:
    """Show opens live, until Ctrl-C: lines on a terminal, else each event as a line of JSON.

    A temporary queue listens to the topic; it is removed afterwards.
    """
    with complaints():
        account_id, wanted = parse_account(account), parse_ids(activities or ())
        delay = None if newer_than is None else parse_duration(newer_than)
        wired = product(stack)
        from email_opens_cli.deployed.queues import TailQueue, left_over, remove  # noqa: PLC0415

        sns, sqs = aws().client("sns"), aws().client("sqs")
        topic_arn, now = wired.settings.opens_topic_arn, wired.clock.now()
        for url in left_over(sqs, now):
            remove(sns, sqs, topic_arn, url)
        policy = filter_policy(account_id, wanted, device or (), delay)
        queue, shown = TailQueue(sns, sqs, topic_arn), console()
        show = _line_of(shown) if shown.is_terminal else _as_json
        with Ending() as ending, queue.listening(policy, now):
            if shown.is_terminal:
                shown.print("Listening; Ctrl-C ends it.", style="dim")
            for number, event in enumerate(heard(queue, wired.clock, ending), 1):
                show(event)
                if number == count:
                    break


def filter_policy(
    account: str, activity_ids: Sequence[str], devices: Sequence[str], delay: timedelta | None
) -> dict[str, Any]:
    """Return which opens the topic is to send, in its own words."""
    policy: dict[str, Any] = {"type": [EVENT_TYPE], "account_id": [account]}
    if activity_ids:
        policy["campaign_activity_id"] = list(activity_ids)
    if devices:
        policy["device_type"] = list(devices)
    if delay is not None:
        policy["delay_seconds"] = [{"numeric": ["<", int(delay.total_seconds())]}]
    return policy


def heard(queue: "TailQueue", clock: "Clock", ending: Ending) -> Iterator[Mapping[str, Any]]:
    """Yield events as they come, until the end is wished for."""
    while not ending.requested:
        for body in queue.receive(clock.now()):
            if ending.requested:
                return
            event = json.loads(body)
            if isinstance(event, dict):
                yield event


def line(event: Mapping[str, Any]) -> Text:
    """Return an open for a person, without the address."""
    data = event.get("data", {})
    said = Text(str(event.get("time", "")), style="dim")
    said.append(f" {data.get('device_type') or '-':<8}", style="bold")
    said.append(f" {data.get('campaign_name') or data.get('campaign_activity_id', '')}")
    said.append(f" {data.get('contact_id', '')}", style="cyan")
    return said


def _line_of(shown: Console) -> Callable[[Mapping[str, Any]], None]:
    return lambda event: shown.print(line(event), overflow="ellipsis", no_wrap=True)


def _as_json(event: Mapping[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False, separators=(",", ":")), flush=True)
