"""The built function under AWS's own runtime client, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from queue import Empty

from tests.e2e.runtime_api import ANSWER_SECONDS, Outcome, RuntimeApi

_LAMBDA_HAS = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)
"""What Lambda provides: boto3, the runtime client, and their dependencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """The folders of Lambda's path, in order."""

    function: Path
    layer: Path
    runtime: Path

    @property
    def path(self) -> str:
        return os.pathsep.join(str(folder) for folder in (self.function, self.layer, self.runtime))


@dataclass(frozen=True, slots=True)
class RunningFunction:
    """A function in a process of its own."""

    api: RuntimeApi
    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill the process at once, as Lambda may; return when it has ended."""
        self.process.kill()
        self.process.wait()

    def invoke(self, event: object) -> Outcome:
        """Send an event to the function, and wait for the outcome."""
        self.api.send(event)
        return self.outcome()

    def outcome(self) -> Outcome:
        """Wait for the outcome of an event that was sent."""
        try:
            return self.api.outcomes.get(timeout=ANSWER_SECONDS)
        except Empty:
            raise AssertionError(f"The function did not reply. Its log:\n{self.log}") from None

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def log(self) -> str:
        """Everything that Lambda would write to the log."""
        return self.stdout + (self.folder / "stderr").read_text()


@contextmanager
def run_function(
    artefact: Artefact,
    environment: Mapping[str, str],
    folder: Path,
    *,
    seconds: float = ANSWER_SECONDS,
) -> Iterator[RunningFunction]:
    """Run the function until the `with` ends; write its output into a folder.

    `seconds` is the time limit of an invocation that the function is given.
    """
    with (
        RuntimeApi(seconds) as api,
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
    ):
        process = subprocess.Popen(
            # Without site-packages, the user's packages and the current folder.
            [sys.executable, "-S", "-s", "-P", "-m", "awslambdaric", "app.handler"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=artefact.function,
            env={
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_LAMBDA_FUNCTION_NAME": "built",
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
                **environment,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "PYTHONPATH": artefact.path,
                # As on Lambda, where the folder of the code is read-only.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        try:
            yield RunningFunction(api, folder, process)
        finally:
            process.kill()
            process.wait()


def link_runtime(folder: Path) -> Path:
    """Fill a folder with what Lambda provides; return it."""
    for name in _LAMBDA_HAS:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (folder / top).symlink_to(str(distribution(name).locate_file(top)))
    return folder
