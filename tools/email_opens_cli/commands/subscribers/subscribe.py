"""Subscribe to the opens, and create what the subscription needs."""

import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from email_opens.alerts.urls import webhook_url
from email_opens.errors import InvalidInput
from email_opens_cli.arguments.options import Stack, Yes, checked
from email_opens_cli.commands.subscribers.only import Only, check_only, parse_only
from email_opens_cli.commands.subscribers.plan import show_and_carry_out
from email_opens_cli.commands.subscribers.warnings import warnings_about
from email_opens_cli.commands.subscribers.yaml_text import yaml_text
from email_opens_cli.deployed.product import outputs, product_of_any_account
from email_opens_cli.deployed.subscribing.targets import (
    MAKERS,
    OPTIONS,
    Kind,
    Topic,
    check_address,
    check_function,
    check_queue,
    check_stream,
    check_url,
)
from email_opens_cli.terminal.console import say, warn
from email_opens_cli.terminal.plain import say_document

_KINDS = "--queue NAME, --lambda ARN, --email ADDRESS, --https URL, --firehose ARN or --slack URL"
_STDIN = "-"
_SLACK = "--slack"
_NOT_IN_A_LIST = frozenset(',"\\*')
"""Characters that the stack's parameter AlertCampaigns refuses in a name, or takes literally."""
_LATEST = timedelta(days=7)
"""The largest value of AlertMaxDelaySeconds."""


def _check_webhook(text: str) -> None:
    if text != _STDIN:
        _check_webhook_url(text)


def _check_webhook_url(text: str) -> None:
    check_url(text, _SLACK)
    if webhook_url(text) is None:  # What the alert itself does not accept.
        raise InvalidInput(f"{_SLACK} needs a URL without a user and a password before the host.")


