"""Deploy the stack to AWS from the clone."""

import shutil
import subprocess
from pathlib import Path

import typer

from email_opens.errors import InvalidInput

CLOSED_PIPE = 13
"""The signal that ends a program whose reader has closed the pipe."""
SIGNALLED = 128
"""The exit code of a program that a signal has ended, less the signal's number."""


def deploy() -> None:
    """Deploy the stack to AWS: the same as `make deploy` in a clone of the repository.

    To set parameters or the name of the stack, run `make deploy` there.
    """
    from embedded_aws import CLONE  # noqa: PLC0415 - boto3

    raise typer.Exit(make_deploy(CLONE))


def make_deploy(clone: Path | None) -> int:
    """Run `make deploy` in a clone; return its exit code.

    Raises:
        InvalidInput: there is no clone, or no make.
    """
    if clone is None:
        raise InvalidInput(
            "Deploying needs a clone of the repository: clone it, and run `make deploy` there."
        )
    make = shutil.which("make")
    if make is None:
        raise InvalidInput("Deploying needs make: install it, and try again.")
    code = subprocess.run([make, "deploy"], cwd=clone, check=False).returncode  # noqa: S603
    if code == -CLOSED_PIPE:
        return 0
    return code if code >= 0 else SIGNALLED - code
