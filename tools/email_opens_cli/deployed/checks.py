"""What an account needs to be polled, looked at one by one with the cheapest real request each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.adapters.vendor.http import Reply
from email_opens.errors import AccountDisconnected, EmailOpensError
from email_opens.events import bucket
from email_opens.instants import iso
from email_opens.model import Account
from email_opens_cli.commands.status import requests_today
from email_opens_cli.deployed.leased import Busy, leased
from email_opens_cli.deployed.product import aws
from email_opens_cli.deployed.queues import left_over
from email_opens_cli.terminal.complaints import of_aws

if TYPE_CHECKING:
    from email_opens.bootstrap import EmailOpens

GOOD, WRONG, UNSEEN = "✓", "✗", "-"
SUMMARIES = "/v3/reports/summary_reports/email_campaign_summaries?limit=1"
MOST_SKEW = timedelta(seconds=60)
SCARCE = 0.95
"""Of the day's requests: what is left then is soon spent."""
NOBODY = "email-opens doctor"
ACTIVITY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    mark: str
    subject: str
    what: str
    remedy: str | None = None

    @property
    def is_wrong(self) -> bool:
        return self.mark == WRONG

    @classmethod
    def good(cls, subject: str, what: str) -> Self:
        return cls(GOOD, subject, what)

    @classmethod
    def wrong(cls, subject: str, what: str, remedy: str) -> Self:
        return cls(WRONG, subject, what, remedy)

    @classmethod
    def unseen(cls, subject: str, what: str, remedy: str) -> Self:
        return cls(UNSEEN, subject, what, remedy)


@dataclass(frozen=True, slots=True)
class Patient:
    """A deployed product, and the account that is looked at."""

    product: "EmailOpens"
    account_id: str
    stack: str | None
    environment: Mapping[str, str]


type Check = Callable[[Patient], Iterable[Finding]]


def findings(patient: Patient) -> Iterator[Finding]:
    """Yield what was found, in an order in which causes come before their effects."""
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
            yield from check(patient)
        except EmailOpensError as error:
            yield Finding.wrong(subject, str(error), "Mend that, and look again.")
        except (ClientError, BotoCoreError) as error:
            said = of_aws(error)
            yield Finding.wrong(
                subject,
                said[0] if said else type(error).__name__,
                "Whoever runs this, and the function's role, need that permission and resource.",
            )


def tracking(patient: Patient) -> Iterator[Finding]:
    wired, who = patient.product, patient.account_id
    count = len(wired.tracking.activities(who))
    # Nobody of this name holds a lease: a write that is tried, and changes nothing.
    wired.tracking.release(who, holder=NOBODY, day="", unused=0, closed_until=None, last_error=None)
    yield Finding.good("tracking table", f"read and written; {count} activities are tracked")


def ledger(patient: Patient) -> Iterator[Finding]:
    hour = bucket(patient.product.clock.now())
    patient.product.turns.ledger.fingerprints(ACTIVITY, hour, hour)
    yield Finding.good("ledger table", "read")


def topic(patient: Patient) -> Iterator[Finding]:
    arn = patient.product.settings.opens_topic_arn
    found = aws().client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    confirmed = int(found.get("SubscriptionsConfirmed", 0))
    yield Finding.good("topic", f"{confirmed} subscriptions")


def dead_letters(patient: Patient) -> Iterator[Finding]:
    found = (
        aws()
        .client("sqs")
        .get_queue_attributes(
            QueueUrl=patient.product.settings.dead_letter_queue_url,
            AttributeNames=["ApproximateNumberOfMessages"],
        )
    )
    count = int(found["Attributes"]["ApproximateNumberOfMessages"])
    if count:
        yield Finding.wrong(
            "dead-letter queue", f"{count} dead letters", "Run `email-opens dead-letters list`."
        )
    else:
        yield Finding.good("dead-letter queue", "empty")


def token(patient: Patient) -> Iterator[Finding]:
    tokens = patient.product.credentials.load(patient.account_id)
    now = patient.product.clock.now()
    if tokens.access_token is None or tokens.expires_at is None:
        yield Finding.good("token", "stored; the next poll asks for an access token")
    elif tokens.expires_at <= now:
        yield Finding.good("token", f"stored; it ended {iso(tokens.expires_at)}, to be renewed")
    else:
        yield Finding.good("token", f"stored; good until {iso(tokens.expires_at)}")


def vendor(patient: Patient) -> Iterator[Finding]:
    """Ask the vendor one question, under the lease: it may renew the token."""
    try:
        patient.product.credentials.load(patient.account_id)
    except AccountDisconnected:
        # Or the lease would make an account of a name that was mistyped.
        yield Finding.unseen("vendor", "not asked without a token", "Mend that first.")
        return
    try:
        with leased(patient.product, patient.account_id, "doctor") as lease:
            reply = lease.ask(SUMMARIES)
    except Busy:
        yield Finding.unseen("vendor", "a poll is at work", "SeenCampaign again in a minute.")
        return
    yield privilege(reply, patient.account_id)
    yield skew(reply, patient.product.clock.now())


