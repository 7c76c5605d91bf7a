"""The product, wired by this process's environment or by a stack's outputs."""

import os
from typing import TYPE_CHECKING, Any

from email_opens.config import environment_of
from email_opens.errors import InvalidInput

if TYPE_CHECKING:
    from email_opens.adapters.aws.session import AwsSession
    from email_opens.bootstrap import DiscoverCampaigns, EmailOpens


def product(stack: str | None) -> "EmailOpens":
    """Wire the product by this process's environment, overridden by a stack's outputs.

    Raises:
        InvalidInput: there is no such stack.
        InvalidSettings: a setting is missing or malformed.
    """
    # Imported late, or `--help` would load boto3.
    from email_opens.bootstrap import bootstrap  # noqa: PLC0415

    return bootstrap(os.environ if stack is None else {**os.environ, **_outputs(stack)})


def discovery(stack: str | None) -> "DiscoverCampaigns":
    """Wire discovery by this process's environment, overridden by a stack's outputs.

    Raises:
        InvalidInput, InvalidSettings: as `product`.
    """
    # Imported late, or `--help` would load boto3.
    from email_opens.bootstrap import bootstrap_discovery  # noqa: PLC0415

    return bootstrap_discovery(os.environ if stack is None else {**os.environ, **_outputs(stack)})


def described(stack: str) -> dict[str, Any]:
    """Return CloudFormation's description of a stack.

    Raises:
        InvalidInput: there is no such stack.
    """
    from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415

    try:
        reply = aws().client("cloudformation").describe_stacks(StackName=stack)
    except (ParamValidationError, UnicodeEncodeError):
        raise InvalidInput(f"{stack[:80]!r} is not the name of a stack.") from None
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise InvalidInput(
            f"There is no stack “{stack[:80]}” in this region and account."
        ) from None
    found: dict[str, Any] = reply["Stacks"][0]
    return found


def aws(region: str | None = None) -> "AwsSession":
    """Return a session of AWS in a region, by default that of this process."""
    # Imported late, or `--help` would load boto3.
    from email_opens.adapters.aws.session import aws_session  # noqa: PLC0415

    return aws_session({**os.environ, "AWS_REGION": region} if region else os.environ)


def _outputs(stack: str) -> dict[str, str]:
    listed = described(stack).get("Outputs", [])
    return environment_of({output["OutputKey"]: output["OutputValue"] for output in listed})
