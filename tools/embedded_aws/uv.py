"""uv, which runs MiniStack and SAM, and the environment that they run in."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from embedded_aws.errors import EmbeddedAwsFailed

_HERE = Path(__file__).resolve()
CLONE = _HERE.parents[2] if (_HERE.parents[2] / "Makefile").is_file() else None
"""The clone that this package is part of; None: it was installed from a wheel."""
STACK = CLONE or _HERE.with_name("stack")
"""The folder with the template, the functions and the layer."""


def uv_tool_run() -> list[str]:
    """Return the command that runs a tool; the tool's own words follow it."""
    # The interpreter beneath this environment: uv might find no other, and download one.
    python = str(Path(sys.executable).resolve())
    return [uv(), "tool", "run", "--quiet", "--python", python]


def environment_without_aws() -> dict[str, str]:
    """Return this process's environment without AWS settings, with uv and Python on the PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTEST_")) and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    # SAM needs python3.13, and the layer's Makefile needs uv.
    path = [str(Path(sys.executable).parent), str(Path(uv()).parent), kept.get("PATH", "")]
    return kept | {
        "PATH": os.pathsep.join(path),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # By default it waits five seconds before it looks.
    }


@cache
def uv() -> str:
    """Return the uv that the Makefile uses: the one on the PATH if it works, else the project's."""
    own = CLONE and str(CLONE / ".uv/bin/uv")
    for candidate in (shutil.which("uv"), own):
        if candidate and _works(candidate):
            return candidate
    raise EmbeddedAwsFailed(
        "uv was not found. "
        + (
            "Run `make test` or `make demo`, which install it."
            if CLONE
            else "Install it: `pip install uv`, or see https://docs.astral.sh/uv/."
        )
    )


def _works(candidate: str) -> bool:
    try:
        command = [candidate, "--version"]
        return not subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603
    except OSError:
        return False
