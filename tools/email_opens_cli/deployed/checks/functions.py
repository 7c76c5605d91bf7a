"""Checks of the function that polls: whether Lambda can run it."""

from collections.abc import Iterator

from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    not_without_stack,
    wrong,
)

FUNCTION = "POLL_OPENS_FUNCTION"
"""The variable that names the function."""
_RUNS = ("Active", "Inactive")
"""The states of a function that runs; Inactive: idle for long, and loaded when it is invoked."""


def function(deployment: Deployment) -> Iterator[Finding]:
    """Check whether Lambda can run the function that polls."""
    name = deployment.environment.get(FUNCTION)
    if not name:
        yield not_without_stack("function")
        return
    found = deployment.clients("lambda").get_function_configuration(FunctionName=name)
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state not in _RUNS:
        yield wrong("function", f"{state}: {found.get('StateReason', '')}", "Run `make deploy`.")
    elif update == "Failed":
        why = found.get("LastUpdateStatusReason", "")
        yield wrong("function", f"its last update failed: {why}", "Run `make deploy`.")
    else:
        yield good("function", f"{name} is there")
