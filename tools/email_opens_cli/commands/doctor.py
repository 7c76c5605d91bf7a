"""Checks of whether an account's opens arrive, and of all that this needs, with remedies."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from email_opens_cli.arguments.options import (
    LONGEST_WAIT,
    Account,
    Json,
    Stack,
    Wait,
    parse_account,
    parse_wait,
)
from email_opens_cli.deployed.checks.finding import Deployment, Finding, Result, good
from email_opens_cli.deployed.product import aws, environment, parameters, product_of_any_account
from email_opens_cli.deployed.turns.leases import print_wait
from email_opens_cli.terminal.complaints import FAILED
from email_opens_cli.terminal.console import TextConsole, console, say_json
from email_opens_cli.terminal.pasted import pasteable
from email_opens_cli.terminal.words import count

_MARKS = {
    Result.OK: ("✓", "green"),
    Result.WARNING: ("!", "bold yellow"),
    Result.FAILED: ("✗", "bold red"),
    Result.SKIPPED: ("-", "dim"),
}


def doctor(
    account: Account = "default",
    stack: Stack = None,
    wait: Wait = LONGEST_WAIT,
    *,
    as_json: Json = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print nothing unless something is wrong, for cron."),
    ] = False,
) -> None:
    """Check whether an account's opens arrive; exit with 1 if something is wrong.

    The command sends one request to Constant Contact, and renews the token if it has expired.
    """
    account_id, screen = parse_account(account), console()
    patience, on_wait = parse_wait(wait), _ignore if quiet else print_wait
    found = []
    for finding in _findings(account_id, stack, patience, on_wait):
        found.append(finding)
        if not (quiet or as_json):
            _show(screen, finding)
    failed = any(finding.result is Result.FAILED for finding in found)
    if as_json and (failed or not quiet):
        say_json(_plain(account_id, stack, found), indent=2)
    elif not quiet:
        screen.say(_summary(found))
    elif failed:
        for finding in found:
            if finding.result in (Result.FAILED, Result.WARNING):
                _show(screen, finding)
    if failed:
        raise typer.Exit(FAILED)


def _findings(account_id: str, stack: str | None, wait: Any, on_wait: Any) -> Iterator[Finding]:
    from email_opens_cli.deployed.checks.checks import findings  # noqa: PLC0415 - botocore
    from email_opens_cli.deployed.clients import Clients  # noqa: PLC0415

    wired = product_of_any_account(stack)
    yield good("settings", f"those of the stack {stack}" if stack else "all are set")
    yield from findings(
        Deployment(
            product=wired,
            clients=Clients(aws()),
            account_id=account_id,
            stack=stack,
            environment=environment(stack),
            parameters=parameters(stack) if stack else {},
            wait=wait,
            on_wait=on_wait,
        )
    )


def _show(screen: TextConsole, finding: Finding) -> None:
    screen.say(f" {finding.subject}: {finding.what}", _MARKS[finding.result])
    if finding.remedy:
        screen.say(f"  → {finding.remedy}")


def _summary(found: Iterable[Finding]) -> str:
    results = [finding.result for finding in found]
    failed, warned = results.count(Result.FAILED), results.count(Result.WARNING)
    if failed:
        checks = count(failed, "check")
        return f"{checks} failed: opens do not arrive, or will soon stop arriving."
    if warned:
        return f"No check failed, but {count(warned, 'warning')} may show a mistake."
    return "No check failed: opens arrive."


def _plain(account_id: str, stack: str | None, found: Iterable[Finding]) -> dict[str, Any]:
    findings = [
        {
            "subject": finding.subject,
            "result": finding.result.value,
            "message": pasteable(finding.what),
            "remedy": finding.remedy and pasteable(finding.remedy),
        }
        for finding in found
    ]
    return {
        "account_id": account_id,
        "stack": stack,
        "ok": all(finding["result"] != Result.FAILED for finding in findings),
        "findings": findings,
    }


def _ignore(_: str) -> None:
    return
