"""End a subscription, and remove what `subscribe` has created for it."""

from typing import TYPE_CHECKING, Annotated

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import Stack, Yes
from email_opens_cli.commands.subscribers.plan import show_and_carry_out
from email_opens_cli.deployed.product import product_of_any_account
from email_opens_cli.deployed.subscribing.targets import Topic, shortened
from email_opens_cli.terminal.console import say

if TYPE_CHECKING:
    from email_opens_cli.deployed.subscribing.plans import Access, Plan

_ALERT = ("alert", "slack", "webhook")
_MOST_NAMES = 10


def unsubscribe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SUBSCRIBER",
            help=(
                "The name or ARN of a queue, function or stream, an e-mail address, a URL, the ARN "
                "of a subscription, or alert for the stack's alert."
            ),
        ),
    ],
    stack: Stack = None,
    *,
    delete_queue: Annotated[
        bool,
        typer.Option("--delete-queue", help="Delete the queues even if they hold messages."),
    ] = False,
    yes: Yes = False,
) -> None:
    """End a subscription, and remove what `subscribe` has created for it.

    The command lists what it will do, and asks before it begins. It keeps queues with messages
    unless --delete-queue is given, and always keeps what `subscribe` did not create.
    """
    wired = product_of_any_account(stack)
    # Imported late, or `--help` would load boto3.
    from email_opens_cli.deployed.subscribing.plans import Access  # noqa: PLC0415
    from email_opens_cli.deployed.subscribing.removal import (  # noqa: PLC0415
        matching,
        plan_of_removal,
    )
    from email_opens_cli.deployed.subscribing.subscriptions import listed  # noqa: PLC0415

    access = Access(Topic.of(wired.settings.opens_topic_arn), wired.clock)
    found = listed(access)
    if name in _ALERT and not matching(found, name):
        plan = _end_of_alert(access, stack)
    else:
        plan = plan_of_removal(access, name, with_messages=delete_queue)
    if not plan.steps and not plan.exists:
        known = [shortened(each.protocol, each.endpoint) for each in found[:_MOST_NAMES]]
        raise InvalidInput(
            f"No subscriber is called “{name[:200]}”. "
            + (f"Subscribed: {', '.join(known)}." if known else "Nothing is subscribed.")
        )
    if show_and_carry_out(plan, yes=yes):
        say("Done.")
    say(*plan.notes)


def _end_of_alert(access: "Access", stack: str | None) -> "Plan":
    if stack is None:
        raise InvalidInput(
            "The alert belongs to a stack: add --stack NAME, set EMAIL_OPENS_STACK, or run the "
            "command in the folder from which the stack was deployed."
        )
    from email_opens_cli.deployed.subscribing.alert import plan_no_alert  # noqa: PLC0415

    return plan_no_alert(access, stack)
