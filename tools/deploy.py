"""Deploy what is built, remember the stack for this folder, and print what is next.

    SAM_COMMAND=sam python tools/deploy.py [--check] [--stack NAME] [PARAMETER=VALUE]…

With --check, only the arguments, the region and the credentials are checked, before a build.
A parameter that is not given keeps its value; in a new stack it has the template's default.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments import invocation
from email_opens_cli.arguments.stack import FILE, VARIABLE, Deployed, choose, written
from email_opens_cli.deployed.accounts import connected
from email_opens_cli.deployed.product import aws, environment, outputs, parameters
from email_opens_cli.deployed.subscribing.alert import PREFIX as WEBHOOKS
from email_opens_cli.terminal.complaints import INTERRUPTED, complaints
from email_opens_cli.terminal.console import say

STACK = "email-opens"
"""The stack's name unless another was deployed from this folder."""
LONGEST_NAME = 64
"""The limit of EventBridge Scheduler for the name of a group, which is the stack's."""
LONGEST_PREFIX = 1011 - len("arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter") - 64
"""The limit of Parameter Store for an ARN, less what precedes the name, and an account's name."""
MOST_LEVELS = 13
"""Parameter Store's 15 levels of a name, less two for the salt below the prefix."""
RESERVED = ("/aws", "/ssm")
"""What Parameter Store accepts no name to begin with, in either case."""
PREFIX = "CredentialsPrefix"
PROGRAM = ".venv/bin/email-opens"
WITHOUT_PROMPTS = ("--no-confirm-changeset", "--no-fail-on-empty-changeset")


def main(arguments: Sequence[str]) -> int:
    """Deploy; return the exit code."""
    parser = argparse.ArgumentParser(prog="make deploy")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--stack")
    parser.add_argument("given", nargs="*", type=_override, metavar="PARAMETER=VALUE")
    options = parser.parse_args(arguments)
    try:
        with invocation.begun(), complaints():
            stack = choose(options.stack or os.environ.get(VARIABLE) or None) or STACK
            check_length(stack)
            if options.check:
                check_prefix(stack, credentials_prefix(stack, dict(options.given)))
                say(destination(stack))
                return 0
            return _deploy(stack, [_quoted(*each) for each in options.given])
    except typer.BadParameter as error:
        parser.error(str(error))
    except typer.Exit as ended:
        return ended.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def check_length(stack: str) -> None:
    """Refuse a name that is too long before anything is made; the ARN of a stack passes.

    Raises:
        InvalidInput: it is longer than LONGEST_NAME.
    """
    if len(stack) > LONGEST_NAME and not stack.startswith("arn:"):
        raise InvalidInput(
            f"The stack's name has {len(stack)} characters, and may have at most {LONGEST_NAME}, "
            "because its schedule group has the same name: choose a shorter one with STACK=NAME."
        )


def credentials_prefix(stack: str, given: Mapping[str, str]) -> str:
    """Return the prefix that the credentials will have, by the rules of the template."""
    kept = ""
    if PREFIX not in given:
        with suppress(InvalidInput):  # There is no such stack yet.
            kept = parameters(stack).get(PREFIX, "")
    name = stack.split("/")[1] if stack.startswith("arn:") and "/" in stack else stack
    return given.get(PREFIX, kept) or f"/{name}/"


def check_prefix(stack: str, prefix: str) -> None:
    """Refuse a prefix below which Parameter Store stores nothing, or webhooks are stored.

    Raises:
        InvalidInput: it is such a prefix.
    """
    reason = None
    if prefix.casefold().startswith(RESERVED):
        reason = "Parameter Store accepts no names that begin with “aws” or “ssm”"
    elif prefix.startswith(WEBHOOKS):
        reason = f"the webhooks of alerts are stored below {WEBHOOKS}"
    elif len(prefix) > LONGEST_PREFIX:
        reason = f"it has {len(prefix)} characters, and may have at most {LONGEST_PREFIX}"
    elif prefix.count("/") - 1 > MOST_LEVELS:
        reason = f"it has {prefix.count('/') - 1} levels, and may have at most {MOST_LEVELS}"
    if reason is not None:
        raise InvalidInput(
            f"The credentials of the stack {stack} cannot be stored below {prefix[:80]}, because "
            f"{reason}: choose another name for a new stack with STACK=NAME, or another path with "
            "PARAMETERS=CredentialsPrefix=/NAME/."
        )


def destination(stack: str) -> str:
    """Return where a stack is to be deployed, as a sentence.

    Raises:
        botocore.exceptions.BotoCoreError: no region is set, or there are no credentials.
        botocore.exceptions.ClientError: AWS does not accept the credentials.
    """
    session = aws()
    session.client("cloudformation")  # Without a region, STS has a client.
    account = session.client("sts").get_caller_identity()["Account"]
    return f"Building {stack}, to deploy it to AWS account {account} in {session.region_name} …"


def _deploy(stack: str, overrides: Sequence[str]) -> int:
    running = invocation.current()
    session = aws()
    region, ssm = session.region_name, session.client("ssm")
    sam = shlex.split(os.environ.get("SAM_COMMAND", "sam"))
    command = [*sam, "deploy", "--stack-name", stack, "--region", region]
    command += ["--parameter-overrides", *overrides] if overrides else []
    # In CI (GitHub sets the variable) nobody can answer a prompt.
    command += WITHOUT_PROMPTS if os.environ.get("CI") else ()
    failed = subprocess.run(command, check=False).returncode  # noqa: S603 - a person's own
    if failed:
        return failed
    Path(FILE).write_text(written(Deployed(stack, region)), encoding="utf-8")
    running.stack, found = stack, outputs(stack)
    given = parameters(stack)
    accounts = connected(ssm, environment(stack)["CREDENTIALS_PREFIX"])
    say(*next_steps(stack, region, given["AccountId"], found, accounts))
    return 0


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isalnum()):
        raise argparse.ArgumentTypeError(f"“{text}” is not PARAMETER=VALUE.")
    return name, value


def _quoted(name: str, value: str) -> str:
    """Return a parameter as SAM reads it, also if its value has blanks or quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def next_steps(
    stack: str,
    region: str,
    account_id: str,
    found: Mapping[str, str],
    accounts: Sequence[str],
) -> Iterator[str]:
    """Yield what to do after a deployment, in lines; `accounts` are connected already."""
    run = f"{PROGRAM} %s --stack {stack}"
    yield ""
    yield f"The stack {stack} is deployed in {region}. In this folder,"
    yield "email-opens works on it even without --stack."
    if account_id not in accounts:
        yield ""
        yield "Connect the Constant Contact account, which needs the id of your application:"
        yield f"  {run % f'connect {account_id}'}"
    yield ""
    yield "Show the opens here as they are published:"
    yield f"  {run % 'tail'}"
    yield "Receive them in a queue of your own, here called opens, or in Slack or Teams:"
    yield f"  {run % 'subscribe --queue opens'}"
    yield f"  {run % 'subscribe --slack -'}"
    yield "docs/recipes.md has more ways. The topic is"
    yield f"  {found['OpensTopicArn']}"
    yield ""
    yield "See what is polled, and whether opens arrive:"
    yield f"  {run % 'status'}"
    yield f"  {run % 'doctor'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
