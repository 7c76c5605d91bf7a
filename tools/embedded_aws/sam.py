"""SAM: runs its commands, and builds the template for this machine."""

import os
import platform
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from embedded_aws.errors import EmbeddedAwsFailed
from embedded_aws.uv import STACK, environment_without_aws, uv_tool_run

_SAM = ("--from", "aws-sam-cli==1.170.0", "sam")


def build(folder: Path) -> Path:
    """Build the template for this machine into a folder; return the built template."""
    # SAM empties the folder that it builds into, and refuses to if it runs in that folder.
    built = folder / "built"
    folder.mkdir(parents=True, exist_ok=True)
    machine = "aarch64" if host_architecture() == "arm64" else "x86_64"
    run_sam(
        (
            "build",
            *("--template-file", str(STACK / "template.yaml"), "--build-dir", str(built)),
            *("--parameter-overrides", f"Architecture={host_architecture()}"),
        ),
        environment_without_aws() | {"LAYER_PLATFORM": f"{machine}-manylinux_2_28"},
        folder,
    )
    return built / "template.yaml"


def run_sam(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> None:
    """Run a SAM command in a folder.

    Raises:
        EmbeddedAwsFailed: the command failed.
    """
    # A session of its own: an interruption ends all of it, and not only its first process.
    process = subprocess.Popen(  # noqa: S603 - no input from outside
        [*uv_tool_run(), *_SAM, *arguments],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            printed, _ = process.communicate()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise EmbeddedAwsFailed(f"`sam {arguments[0]}` failed.", printed)


def host_architecture() -> str:
    """Return this machine's processor architecture by Lambda's name."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
