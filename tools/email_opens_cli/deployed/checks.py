"""Checks of what an account needs to be polled, each with the cheapest real request."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.account import Account
from email_opens.adapters.vendor.http import Reply
from email_opens.adapters.vendor.refusals import Access, reason
from email_opens.errors import AccountBusy, AccountDisconnected, EmailOpensError
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens_cli.deployed.leases import hold
from email_opens_cli.deployed.product import aws
from email_opens_cli.deployed.queues import left_over
from email_opens_cli.terminal.complaints import of_aws

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

GOOD, WRONG, UNCHECKED = "✓", "✗", "-"
SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
MOST_SKEW = timedelta(seconds=60)
SCARCE = 0.95
"""The share of the day's requests from which the rest will soon be spent."""
ACTIVITY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check, and what to do about it."""

    mark: str
    subject: str
    what: str
    remedy: str | None = None

    @property
    def is_wrong(self) -> bool:
        return self.mark == WRONG


good, wrong, unchecked = (partial(Finding, mark) for mark in (GOOD, WRONG, UNCHECKED))


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed product, and the account to check."""

    product: "EmailOpens"
    account_id: str
    stack: str | None
    environment: Mapping[str, str]
    wait: timedelta
    """How long to wait for the account's lease."""


type Check = Callable[[Deployment], Iterable[Finding]]


def findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield the findings; causes come before their effects."""
    checks: list[tuple[str, Check]] = [
        ("tracking table", tracking),
        ("ledger table", ledger),
        ("topic", topic),
        ("dead-letter queue", dead_letters),
        ("token", token),
        ("vendor", vendor),
        ("quota", quota),
        ("schedule", schedule),
        ("function", function),
        ("alarms", alarms),
        ("left-overs", left_overs),
    ]
    for subject, check in checks:
        try:
            yield from check(deployment)
        except EmailOpensError as error:
            yield wrong(subject, str(error), "Then run `email-opens doctor` again.")
        except (ClientError, BotoCoreError) as error:
            complaint = of_aws(error)
            yield wrong(
                subject,
                complaint[0] if complaint else type(error).__name__,
                "Your AWS user and the function's role need this permission and this resource.",
            )


def tracking(deployment: Deployment) -> Iterator[Finding]:
    """Read the table; write it by taking the lease of an account that exists."""
    product, account_id = deployment.product, deployment.account_id
    tracked = f"{len(product.tracking.activities(account_id))} activities are tracked"
    if product.tracking.account(account_id) is None:
        yield good("tracking table", f"read; {tracked}; account {account_id} is new")
        return
    try:
        with hold(product.leases, account_id, "doctor", wait=deployment.wait):
            pass
    except AccountBusy as error:
        yield unchecked("tracking table", f"read; {tracked}", str(error))
        return
    yield good("tracking table", f"read and written; {tracked}")


def ledger(deployment: Deployment) -> Iterator[Finding]:
    hour = bucket(deployment.product.clock.now())
    deployment.product.ledger.fingerprints(ACTIVITY, hour, hour)
    yield good("ledger table", "read")


def topic(deployment: Deployment) -> Iterator[Finding]:
    arn = deployment.product.settings.opens_topic_arn
    found = aws().client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    confirmed = int(found.get("SubscriptionsConfirmed", 0))
    yield good("topic", f"{confirmed} subscriptions")


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    sqs = aws().client("sqs")
    found = sqs.get_queue_attributes(
        QueueUrl=deployment.product.settings.dead_letter_queue_url,
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    count = int(found["Attributes"]["ApproximateNumberOfMessages"])
    if count:
        yield wrong(
            "dead-letter queue", f"{count} dead letters", "Run `email-opens dead-letters list`."
        )
    else:
        yield good("dead-letter queue", "empty")


def token(deployment: Deployment) -> Iterator[Finding]:
    tokens = deployment.product.credentials.load(deployment.account_id)
    now = deployment.product.clock.now()
    if tokens.access_token is None or tokens.expires_at is None:
        yield good("token", "stored; the next poll requests an access token")
    elif tokens.expires_at <= now:
        yield good("token", f"stored; it expired {iso(tokens.expires_at)} and will be refreshed")
    else:
        yield good("token", f"stored; valid until {iso(tokens.expires_at)}")


def vendor(deployment: Deployment) -> Iterator[Finding]:
    """Send the vendor one request under the lease, since that may refresh the token."""
    product, account_id = deployment.product, deployment.account_id
    try:
        product.credentials.load(account_id)
    except AccountDisconnected:
        # The lease would create an account even if its name was mistyped.
        connect = f"Run `email-opens connect {account_id}`."
        yield unchecked("vendor", "not checked without a token", connect)
        return
    try:
        with hold(product.leases, account_id, "doctor", wait=deployment.wait) as lease:
            api = product.connect(account_id, lease.budget)
            reply = api.reply(SUMMARIES, lease.before)
            refused = reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
            access = api.privileges(lease.before).access if refused else Access.ALLOWED
    except AccountBusy as error:
        yield unchecked("vendor", "not checked", str(error))
        return
    yield privilege(reply, access, account_id)
    yield skew(reply, product.clock.now())


def privilege(reply: Reply, access: Access, account_id: str) -> Finding:
    """Return whether the account may read reports."""
    connect = f"then run `email-opens connect {account_id}`."
    match access:
        case Access.ALLOWED if reply.status == HTTPStatus.OK:
            return good("privilege", "the vendor returns reports")
        case Access.FORBIDDEN:
            return wrong(
                "privilege",
                "the vendor forbids reading reports",
                "Give the account's user the privilege ui:campaign:metrics and the application "
                f"the scope campaign_data; {connect}",
            )
        case Access.UNAUTHORIZED:
            return wrong(
                "privilege",
                "the vendor refuses the access token",
                f"Run `email-opens poll`, which renews it; if that fails, {connect}",
            )
        case _:
            return wrong(
                "privilege",
                f"the vendor answered {reason(reply)}",
                "Run `email-opens doctor` again later; polls retry.",
            )


def skew(reply: Reply, now: datetime) -> Finding:
    """Compare this machine's clock with the date of a reply."""
    try:
        date = parsedate_to_datetime(reply.headers.get("Date", ""))
    except (ValueError, TypeError):
        return unchecked(
            "clock", "the vendor's reply has no date", "Compare it with a time server."
        )
    ahead = now - (date if date.tzinfo else date.replace(tzinfo=UTC))
    seconds = ahead.total_seconds()
    if abs(ahead) <= MOST_SKEW:
        return good("clock", f"{seconds:+.0f} s against the vendor's")
    return wrong(
        "clock",
        f"{seconds:+.0f} s against the vendor's",
        "Synchronise this machine's clock with a time server.",
    )