def privilege(reply: Reply, account_id: str) -> Finding:
    """Judge whether the vendor gives reports to this account."""
    connect = f"then run `email-opens connect {account_id}`."
    match reply.status:
        case HTTPStatus.OK:
            return Finding.good("privilege", "the vendor gives reports")
        case HTTPStatus.FORBIDDEN:
            return Finding.wrong(
                "privilege",
                "the vendor forbids reading reports",
                "Give the account's user the privilege ui:campaign:metrics and the application "
                f"the scope campaign_data; {connect}",
            )
        case HTTPStatus.UNAUTHORIZED:
            return Finding.wrong(
                "privilege",
                "the vendor refuses the access token",
                f"Run `email-opens poll`, which renews it; if that fails, {connect}",
            )
        case _:
            return Finding.wrong(
                "privilege",
                f"the vendor answered {reply.status}{reply.traces()}",
                "Look again later; the polls go on trying.",
            )


def skew(reply: Reply, now: datetime) -> Finding:
    """Judge this machine's clock by the date of a reply."""
    try:
        told = parsedate_to_datetime(reply.headers.get("Date", ""))
    except (ValueError, TypeError):
        return Finding.unseen("clock", "the vendor's reply has no date", "Compare it by hand.")
    ahead = now - (told if told.tzinfo else told.replace(tzinfo=UTC))
    seconds = ahead.total_seconds()
    if abs(ahead) <= MOST_SKEW:
        return Finding.good("clock", f"{seconds:+.0f} s against the vendor's")
    return Finding.wrong(
        "clock",
        f"{seconds:+.0f} s against the vendor's",
        "Set this machine's clock by a time server.",
    )


def quota(patient: Patient) -> Iterator[Finding]:
    now, budget = patient.product.clock.now(), patient.product.settings.requests_per_day
    known = patient.product.tracking.account(patient.account_id)
    account = known or Account(account_id=patient.account_id)
    spent = requests_today(account, now)
    what = f"{spent} of {budget} requests today"
    if account.closed_until and account.closed_until > now:
        yield Finding.wrong(
            "quota",
            f"{what}; the vendor has closed the day",
            f"It opens at {iso(account.closed_until)}. Does another program use the key?",
        )
    elif spent >= budget * SCARCE:
        yield Finding.wrong("quota", what, "Pause what matters least, or wait for 00:00 UTC.")
    else:
        yield Finding.good("quota", what)
    if account.last_error:
        yield Finding.wrong("last turn", account.last_error, "See the function's log.")


def schedule(patient: Patient) -> Iterator[Finding]:
    group, who = patient.environment.get("SCHEDULE_GROUP"), patient.account_id
    if not group:
        yield _not_without_stack("schedule")
        return
    client: Any = aws().client("scheduler")
    try:
        found = client.get_schedule(GroupName=group, Name=who)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        remedy = f"Run `email-opens connect {who} --stack {patient.stack or 'NAME'}`."
        yield Finding.wrong("schedule", f"nothing polls account {who}", remedy)
        return
    if found["State"] == "ENABLED":
        yield Finding.good("schedule", f"{found['ScheduleExpression']}, enabled")
    else:
        yield Finding.wrong(
            "schedule", "it is disabled", "Deploy the stack with ScheduleState=ENABLED."
        )


def function(patient: Patient) -> Iterator[Finding]:
    name = patient.environment.get("POLL_OPENS_FUNCTION")
    if not name:
        yield _not_without_stack("function")
        return
    found = aws().client("lambda").get_function_configuration(FunctionName=name)
    state = found.get("State", "Active")
    if state in ("Active", "Inactive"):  # Inactive: not invoked for long, and woken by the next.
        yield Finding.good("function", f"{name} is there")
    else:
        why = found.get("StateReason", "")
        yield Finding.wrong("function", f"{state}: {why}", "Deploy the stack again.")


def alarms(patient: Patient) -> Iterator[Finding]:
    if patient.stack is None:
        yield _not_without_stack("alarms")
        return
    client: Any = aws().client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{patient.stack}-")
    known = [one for page in pages for one in page.get("MetricAlarms", [])]
    ringing = [one for one in known if one["StateValue"] == "ALARM"]
    for one in ringing:
        remedy = one.get("AlarmDescription") or "See docs/operations.md."
        yield Finding.wrong("alarm", one["AlarmName"], remedy)
    if not ringing:
        yield Finding.good("alarms", f"none of {len(known)} is in alarm")


def left_overs(patient: Patient) -> Iterator[Finding]:
    urls = left_over(aws().client("sqs"), patient.product.clock.now())
    for url in urls:
        yield Finding.wrong(
            "left-over", f"a tail that was killed has left {url}", "The next tail removes it."
        )
    if not urls:
        yield Finding.good("left-overs", "no tail has left a queue")


def _not_without_stack(subject: str) -> Finding:
    return Finding.unseen(subject, "not looked at", "Name --stack.")
