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
"""boto3 and the runtime client, with all that they need: what Lambda brings along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """The folders of Lambda's path, in its order."""

    function: Path
    layer: Path
    runtime: Path

    @property
    def path(self) -> str:
        return os.pathsep.join(str(one) for one in (self.function, self.layer, self.runtime))


@dataclass(frozen=True, slots=True)
class Running:
    """A function at work."""

    api: RuntimeApi
    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End the process at once, as Lambda may; return when nothing of it runs any more."""
        self.process.kill()
        self.process.wait()

    def invoke(self, event: object) -> Outcome:
        """Hand an event to the function, and wait for what comes of it."""
        self.api.hand_out(event)
        return self.outcome()

    def outcome(self) -> Outcome:
        """Wait for what comes of an event that was handed out."""
        try:
            return self.api.outcomes.get(timeout=ANSWER_SECONDS)
        except Empty:
            raise AssertionError(f"The function did not answer. It wrote:\n{self.logged}") from None

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def logged(self) -> str:
        """All that Lambda would write to the log."""
        return self.stdout + (self.folder / "stderr").read_text()


@contextmanager
def running(
    artefact: Artefact,
    environment: Mapping[str, str],
    folder: Path,
    *,
    seconds: float = ANSWER_SECONDS,
) -> Iterator[Running]:
    """Run the function until the `with` ends; what it writes is kept in a folder.

    `seconds` are what it is told that an invocation may take.
    """
    with (
        RuntimeApi(seconds) as api,
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
    ):
        process = subprocess.Popen(
            # No site-packages, no user's, and not the folder that it runs in.
            [sys.executable, "-S", "-s", "-P", "-m", "awslambdaric", "app.handler"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=artefact.function,
            env={
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                "AWS_LAMBDA_FUNCTION_NAME": "built",
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
                **environment,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "PYTHONPATH": artefact.path,
                # As on Lambda, where nothing can be written beside the code.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        try:
            yield Running(api, folder, process)
        finally:
            process.kill()
            process.wait()


def link_runtime(folder: Path) -> Path:
    """Fill a folder with what Lambda brings along, and nothing else; return it."""
    for name in _LAMBDA_HAS:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (folder / top).symlink_to(str(distribution(name).locate_file(top)))
    return folder