def subscribe(
    queue: Annotated[
        str | None,
        typer.Option(
            "--queue",
            metavar="NAME",
            help="A queue's name or ARN; a queue that does not exist is created.",
            callback=checked(check_queue),
        ),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="ARN",
            help="A Lambda function's ARN or name.",
            callback=checked(check_function),
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--email",
            metavar="ADDRESS",
            help="An e-mail address, which receives a message for each open.",
            callback=checked(check_address),
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--https",
            metavar="URL",
            help="The URL of an endpoint, which receives a POST for each open.",
            callback=checked(check_url),
        ),
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option(
            "--firehose",
            metavar="ARN",
            help="A Firehose stream's ARN or name.",
            callback=checked(check_stream),
        ),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            _SLACK,
            "--webhook",
            metavar="URL|-",
            help=(
                "The URL of a webhook (Slack, Teams or another that accepts JSON), to which the "
                "stack's alert posts fresh opens; - reads it from stdin. Also --webhook."
            ),
            callback=checked(_check_webhook),
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="FILTER",
            help=(
                "Receive only some opens: fresh (published within 15 minutes of the open), "
                "fresh=DURATION, first-opens, campaign=NAME, campaign=BEGINNING*, device=TYPE, "
                "email=CAMPAIGN_ACTIVITY_ID or account=NAME. Repeated values of one kind are "
                "alternatives; different kinds apply together."
            ),
            callback=check_only,
        ),
    ] = None,
    stack: Stack = None,
    *,
    cloudformation: Annotated[
        bool,
        typer.Option(
            "--cloudformation",
            help="Print a CloudFormation template with the same resources, and do nothing else.",
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Subscribe a queue, a function, an address, an endpoint, a stream or a chat to the opens.

    The command lists what it will create and change, and asks before it begins. It keeps what
    exists, so you can run it again. Without --only, the subscriber receives all opens.

    A queue NAME gets a dead-letter queue NAME-failed, for messages that its consumer fails to
    process. A queue, function, stream or endpoint also gets a queue whose name ends in
    -undelivered, for messages that SNS cannot deliver to it.
    """
    given = {
        Kind.QUEUE: queue,
        Kind.FUNCTION: function,
        Kind.ADDRESS: address,
        Kind.URL: url,
        Kind.STREAM: stream,
    }
    chosen = [(kind, text) for kind, text in given.items() if text is not None]
    options = [OPTIONS[kind] for kind, _ in chosen] + ([_SLACK] if webhook else [])
    if len(options) != 1:
        named = f", and not {' and '.join(options)} together" if options else ""
        raise InvalidInput(f"Name exactly one subscriber{named}: {_KINDS}.")
    selected = parse_only(only or ())
    if webhook is not None:
        _alert(webhook, selected, stack, cloudformation=cloudformation, yes=yes)
        return
    ((kind, text),) = chosen
    wired = product_of_any_account(stack)
    topic = Topic.of(wired.settings.opens_topic_arn)
    target = MAKERS[kind](text, topic)
    # Imported late, or `--help` would load boto3.
    from email_opens_cli.deployed.subscribing.plans import Access  # noqa: PLC0415
    from email_opens_cli.deployed.subscribing.subscribing import (  # noqa: PLC0415
        check_account,
        check_deliverable,
        check_foreign,
        plan_of,
    )

    check_deliverable(target, topic)
    if stack is not None:
        check_foreign(target, outputs(stack))
    if cloudformation:
        from email_opens_cli.deployed.subscribing.templates import deployment, template  # noqa: PLC0415

        document = template(target, topic, selected.policy)
        say_document(f"# Deploy it with:\n# {deployment(target, topic)}\n{yaml_text(document)}")
        return
    check_account(target, topic, only or ())
    access = Access(topic, wired.clock)
    plan = plan_of(access, target, selected.policy)
    plan.warnings += warnings_about(selected, wired, stack)
    if show_and_carry_out(plan, yes=yes):
        say(
            f"SNS has sent {target.shown} the request to confirm the subscription."
            if plan.sends_request
            else f"{target.subject} is subscribed."
        )
    if target.kind is Kind.QUEUE:
        from email_opens_cli.deployed.queues import attributes_of  # noqa: PLC0415 - boto3

        sqs = access.client("sqs", target.region)
        found = attributes_of(sqs, target.name, target.account_id, ["QueueArn"])
        if found is not None:
            say(f"URL: {found.url}", f"ARN: {target.endpoint}")
    say(*plan.notes)


def _alert(webhook: str, only: Only, stack: str | None, *, cloudformation: bool, yes: bool) -> None:
    """Turn the stack's alert on, with a webhook."""
    if stack is None:
        raise InvalidInput(
            f"{_SLACK} turns on the alert of a stack: add --stack NAME, set EMAIL_OPENS_STACK, or "
            "run the command in the folder from which the stack was deployed. Without AWS, use "
            "`email-opens watch --alert`."
        )
    settings = alert_settings(only)
    wired = product_of_any_account(stack)
    from email_opens_cli.deployed.subscribing.alert import (  # noqa: PLC0415 - boto3
        WEBHOOK,
        parameter_of,
        plan_alert,
    )
    from email_opens_cli.deployed.subscribing.plans import Access  # noqa: PLC0415

    if cloudformation:
        name = parameter_of(stack)
        parameters = " ".join([f"{WEBHOOK}={name}", *_assigned(settings)])
        raise InvalidInput(
            "The alert is part of the stack, and CloudFormation cannot create an encrypted "
            f"parameter. Store the URL with `aws ssm put-parameter --name {name} --type "
            f"SecureString --value URL` (version 2 of the AWS CLI: version 1 would fetch the URL), "
            f'then run `make deploy PARAMETERS="{parameters}"`.'
        )
    url = read_webhook() if webhook == _STDIN else webhook
    if webhook != _STDIN:
        warn(
            f"The URL is a secret, and may now be in the shell's history: {_SLACK} - reads it from "
            "stdin instead."
        )
    access = Access(Topic.of(wired.settings.opens_topic_arn), wired.clock)
    plan = plan_alert(access, stack, url, settings)
    plan.warnings += warnings_about(only, wired, stack)
    if show_and_carry_out(plan, yes=yes):
        say("The alert is on.")


def alert_settings(only: Only) -> dict[str, str]:
    """Return the stack's parameters that select the opens of an alert.

    Raises:
        InvalidInput: an alert cannot select opens in this way.
    """
    if only.devices or only.emails or only.accounts:
        raise InvalidInput(
            f"With {_SLACK}, --only accepts fresh, first-opens and campaign=NAME. For other "
            "filters, subscribe a queue or a function."
        )
    if any(set(name) & _NOT_IN_A_LIST for name in only.campaigns):
        raise InvalidInput(
            f"With {_SLACK}, campaign=NAME needs a whole name without commas, quotes, backslashes "
            "and asterisks."
        )
    if only.fresh and max(only.fresh) > _LATEST:
        raise InvalidInput(f"With {_SLACK}, fresh=DURATION is at most {_LATEST.days} days.")
    settings = {}
    if only.first_opens:
        settings["AlertOpens"] = "first"
    if only.fresh:
        settings["AlertMaxDelaySeconds"] = str(int(max(only.fresh).total_seconds()))
    if only.campaigns:
        settings["AlertCampaigns"] = ",".join(only.campaigns)
    return settings


def _assigned(settings: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in settings.items()]


def read_webhook() -> str:
    """Read the URL from stdin, without showing what is typed.

    Raises:
        InvalidInput: it is not an https URL.
    """
    if sys.stdin.isatty():
        text: str = typer.prompt("The URL of the webhook", hide_input=True, err=True)
    else:
        text = sys.stdin.readline()
    _check_webhook_url(text.strip())
    return text.strip()
