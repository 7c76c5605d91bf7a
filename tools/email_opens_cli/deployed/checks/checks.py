"""All checks, in the order in which causes come before their effects."""

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from email_opens.errors import EmailOpensError
from email_opens_cli.deployed.checks import stack, vendor
from email_opens_cli.deployed.checks.finding import Check, Deployment, Finding, wrong
from email_opens_cli.terminal.complaints import of_aws


def findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield the findings; causes come before their effects."""
    checks: list[tuple[str, Check]] = [
        ("tracking table", stack.tracking),
        ("ledger table", stack.ledger),
        ("topic", stack.topic),
        ("dead-letter queue", stack.dead_letters),
        ("token", vendor.token),
        ("vendor", vendor.vendor),
        ("quota", vendor.quota),
        ("schedule", stack.schedule),
        ("function", stack.function),
        ("alarms", stack.alarms),
        ("left-overs", stack.left_overs),
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
