"""All checks: side by side, except for those that wait for the account's lease."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.errors import EmailOpensError
from email_opens_cli.deployed.checks import (
    functions,
    metrics,
    schedules,
    searches,
    stack,
    subscriptions,
    tables,
    vendor,
)
from email_opens_cli.deployed.checks.finding import Check, Deployment, Finding, wrong
from email_opens_cli.terminal.complaints import of_aws

_SIDE_BY_SIDE: tuple[tuple[str, Check], ...] = (
    ("version", stack.version),
    ("ledger table", tables.ledger),
    ("token", vendor.token),
    ("schedule", schedules.schedule),
    ("function", functions.function),
    ("invocations", metrics.invocations),
    ("activities", tables.activities),
    ("last search", searches.search),
    ("topic", subscriptions.topic),
    ("dead-letter queue", stack.dead_letters),
    ("left-overs", stack.left_overs),
    ("alarms", stack.alarms),
)
_UNDER_THE_LEASE: tuple[tuple[str, Check], ...] = (
    ("vendor", vendor.vendor),
    ("quota", vendor.quota),
)


def findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield the findings.

    What waits for the account's lease comes last, so that the others are not kept back, and in the
    main thread, where Ctrl-C ends the wait.
    """
    threads = ThreadPoolExecutor(max_workers=len(_SIDE_BY_SIDE))
    try:
        running = [
            threads.submit(_run, subject, check, deployment) for subject, check in _SIDE_BY_SIDE
        ]
        for future in running:
            yield from future.result()
        for subject, check in _UNDER_THE_LEASE:
            yield from _run(subject, check, deployment)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _run(subject: str, check: Check, deployment: Deployment) -> list[Finding]:
    """Return what a check finds; an error is a finding too."""
    found: list[Finding] = []
    try:
        found.extend(check(deployment))
    except EmailOpensError as error:
        found.append(wrong(subject, str(error), "Then run `email-opens doctor` again."))
    except (ClientError, BotoCoreError) as error:
        complaint = of_aws(error)
        found.append(
            wrong(
                subject,
                complaint[0] if complaint else type(error).__name__,
                "Check that the resource exists, and that your AWS user and the function's role "
                "have this permission.",
            )
        )
    return found
