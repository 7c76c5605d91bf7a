"""MiniStack: starts and stops it, hands out clients, and deploys stacks to it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from email_opens.config.settings import environment_of
from embedded_aws.errors import EmbeddedAwsFailed
from embedded_aws.processes import function_processes, kill
from embedded_aws.sam import build, host_architecture, run_sam
from embedded_aws.uv import environment_without_aws, uv_tool_run

_MINISTACK = ("--from", "ministack==1.5.33", "--with", "aws-sam-translator", "--with", "boto3")
_REGION = "eu-west-1"
_KEYS = ("embedded", "embedded")
_START_SECONDS = 120
"""The first start on a machine downloads MiniStack's packages."""

type Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack."""

    name: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The stack's settings, as `email_opens.config.stack` reads them."""
        return environment_of({**self.parameters, **self.outputs, "StackName": self.name})


class EmbeddedAws:
    """MiniStack on a free loopback port, stopped when the `with` block or this process ends."""

    def __init__(
        self, *, progress: Progress = lambda _: None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._progress = progress
        self._settings = dict(settings or {})
        """Further settings of MiniStack, by the names of its environment variables."""
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.environment = environment_without_aws() | {
            "AWS_ACCESS_KEY_ID": _KEYS[0],
            "AWS_SECRET_ACCESS_KEY": _KEYS[1],
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_REGION": _REGION,
            "AWS_ENDPOINT_URL": self.url,
        }
        """The environment in which a process reaches this AWS and no other."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._progress("Starting an AWS on this machine")
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start MiniStack without waiting until it is ready."""
        # Its name is known before it exists, so that an interruption leaves no folder behind.
        self._folder = Path(tempfile.gettempdir(), f"email-opens-aws-{secrets.token_hex(8)}")
        try:
            self._folder.mkdir(mode=0o700)
            # A file without a name, since it is read after the folder was removed.
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
            self._process = self._started()
        except BaseException:
            # The process that would remove the folder is not known.
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [*uv_tool_run(), *_MINISTACK, "ministack"]
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "LAMBDA_EXECUTOR": "local",
            "MINISTACK_REGION": _REGION,
            "TMPDIR": str(self._folder),
        }
        supervised = [sys.executable, str(Path(__file__).with_name("supervised.py"))]
        return subprocess.Popen(  # noqa: S603 - no input from outside
            [*supervised, str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            cwd=self._folder,
            env=self.environment | settings | self._settings,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until MiniStack answers.

        Raises:
            EmbeddedAwsFailed: it has ended, or does not answer in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._process is not None and self._process.poll() is None:
            if _is_healthy(self._port):
                return
            if time.monotonic() > deadline:
                raise EmbeddedAwsFailed(
                    f"MiniStack was not ready within {_START_SECONDS} seconds.", self._printed()
                )
            time.sleep(0.05)  # MiniStack does not signal when it listens.
        raise EmbeddedAwsFailed("MiniStack exited before it was ready.", self._printed())

    def close(self) -> None:
        """Stop MiniStack and the functions that it runs, and remove their files."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.wait()
        self._log.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client for this AWS; `service` is a name such as `sqs`."""
        # Not the default session, which would read the user's profile.
        make: Callable[..., Any] = boto3.session.Session(*_KEYS, region_name=_REGION).client
        return make(service, endpoint_url=self.url, config=Config(retries={"mode": "standard"}))

    def build(self, folder: Path) -> Path:
        """Build the template for this machine into a folder; return the built template."""
        self._progress("Building the function and its layer")
        return build(folder)

    @contextmanager
    def deployed(self, built: Path, name: str, parameters: Mapping[str, str]) -> Iterator[Stack]:
        """Deploy a built template; delete the stack when the `with` block ends."""
        stack = self.deploy(built, name, parameters)
        try:
            yield stack
        finally:
            self.delete(name)

    def deploy(self, built: Path, name: str, parameters: Mapping[str, str]) -> Stack:
        """Deploy a built template with `sam deploy`, just as to AWS."""
        self._progress(f"Deploying the stack {name}")
        overrides = {"Architecture": host_architecture()} | dict(parameters)
        self._sam(
            "deploy",
            *("--template-file", str(built), "--stack-name", name, "--resolve-s3"),
            *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"),
            "--no-progressbar",
            *("--parameter-overrides", *(f"{key}={value}" for key, value in overrides.items())),
        )
        return self.stack(name)

    def stack(self, name: str) -> Stack:
        """Return a deployed stack by name."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return Stack(
            name,
            {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        )

    def delete(self, name: str) -> None:
        """Delete a stack; resources that its template retains stay."""
        self._progress(f"Deleting the stack {name}")
        self._sam("delete", "--stack-name", name, "--no-prompts", "--region", _REGION)

    def kill_function(self, name: str) -> int:
        """Kill the processes that run a function now; return how many there were."""
        return kill(function_processes(self._folder, name))

    def _sam(self, *arguments: str) -> None:
        run_sam(arguments, self.environment, self._folder)

    def _printed(self) -> str:
        # pread: a plain read would move the file position at which MiniStack writes.
        size_bytes = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size_bytes, 0).decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
