"""The stack's alert: the URL of its webhook, and the stack's parameters for it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from email_opens.errors import EmailOpensError, InvalidInput
from email_opens_cli.deployed.clients import code_of
from email_opens_cli.deployed.product import described, parameters
from email_opens_cli.deployed.subscribing.plans import Access, Plan, explained
from email_opens_cli.deployed.subscribing.targets import host_of
from email_opens_cli.terminal.console import progress

WEBHOOK = "AlertWebhook"
PREFIX = "/email-opens-alerts/"
FILTER = {"AlertOpens": "first", "AlertMaxDelaySeconds": "900", "AlertCampaigns": ""}
"""The parameters that select what the alert shows, with the template's defaults."""
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
_PAUSE_SECONDS = 3


def parameter_of(stack: str) -> str:
    """Return the name of the parameter with the URL, by the name or the ARN of a stack."""
    name: str = described(stack)["StackName"]
    return PREFIX + name


def webhook_of(stack: str) -> str:
    """Return the name of the parameter that a stack's alert reads; empty: there is no alert."""
    return parameters(stack).get(WEBHOOK, "")


def plan_alert(access: Access, stack: str, url: str, settings: Mapping[str, str]) -> Plan:
    """Return what is missing for the alert; `settings` are its filter, defaults left out.

    Raises:
        InvalidInput: the deployed stack has no alert yet, or is being changed.
        EmailOpensError: AWS denies a request.
    """
    has = _check(stack)
    undecided = has.get("FirstOpens") == "DISABLED"
    settings = {**FILTER, **({"AlertOpens": "all"} if undecided else {}), **settings}
    missing = [name for name in (WEBHOOK, *settings) if name not in has]
    if missing:
        raise InvalidInput(
            f"The deployed stack has no parameter {', '.join(missing)}, because it is of an older "
            "version: deploy this version with `make deploy`, and run the command again."
        )
    if settings["AlertOpens"] == "first" and undecided:
        raise InvalidInput(
            "The stack's events do not say which opens are first (FirstOpens=DISABLED): leave "
            "first-opens out, or run `make deploy PARAMETERS=FirstOpens=ENABLED` and then the "
            "command again."
        )
    plan, name = Plan(), parameter_of(stack)
    with explained():
        stored = _stored(access, name)
    if stored == url:
        plan.exists.append(f"The parameter {name} has this URL.")
    else:
        verb = "store" if stored is None else "replace"
        plan.add(
            f"{verb} the URL, {host_of(url)}, encrypted in the parameter {name}",
            lambda: _store(access, name, url),
        )
    changes = {
        key: value
        for key, value in {WEBHOOK: name, **settings}.items()
        if _listed(has[key]) != _listed(value)
    }
    _plan_update(plan, access, stack, changes)
    plan.exists.append(f"The alert shows {_in_words(settings)}.")
    return plan


def _in_words(settings: Mapping[str, str]) -> str:
    """Return what an alert with a filter shows, as the end of a sentence."""
    opens = "first opens" if settings["AlertOpens"] == "first" else "all opens"
    campaigns = settings["AlertCampaigns"]
    of = f"of the campaigns {campaigns}" if campaigns else "of all campaigns"
    return f"{opens} {of}, if published within {settings['AlertMaxDelaySeconds']} seconds"


def plan_no_alert(access: Access, stack: str) -> Plan:
    """Return what ends the alert; without steps, there is none."""
    has, plan, name = _check(stack), Plan(), parameter_of(stack)
    used = has.get(WEBHOOK, "")
    if used:
        # The next alert begins with the filter that its command names.
        reset = {key: value for key, value in FILTER.items() if has.get(key, value) != value}
        _plan_update(plan, access, stack, {WEBHOOK: "", **reset})
    if used and used != name:
        plan.exists.append(f"The parameter {used} stays, since `subscribe` did not create it.")
    with explained():
        stored = _stored(access, name)
    if stored is not None:
        ssm = access.client("ssm")
        plan.add(f"delete the parameter {name}", lambda: ssm.delete_parameter(Name=name))
    return plan


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",")]


def _check(stack: str) -> dict[str, str]:
    """Return the parameters of a stack that can be updated."""
    status = described(stack)["StackStatus"]
    if status.endswith("_IN_PROGRESS"):
        raise InvalidInput(
            f"The stack is being changed ({status}): run the command again after the change."
        )
    return parameters(stack)


def _stored(access: Access, name: str) -> str | None:
    try:
        reply = access.client("ssm").get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        return None
    value: str = reply["Parameter"]["Value"]
    return value


def _store(access: Access, name: str, url: str) -> None:
    access.client("ssm").put_parameter(
        Name=name,
        Value=url,
        Type="SecureString",
        Overwrite=True,
        Description="The URL of the webhook to which email-opens sends alerts.",
    )


def _plan_update(plan: Plan, access: Access, stack: str, changes: Mapping[str, str]) -> None:
    if not changes:
        plan.exists.append("The stack's parameters need no change.")
        return
    shown = ", ".join(f"{key}={value}" for key, value in changes.items())
    plan.add(
        f"update the stack with {shown}, which takes a minute or two",
        lambda: _update(access, stack, changes),
    )


def _update(access: Access, stack: str, changes: Mapping[str, str]) -> None:
    """Update a stack with its own template, and wait until that has ended.

    Raises:
        EmailOpensError: the update failed.
    """
    client, token = access.client("cloudformation"), f"email-opens-{uuid4().hex}"
    values = [
        {"ParameterKey": key, "ParameterValue": changes[key]}
        if key in changes
        else {"ParameterKey": key, "UsePreviousValue": True}
        for key in parameters(stack)
    ]
    try:
        client.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=values,
            Capabilities=list(_CAPABILITIES),
            ClientRequestToken=token,
        )
    except ClientError as error:
        if "No updates are to be performed" not in error.response["Error"].get("Message", ""):
            raise
        return
    with progress("Updating the stack", None) as show:
        while True:
            status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            show(len(_events(client, stack, token)))
            access.clock.sleep(_PAUSE_SECONDS)
    if status != "UPDATE_COMPLETE":
        failed = [each for each in _events(client, stack, token) if _has_failed(each)]
        reason = f": {failed[-1].get('ResourceStatusReason', '')}" if failed else ""
        raise EmailOpensError(f"The update of the stack ended with {status}{reason}.")


def _events(client: Any, stack: str, token: str) -> list[Mapping[str, Any]]:
    """Return the latest events of an update, newest first."""
    reply = client.describe_stack_events(StackName=stack)
    return [each for each in reply["StackEvents"] if each.get("ClientRequestToken") == token]


def _has_failed(event: Mapping[str, Any]) -> bool:
    return str(event.get("ResourceStatus", "")).endswith("_FAILED")
