"""Checks of all that an account needs to be polled: a line each, with a remedy."""

import typer

from email_opens.errors import EmailOpensError
from email_opens_cli.deployed.checks.finding import Deployment, Finding, good, wrong
from email_opens_cli.deployed.product import environment, product_of_any_account
from email_opens_cli.terminal.complaints import FAILED, complaints
from email_opens_cli.terminal.console import TextConsole, console, styled
from email_opens_cli.terminal.options import (
    LONGEST_WAIT,
    Account,
    Stack,
    Wait,
    parse_account,
    parse_wait,
)

_STYLES = {"✓": "green", "✗": "bold red", "-": "dim"}


def doctor(account: Account = "default", stack: Stack = None, wait: Wait = LONGEST_WAIT) -> None:
    """Check all that an account needs to be polled; exit with 1 if something is wrong."""
    with complaints():
        account_id, patience, screen = parse_account(account), parse_wait(wait), console()
        from email_opens_cli.deployed.checks.checks import findings  # noqa: PLC0415 - botocore

        try:
            wired = product_of_any_account(stack)
        except EmailOpensError as error:
            remedy = "Add --stack NAME, or set these variables."
            _show(screen, wrong("settings", str(error), remedy))
            raise typer.Exit(FAILED) from None
        _show(screen, good("settings", "all are set"))
        settings = environment(stack)
        failed = False
        deployment = Deployment(wired, account_id, stack, settings, patience)
        for finding in findings(deployment):
            _show(screen, finding)
            failed |= finding.is_wrong
        if failed:
            raise typer.Exit(FAILED)


def _show(screen: TextConsole, finding: Finding) -> None:
    mark = finding.mark, _STYLES[finding.mark]
    screen.print(styled(mark, (f" {finding.subject}: {finding.what}", "")))
    if finding.remedy:
        screen.print(f"  → {finding.remedy}")
