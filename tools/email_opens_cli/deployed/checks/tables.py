"""Checks of the two tables: what can be read, and what is tracked and fails."""

from collections import Counter
from collections.abc import Iterator, Sequence

from email_opens.events import bucket
from email_opens.model import Activity, State
from email_opens_cli.deployed.checks.finding import Deployment, Finding, good, warning, wrong
from email_opens_cli.terminal.words import named

_ACTIVITY = "00000000-0000-4000-8000-000000000000"


def ledger(deployment: Deployment) -> Iterator[Finding]:
    hour = bucket(deployment.product.clock.now())
    deployment.product.ledger.fingerprints(_ACTIVITY, hour, hour)
    yield good("ledger table", "read")


def activities(deployment: Deployment) -> Iterator[Finding]:
    """Check whether anything is polled, and whether its reports can be read."""
    stored = deployment.product.tracking.activities(deployment.account_id)
    active = [activity for activity in stored if activity.state is State.ACTIVE]
    failing = [activity for activity in active if activity.last_error]
    for activity in stored:
        if activity.state is State.NEWER:
            yield wrong(
                "activities",
                f"{named(activity)} is not polled: {activity.last_error}",
                "Deploy the newer version again; until then, the other e-mails are polled.",
            )
        if activity.state is State.BROKEN:
            yield wrong(
                "activities",
                f"{named(activity)} is not polled: {activity.last_error}",
                f"Run `email-opens untrack {activity.campaign_activity_id}`, then track it again.",
            )
    if not stored:
        yield warning(
            "activities",
            "nothing is tracked, so no open is published",
            "Run `email-opens discover`, or `email-opens track E-MAIL`.",
        )
    elif not active:
        yield warning(
            "activities",
            f"none of {len(stored)} is polled: {_states(stored)}",
            "Run `email-opens resume E-MAIL`, or wait for the next send.",
        )
    elif failing:
        all_fail = len(failing) == len(active)
        example = failing[0]
        yield (wrong if all_fail else warning)(
            "activities",
            f"{len(failing)} of the {len(active)} that are polled fail, among them "
            f"{named(example)}: {example.last_error}",
            "Run `email-opens status`, which shows each error; the next turns retry.",
        )
    else:
        yield good("activities", f"{_states(stored)}; none fails")


def _states(stored: Sequence[Activity]) -> str:
    states = Counter(activity.state.value for activity in stored)
    return ", ".join(f"{count} {state}" for state, count in states.items())
