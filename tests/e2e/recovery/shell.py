"""A shell in which the commands of docs/recovery.md are pasted as the page shows them."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.uv import uv_tool_run
from tests.integration.deployment import ROOT
from tests.unit.pages.recipes import recipe

AWS_CLI = "awscli==1.46.2"
PAGE = (ROOT / "docs" / "recovery.md").read_text()
DEPLOY = Path(__file__).with_name("deploy.py")
BASH = shutil.which("bash") or "bash"
STATE = "state.sh"
"""The variables that the next block finds: those that the blocks before it have exported."""


def section(heading: str) -> list[str]:
    """Return the blocks of shell commands of a section of the page."""
    return recipe(heading, "sh", page=PAGE)


def find_aws_cli() -> Path:
    """Return the AWS CLI, which the first call on a machine downloads."""
    command = [*uv_tool_run(), "--from", AWS_CLI, "python", "-c", "import sys; print(sys.prefix)"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip(), "bin", "aws")


@dataclass(frozen=True, slots=True)
class Shell:
    """Bash in a folder of its own, at an emulated AWS."""

    folder: Path

    def paste(self, *blocks: str, typed: str = "") -> str:
        """Run blocks one after the other, with what a person types; return what they print.

        Raises:
            AssertionError: a command of a block failed.
        """
        printed = ""
        for block in blocks:
            # `cd` sets the variable PWD.
            script = f"set -eu\n. ./{STATE}\ncd -P .\n{block}\nexport -p > {STATE}\n"
            done = subprocess.run(
                [BASH, "-c", script],
                cwd=self.folder,
                env={},  # All of it is in the file.
                input=typed,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{block}\nended with:\n{done.stdout}{done.stderr}"
            printed += done.stdout
        return printed


def prepare(folder: Path, aws_cli: Path, environment: Mapping[str, str]) -> Shell:
    """Return a shell with the project's programs, the AWS CLI, and stand-ins for two programs.

    `sleep` returns at once, since the emulated AWS has nothing to wait for. `make deploy` deploys
    what is already built, without a question.
    """
    programs = folder / "programs"
    programs.mkdir(parents=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # The AWS CLI 2, which is no Python package, reads AWS_REGION and uses the endpoint for SQS too.
    region = 'AWS_DEFAULT_REGION="$AWS_REGION"'
    _write(programs / "aws", f'{region} exec "{aws_cli}" --endpoint-url "$AWS_ENDPOINT_URL" "$@"')
    _write(programs / "sleep", "exit 0")
    _write(programs / "make", f'{region} exec "{sys.executable}" "{DEPLOY}" "$@"')
    path = os.pathsep.join([str(programs), environment["PATH"]])
    kept = {key: value for key, value in environment.items() if key != "AWS_DEFAULT_REGION"}
    variables = {**kept, "PATH": path}
    (folder / STATE).write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    )
    return Shell(folder)


def _write(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
