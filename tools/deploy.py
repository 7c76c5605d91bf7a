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
from pathlib import Path

import typer

from email_opens.errors import InvalidInput
from email_opens_cli.arguments import invocation
from email_opens_cli.arguments.stack import FILE, VARIABLE, Deployed, choose, written
from email_opens_cli.deployed.accounts import connected
from email_opens_cli.deployed.product import aws, outputs, parameters
from email_opens_cli.terminal.complaints import INTERRUPTED, complaints
from email_opens_cli.terminal.console import say

STACK = "email-opens"
"""The stack's name unless another was deployed from this folder."""
LONGEST_NAME = 64
"""The limit of EventBridge Scheduler for the name of a group, which is the stack's."""
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
                say(destination(stack))
                return 0
            return _deploy(stack, options.given)
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
    accounts = connected(ssm, given["CredentialsPrefix"])
    say(*next_steps(stack, region, given["AccountId"], found, accounts))
    return 0


def _override(text: str) -> str:
    """Return a parameter as SAM reads it, also if its value has blanks or quotes."""
    name, equals, value = text.partition("=")
    if not (equals and name.isalnum()):
        raise argparse.ArgumentTypeError(f"“{text}” is not PARAMETER=VALUE.")
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
