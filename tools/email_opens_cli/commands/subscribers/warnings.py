"""Warnings about a filter of `subscribe` that may match nothing."""

from typing import TYPE_CHECKING

from email_opens_cli.commands.subscribers.only import Only, matches
from email_opens_cli.deployed.product import aws, parameters
from email_opens_cli.terminal.pasted import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from email_opens.bootstrap.product import EmailOpens

_MOST_NAMES = 5


def warnings_about(only: Only, wired: "EmailOpens", stack: str | None) -> list[str]:
    """Return warnings about a filter that matches no opens of the stack as it is."""
    found = []
    if only.first_opens and stack is not None:
        first_opens = parameters(stack).get("FirstOpens")
        if first_opens is None:
            found.append(
                "The deployed stack is of an older version, whose events have no first_open: "
                "nothing matches first-opens until you run `make deploy`."
            )
        elif first_opens == "DISABLED":
            found.append(
                "The stack's parameter FirstOpens is DISABLED, so nothing matches first-opens: "
                "`make deploy PARAMETERS=FirstOpens=ENABLED` changes it."
            )
    if only.campaigns:
        found += _about_campaigns(only, wired)
    return found


def _about_campaigns(only: Only, wired: "EmailOpens") -> list[str]:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3

    try:
        names = {
            activity.campaign_name
            for account_id in only.accounts or _accounts(wired)
            for activity in wired.tracking.activities(account_id)
            if activity.campaign_name
        }
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return [f"The campaigns could not be compared with those that are tracked ({code})."]
    known = ", ".join(f"“{name}”" for name in sorted(names)[:_MOST_NAMES])
    return [
        f"No tracked campaign {_called(campaign)}. "
        + (f"Case matters; tracked campaigns: {known}." if known else "None is tracked yet.")
        for campaign in only.campaigns
        if not any(matches(campaign, name) for name in names)
    ]


def _called(campaign: str) -> str:
    if campaign.endswith("*"):
        return f"has a name that begins with “{campaign[:-1]}”"
    return f"is called “{campaign}”"


def _accounts(wired: "EmailOpens") -> list[str]:
    from email_opens_cli.deployed.accounts import connected  # noqa: PLC0415 - boto3

    found = connected(aws().client("ssm"), wired.settings.credentials_prefix)
    return found or [DEFAULT_ACCOUNT]
