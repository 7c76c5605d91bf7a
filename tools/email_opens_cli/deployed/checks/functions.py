"""Checks of the two functions: whether Lambda can run them."""

from collections.abc import Iterator

from email_opens_cli.deployed.checks.finding import (
    Deployment,
    Finding,
    good,
    not_without_stack,
    wrong,
)

FUNCTIONS = {"function": "POLL_OPENS_FUNCTION", "discovery function": "DISCOVER_CAMPAIGNS_FUNCTION"}
"""The variables that name the functions, by the subject of their findings."""
_RUNS = ("Active", "Inactive")
"""The states of a function that runs; Inactive: idle for long, and loaded when it is invoked."""


def functions(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.environment.get("POLL_OPENS_FUNCTION"):
        yield not_without_stack("function")
        return
    for subject, variable in FUNCTIONS.items():
        name = deployment.environment.get(variable)
        if not name:
            continue
        found = deployment.clients("lambda").get_function_configuration(FunctionName=name)
        state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        if state not in _RUNS:
            yield wrong(subject, f"{state}: {found.get('StateReason', '')}", "Run `make deploy`.")
        elif update == "Failed":
            why = found.get("LastUpdateStatusReason", "")
            yield wrong(subject, f"its last update failed: {why}", "Run `make deploy`.")
        else:
            yield good(subject, f"{name} is there")