def quota(deployment: Deployment) -> Iterator[Finding]:
    now, budget = deployment.product.clock.now(), deployment.product.settings.requests_per_day
    stored = deployment.product.tracking.account(deployment.account_id)
    account = stored or Account(account_id=deployment.account_id)
    spent, opens_at = account.requests_on(now), account.opens_at(now)
    what = f"{spent} of {budget} requests today"
    if opens_at:
        yield wrong(
            "quota",
            f"{what}; the vendor has closed the day",
            f"It opens at {iso(opens_at)}. Check whether another program uses the key.",
        )
    elif spent >= budget * SCARCE:
        yield wrong("quota", what, "Pause what matters least, or wait until 00:00 UTC.")
    else:
        yield good("quota", what)
    rests_until = account.rests_at(now)
    if rests_until:
        yield wrong(
            "rest",
            f"no request is sent before {iso(rests_until.replace(microsecond=0))}",
            "The vendor asked for this pause or is unavailable; polling continues after it.",
        )
    if account.last_error:
        yield wrong("last turn", account.last_error, "Read the function's log for details.")


def schedule(deployment: Deployment) -> Iterator[Finding]:
    group, account_id = deployment.environment.get("SCHEDULE_GROUP"), deployment.account_id
    if not group:
        yield _not_without_stack("schedule")
        return
    client: Any = aws().client("scheduler")
    try:
        found = client.get_schedule(GroupName=group, Name=account_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        remedy = f"Run `email-opens connect {account_id} --stack {deployment.stack or 'NAME'}`."
        yield wrong("schedule", f"nothing polls account {account_id}", remedy)
        return
    if found["State"] == "ENABLED":
        yield good("schedule", f"{found['ScheduleExpression']}, enabled")
    else:
        yield wrong("schedule", "it is disabled", "Deploy the stack with ScheduleState=ENABLED.")


def function(deployment: Deployment) -> Iterator[Finding]:
    name = deployment.environment.get("POLL_OPENS_FUNCTION")
    if not name:
        yield _not_without_stack("function")
        return
    found = aws().client("lambda").get_function_configuration(FunctionName=name)
    state = found.get("State", "Active")
    if state in ("Active", "Inactive"):  # Inactive: idle for long, and loaded again when invoked.
        yield good("function", f"{name} is there")
    else:
        why = found.get("StateReason", "")
        yield wrong("function", f"{state}: {why}", "Deploy the stack again.")


def alarms(deployment: Deployment) -> Iterator[Finding]:
    if deployment.stack is None:
        yield _not_without_stack("alarms")
        return
    client: Any = aws().client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{deployment.stack}-")
    every = [alarm for page in pages for alarm in page.get("MetricAlarms", [])]
    ringing = [alarm for alarm in every if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        remedy = alarm.get("AlarmDescription") or "See docs/operations.md."
        yield wrong("alarm", alarm["AlarmName"], remedy)
    if not ringing:
        yield good("alarms", f"none of {len(every)} is in alarm")


def left_overs(deployment: Deployment) -> Iterator[Finding]:
    topic_arn = deployment.product.settings.opens_topic_arn
    urls = left_over(aws().client("sqs"), topic_arn, deployment.product.clock.now())
    for url in urls:
        yield wrong(
            "left-overs",
            f"a `tail` that was killed has left the queue {url}",
            "The next `email-opens tail` removes it.",
        )
    if not urls:
        yield good("left-overs", "no `tail` has left a queue")


def _not_without_stack(subject: str) -> Finding:
    return unchecked(subject, "not checked", "Add --stack NAME.")
