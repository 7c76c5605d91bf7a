"""The stack that a command works on, if it names none itself.

`--stack` comes first, then EMAIL_OPENS_STACK, then settings in the environment, then the stack
that was deployed from this folder.
"""

import os
import re
from pathlib import Path
from typing import Any

import typer
from msgspec import Struct

from email_opens.errors import InvalidInput
from email_opens_cli.arguments import invocation

VARIABLE = "EMAIL_OPENS_STACK"
SETTING = "TRACKING_TABLE"
"""The variable by which the settings of a deployed product can be recognised."""
FILE = ".deployed.toml"
"""What `make deploy` writes: the stack and its region."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*|arn:[!-~]+")
_SAM_FILE = "samconfig.toml"
"""What `sam deploy --guided` writes."""


class Deployed(Struct, frozen=True):
    """A stack that was deployed from a folder."""

    name: str
    region: str | None


def choose(given: str | None) -> str | None:
    """Return the stack of a command, and note it in the invocation; None: there is none.

    The value of --stack or EMAIL_OPENS_STACK is `given`.

    Raises:
        InvalidInput: it is not the name or the ARN of a stack.
        typer.BadParameter: the folder's file cannot be read.
    """
    running = invocation.current()
    if given is not None and not _NAME.fullmatch(given):
        raise InvalidInput(
            f"“{given[:80]}” is not the name of a stack: expected letters, digits and dashes."
        )
    deployed = None
    if given is None and os.environ.get(SETTING):
        return None
    if given is None or not _region_is_set():
        deployed = deployed_from(Path())
    running.stack = given
    if given is None and deployed is not None:
        running.stack = deployed.name
    if deployed and deployed.name == running.stack and not _region_is_set():
        running.region = deployed.region
    return running.stack


def deployed_from(folder: Path) -> Deployed | None:
    """Return the stack that was deployed from a folder; None: none was.

    Raises:
        typer.BadParameter: the file that names it cannot be read.
    """
    import tomllib  # noqa: PLC0415 - not for commands that need no stack

    for name in (FILE, _SAM_FILE):
        path = folder / name
        try:
            values = _values(tomllib.loads(path.read_text(encoding="utf-8")), name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise typer.BadParameter(
                f"{path} cannot be read ({error}): correct it, or add --stack NAME."
            ) from None
        stack, region = values.get("stack_name"), values.get("region")
        if isinstance(stack, str) and stack:
            return Deployed(stack, region if isinstance(region, str) and region else None)
    return None


def written(deployed: Deployed) -> str:
    """Return the content of `FILE`."""
    lines = [
        "# `make deploy` writes this: the stack that email-opens uses in this folder.",
        f'stack_name = "{deployed.name}"',
    ]
    if deployed.region:
        lines.append(f'region = "{deployed.region}"')
    return "\n".join(lines) + "\n"


def _values(document: dict[str, Any], name: str) -> dict[str, Any]:
    if name == FILE:
        return document
    # Its global section names a stack that may never have been deployed.
    for key in ("default", "deploy", "parameters"):
        found = document.get(key)
        document = found if isinstance(found, dict) else {}
    return document


def _region_is_set() -> bool:
    return any(os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
