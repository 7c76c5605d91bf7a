"""The check of the searches for an account's new sends."""

from collections.abc import Iterator
from datetime import timedelta

from email_opens.account import Account
from email_opens_cli.deployed.checks.finding import Deployment, Finding, good, warning, wrong
from email_opens_cli.terminal.words import ago, count

LATE = timedelta(hours=2)
"""Longer than any pause between two searches, unless the day's requests are few or spent."""


def search(deployment: Deployment) -> Iterator[Finding]:
    """Check whether the account's new sends are searched for, and whether that succeeds."""
    product, account_id = deployment.product, deployment.account_id
    now = product.clock.now()
    account = product.tracking.account(account_id) or Account(account_id=account_id)
    searches = account.searches
    completed_at = searches.completed_at
    when = f"completed {ago(completed_at, now)}" if completed_at else "none has been completed yet"
    late = completed_at is None or now - completed_at > LATE
    if searches.failures:
        yield (wrong if late else warning)(
            "last search",
            f"{when}; the last {count(searches.failures, 'search', 'searches')} failed",
            "Run `email-opens discover`, which searches here and reports what stops it.",
        )
    elif not product.settings.discovery:
        yield warning(
            "last search",
            f"turns do not search for the new sends of account {account_id} ({when})",
            "Run `email-opens discover` from cron, or deploy with "
            "`make deploy PARAMETERS=Discovery=ENABLED`.",
        )
    elif late:
        yield warning("last search", when, "Run `email-opens discover`, or wait for a turn.")
    else:
        yield good("last search", when)
