"""The product, wired by this process's environment or by a stack's parameters and outputs.

The parts of a command share one session of AWS, and one description of the stack.
"""

import os
from typing import TYPE_CHECKING, Any

from email_opens.account import account_id as parse_account
from email_opens.config.settings import environment_of
from email_opens.errors import InvalidInput, InvalidSettings
from email_opens_cli.arguments import invocation
from email_opens_cli.arguments.stack import SETTING, VARIABLE

if TYPE_CHECKING:
    from email_opens.adapters.aws.session import AwsSession
    from email_opens.bootstrap.product import EmailOpens, WiredDiscovery
    from email_opens.ports import Tracking

_NO_STACK = (
    f"No stack is named: add --stack NAME, set {VARIABLE}, or run the command in the folder from "
    "which the stack was deployed. If there is no stack yet, run `make deploy`, or "
    "`email-opens watch` to follow e-mails without AWS."
)


def product(stack: str | None) -> "EmailOpens":
    """Wire the product by the settings that `environment` returns.

    Raises:
        InvalidInput: there is no such stack, or no such account as --account names.
        InvalidSettings: a setting is missing or malformed.
    """
    wired = product_of_any_account(stack)
    _check_account(wired.tracking, stack)
    return wired


def product_of_any_account(stack: str | None) -> "EmailOpens":
    """Wire the product, whether the account is known or not; otherwise as `product`."""
    # Imported late, or `--help` would load boto3.
    from email_opens.bootstrap.product import bootstrap  # noqa: PLC0415

    try:
        return bootstrap(environment(stack), aws=aws())
    except InvalidSettings as error:
        raise _with_remedy(error, stack) from None


def discovery(stack: str | None) -> "WiredDiscovery":
    """Wire discovery by the settings that `environment` returns.

    Raises:
        InvalidInput, InvalidSettings: as `product`.
    """
    # Imported late, or `--help` would load boto3.
    from email_opens.bootstrap.product import bootstrap_discovery  # noqa: PLC0415

    try:
        wired = bootstrap_discovery(environment(stack), aws=aws())
    except InvalidSettings as error:
        raise _with_remedy(error, stack) from None
    _check_account(wired.tracking, stack)
    return wired


def environment(stack: str | None) -> dict[str, str]:
    """Return this process's environment, overridden by a stack's parameters and outputs.

    Raises:
        InvalidInput: there is no such stack.
    """
    if stack is None:
        return dict(os.environ)
    named = {**parameters(stack), **outputs(stack), "StackName": described(stack)["StackName"]}
    return {**os.environ, **environment_of(named)}


def outputs(stack: str) -> dict[str, str]:
    """Return the outputs of a stack by name.

    Raises:
        InvalidInput: there is no such stack.
    """
    listed = described(stack).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in listed}


def parameters(stack: str) -> dict[str, str]:
    """Return the parameters of a stack by name; raises as `outputs`."""
    listed = described(stack).get("Parameters", [])
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in listed}


def described(stack: str) -> dict[str, Any]:
    """Return CloudFormation's description of a stack.

    Raises:
        InvalidInput: there is no such stack.
    """
    shared = invocation.current().shared
    if ("stack", stack) not in shared:
        shared["stack", stack] = _describe(stack)
    found: dict[str, Any] = shared["stack", stack]
    return found


def aws(region: str | None = None) -> "AwsSession":
    """Return a session of AWS in a region, by default that of the stack or of this process."""
    # Imported late, or `--help` would load boto3.
    from email_opens.adapters.aws.session import aws_session  # noqa: PLC0415

    running = invocation.current()
    region = region or running.region
    if ("session", region) not in running.shared:
        running.shared["session", region] = aws_session(
            {**os.environ, "AWS_REGION": region} if region else os.environ
        )
    session: AwsSession = running.shared["session", region]
    return session


def _describe(stack: str) -> dict[str, Any]:
    from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415

    from email_opens_cli.deployed.clients import Clients  # noqa: PLC0415

    try:
        reply = Clients(aws())("cloudformation").describe_stacks(StackName=stack)
    except (ParamValidationError, UnicodeEncodeError):
        raise InvalidInput(f"{stack[:80]!r} is not the name of a stack.") from None
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise InvalidInput(
            f"There is no stack “{stack[:80]}” in this region and account: name another with "
            "--stack, choose another region with AWS_REGION, or deploy it with `make deploy`."
        ) from None
    found: dict[str, Any] = reply["Stacks"][0]
    return found


def _check_account(tracking: "Tracking", stack: str | None) -> None:
    from email_opens_cli.deployed.accounts import check_account  # noqa: PLC0415 - botocore

    account_id = invocation.current().account_id
    if account_id is not None:
        check_account(
            parse_account(account_id), tracking, lambda: aws().client("ssm"), environment(stack)
        )


def _with_remedy(error: InvalidSettings, stack: str | None) -> InvalidSettings:
    """Return an error that names the ways to choose a stack, if none is chosen."""
    chosen = stack is not None or os.environ.get(SETTING)
    return error if chosen else InvalidSettings(_NO_STACK)
