"""Checks of what starts turns, and of when the last one was completed."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from email_opens.account import Account
from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    not_without_stack,
    warning,
    wrong,
)
from email_opens_cli.terminal.words import ago

MISSED = 3
"""After so many intervals without a completed turn, one counts as missing."""
LEAST = timedelta(minutes=5)
"""A command may hold the account for a few minutes, and turns end without work meanwhile."""
UNKNOWN_INTERVAL = timedelta(days=1)
"""For a schedule that is not `rate(…)`, or cannot be read."""
_RATE = re.compile(r"rate\((\d{1,6}) (minute|hour|day)s?\)")


def schedule(deployment: Deployment) -> Iterator[Finding]:
    """Check the account's schedule, and then whether its turns are completed."""
    group, account_id = deployment.environment.get("SCHEDULE_GROUP"), deployment.account_id
    found = None
    if not group:
        yield not_without_stack("schedule")
    else:
        found = _schedule(deployment, group, account_id)
        if found is None:
            yield wrong(
                "schedule",
                f"nothing polls account {account_id}",
                f"Run `email-opens connect {account_id}`.",
            )
        elif found["State"] == "ENABLED":
            yield good("schedule", f"{found['ScheduleExpression']}, enabled")
        else:
            yield wrong(
                "schedule", "it is disabled", enable(account_id, group, deployment.parameters)
            )
    stored = deployment.product.tracking.account(account_id) or Account(account_id=account_id)
    connected_at = _connected_at(deployment) if stored.turn_completed_at is None else None
    yield last_turn(stored, interval(found), connected_at, deployment.product.clock.now())


def last_turn(
    account: Account, every: timedelta | None, connected_at: datetime | None, now: datetime
) -> Finding:
    """Return whether the account's turns are completed as often as they are scheduled.

    `connected_at` is when its first credentials were stored, if no turn was completed yet.
    """
    completed_at = account.turn_completed_at
    when = _when(completed_at, now)
    if account.last_error:
        return wrong(
            "last turn", f"{account.last_error} Last turn: {when}.", "Read the remedies above."
        )
    if completed_at is None:
        waits = connected_at is not None and now - connected_at <= _longest(every)
        return (warning if waits else wrong)(
            "last turn",
            f"{when}; the account was connected {ago(connected_at, now)}" if connected_at else when,
            "The schedule starts one within its interval: run `email-opens doctor` again then, or "
            "take a turn here with `email-opens poll`.",
        )
    if now - completed_at <= _longest(every):
        return good("last turn", when)
    if every is None:
        return warning("last turn", when, "Compare this with the account's schedule.")
    return wrong(
        "last turn",
        f"{when}, though one is due every {_text(every)}",
        "The findings about the schedule and the function say why; `email-opens poll` takes a turn "
        "here and reports what stops it.",
    )


def interval(found: Mapping[str, Any] | None) -> timedelta | None:
    """Return how often a schedule fires; None: that is not known."""
    match = _RATE.fullmatch(found["ScheduleExpression"]) if found else None
    return timedelta(**{f"{match[2]}s": int(match[1])}) if match else None


def _when(completed_at: datetime | None, now: datetime) -> str:
    return f"completed {ago(completed_at, now)}" if completed_at else "none has been completed yet"


def _longest(every: timedelta | None) -> timedelta:
    return UNKNOWN_INTERVAL if every is None else max(LEAST, MISSED * every)


def _text(every: timedelta | None) -> str:
    return "day" if every is None else f"{every.total_seconds() / 60:.0f} min"


def enable(account_id: str, group: str, parameters: Mapping[str, str]) -> str:
    """Return how to enable the schedule of an account, by the stack's parameters."""
    if account_id != parameters.get("AccountId", "default"):
        return (
            f"Enable the schedule {account_id} of the group {group} in the console of "
            "EventBridge Scheduler."
        )
    if parameters.get("ScheduleState") != "ENABLED":
        return "Run `make deploy PARAMETERS=ScheduleState=ENABLED`."
    # CloudFormation updates a resource only when the template or a parameter changes.
    return (
        "It was disabled by hand, so run `make deploy PARAMETERS=ScheduleState=DISABLED`, and then "
        "`make deploy PARAMETERS=ScheduleState=ENABLED`."
    )


def _connected_at(deployment: Deployment) -> datetime | None:
    """Return when the account's first credentials were stored; None: that is not known.

    Each renewal of the token stores them again.
    """
    name = f"{deployment.product.settings.credentials_prefix}{deployment.account_id}"
    try:
        found = deployment.clients("ssm").get_parameter_history(Name=name)
    except ClientError:
        return None
    stored_at: Iterator[datetime] = (each["LastModifiedDate"] for each in found["Parameters"])
    return min(stored_at, default=None)


def _schedule(deployment: Deployment, group: str, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = deployment.clients("scheduler").get_schedule(
            GroupName=group, Name=name
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return found
